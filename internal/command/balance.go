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
	"pmssl/internal/xmldoc"
)

// GetBalance reports to the panel what the account at the seller holds: of one processing module with --module, else of
// every one that this binary serves (docs/reference/billmanager.md §11). One that fails does not stop the others; all that
// failed are named at the end.
func GetBalance(ctx context.Context, run *item.Run) (*etree.Document, error) {
	doc := xmldoc.New()
	if run.Args.Module > 0 {
		return doc, balanceOf(ctx, run, run.Args.Module, doc.Root())
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
	return doc, together(failed)
}

const (
	// balanceTime is how long one module's balance may take: a person may wait for it, or other modules (rules TIME-4).
	balanceTime = 9 * time.Second
	// balanceAsk of it is the seller's, so that the panel can be told.
	balanceAsk = 8 * time.Second
)

// balanceOf asks for one balance, hands it to the panel and writes it below the node.
func balanceOf(ctx context.Context, run *item.Run, module int64, node *etree.Element) error {
	ctx, stop := context.WithTimeout(ctx, balanceTime)
	defer stop()
	theSeller, err := item.Dial(ctx, run, module)
	if err != nil {
		return err
	}
	teller, ok := theSeller.(seller.BalanceReporter)
	if !ok {
		return item.Unsupported(run, "reading the balance")
	}
	asking, asked := context.WithTimeout(ctx, balanceAsk)
	defer asked()
	balance, err := teller.Balance(asking)
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

// together makes one fault of several errors: of the first one's type and object, with the texts of all. It passes by
// itself only where each of them does.
func together(errs []error) error {
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
