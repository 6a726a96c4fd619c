package subscription

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/terminal"
)

// answer returns the document about the sweep; for people it sets Print to a text instead.
func (s *sweep) answer() *etree.Document {
	if !s.TextOutput() {
		return s.document()
	}
	s.Print = s.text()
	return nil
}

// text returns what the sweep did, or would do, for people: the policy, the counts, a line for each item that the document lists.
func (s *sweep) text() string {
	if s.running {
		return "another sweep is running: nothing was done\n"
	}
	var b strings.Builder
	if s.dry {
		b.WriteString(s.Styles.Bold("dry run: nothing was bought, sent or changed") + "\n")
	}
	fmt.Fprintf(&b, "policy %s, %d days before the end, %s\n", s.settings.Policy, s.settings.Lead, cabforum.DateOf(s.at))
	fmt.Fprintf(&b, "items %d, due %d, reissued %d, clients notified %d, failed %d", s.items, s.due.Load(), s.reissued.Load(), s.notified.Load(), s.failed)
	if n := s.revoked.count(); n > 0 {
		fmt.Fprintf(&b, ", revoked %d", n)
	}
	if s.watched != nil && !s.dry {
		fmt.Fprintf(&b, ", sites looked at %d, old %d", s.watched.looked, s.watched.old())
	}
	b.WriteString("\n")
	if len(s.rows) == 0 {
		return b.String()
	}
	table := terminal.Table{Styles: s.Styles, Wrap: true, Columns: []terminal.Column{
		{Title: "item", Right: true}, {Title: "name", Max: item.MaxName}, {Title: "expires"}, {Title: "due"}, {Title: "paid until"}, {Title: s.titleOfActions()},
	}}
	var lines [][]terminal.Cell
	for _, row := range s.rows {
		lines = append(lines, []terminal.Cell{
			terminal.Text(fmt.Sprint(row.item)), terminal.Text(row.name), terminal.Text(row.expires.String()), terminal.Text(row.due.String()),
			terminal.Text(row.paidUntil.String()), {Text: row.actionText(s.dry), Style: row.style(s.Styles)},
		})
	}
	return b.String() + "\n" + table.Render(lines)
}

func (s *sweep) titleOfActions() string {
	if s.dry {
		return "what would be done"
	}
	return "what was done"
}

// actionText returns what was done about an item, or would be, and why.
func (r sweepRow) actionText(dry bool) string {
	words := map[string]string{
		actionReissue: "reissue", actionNotify: "notify the client", actionWait: "wait for the seller or the client", actionNone: "nothing",
	}[r.action]
	if words == "" {
		words = r.action
	}
	reason := r.reason
	if known := reasonText(cabforum.Reason(reason)); known != "" {
		reason = known
	}
	parts := []string{words}
	if r.result == resultError || r.result == resultSkipped && !dry && r.action != actionNone {
		parts = append(parts, r.result)
	}
	if reason != "" && !(dry && reason == "dry run") {
		parts = append(parts, reason)
	}
	if r.site != "" {
		parts = append(parts, "the site: "+r.site)
	}
	return item.DisplayLine(strings.TrimPrefix(strings.Join(parts, ": "), ": "), item.MaxWarning)
}

// style returns the style of an item's line: red for an error, green for a reissue.
func (r sweepRow) style(styles terminal.Styles) func(string) string {
	switch {
	case r.result == resultError:
		return styles.Red
	case r.action == actionReissue && r.result == resultOK:
		return styles.Green
	}
	return nil
}

// reasonText returns a reason of the schedule for people; empty for another text.
func reasonText(reason cabforum.Reason) string {
	switch reason {
	case cabforum.ReasonPolicy:
		return "the policy is none"
	case cabforum.ReasonInactive:
		return "the item is not active"
	case cabforum.ReasonNoCertificate:
		return "no certificate is stored"
	case cabforum.ReasonTermOver:
		return "the paid term has ended"
	case cabforum.ReasonPaidEnd:
		return "the certificate lasts until the paid term ends"
	case cabforum.ReasonEarly:
		return "not due yet"
	case cabforum.ReasonNoGain:
		return "a new certificate would not end later"
	case cabforum.ReasonUnderWay:
		return "a reissue is in progress"
	case cabforum.ReasonTries:
		return "too many attempts"
	case cabforum.ReasonRecent:
		return "tried a short time ago"
	}
	return ""
}
