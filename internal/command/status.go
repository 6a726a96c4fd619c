package command

import (
	"context"
	"io"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/status"
)

// Status shows every item of this binary, or the one of --item: what is known about it, what the sweep does next and who is waited for
// (rules STATUS-1). With --check it answers like a monitoring plugin. It changes nothing and asks no seller.
func Status(ctx context.Context, run *item.Run) (*etree.Document, error) {
	report, err := status.Read(ctx, run)
	if err != nil {
		return nil, err
	}
	if run.Args.Check {
		defer func() { _ = report.Close() }() // it was only read
		line, code, err := report.Check(run.Args.Item != 0)
		run.Print, run.ExitCode = line, int(code)
		return nil, err
	}
	run.Stream = func(to io.Writer) error {
		defer func() { _ = report.Close() }()
		return writeStatus(run, report, to)
	}
	return nil, nil
}

// writeStatus writes the report in the format that was asked for.
func writeStatus(run *item.Run, report *status.Report, to io.Writer) error {
	switch run.Format {
	case item.FormatJSON:
		return report.WriteJSON(to)
	case item.FormatXML:
		return report.WriteXML(to)
	case item.FormatPrometheus:
		return report.WritePrometheus(to)
	case item.FormatHTML:
		return report.WriteHTML(to)
	}
	if run.Args.Item != 0 {
		return report.WriteItem(to, run.Styles)
	}
	return report.WriteText(to, run.Styles)
}
