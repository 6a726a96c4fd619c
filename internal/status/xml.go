package status

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"pmssl/internal/item"
)

// WriteXML writes the report as a document: attributes are named as the fields of the JSON (docs/monitoring.md).
func (r *Report) WriteXML(to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	fmt.Fprint(out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<doc>")
	head := r.head()
	element(out, "status", false, "binary", head.Binary, "generated", head.Generated, "policy", head.Policy, "before", strconv.Itoa(head.Before),
		"count", strconv.Itoa(head.Count), "critical", strconv.Itoa(head.Critical), "warning", strconv.Itoa(head.Warning), "next_end", head.NextEnd)
	xmlCounts(out, "state", r.States, States())
	xmlCounts(out, "waits_for", r.Waits, Waits())
	if s := head.Sweep; s != nil {
		element(out, "sweep", true, "started", s.Started, "ended", s.Ended, "result", s.Result, "completed", s.Completed, "error", s.Error,
			"items", strconv.Itoa(s.Items), "due", strconv.Itoa(s.Due), "reissued", strconv.Itoa(s.Reissued), "notified", strconv.Itoa(s.Notified),
			"failed", strconv.Itoa(s.Failed), "revoked", strconv.Itoa(s.Revoked), "watched", strconv.Itoa(s.Watched), "old", strconv.Itoa(s.Old))
	}
	for _, m := range head.Modules {
		xmlModule(out, m)
	}
	for _, problem := range head.Problems {
		element(out, "problem", true, "text", problem)
	}
	err := r.Each(func(row *Row) (bool, error) { return true, xmlRow(out, row.json()) })
	if err != nil {
		return err
	}
	fmt.Fprint(out, "\n</status></doc>\n")
	return out.Flush()
}

// xmlCounts writes the counts that are not zero.
func xmlCounts(out io.Writer, kind string, counts map[string]int, names []string) {
	for _, name := range names {
		if n := counts[name]; n > 0 {
			element(out, "count", true, kind, name, "items", strconv.Itoa(n))
		}
	}
}

func xmlModule(out io.Writer, m jsonModule) {
	element(out, "module", false, "module", strconv.FormatInt(m.Module, 10), "name", m.Name, "active", yesNo(m.Active), "items", strconv.Itoa(m.Items), "error", m.Error)
	xmlCounts(out, "state", m.States, States())
	if b := m.Balance; b != nil {
		element(out, "balance", true, "amount", strconv.FormatFloat(b.Amount, 'f', 2, 64), "currency", b.Currency, "at", b.At)
	}
	for _, c := range m.Calls {
		element(out, "calls", true, "span", c.Span, "used", strconv.Itoa(c.Used), "limit", strconv.Itoa(c.Limit))
	}
	fmt.Fprint(out, "</module>")
}

func xmlRow(out io.Writer, row jsonRow) error {
	return element(out, "item", true, "id", strconv.FormatInt(row.Item, 10), "module", strconv.FormatInt(row.Module, 10), "domain", row.Domain, "product", row.Product,
		"state", row.State, "severity", row.Severity, "waits_for", row.WaitsFor, "begins", row.Begins, "ends", row.Ends, "serial", row.Serial,
		"term_start", row.TermStart, "paid_until", row.PaidUntil, "lineage", item.FormatIDs(row.Lineage), "site", row.Site, "site_looked", row.SiteLooked,
		"site_place", row.SitePlace, "action", row.Action, "action_day", row.ActionDay, "reason", row.Reason, "error", row.Error)
}

// element writes an element with attributes from pairs of name and value; empty values are left out.
func element(out io.Writer, name string, closed bool, pairs ...string) error {
	var b strings.Builder
	b.WriteString("\n<" + name)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		b.WriteString(" " + pairs[i] + `="`)
		if err := xml.EscapeText(&b, []byte(pairs[i+1])); err != nil {
			return err
		}
		b.WriteString(`"`)
	}
	if closed {
		b.WriteString("/")
	}
	b.WriteString(">")
	_, err := io.WriteString(out, b.String())
	return err
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
