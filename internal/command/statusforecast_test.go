package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is what status says about an item.
type shown struct {
	Item      int64   `json:"item"`
	Domain    string  `json:"domain"`
	State     string  `json:"state"`
	Severity  string  `json:"severity"`
	WaitsFor  string  `json:"waits_for"`
	Ends      string  `json:"ends"`
	PaidUntil string  `json:"paid_until"`
	Lineage   []int64 `json:"lineage"`
	Site      string  `json:"site"`
	Action    string  `json:"action"`
	ActionDay string  `json:"action_day"`
	Reason    string  `json:"reason"`
	Error     string  `json:"error"`
}

// statusRun returns a run of the command.
func (s *fixture) statusRun(t *testing.T, format string) *item.Run {
	t.Helper()
	before := s.args
	s.args = item.Args{Command: "status"}
	run := s.env()
	s.args = before
	folder := t.TempDir()
	run.Format, run.TempFile = format, func() (*os.File, error) { return os.Create(filepath.Join(folder, "rows")) }
	return run
}

// status returns what the command says about the fixture's item.
func (s *fixture) status(t *testing.T) shown {
	t.Helper()
	run := s.statusRun(t, item.FormatJSON)
	doc, err := command.Status(context.Background(), run)
	require.NoError(t, err)
	assert.Nil(t, doc)
	var text bytes.Buffer
	require.NoError(t, run.Stream(&text))
	var answer struct {
		Items []shown `json:"items"`
	}
	require.NoError(t, json.Unmarshal(text.Bytes(), &answer), text.String())
	require.Len(t, answer.Items, 1)
	return answer.Items[0]
}

// walk is an item's way through a term: status is asked before each of two sweeps a day.
type walk struct {
	*fixture
	t *testing.T
	// issueAfter is how many days after a reissue the seller issues the certificate; 0 for never.
	issueAfter int
	change     func(w *walk) // before each day

	asked    time.Time // when the reissue under way was asked for
	did      []string  // "DAY ACTION" of what the sweeps did
	foretold []string  // "DAY ACTION" as each status said
}

// sweepDay asks for the status and sweeps, twice. It checks that what the sweep did is what was foretold.
func (w *walk) sweepDay() {
	today := cabforum.DateOf(w.at).String()
	first, acted := shown{}, ""
	for n, hour := range []int{9, 21} {
		w.at = time.Date(w.at.Year(), w.at.Month(), w.at.Day(), hour, 0, 0, 0, time.UTC)
		said := w.status(w.t)
		if n == 0 {
			first = said
		}
		if said.ActionDay != "" && said.Action != "wait" {
			w.foretold = append(w.foretold, said.ActionDay+" "+said.Action)
		}
		reissues, notices := w.seller.reissues, len(w.mailer.notices)
		tried := w.panel.order.Params[itemparam.ReissueTried]
		doc, _ := w.sweep(w.t)
		did := ""
		switch {
		case w.seller.reissues > reissues || w.panel.order.Params[itemparam.ReissueTried] != tried && w.panel.order.Params[itemparam.ReissueTried] != "":
			did, w.asked = "reissue", w.at
		case slices.ContainsFunc(w.mailer.notices[notices:], func(one item.Notice) bool { return one.Kind == item.NoticeExpires }):
			did = "tell"
		case strings.Contains(doc, `action="wait"`):
			did = "wait"
		}
		if did == "reissue" || did == "tell" {
			require.Equal(w.t, did, said.Action, "%s: the sweep did what was not foretold: %+v\n%s", w.at, said, doc)
			require.Equal(w.t, today, said.ActionDay)
			w.did = append(w.did, today+" "+did)
			acted = did
		}
		if said.Action == "wait" {
			require.Equal(w.t, "wait", did, "%s: %+v\n%s", w.at, said, doc)
		}
		if said.Action == "none" || said.Action == "renew" {
			require.Empty(w.t, did, "%s: %+v\n%s", w.at, said, doc)
		}
	}
	if (first.Action == "reissue" || first.Action == "tell") && first.ActionDay == today {
		require.Equal(w.t, first.Action, acted, "%s was foretold for %s, and no sweep of that day did it", first.Action, today)
	}
}

// days walks so many days.
func (w *walk) days(n int) {
	for range n {
		if w.change != nil {
			w.change(w)
		}
		if w.issueAfter > 0 && !w.asked.IsZero() && w.at.Sub(w.asked) >= time.Duration(w.issueAfter)*24*time.Hour && w.panel.order.Params[itemparam.ServiceStatus] != "5" {
			id, err := strconv.ParseInt(w.panel.order.Params[itemparam.OrderID], 10, 64)
			require.NoError(w.t, err)
			w.seller.issue(w.t, id, w.pair, w.at.Add(-time.Hour), min(199, cabforum.Cap(w.at)-1))
		}
		w.sweepDay()
		w.at = w.at.AddDate(0, 0, 1)
	}
}

// rules STATUS-4: the next action and its day are those of the sweep's own decisions.
func TestStatusForetellsWhatTheSweepDoes(t *testing.T) {
	for _, c := range []struct {
		name      string
		settings  map[string]string
		issue     int
		days      int
		begin     func(w *walk)
		change    func(w *walk)
		first     string // what is foretold on the first day
		did       int    // at least so many actions
		disturbed bool   // something keeps the sweep from what was foretold
	}{
		{name: "auto", issue: 2, days: 700, first: "2026-10-08 reissue", did: 4},
		{name: "auto with a long lead", settings: map[string]string{cabforum.SettingBefore: "200"}, issue: 1, days: 300, first: "2026-07-11 reissue", did: 2},
		{name: "auto with no lead", settings: map[string]string{cabforum.SettingBefore: "0"}, issue: 1, days: 230, first: "2026-10-18 reissue", did: 1},
		{name: "manual", settings: map[string]string{cabforum.SettingPolicy: "manual"}, days: 230, first: "2026-10-08 tell", did: 1},
		{name: "none", settings: map[string]string{cabforum.SettingPolicy: "none"}, days: 230},
		{name: "the seller refuses for three days", issue: 1, days: 260, first: "2026-10-08 reissue", did: 4, change: func(w *walk) {
			w.seller.reissueErr = nil
			if day := cabforum.DateOf(w.at).String(); day >= "2026-10-08" && day < "2026-10-11" {
				w.seller.reissueErr = fault.Errorf(fault.API, "reissue", "2011296 refused")
			}
		}},
		{name: "the seller refuses for ever", days: 260, first: "2026-10-08 reissue", did: 5, change: func(w *walk) {
			w.seller.reissueErr = fault.Errorf(fault.API, "reissue", "2011296 refused")
		}},
		{name: "the seller's term ends with the certificate", issue: 1, days: 230, first: "2026-10-15 reissue", did: 1, begin: func(w *walk) {
			w.panel.order.Params[itemparam.TermEnd] = "2026-10-18"
		}},
		{name: "the certificate lasts as long as the term", days: 230, first: "2026-10-02 renew", begin: func(w *walk) { w.period(6) }},
		{name: "an operation of the panel is open for ten days", disturbed: true, issue: 1, days: 230, first: "2026-10-08 reissue", did: 1, change: func(w *walk) {
			w.panel.operations = 0
			if day := cabforum.DateOf(w.at).String(); day >= "2026-10-04" && day < "2026-10-14" {
				w.panel.operations = 1
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := issuedFixture(t)
			s.args = item.Args{Command: "subscription"}
			s.panel.order.Status = 2
			s.panel.settings[item.SettingMailFrom] = "noreply@example.org"
			for name, value := range c.settings {
				s.panel.settings[name] = value
			}
			s.at = now().AddDate(0, 0, 1)
			w := &walk{fixture: s, t: t, issueAfter: c.issue, change: c.change}
			if c.begin != nil {
				c.begin(w)
			}
			w.days(c.days)
			if c.first == "" {
				assert.Empty(t, w.foretold)
				assert.Empty(t, w.did)
				return
			}
			require.NotEmpty(t, w.foretold)
			assert.Equal(t, c.first, w.foretold[0])
			assert.GreaterOrEqual(t, len(w.did), c.did, fmt.Sprint(w.did))
			for _, did := range w.did {
				assert.Contains(t, w.foretold, did)
			}
			end := cabforum.DateOf(w.at).String()
			for _, said := range w.foretold { // the other way round: whatever was foretold came true
				if day, action, _ := strings.Cut(said, " "); day < end && action != "renew" && !c.disturbed {
					assert.Contains(t, w.did, said)
				}
			}
		})
	}
}
