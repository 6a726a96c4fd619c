package status_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/status"
	"pmssl/internal/terminal"
)

// formats returns the report in every format, the line of --check among them.
func formats(t *testing.T, r *status.Report) map[string]string {
	t.Helper()
	plain := func(write func(io.Writer, terminal.Styles) error) func(io.Writer) error {
		return func(to io.Writer) error { return write(to, terminal.Styles{}) }
	}
	line, _, err := r.Check(false)
	require.NoError(t, err)
	return map[string]string{
		"text": written(t, plain(r.WriteText)), "item": written(t, plain(r.WriteItem)), "json": written(t, r.WriteJSON), "xml": written(t, r.WriteXML),
		"prometheus": written(t, r.WritePrometheus), "html": written(t, r.WriteHTML), "check": line,
	}
}

// rules STATUS-6: whatever is stored in the panel or below var may repeat a secret of a module. The run knows the secrets once the modules'
// parameters are read.
func TestSecretsAreMaskedInEveryFormat(t *testing.T) {
	const secret = "Planted<&>Secret"
	hidden := strings.Replace(secret, "&", "\x1b&\u202e", 1) // it shows once what does not print is left out
	for _, place := range []struct {
		name  string
		plant func(f *fixture, it *item.OverviewItem)
	}{
		{name: "domain", plant: func(_ *fixture, it *item.OverviewItem) { it.Item.Name = "x " + secret }},
		{name: "template", plant: func(_ *fixture, it *item.OverviewItem) { it.Item.Template = secret }},
		{name: "error of the database", plant: func(_ *fixture, it *item.OverviewItem) { it.Problem = fault.Errorf(fault.DB, "item", "x %s", hidden) }},
		{name: "where it is cut", plant: func(_ *fixture, it *item.OverviewItem) {
			it.Problem = fault.Errorf(fault.DB, "item", "%s%s", strings.Repeat("x", 396), secret)
		}},
		{name: "parameter", plant: func(_ *fixture, it *item.OverviewItem) { it.Item.Params[itemparam.TermStart] = secret }},
		{name: "delivery", plant: func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.Delivery] = fmt.Sprintf(`{"serial":%q,"since":"2026-10-01T08:00:00Z","tries":1,"last":"2026-10-01T08:00:00Z","why":%q}`, serialOf(it), secret)
		}},
		{name: "place", plant: func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.SiteWatch] = fmt.Sprintf(`{"outcome":"unreachable","since":"2026-09-29T09:00:00Z","serial":%q,"name":%q,"why":%q}`, serialOf(it), secret, secret)
		}},
		{name: "operation", plant: func(f *fixture, _ *item.OverviewItem) {
			f.work = map[int64]item.OpenWork{1: {Operations: 1, Error: secret}}
		}},
		{name: "sweep", plant: func(f *fixture, _ *item.OverviewItem) { f.record.Error = secret }},
		{name: "failure of the sweep", plant: func(f *fixture, _ *item.OverviewItem) {
			f.record.Failures = []item.SweepFailure{{Item: 1, Error: secret}}
		}},
		{name: "module", plant: func(f *fixture, _ *item.OverviewItem) { f.modules[0].Name = secret }},
		{name: "currency", plant: func(f *fixture, _ *item.OverviewItem) {
			f.modules[0].Balance = item.BalanceRecord{At: now(), Currency: secret}
		}},
		{name: "module that cannot be read", plant: func(f *fixture, _ *item.OverviewItem) { f.params = errors.New("x " + secret) }},
		{name: "balances", plant: func(f *fixture, _ *item.OverviewItem) { f.unread = []string{"x " + secret} }},
		{name: "tables", plant: func(f *fixture, _ *item.OverviewItem) { f.problems = []string{"x " + secret} }},
	} {
		t.Run(place.name, func(t *testing.T) {
			f := newFixture(t)
			f.record = &item.SweepRecord{Started: now(), Ended: now(), Completed: now(), Result: item.SweepOK}
			f.mask = func(text string) string {
				if !f.asked {
					return text // the secrets are not known yet
				}
				return strings.ReplaceAll(text, secret, "***")
			}
			place.plant(f, f.issued(1, 5))
			for format, text := range formats(t, f.read()) {
				assert.False(t, strings.Contains(text, "Planted") || strings.Contains(text, "Secret"), format)
			}
		})
	}
}

// The secrets of a seller without limits of calls are needed too.
func TestParametersOfEveryModuleAreRead(t *testing.T) {
	f := newFixture(t)
	f.issued(1, 100)
	f.params = errors.New("the key is missing")
	run := f.run()
	run.Info.Prototype = struct{ seller.Seller }{}
	report, err := status.Read(t.Context(), run)
	require.NoError(t, err)
	defer report.Close()
	assert.True(t, f.asked)
	assert.Equal(t, "the key is missing", report.Modules[0].Error)
}

// A long id is never cut: it could be that of another item. The names get fewer columns.
func TestIdsAreNeverCut(t *testing.T) {
	for _, id := range []int64{7, 99999999, 2147483647, 9223372036854775807} {
		f := newFixture(t)
		f.issued(1, 100)
		it := f.issued(2, 90)
		it.Item.Item, it.Item.Name = id, strings.Repeat("漢字", 40)+"⚡"
		for format, text := range formats(t, f.read()) {
			if format != "check" {
				assert.True(t, strings.Contains(text, fmt.Sprint(id)), format)
			}
			if format != "text" {
				continue
			}
			for _, line := range strings.Split(text, "\n") {
				assert.LessOrEqual(t, terminal.Width(line), terminal.MaxWidth, line)
			}
		}
	}
}

// rules STATUS-8: without the time nothing is known of a certificate's end.
func TestWrongClockIsCritical(t *testing.T) {
	for at, code := range map[time.Time]status.Severity{
		time.Unix(0, 0): status.Critical, {}: status.Critical, time.Date(2019, 12, 31, 23, 59, 59, 0, time.UTC): status.Critical, now(): status.OK,
	} {
		f := newFixture(t)
		f.issued(1, 100)
		f.record = &item.SweepRecord{Started: at, Ended: at, Completed: at, Result: item.SweepOK}
		run := f.run()
		run.Now = func() time.Time { return at }
		report, err := status.Read(t.Context(), run)
		require.NoError(t, err)
		t.Cleanup(func() { _ = report.Close() })
		_, got, err := report.Check(false)
		require.NoError(t, err)
		assert.Equal(t, code, got, at)
		for format, text := range formats(t, report) {
			if code != status.OK && format != "prometheus" && format != "item" {
				assert.True(t, strings.Contains(text, "clock shows"), format)
			}
		}
	}
}

// What is not known is absent, and never the year 1.
func TestItemsWithoutDatesShowNone(t *testing.T) {
	for name, params := range map[string]map[string]string{
		"nothing": {}, "a site without a day": {itemparam.Serial: "ab", itemparam.SiteWatch: `{"outcome":"old","serial":"ab"}`},
	} {
		f := newFixture(t)
		f.items = []item.OverviewItem{{Covered: true, Item: item.Item{Item: 1, Module: 5, Status: 2, Params: params}}}
		for format, text := range formats(t, f.read()) {
			assert.False(t, strings.Contains(text, "0001-01-01"), name+" "+format)
		}
	}
}

// The line of --check has a limit; long problems must not take the place of the items.
func TestCheckNamesItemsBeforeLongProblems(t *testing.T) {
	f := newFixture(t)
	f.issued(1, -1)
	f.issued(2, -1)
	f.problems, f.params = []string{strings.Repeat("problem ", 100)}, errors.New(strings.Repeat("module ", 100))
	line, code, err := f.read().Check(false)
	require.NoError(t, err)
	assert.Equal(t, status.Critical, code)
	assert.Contains(t, line, "item 1 (item1.example) expired; item 2 (item2.example) expired")
	assert.Contains(t, line, "not read: problem")
	assert.Contains(t, line, "| items=2;;;0")
}

func TestEmptyPanelIsShown(t *testing.T) {
	f := newFixture(t)
	f.modules = nil
	all := formats(t, f.read())
	assert.Contains(t, all["text"], "0 items")
	assert.True(t, strings.Contains(all["html"], "There are no items."))
	conforming(t, all["prometheus"])
	assert.Contains(t, all["check"], "0 items")
}

// Nothing on the page is wider than the screen because of one long word.
func TestLongWordsOfThePageAreBroken(t *testing.T) {
	assert.True(t, strings.Contains(written(t, newFixture(t).read().WriteHTML), "p { margin: .25rem 0; overflow-wrap: anywhere; }"))
}
