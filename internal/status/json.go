package status

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// WriteJSON writes the report as one JSON object (docs/monitoring.md). Times are RFC 3339 in UTC, dates YYYY-MM-DD; what is not known
// is absent.
func (r *Report) WriteJSON(to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	head, err := json.Marshal(r.head())
	if err != nil {
		return err
	}
	// The items are written one by one: all of them do not fit into memory.
	fmt.Fprintf(out, "%s,\n\"items\":[", head[:len(head)-1])
	separator := "\n"
	err = r.Each(func(row *Row) (bool, error) {
		text, err := json.Marshal(row.json())
		if err != nil {
			return false, err
		}
		_, err = out.WriteString(separator + string(text))
		separator = ",\n"
		return true, err
	})
	if err != nil {
		return err
	}
	_, _ = out.WriteString("\n]}\n") // Flush returns the error
	return out.Flush()
}

type jsonHead struct {
	Binary    string         `json:"binary"`
	Generated string         `json:"generated"`
	Policy    string         `json:"policy"`
	Before    int            `json:"before"`
	Count     int            `json:"count"`
	States    map[string]int `json:"states"`
	WaitsFor  map[string]int `json:"waits_for"`
	Critical  int            `json:"critical"`
	Warning   int            `json:"warning"`
	NextEnd   string         `json:"next_end,omitempty"`
	Sweep     *jsonSweep     `json:"sweep,omitempty"`
	Modules   []jsonModule   `json:"modules"`
	Problems  []string       `json:"problems,omitempty"`
}

type jsonSweep struct {
	Started   string `json:"started"`
	Ended     string `json:"ended"`
	Result    string `json:"result"`
	Completed string `json:"completed,omitempty"`
	Error     string `json:"error,omitempty"`
	Items     int    `json:"items"`
	Due       int    `json:"due"`
	Reissued  int    `json:"reissued"`
	Notified  int    `json:"notified"`
	Failed    int    `json:"failed"`
	Revoked   int    `json:"revoked"`
	Watched   int    `json:"watched"`
	Old       int    `json:"old"`
}

type jsonModule struct {
	Module  int64          `json:"module"`
	Name    string         `json:"name"`
	Active  bool           `json:"active"`
	Items   int            `json:"items"`
	States  map[string]int `json:"states"`
	Balance *jsonBalance   `json:"balance,omitempty"`
	Calls   []jsonCalls    `json:"calls,omitempty"`
	Error   string         `json:"error,omitempty"`
}

type jsonBalance struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency,omitempty"`
	At       string  `json:"at"`
}

type jsonCalls struct {
	Span  string `json:"span"`
	Used  int    `json:"used"`
	Limit int    `json:"limit"`
}

type jsonRow struct {
	Item       int64   `json:"item"`
	Module     int64   `json:"module"`
	Domain     string  `json:"domain"`
	Product    string  `json:"product,omitempty"`
	State      string  `json:"state"`
	Severity   string  `json:"severity"`
	WaitsFor   string  `json:"waits_for"`
	Begins     string  `json:"begins,omitempty"`
	Ends       string  `json:"ends,omitempty"`
	Serial     string  `json:"serial,omitempty"`
	TermStart  string  `json:"term_start,omitempty"`
	PaidUntil  string  `json:"paid_until,omitempty"`
	Lineage    []int64 `json:"lineage,omitempty"`
	Site       string  `json:"site,omitempty"`
	SiteLooked string  `json:"site_looked,omitempty"`
	SitePlace  string  `json:"site_place,omitempty"`
	Action     string  `json:"action"`
	ActionDay  string  `json:"action_day,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Error      string  `json:"error,omitempty"`
}

func (r *Row) json() jsonRow {
	return jsonRow{
		Item: r.Item, Module: r.Module, Domain: r.Domain, Product: r.Product, State: r.State, Severity: r.Severity.String(), WaitsFor: r.WaitsFor,
		Begins: instant(r.Begins), Ends: instant(r.Ends), Serial: r.Serial, TermStart: r.TermStart.String(), PaidUntil: r.PaidUntil.String(),
		Lineage: r.Lineage, Site: r.Served, SiteLooked: instant(r.Looked), SitePlace: r.Place,
		Action: r.Action, ActionDay: r.Day.String(), Reason: r.Reason, Error: r.Error,
	}
}

// instant returns a time as RFC 3339 in UTC; empty for the zero time.
func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func (r *Report) head() jsonHead {
	head := jsonHead{
		Binary: r.Binary, Generated: instant(r.At), Policy: r.Settings.Policy.String(), Before: r.Settings.Lead, Count: r.Items, States: r.States, WaitsFor: r.Waits,
		Critical: r.Severities[Critical], Warning: r.Severities[Warning], NextEnd: instant(r.NextEnd), Modules: []jsonModule{}, Problems: r.Problems,
	}
	if s := r.Sweep; s != nil {
		head.Sweep = &jsonSweep{Started: instant(s.Started), Ended: instant(s.Ended), Result: s.Result, Completed: instant(s.Completed), Error: s.Error, Items: s.Items,
			Due: s.Due, Reissued: s.Reissued, Notified: s.Notified, Failed: s.Failed, Revoked: s.Revoked, Watched: s.Watched, Old: s.Old}
	}
	for _, m := range r.Modules {
		one := jsonModule{Module: m.Module, Name: m.Name, Active: m.Active, Items: m.Items, States: m.States, Error: m.Error}
		if !m.Balance.At.IsZero() {
			one.Balance = &jsonBalance{Amount: m.Balance.Amount, Currency: m.Balance.Currency, At: instant(m.Balance.At)}
		}
		for _, c := range m.Calls {
			one.Calls = append(one.Calls, jsonCalls{Span: c.Span, Used: c.Used, Limit: c.Limit})
		}
		head.Modules = append(head.Modules, one)
	}
	return head
}
