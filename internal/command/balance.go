package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// GetBalance saves the balance of the account at the seller in the panel: for the processing module of --module, else for every
// one that this binary serves (docs/reference/billmanager.md §11). A failure of one does not stop the others; the error names all
// that failed.
func GetBalance(ctx context.Context, run *item.Run) (*etree.Document, error) {
	doc := xmldoc.New()
	if run.Args.Module > 0 {
		node := doc.Root()
		if run.TextOutput() {
			node = node.CreateElement("processingmodule")
			node.CreateAttr("id", strconv.FormatInt(run.Args.Module, 10))
		}
		err := balanceOf(ctx, run, run.Args.Module, node)
		return balanceAnswer(run, doc), err
	}
	modules, err := run.Panel.Modules(ctx)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, module := range modules {
		node := doc.Root().CreateElement("processingmodule")
		node.CreateAttr("id", strconv.FormatInt(module, 10))
		if err := balanceOf(ctx, run, module, node); err != nil {
			failed = append(failed, fmt.Errorf("processing module %d: %w", module, err))
		}
	}
	return balanceAnswer(run, doc), joinFaults(failed)
}

// balanceAnswer returns the document; for people it sets Print to a text instead.
func balanceAnswer(run *item.Run, doc *etree.Document) *etree.Document {
	if !run.TextOutput() {
		return doc
	}
	table := terminal.Table{Styles: run.Styles, Columns: []terminal.Column{{Title: "module", Right: true}, {Title: "balance", Right: true}, {}}}
	var rows [][]terminal.Cell
	for _, node := range doc.Root().ChildElements() {
		if sum := xmldoc.Child(node, "balance"); sum != nil {
			rows = append(rows, []terminal.Cell{
				terminal.Text(node.SelectAttrValue("id", "")), terminal.Text(sum.Text()), terminal.Text(xmldoc.Child(node, "currency").Text()),
			})
		}
	}
	if run.Print = "no processing module of the panel uses " + run.Binary + "\n"; len(rows) > 0 {
		run.Print = table.Render(rows) + "saved in the panel\n"
	}
	return nil
}

const (
	// balanceTime limits the time for one module's balance: a person or other modules may wait for it (rules TIME-4).
	balanceTime = 9 * time.Second
	// balanceRequestTime is the part of it for the request to the seller; the rest is for saving the balance in the panel.
	balanceRequestTime = 8 * time.Second
)

// balanceOf reads one balance, saves it in the panel and adds it to the node.
func balanceOf(ctx context.Context, run *item.Run, module int64, node *etree.Element) error {
	ctx, stop := context.WithTimeout(ctx, balanceTime)
	defer stop()
	theSeller, err := item.Dial(ctx, run, module)
	if err != nil {
		return err
	}
	reporter, ok := theSeller.(seller.BalanceReporter)
	if !ok {
		return item.Unsupported(run, "reading the balance")
	}
	requestCtx, stopRequest := context.WithTimeout(ctx, balanceRequestTime)
	defer stopRequest()
	balance, err := reporter.Balance(requestCtx)
	if err != nil {
		return err
	}
	if err := run.Panel.SaveBalance(ctx, module, balance); err != nil {
		return err
	}
	run.Log.Infof("processing module %d: the account at %s holds %s %s", module, run.Info.Title, balance.Text, balance.Currency)
	node.CreateElement("balance").SetText(balance.Text)
	node.CreateElement("currency").SetText(balance.Currency)
	return nil
}

// joinFaults returns one fault for several errors, with the type and object of the first and the texts of all. It is retryable
// only if each of them is.
func joinFaults(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	first := fault.From(errs[0])
	all := fault.Error{Type: first.Type, Object: first.Object, Retry: true, Err: errors.Join(errs...)}
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
		all.Retry = all.Retry && fault.From(err).Retry
	}
	all.Message = strings.Join(texts, "; ")
	return &all
}
