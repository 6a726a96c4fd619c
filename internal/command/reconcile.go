package command

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/reconcile"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// Reconcile compares the seller's orders of a month with the panel's items and the purchase journal (rules RECONCILE-1 to
// RECONCILE-6). It only reads. Run.Failed makes the exit code 1 if money is unexplained.
func Reconcile(ctx context.Context, run *item.Run) (*etree.Document, error) {
	found, err := reconcile.Run(ctx, run)
	if err != nil {
		return nil, err
	}
	return answer(run, func() string { return reconcileText(run, found) }, func() any { return reconcileJSON(found) },
		func() *etree.Document { return reconcileDocument(found) })
}

// reconcileRow is one row in JSON.
type reconcileRow struct {
	Class       string `json:"class"`
	Unexplained bool   `json:"unexplained"`
	ID          int64  `json:"id,omitempty"`
	Item        int64  `json:"item,omitempty"`
	Name        string `json:"name,omitempty"`
	Product     string `json:"product,omitempty"`
	State       string `json:"state,omitempty"`
	Date        string `json:"date,omitempty"`
	Months      int    `json:"months,omitempty"`
	Journal     string `json:"journal,omitempty"`
	Reason      string `json:"reason"`
}

// reconcileAnswer is the comparison in JSON.
type reconcileAnswer struct {
	Module      int64          `json:"module"`
	Modules     []int64        `json:"modules"`
	Account     string         `json:"account"`
	Month       string         `json:"month"`
	Unexplained int            `json:"unexplained"`
	Counts      map[string]int `json:"counts"`
	Charged     *chargedAnswer `json:"charged,omitempty"`
	Rows        []reconcileRow `json:"rows"`
}

// chargedAnswer is what the account was charged in JSON.
type chargedAnswer struct {
	Count      int            `json:"count"`
	Unreadable int            `json:"unreadable"`
	Totals     []chargedTotal `json:"totals"`
	Problem    string         `json:"problem,omitempty"`
}

type chargedTotal struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func chargedJSON(charged *reconcile.Charged) *chargedAnswer {
	if charged == nil {
		return nil
	}
	answer := &chargedAnswer{Count: charged.Count, Unreadable: charged.Unreadable, Totals: []chargedTotal{}, Problem: charged.Problem}
	for _, total := range charged.Totals {
		answer.Totals = append(answer.Totals, chargedTotal{total.Text, total.Currency})
	}
	return answer
}

func reconcileJSON(found reconcile.Result) reconcileAnswer {
	answer := reconcileAnswer{
		Module: found.Module, Modules: found.Modules, Account: found.Account, Month: found.Month.String(), Unexplained: found.Unexplained(),
		Counts: map[string]int{}, Rows: []reconcileRow{}, Charged: chargedJSON(found.Charged),
	}
	for _, class := range reconcile.Classes() {
		answer.Counts[string(class)] = found.Count(class)
	}
	for _, row := range found.Rows {
		answer.Rows = append(answer.Rows, reconcileRow{
			Class: string(row.Class), Unexplained: row.Class.Unexplained(), ID: row.ID, Item: row.Item, Name: row.Name, Product: row.Product, State: row.State,
			Date: row.Date.String(), Months: row.Months, Journal: row.Journal, Reason: row.Reason,
		})
	}
	return answer
}

func reconcileDocument(found reconcile.Result) *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("reconcile")
	xmldoc.SetAttributes(node, "module", found.Module, "modules", item.FormatIDs(found.Modules), "account", found.Account, "month", found.Month, "unexplained", found.Unexplained())
	for _, class := range reconcile.Classes() {
		xmldoc.SetAttributes(node, string(class), found.Count(class))
	}
	if charged := chargedJSON(found.Charged); charged != nil {
		e := node.CreateElement("charged")
		xmldoc.SetAttributes(e, "count", charged.Count, "unreadable", charged.Unreadable)
		if charged.Problem != "" {
			xmldoc.SetAttributes(e, "problem", charged.Problem)
		}
		for _, total := range charged.Totals {
			xmldoc.SetAttributes(e.CreateElement("total"), "amount", total.Amount, "currency", total.Currency)
		}
	}
	for _, row := range found.Rows {
		e := node.CreateElement("row")
		xmldoc.SetAttributes(e, "class", row.Class, "unexplained", yesNo(row.Class.Unexplained()))
		for _, field := range []struct{ name, value string }{
			{"id", numberOrNone(row.ID)}, {"item", numberOrNone(row.Item)}, {"name", row.Name}, {"product", row.Product}, {"state", row.State},
			{"date", row.Date.String()}, {"months", numberOrNone(int64(row.Months))}, {"journal", row.Journal},
		} {
			if field.value != "" {
				xmldoc.SetAttributes(e, field.name, field.value)
			}
		}
		xmldoc.SetAttributes(e, "reason", row.Reason)
	}
	return doc
}

// numberOrNone returns a number as text, empty for 0.
func numberOrNone(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// reconcileTitles returns the heading of each class in a text for people.
func reconcileTitles() map[reconcile.Class]string {
	return map[reconcile.Class]string{
		reconcile.Nobodys: "paid, and on no item", reconcile.Twice: "probably paid twice", reconcile.Absent: "held or journaled, and not at the seller",
		reconcile.Unclear: "purchases without an answer", reconcile.Held: "paid, and on an item", reconcile.Renewal: "renewed in place",
		reconcile.Names: "names bought", reconcile.OtherPanel: "of another panel with the same account", reconcile.Ended: "refused, cancelled or deleted",
		reconcile.Unpaid: "ordered, and not paid",
	}
}

func reconcileText(run *item.Run, found reconcile.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "orders of %s at %s, account of the processing modules %s\n", found.Month, run.Info.Title, item.FormatIDs(found.Modules))
	titles := reconcileTitles()
	for _, class := range reconcile.Classes() {
		n := found.Count(class)
		if n == 0 {
			continue
		}
		style := run.Styles.Bold
		if class.Unexplained() {
			style = run.Styles.Red
		}
		fmt.Fprintf(&b, "\n%s: %d\n%s", style(titles[class]), n, reconcileTable(run, found, class))
	}
	b.WriteString("\n")
	if n := found.Unexplained(); n > 0 {
		b.WriteString(run.Styles.Red(fmt.Sprintf("unexplained: %d", n)) + "\n")
	} else {
		b.WriteString(run.Styles.Green("nothing is unexplained") + "\n")
	}
	b.WriteString(chargedText(found.Charged) + "\n")
	return b.String()
}

// chargedText returns the line about what the account was charged.
func chargedText(charged *reconcile.Charged) string {
	switch {
	case charged == nil:
		return "the seller's API does not tell what was charged: these are counts"
	case charged.Problem != "":
		return "what the account was charged is not known: " + item.DisplayLine(charged.Problem, maxReason)
	}
	var sums []string
	for _, total := range charged.Totals {
		sums = append(sums, total.Text+" "+item.DisplayLine(total.Currency, item.MaxName))
	}
	text := fmt.Sprintf("charges of the account in the month, for all of its services: %d", charged.Count)
	if len(sums) > 0 {
		text += ", " + strings.Join(sums, ", ")
	}
	if charged.Unreadable > 0 {
		text += fmt.Sprintf("; %d of them cannot be read", charged.Unreadable)
	}
	return text
}

// reconcileTable returns the rows of one class as a table.
func reconcileTable(run *item.Run, found reconcile.Result, class reconcile.Class) string {
	table := terminal.Table{Styles: run.Styles, Wrap: true, Indent: 2, Columns: []terminal.Column{
		{Title: "date"}, {Title: "order", Right: true}, {Title: "item", Right: true}, {Title: "name", Max: 30}, {Title: "product", Max: 24}, {Title: "reason"},
	}}
	var rows [][]terminal.Cell
	for _, row := range found.Rows {
		if row.Class != class {
			continue
		}
		reason := row.Reason
		if row.Journal == reconcile.JournalLacks {
			reason += "; not in the journal of this host"
		}
		rows = append(rows, []terminal.Cell{
			terminal.Text(row.Date.String()), terminal.Text(numberOrNone(row.ID)), terminal.Text(numberOrNone(row.Item)),
			terminal.Text(cmp.Or(item.DisplayLine(shownName(row.Name), item.MaxName), "-")), terminal.Text(item.DisplayLine(row.Product, item.MaxName)),
			terminal.Text(item.DisplayLine(reason, maxReason)),
		})
	}
	return table.Render(rows)
}
