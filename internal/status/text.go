package status

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/terminal"
)

// indent stands before the further lines of an item.
const indent = "        "

// table returns the columns of the first line of an item. With the gaps they are terminal.MaxWidth wide. An id is never cut: the
// names get what it leaves.
func (r *Report) table(styles terminal.Styles) (terminal.Table, []int) {
	ids := max(8, r.longest)
	widths := []int{ids, 33 - ids, 11, 10, 10, 6, 18}
	columns := []terminal.Column{
		{Title: "item", Right: true}, {Title: "domain"}, {Title: "state"}, {Title: "ends"}, {Title: "paid until"}, {Title: "waits"}, {Title: "next"},
	}
	return terminal.Table{Columns: columns, Styles: styles}, widths
}

// WriteText writes the report for people: at most terminal.MaxWidth columns.
func (r *Report) WriteText(to io.Writer, styles terminal.Styles) error {
	out := bufio.NewWriterSize(to, 64<<10)
	r.writeSummary(out, styles)
	t, widths := r.table(styles)
	if r.Items > 0 {
		fmt.Fprintf(out, "\n%s", t.Header(widths))
	}
	err := r.Each(func(row *Row) (bool, error) {
		_, err := out.WriteString(rowText(row, t, widths, styles))
		return true, err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// writeSummary writes what is above the items.
func (r *Report) writeSummary(out io.Writer, styles terminal.Styles) {
	line := func(format string, args ...any) { fmt.Fprintln(out, wrap(fmt.Sprintf(format, args...))) }
	line("%s, %s UTC: %s", r.Binary, r.At.Format("2006-01-02 15:04"), plural(r.Items, "item"))
	if r.Items > 0 {
		line("states: %s", counts(r.States, States()))
		line("waited for: %s", counts(r.Waits, Waits()))
	}
	line("policy: %s, %s before the end of a certificate", r.Settings.Policy, plural(r.Settings.Lead, "day"))
	line("%s", r.sweepLine())
	for _, m := range r.Modules {
		line("%s", m.line())
	}
	for _, problem := range r.Problems {
		fmt.Fprintln(out, styles.Red(wrap("not read: "+problem)))
	}
}

// wrap returns the text in lines of at most terminal.MaxWidth columns; longer words are cut.
func wrap(text string) string {
	lines := strings.Split(terminal.Wrap(text, terminal.MaxWidth, "  "), "\n")
	for i, line := range lines {
		lines[i] = terminal.Cut(line, terminal.MaxWidth)
	}
	return strings.Join(lines, "\n")
}

// counts lists the counts that are not zero.
func counts(all map[string]int, names []string) string {
	var words []string
	for _, name := range names {
		if n := all[name]; n > 0 {
			words = append(words, name+" "+strconv.Itoa(n))
		}
	}
	return strings.Join(words, ", ")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// sweepLine says how the last sweep ended.
func (r *Report) sweepLine() string {
	s := r.Sweep
	if s == nil {
		return "last sweep: none has left a record"
	}
	text := fmt.Sprintf("last sweep: %s at %s UTC, %s", s.Result, s.Ended.UTC().Format("2006-01-02 15:04"), s.Ended.Sub(s.Started).Round(time.Second))
	switch {
	case s.Error != "":
		text += ": " + s.Error
	case s.Result != item.SweepInterrupted:
		text += fmt.Sprintf(", due %d, reissued %d, notified %d, failed %d", s.Due, s.Reissued, s.Notified, s.Failed)
	}
	if s.Completed.IsZero() {
		return text + "; none was complete yet"
	}
	if !s.Completed.Equal(s.Ended) {
		text += "; the last complete one ended at " + s.Completed.UTC().Format("2006-01-02 15:04")
	}
	return text
}

// line describes a processing module.
func (m *Module) line() string {
	text := fmt.Sprintf("module %d (%s): %s", m.Module, cmp.Or(m.Name, "without a name"), plural(m.Items, "item"))
	if !m.Active {
		text += ", switched off"
	}
	if !m.Balance.At.IsZero() {
		text += fmt.Sprintf(", balance %.2f %s at %s", m.Balance.Amount, m.Balance.Currency, m.Balance.At.UTC().Format("2006-01-02 15:04"))
	}
	for _, c := range m.Calls {
		text += fmt.Sprintf(", calls of the last %s %d of %d", c.Span, c.Used, c.Limit)
	}
	if m.Error != "" {
		text += "; not read: " + m.Error
	}
	return text
}

// rowText returns the lines about one item: the table's, what is less important, and its error.
func rowText(row *Row, t terminal.Table, widths []int, styles terminal.Styles) string {
	style := styles.Green
	switch {
	case row.Severity == Critical:
		style = styles.Red
	case row.Severity == Warning:
		style = styles.Yellow
	case row.State != StateOK:
		style = nil
	}
	text := t.Line(widths, []terminal.Cell{
		terminal.Text(strconv.FormatInt(row.Item, 10)), terminal.Text(row.Domain), {Text: row.State, Style: style}, terminal.Text(row.ends().String()),
		terminal.Text(row.PaidUntil.String()), terminal.Text(shortWaits(row.WaitsFor)), terminal.Text(row.next()),
	})
	if details := row.details(); details != "" {
		text += styles.Dim(terminal.Cut(indent+"  "+details, terminal.MaxWidth)) + "\n"
	}
	if row.Error != "" {
		text += styles.Red(terminal.Cut(indent+"  error: "+row.Error, terminal.MaxWidth)) + "\n"
	}
	return text
}

// shortWaits returns who is waited for in at most six letters.
func shortWaits(waits string) string {
	switch waits {
	case WaitsAdministrator:
		return "admin"
	case WaitsNobody:
		return "-"
	}
	return waits
}

// next returns the next action with its day.
func (r *Row) next() string {
	if r.Day.IsZero() {
		return "-"
	}
	return r.Action + " " + r.Day.String()
}

// details returns product, ids and sites in one line.
func (r *Row) details() string {
	var words []string
	if r.Product != "" {
		words = append(words, r.Product)
	}
	if len(r.Lineage) > 0 {
		words = append(words, "ids "+item.FormatIDs(r.Lineage[max(0, len(r.Lineage)-5):]))
	}
	if r.Served != "" {
		words = append(words, strings.TrimSpace("site "+r.Served+" "+r.looked()))
	}
	if r.Place != "" {
		words = append(words, r.Place)
	}
	return strings.Join(words, ", ")
}

// looked returns the day of the look at the sites; empty if it is not known.
func (r *Row) looked() string {
	if r.Looked.IsZero() {
		return ""
	}
	return cabforum.DateOf(r.Looked).String()
}

// WriteItem writes all that is known about one item, for people.
func (r *Report) WriteItem(to io.Writer, styles terminal.Styles) error {
	return r.Each(func(row *Row) (bool, error) {
		_, err := io.WriteString(to, r.itemText(row, styles))
		return false, err
	})
}

func (r *Report) itemText(row *Row, styles terminal.Styles) string {
	served := row.Served
	if served != "" && !row.Looked.IsZero() {
		served += " (" + row.Looked.Format("2006-01-02 15:04") + " UTC)"
	}
	action := "none"
	if !row.Day.IsZero() {
		action = row.Action + " on " + row.Day.String()
	}
	pairs := [][2]string{
		{"item", strconv.FormatInt(row.Item, 10)}, {"domain", row.Domain}, {"module", strconv.FormatInt(row.Module, 10)}, {"product", row.Product},
		{"state", row.State}, {"severity", row.Severity.String()}, {"waited for", row.WaitsFor},
		{"certificate", span(row.Begins, row.Ends)}, {"serial", row.Serial}, {"term begins", row.TermStart.String()}, {"paid until", row.PaidUntil.String()},
		{"lineage", item.FormatIDs(row.Lineage)}, {"site serves", served}, {"place", row.Place},
		{"next action", action}, {"reason", row.Reason}, {"error", row.Error},
	}
	pairs = slices.DeleteFunc(pairs, func(p [2]string) bool { return p[1] == "" })
	t := terminal.Table{Columns: []terminal.Column{{}, {}}, Wrap: true}
	rows := make([][]terminal.Cell, len(pairs))
	for i, p := range pairs {
		rows[i] = []terminal.Cell{{Text: p[0], Style: styles.Bold}, {Text: p[1], Style: styleOf(p[0], row, styles)}}
	}
	return t.Render(rows)
}

func styleOf(name string, row *Row, styles terminal.Styles) func(string) string {
	switch {
	case name == "error":
		return styles.Red
	case name != "state":
		return nil
	case row.Severity == Critical:
		return styles.Red
	case row.Severity == Warning:
		return styles.Yellow
	}
	return styles.Green
}

func span(begins, ends time.Time) string {
	if ends.IsZero() {
		return ""
	}
	return begins.Format(time.RFC3339) + " to " + ends.Format(time.RFC3339)
}
