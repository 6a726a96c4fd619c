package panelweb

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// overview is the first page.
type overview struct {
	Modules    []moduleView
	Connected  bool
	States     []stateCount
	Items      int
	Latest     []itemRow
	ForClient  []itemRow
	ForAdmin   []itemRow
	Spans      []span
	Unattended bool
	Faults     []string
}

// maxLatest is how many certificates the first page lists.
const maxLatest = 3

// stateCount is the number of items in a state.
type stateCount struct {
	State, Severity string
	Count           int
}

// span is a choice of how long the time runs.
type span struct {
	Key  string
	Days int
}

// latest returns the newest certificates that are not deleted.
func latest(rows []itemRow) []itemRow {
	alive := slices.DeleteFunc(slices.Clone(rows), func(row itemRow) bool { return row.Deleted })
	return alive[:min(len(alive), maxLatest)]
}

func spans() []span {
	return []span{{"one_day", 1}, {"one_week", 7}, {"one_month", 30}, {"one_year", 365}}
}

// moduleView is an installed module with its connections.
type moduleView struct {
	Module, Title, Description string
	Connections                []panel.Module
	Fault                      provider.Fault
	Payments                   []provider.Payment // to the seller
}

func (s *Server) moduleViews(ctx context.Context, lang string) ([]moduleView, error) {
	connected, err := s.provider.Modules(ctx)
	if err != nil {
		return nil, err
	}
	var all []moduleView
	for _, name := range s.provider.Installed() {
		m, err := s.provider.Manifest(name)
		if err != nil {
			return nil, err
		}
		v := moduleView{Module: name, Fault: s.provider.SellerFault(name)}
		if v.Payments, err = s.provider.Payments(name); err != nil {
			return nil, err
		}
		v.Title, _ = m.Message(lang, "plugin", "desc_short_"+name)
		v.Description, _ = m.Message(lang, "plugin", "desc_full_"+name)
		for _, c := range connected {
			if c.Module == name {
				v.Connections = append(v.Connections, c)
			}
		}
		all = append(all, v)
	}
	return all, nil
}

func (s *Server) showOverview(w http.ResponseWriter, r *request) error {
	modules, err := s.moduleViews(r.Context(), r.lang)
	if err != nil {
		return err
	}
	rows, err := s.itemRows(r.Context(), r.lang)
	if err != nil {
		return err
	}
	o := overview{Modules: modules, Spans: spans(), Unattended: s.provider.Unattended(), Items: len(rows), States: countStates(rows), Latest: latest(rows)}
	o.Connected = slices.ContainsFunc(modules, func(m moduleView) bool { return len(m.Connections) > 0 })
	for _, f := range provider.Faults() {
		o.Faults = append(o.Faults, string(f))
	}
	for _, row := range rows {
		switch row.WaitsFor {
		case "client":
			o.ForClient = append(o.ForClient, row)
		case "administrator":
			o.ForAdmin = append(o.ForAdmin, row)
		}
	}
	return s.show(w, r, "overview", s.words.text(r.lang, "overview"), o)
}

// countStates returns how many items are in each state, the most frequent state first and deleted ones last.
func countStates(rows []itemRow) []stateCount {
	found := map[string]stateCount{}
	for _, row := range rows {
		c := found[row.State]
		found[row.State] = stateCount{State: row.State, Severity: row.Severity, Count: c.Count + 1}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b stateCount) int {
		order := func(c stateCount) int { return map[bool]int{true: 1}[c.State == "deleted"] }
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(b.Count, a.Count), cmp.Compare(a.State, b.State))
	})
}

// maxDays is how many days one form can simulate.
const maxDays = 5*366 + 31

// advance lets days pass, in the background.
func (s *Server) advance(w http.ResponseWriter, r *request) error {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > maxDays {
		return errBadForm
	}
	span := provider.Span{Days: days, Fast: r.PostForm.Get("speed") == "fast", ClientActs: r.PostForm.Get("client") == "on"}
	lang := r.lang
	err = s.actions.start("time_passes", days, func(ctx context.Context, report func(int)) string {
		before, failed := s.countAll(ctx)
		err := errors.Join(failed, s.provider.SetLanguage(ctx, lang), s.provider.Advance(ctx, span, report))
		after, failed := s.countAll(ctx)
		if err := errors.Join(err, failed); err != nil {
			return s.results.add(result{Key: "time_stopped", Refused: true, Text: err.Error()})
		}
		summary := s.words.text(lang, "time_summary", after.certificates-before.certificates, after.letters-before.letters)
		return s.results.add(result{Key: "time_passed", Text: summary})
	})
	if err != nil {
		return err
	}
	return seeOther(w, r, "/progress")
}

// counts are the certificates and letters so far.
type counts struct{ certificates, letters int }

func (s *Server) countAll(ctx context.Context) (counts, error) {
	var c counts
	letters, err := s.provider.Letters()
	if err != nil {
		return c, err
	}
	c.letters = len(letters)
	items, err := s.provider.Items(ctx)
	for _, item := range items {
		c.certificates += len(s.provider.History(item.ID))
	}
	return c, err
}

// showProgress shows how far the long action is. The browser asks again each second until it has ended, unless the visitor stops that.
func (s *Server) showProgress(w http.ResponseWriter, r *request) error {
	running := s.actions.running()
	if running == nil {
		target := "/"
		if id := s.actions.ended(); id != "" {
			target += "?result=" + id
		}
		return seeOther(w, r, target)
	}
	view := progressView{progress: *running, Paused: r.URL.Query().Get("paused") != ""}
	if !view.Paused {
		w.Header().Set("Refresh", "1")
	}
	return s.show(w, r, "progress", s.words.text(r.lang, running.Key), view)
}

// progressView is the page of a long action.
type progressView struct {
	progress
	Paused bool // it does not refresh itself: a page that is loaded each second cannot be used by keyboard
}

func (s *Server) setUnattended(w http.ResponseWriter, r *request) error {
	on := r.PostForm.Get("on") == "on"
	if err := s.act(r, func(context.Context) error { return s.provider.SetUnattended(on) }); err != nil {
		return err
	}
	return s.finish(w, r, "/", result{Key: map[bool]string{true: "unattended_set_on", false: "unattended_set_off"}[on]})
}

// setFault changes what goes wrong at a seller.
func (s *Server) setFault(w http.ResponseWriter, r *request) error {
	fault := provider.Fault(r.PostForm.Get("fault"))
	if fault != provider.NoFault && !slices.Contains(provider.Faults(), fault) {
		return errBadForm
	}
	module := r.PathValue("module")
	if !slices.Contains(s.provider.Installed(), module) {
		return errNotFound
	}
	if err := s.act(r, func(context.Context) error { return s.provider.SetSellerFault(module, fault) }); err != nil {
		return err
	}
	return s.finish(w, r, "/", result{Key: "fault_set", Text: s.words.named(r.lang, "fault", faultName(fault))})
}

// faultName returns the fault as the words and forms name it.
func faultName(f provider.Fault) string { return cmp.Or(string(f), "none") }
