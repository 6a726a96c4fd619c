package status_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

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
