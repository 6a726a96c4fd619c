package status

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/item"
)

// MaxSeries is how many items have series of their own: the most urgent ones. The counts are of all items (rules STATUS-7).
const MaxSeries = 50_000

// WritePrometheus writes the report in Prometheus's text format 0.0.4, for the textfile collector of the node exporter.
func (r *Report) WritePrometheus(to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	m := metrics{out: out, binary: r.Binary}
	m.family("pmssl_status_generated_timestamp_seconds", "When this report was made.")
	m.sample("pmssl_status_generated_timestamp_seconds", seconds(r.At))
	m.family("pmssl_status_problems", "Number of things that could not be read for this report.")
	m.sample("pmssl_status_problems", float64(len(r.Problems)))
	r.moduleMetrics(&m)
	r.sweepMetrics(&m)
	if err := r.itemMetrics(&m); err != nil {
		return err
	}
	return out.Flush()
}

func (r *Report) moduleMetrics(m *metrics) {
	m.family("pmssl_items", "Number of items by state, of each processing module.")
	for i := range r.Modules {
		for _, state := range States() {
			m.sample("pmssl_items", float64(r.Modules[i].States[state]), "module", id(r.Modules[i].Module), "state", state)
		}
	}
	m.family("pmssl_items_waits_for", "Number of items by who is waited for.")
	for _, waits := range Waits() {
		m.sample("pmssl_items_waits_for", float64(r.Waits[waits]), "waits_for", waits)
	}
	m.family("pmssl_items_severity", "Number of items by severity.")
	for _, severity := range []Severity{OK, Warning, Critical} {
		m.sample("pmssl_items_severity", float64(r.Severities[severity]), "severity", severity.String())
	}
	r.accountMetrics(m)
}

// accountMetrics writes what is known of the modules' accounts.
func (r *Report) accountMetrics(m *metrics) {
	m.family("pmssl_module_active", "Whether the processing module is switched on, and its name.")
	for _, one := range r.Modules {
		m.sample("pmssl_module_active", oneOr0(one.Active), "module", id(one.Module), "name", one.Name)
	}
	m.family("pmssl_module_readable", "Whether the parameters of the processing module can be read.")
	for _, one := range r.Modules {
		m.sample("pmssl_module_readable", oneOr0(one.Error == ""), "module", id(one.Module))
	}
	m.family("pmssl_balance", "Balance of the account at the seller when it was last read.")
	for _, one := range r.Modules {
		if !one.Balance.At.IsZero() {
			m.sample("pmssl_balance", one.Balance.Amount, "module", id(one.Module), "currency", one.Balance.Currency)
		}
	}
	m.family("pmssl_balance_timestamp_seconds", "When the balance was read.")
	for _, one := range r.Modules {
		if !one.Balance.At.IsZero() {
			m.sample("pmssl_balance_timestamp_seconds", seconds(one.Balance.At), "module", id(one.Module))
		}
	}
	r.callMetrics(m)
}

// callMetrics writes the use of the limits of calls.
func (r *Report) callMetrics(m *metrics) {
	m.family("pmssl_calls_used", "Calls of the account at the seller in the last minute, hour and day.")
	for _, one := range r.Modules {
		for _, c := range one.Calls {
			m.sample("pmssl_calls_used", float64(c.Used), "module", id(one.Module), "span", c.Span)
		}
	}
	m.family("pmssl_calls_limit", "Limit of these calls.")
	for _, one := range r.Modules {
		for _, c := range one.Calls {
			m.sample("pmssl_calls_limit", float64(c.Limit), "module", id(one.Module), "span", c.Span)
		}
	}
}

func (r *Report) sweepMetrics(m *metrics) {
	s := r.Sweep
	if s == nil {
		return
	}
	m.family("pmssl_sweep_ended_timestamp_seconds", "When the last sweep ended.")
	m.sample("pmssl_sweep_ended_timestamp_seconds", seconds(s.Ended))
	if !s.Completed.IsZero() {
		m.family("pmssl_sweep_completed_timestamp_seconds", "When the last sweep ended that has worked on every item.")
		m.sample("pmssl_sweep_completed_timestamp_seconds", seconds(s.Completed))
	}
	m.family("pmssl_sweep_duration_seconds", "How long the last sweep took.")
	m.sample("pmssl_sweep_duration_seconds", s.Ended.Sub(s.Started).Seconds())
	m.family("pmssl_sweep_result", "Result of the last sweep.")
	for _, result := range []string{item.SweepOK, item.SweepPartial, item.SweepFailed, item.SweepInterrupted} {
		m.sample("pmssl_sweep_result", oneOr0(s.Result == result), "result", result)
	}
	m.family("pmssl_sweep_items", "Items of the last sweep by what it did.")
	for _, c := range []struct {
		what string
		n    int
	}{{"covered", s.Items}, {"due", s.Due}, {"reissued", s.Reissued}, {"notified", s.Notified}, {"failed", s.Failed}, {"revoked", s.Revoked}, {"watched", s.Watched}, {"old", s.Old}} {
		m.sample("pmssl_sweep_items", float64(c.n), "what", c.what)
	}
}

// itemMetrics writes the series of the most urgent items: the samples of one family must stand together, so the rows are read twice.
func (r *Report) itemMetrics(m *metrics) error {
	m.family("pmssl_items_without_series", "Number of items that have no series of their own, the least urgent ones.")
	m.sample("pmssl_items_without_series", float64(max(0, r.Items-MaxSeries)))
	m.family("pmssl_certificate_end_timestamp_seconds", "End of the stored certificate.")
	err := r.firstRows(MaxSeries, func(row *Row) {
		if !row.Ends.IsZero() {
			m.sample("pmssl_certificate_end_timestamp_seconds", seconds(row.Ends), "module", id(row.Module), "item", id(row.Item), "domain", row.Domain)
		}
	})
	if err != nil {
		return err
	}
	m.family("pmssl_item_state", "State of the item; the value is its severity: 0 ok, 1 warning, 2 critical.")
	return r.firstRows(MaxSeries, func(row *Row) {
		m.sample("pmssl_item_state", float64(row.Severity), "module", id(row.Module), "item", id(row.Item), "domain", row.Domain, "state", row.State, "waits_for", row.WaitsFor)
	})
}

// firstRows calls the function for the most urgent rows.
func (r *Report) firstRows(limit int, visit func(*Row)) error {
	n := 0
	return r.Each(func(row *Row) (bool, error) {
		if n == limit {
			return false, nil
		}
		n++
		visit(row)
		return true, nil
	})
}

// metrics writes samples of gauges.
type metrics struct {
	out    *bufio.Writer
	binary string
}

func (m *metrics) family(name, help string) {
	fmt.Fprintf(m.out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

// sample writes a sample with labels from pairs of name and value, and the label binary.
func (m *metrics) sample(name string, value float64, pairs ...string) {
	m.out.WriteString(name + `{binary="` + label(m.binary) + `"`)
	for i := 0; i+1 < len(pairs); i += 2 {
		m.out.WriteString("," + pairs[i] + `="` + label(pairs[i+1]) + `"`)
	}
	m.out.WriteString("} " + number(value) + "\n")
}

// label escapes the value of a label (Prometheus text format: backslash, quotation mark and line end).
func label(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(value, "\uFFFD"))
}

// number returns a value as the format has it.
func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 1):
		return "+Inf"
	case math.IsInf(value, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

func id(number int64) string { return strconv.FormatInt(number, 10) }

func oneOr0(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
