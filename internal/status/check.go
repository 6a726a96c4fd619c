package status

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

const (
	// sweepLate and sweepLost are how old the last complete sweep may be before --check warns, and before it is critical: the timer
	// runs hourly (docs/subscription.md).
	sweepLate = 3 * time.Hour
	sweepLost = 24 * time.Hour
	// sweepAhead is how far in the future the last complete sweep may have ended: the clock was corrected by that much at most.
	sweepAhead = 5 * time.Minute
	// checkNamed is how many items the line names.
	checkNamed = 3
)

// Check returns the line of a monitoring plugin and its exit code: 0, 1 or 2 (rules STATUS-8). With one item neither the last
// sweep counts nor what is wrong with other modules.
func (r *Report) Check(oneItem bool) (line string, code Severity, err error) {
	code = OK
	for severity := Warning; severity <= Critical; severity++ {
		if r.Severities[severity] > 0 {
			code = severity
		}
	}
	var words []string
	words = append(words, fmt.Sprintf("%s: %s", r.Binary, plural(r.Items, "item")))
	if n := r.Severities[Critical]; n > 0 {
		words = append(words, fmt.Sprintf("%d critical", n))
	}
	if n := r.Severities[Warning]; n > 0 {
		words = append(words, fmt.Sprintf("%d warning", n))
	}
	if sweep, bad := r.checkSweep(); bad != OK && !oneItem {
		words, code = append(words, sweep), max(code, bad)
	}
	named, err := r.worst()
	if named != "" { // before the problems: a long line is cut
		words = append(words, named)
	}
	if n := len(r.Problems); n > 0 {
		words, code = append(words, fmt.Sprintf("not read: %s", r.Problems[0])), max(code, Warning)
	}
	if r.clockWrong() {
		code = Critical
	}
	if module := r.unreadModule(oneItem); module != "" {
		words, code = append(words, module), max(code, Warning)
	}
	text := strings.ReplaceAll(strings.Join(words, ", "), "|", "/")
	return pluginWord(code) + " - " + clip(text) + " | " + r.perfdata() + "\n", code, err
}

// unreadModule names the first processing module that cannot be read, with one item only if it is the item's own; empty if there is none.
func (r *Report) unreadModule(oneItem bool) string {
	for _, m := range r.Modules {
		if m.Error != "" && (!oneItem || m.Items > 0) {
			return fmt.Sprintf("module %d: %s", m.Module, m.Error)
		}
	}
	return ""
}

// clip limits the text: monitoring systems cut long lines, and the performance data behind it must stay.
func clip(text string) string {
	const limit = 800
	return clean(text, limit)
}

func pluginWord(code Severity) string { return strings.ToUpper(code.String()) }

// checkSweep says whether the last complete sweep is too long ago.
func (r *Report) checkSweep() (string, Severity) {
	switch s := r.Sweep; {
	case s == nil:
		return "no sweep has left a record", Warning
	case s.Completed.IsZero():
		return "no sweep was complete yet", Warning
	default:
		age := r.At.Sub(s.Completed)
		text := "the last complete sweep ended " + age.Round(time.Minute).String() + " ago"
		switch {
		case age < -sweepAhead: // it would count as recent until then
			return "the last complete sweep ended in the future, at " + minute(s.Completed) + " UTC: correct the clock, and run a sweep", Warning
		case age >= sweepLost:
			return text, Critical
		case age >= sweepLate:
			return text, Warning
		}
		return "", OK
	}
}

// worst names the most urgent items.
func (r *Report) worst() (string, error) {
	var words []string
	err := r.firstRows(checkNamed, func(row *Row) {
		if row.Severity == OK {
			return
		}
		word := fmt.Sprintf("item %d (%s) %s", row.Item, cmp.Or(clean(row.Domain, maxText), "without a name"), row.State)
		if row.WaitsFor != WaitsNobody {
			word += ", waits for " + row.WaitsFor
		}
		words = append(words, word)
	})
	return strings.Join(words, "; "), err
}

// perfdata returns the performance data (Monitoring Plugins Development Guidelines).
func (r *Report) perfdata() string {
	words := []string{
		fmt.Sprintf("items=%d;;;0", r.Items), fmt.Sprintf("critical=%d;;0;0", r.Severities[Critical]), fmt.Sprintf("warning=%d;0;;0", r.Severities[Warning]),
	}
	for _, waits := range []string{WaitsSeller, WaitsClient, WaitsAdministrator} {
		words = append(words, fmt.Sprintf("waits_%s=%d;;;0", waits, r.Waits[waits]))
	}
	if !r.NextEnd.IsZero() {
		words = append(words, fmt.Sprintf("next_end=%ds", int64(r.NextEnd.Sub(r.At).Seconds())))
	}
	if s := r.Sweep; s != nil && !s.Completed.IsZero() {
		words = append(words, fmt.Sprintf("sweep_age=%ds;%d;%d;0", int64(r.At.Sub(s.Completed).Seconds()), int64(sweepLate.Seconds()), int64(sweepLost.Seconds())))
	}
	return strings.Join(words, " ")
}
