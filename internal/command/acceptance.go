package command

import (
	"context"

	"github.com/beevik/etree"

	"pmssl/internal/acceptance"
	"pmssl/internal/item"
)

// Acceptance takes a test item through its whole life at the seller's sandbox, as far as it can go now, and writes and shows a
// report about the facts that nobody has confirmed. Without --yes it only reads.
func Acceptance(ctx context.Context, run *item.Run) (*etree.Document, error) {
	report, err := acceptance.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	run.Failed = report.Failed()
	if err := report.Save(run); err != nil {
		return nil, err
	}
	switch run.Format {
	case item.FormatText:
		run.Print = report.Text(run.Styles)
		return nil, nil
	case item.FormatJSON:
		run.Print, err = report.JSON()
		return nil, err
	}
	return report.Document(), nil
}
