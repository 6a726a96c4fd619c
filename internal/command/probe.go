package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// maxFinding limits one line of the seller's answer in the output, in characters.
const maxFinding = 500

// Probe sends requests to the seller that change nothing and shows the answers, for installations whose functions have
// different names.
func Probe(ctx context.Context, run *item.Run) (*etree.Document, error) {
	theSeller, err := item.Dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	prober, ok := theSeller.(seller.Prober)
	if !ok {
		return nil, item.Unsupported(run, "probing")
	}
	findings, err := prober.Probe(ctx)
	if err != nil {
		return nil, err
	}
	if run.TextOutput() {
		run.Print = findingsText(findings)
		return nil, nil
	}
	return findingsDocument(findings), nil
}

func findingsDocument(findings []seller.Finding) *etree.Document {
	doc := xmldoc.New()
	for _, f := range findings {
		node := doc.Root().CreateElement("probe")
		xmldoc.SetAttributes(node, "title", f.Title, "function", f.Function, "ok", yesNo(f.OK))
		for _, line := range f.Lines {
			xmldoc.AddText(node, "line", line)
		}
	}
	return doc
}

func findingsText(findings []seller.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		status := "ok    "
		if !f.OK {
			status = "FAILED"
		}
		fmt.Fprintf(&b, "%s %s (%s)\n", status, item.DisplayLine(f.Title, maxFinding), item.DisplayLine(f.Function, maxFinding))
		for _, line := range f.Lines {
			fmt.Fprintf(&b, "       %s\n", item.DisplayLine(line, maxFinding))
		}
	}
	return b.String()
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
