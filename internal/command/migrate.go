package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// maxReason limits a reason in a text for people, in characters.
const maxReason = 300

// Migrate gives items that the panel's own module has ordered what an order of this module has (rules MIGRATE-1 to MIGRATE-7). Without
// --yes it shows what it would do. Nothing is bought, and nothing changes at the seller.
func Migrate(ctx context.Context, run *item.Run) (*etree.Document, error) {
	found, err := lifecycle.Migrate(ctx, run)
	if err != nil {
		return nil, err
	}
	return answer(run, func() string { return migrationText(run, found) }, func() any { return migrationJSON(found) },
		func() *etree.Document { return migrationDocument(found) })
}

// migrationItem is one item of a migration in JSON.
type migrationItem struct {
	Item       int64    `json:"item"`
	Name       string   `json:"name"`
	Product    string   `json:"product"`
	State      string   `json:"state"`
	Proof      string   `json:"proof,omitempty"`
	ID         int64    `json:"id,omitempty"`
	Lineage    []int64  `json:"lineage,omitempty"`
	TermStart  string   `json:"term_start,omitempty"`
	TermMonths int      `json:"term_months,omitempty"`
	PaidUntil  string   `json:"paid_until,omitempty"`
	Newer      bool     `json:"newer_certificate"`
	Renews     bool     `json:"seller_renews"`
	Reason     string   `json:"reason"`
	Warnings   []string `json:"warnings,omitempty"`
}

// migrationAnswer is a migration in JSON.
type migrationAnswer struct {
	Mode   string          `json:"mode"` // apply or dry-run
	Counts map[string]int  `json:"counts"`
	Items  []migrationItem `json:"items"`
}

// migrationStates lists the states in the order of their counts.
func migrationStates() []lifecycle.MigrationState {
	return []lifecycle.MigrationState{
		lifecycle.MigrationMatch, lifecycle.MigrationMigrated, lifecycle.MigrationAmbiguous, lifecycle.MigrationOther,
		lifecycle.MigrationHeld, lifecycle.MigrationNone, lifecycle.MigrationUnchecked, lifecycle.MigrationFailed,
	}
}

func migrationMode(found lifecycle.Migration) string {
	if found.Applied {
		return "apply"
	}
	return "dry-run"
}

func migrationJSON(found lifecycle.Migration) migrationAnswer {
	answer := migrationAnswer{Mode: migrationMode(found), Counts: map[string]int{}, Items: []migrationItem{}}
	for _, state := range migrationStates() {
		answer.Counts[string(state)] = found.Count(state)
	}
	for _, row := range found.Rows {
		answer.Items = append(answer.Items, migrationItem{
			Item: row.Item, Name: row.Name, Product: row.Product, State: string(row.State), Proof: row.Proof, ID: row.ID, Lineage: row.Lineage,
			TermStart: row.TermStart.String(), TermMonths: row.TermMonths, PaidUntil: row.PaidUntil.String(), Newer: row.Newer, Renews: row.Renews,
			Reason: row.Reason, Warnings: row.Warnings,
		})
	}
	return answer
}

func migrationDocument(found lifecycle.Migration) *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("migrate")
	xmldoc.SetAttributes(node, "mode", migrationMode(found), "items", len(found.Rows))
	for _, state := range migrationStates() {
		xmldoc.SetAttributes(node, string(state), found.Count(state))
	}
	for _, row := range found.Rows {
		e := node.CreateElement("item")
		xmldoc.SetAttributes(e, "id", row.Item, "name", row.Name, "product", row.Product, "state", row.State)
		if row.ID > 0 {
			xmldoc.SetAttributes(e, "proof", row.Proof, "order", row.ID)
		}
		if len(row.Lineage) > 0 {
			xmldoc.SetAttributes(e, "lineage", item.FormatIDs(row.Lineage), "newer_certificate", yesNo(row.Newer), "seller_renews", yesNo(row.Renews))
		}
		if row.TermMonths > 0 {
			xmldoc.SetAttributes(e, "term_start", row.TermStart, "term_months", row.TermMonths, "paid_until", row.PaidUntil)
		}
		xmldoc.SetAttributes(e, "reason", row.Reason)
		for _, warning := range row.Warnings {
			xmldoc.AddText(e, "warning", warning)
		}
	}
	return doc
}

func migrationText(run *item.Run, found lifecycle.Migration) string {
	styles := run.Styles
	table := terminal.Table{Styles: styles, Wrap: true, Columns: []terminal.Column{
		{Title: "item", Right: true}, {Title: "name", Max: 30}, {Title: "result"}, {Title: "order", Right: true}, {Title: "proof"},
		{Title: "paid until"}, {Title: "reason"},
	}}
	var rows [][]terminal.Cell
	for _, row := range found.Rows {
		order := ""
		if row.ID > 0 {
			order = strconv.FormatInt(row.ID, 10)
		}
		reason := strings.Join(append([]string{row.Reason}, row.Warnings...), "; ")
		rows = append(rows, []terminal.Cell{
			terminal.Text(strconv.FormatInt(row.Item, 10)), terminal.Text(item.DisplayLine(shownName(row.Name), item.MaxName)),
			{Text: string(row.State), Style: migrationStyle(styles, row.State)}, terminal.Text(order), terminal.Text(row.Proof),
			terminal.Text(row.PaidUntil.String()), terminal.Text(item.DisplayLine(reason, maxReason)),
		})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "items of the processing module %d without parameters of this module, at %s\n\n", run.Args.Module, run.Info.Title)
	if len(rows) > 0 {
		b.WriteString(table.Render(rows) + "\n")
	}
	var counts []string
	for _, state := range migrationStates() {
		if n := found.Count(state); n > 0 {
			counts = append(counts, fmt.Sprintf("%s %d", state, n))
		}
	}
	fmt.Fprintf(&b, "items %d", len(found.Rows))
	if len(counts) > 0 {
		fmt.Fprintf(&b, ": %s", strings.Join(counts, ", "))
	}
	b.WriteString("\n")
	if !found.Applied && found.Count(lifecycle.MigrationMatch) > 0 {
		b.WriteString("nothing was written; --yes migrates the matches\n")
	}
	return b.String()
}

// migrationStyle returns the style of a state.
func migrationStyle(styles terminal.Styles, state lifecycle.MigrationState) func(string) string {
	switch state {
	case lifecycle.MigrationMatch, lifecycle.MigrationMigrated:
		return styles.Green
	case lifecycle.MigrationFailed, lifecycle.MigrationUnchecked:
		return styles.Red
	}
	return styles.Yellow
}

// shownName returns a name in A-labels; as it is if that is not possible.
func shownName(name string) string {
	if ascii, err := pki.ASCIIName("name", name); err == nil {
		return ascii
	}
	return name
}
