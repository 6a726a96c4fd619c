package status_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/status"
)

// expected is what a row must say.
type expected struct {
	state, waits string
	severity     status.Severity
	err          string // is part of the error
}

// shows checks the row of an item whose certificate ends so many days from now.
func shows(t *testing.T, days int, change func(f *fixture, it *item.OverviewItem), want expected) {
	t.Helper()
	f := newFixture(t)
	change(f, f.issued(1, days))
	row := f.one()
	assert.Equal(t, want.state, row.State)
	assert.Equal(t, want.waits, row.WaitsFor)
	assert.Equal(t, want.severity, row.Severity)
	assert.Contains(t, row.Error, want.err)
}

// rules STATUS-3: an operation that the panel does not run by itself is the administrator's, in whatever state the item is.
func TestManualOperationIsTheAdministrators(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		covered bool
		work    item.OpenWork
		want    expected
	}{
		{name: "active", status: 2, covered: true, work: item.OpenWork{Operations: 1, Manual: true}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
		{name: "active, one of two", status: 2, covered: true, work: item.OpenWork{Operations: 2, Tries: 1, Manual: true}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
		{name: "active, run by the panel", status: 2, covered: true, work: item.OpenWork{Operations: 1, Tries: 1}, want: expected{state: "waiting", waits: "nobody"}},
		{name: "processing", status: 5, work: item.OpenWork{Operations: 1, Tries: 1, Manual: true}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
		{name: "not paid", status: 1, work: item.OpenWork{Operations: 1, Manual: true}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shows(t, 100, func(f *fixture, it *item.OverviewItem) {
				it.Item.Status, it.Covered = c.status, c.covered
				f.work = map[int64]item.OpenWork{1: c.work}
			}, c.want)
		})
	}
}

// rules STATUS-10: the client may have paid for a renewal that failed after the end of the term, while the site's certificate ends.
func TestFailedOperationAfterTheTermCountsByTheCertificate(t *testing.T) {
	for _, c := range []struct {
		name      string
		days      int
		suspended bool // by the panel
		work      item.OpenWork
		want      expected
	}{
		{name: "failed, the certificate has ended", days: -1, work: item.OpenWork{Operations: 1, Tries: 1, Tasks: 1}, want: expected{state: "failed", waits: "administrator", severity: status.Critical}},
		{name: "failed, the certificate ends", days: 6, work: item.OpenWork{Operations: 1, Tries: 10}, want: expected{state: "failed", waits: "administrator", severity: status.Critical}},
		{name: "failed, the certificate lasts", days: 50, work: item.OpenWork{Operations: 1, Tries: 10}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
		{name: "failed, suspended by the panel", days: -1, suspended: true, work: item.OpenWork{Operations: 1, Manual: true}, want: expected{state: "failed", waits: "administrator", severity: status.Critical}},
		{name: "runs again, the certificate ends", days: 2, work: item.OpenWork{Operations: 1, Tries: 2}, want: expected{state: "waiting", waits: "nobody", severity: status.Critical}},
		{name: "runs for the first time", days: 2, work: item.OpenWork{Operations: 1, Tries: 1}, want: expected{state: "waiting", waits: "nobody"}},
		{name: "runs, suspended by the panel", days: 50, suspended: true, work: item.OpenWork{Operations: 1, Tries: 1}, want: expected{state: "waiting", waits: "nobody"}},
		{name: "a close failed", days: -1, work: item.OpenWork{Operations: 1, Tries: 10, Ending: true}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
		{name: "no operation", days: 2, want: expected{state: "ended", waits: "client"}},
		{name: "no operation, suspended by the panel", days: 2, suspended: true, want: expected{state: "ended", waits: "client"}},
		{name: "a task alone, suspended by the panel", days: 2, suspended: true, work: item.OpenWork{Tasks: 1}, want: expected{state: "ended", waits: "client"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shows(t, c.days, func(f *fixture, it *item.OverviewItem) {
				it.Item.Params[itemparam.TermStart] = "2025-09-01"
				if c.suspended {
					it.Item.Status, it.Autosuspend = 3, true
				}
				f.work = map[int64]item.OpenWork{1: c.work}
			}, c.want)
		})
	}
}

// rules STATUS-3: the sweep leaves out an item that the panel shows as neither active, suspended nor worked on, so its certificate
// would run out unnoticed.
func TestCertificateOfAnItemThatIsNotActiveShows(t *testing.T) {
	for _, state := range []int{0, 1, 6} {
		for _, c := range []struct {
			name    string
			days    int
			started string // begin of the term; empty for that of the fixture
			work    item.OpenWork
			revoked bool
			want    expected
		}{
			{name: "lasts", days: 100, want: expected{state: "damaged", waits: "administrator", severity: status.Warning, err: fmt.Sprintf("has the status %d in the panel", state)}},
			{name: "ends", days: 6, want: expected{state: "damaged", waits: "administrator", severity: status.Critical, err: "has the status"}},
			{name: "has ended", days: -1, want: expected{state: "expired", waits: "administrator", severity: status.Critical, err: "has the status"}},
			{name: "is revoked", days: 100, revoked: true, want: expected{state: "revoked", waits: "administrator", severity: status.Critical, err: "has the status"}},
			{name: "an operation runs", days: 100, work: item.OpenWork{Operations: 1, Tries: 1}, want: expected{state: "waiting", waits: "nobody"}},
			{name: "an operation runs, and it has ended", days: -1, work: item.OpenWork{Operations: 1, Tries: 1}, want: expected{state: "expired", waits: "nobody", severity: status.Critical}},
			{name: "an operation failed", days: 100, work: item.OpenWork{Operations: 1, Tries: 10}, want: expected{state: "failed", waits: "administrator", severity: status.Warning}},
			{name: "the term is over", days: 100, started: "2025-09-01", want: expected{state: "ended", waits: "client"}},
		} {
			t.Run(fmt.Sprintf("status %d, %s", state, c.name), func(t *testing.T) {
				shows(t, c.days, func(f *fixture, it *item.OverviewItem) {
					it.Item.Status, it.Covered = state, false
					if c.started != "" {
						it.Item.Params[itemparam.TermStart] = c.started
					}
					if c.revoked {
						it.Item.Params[itemparam.Revocation] = fmt.Sprintf(`{"serial":%q,"date":"2026-09-30T00:00:00Z"}`, serialOf(it))
					}
					f.work = map[int64]item.OpenWork{1: c.work}
				}, c.want)
			})
		}
	}
}

// rules STATUS-3, STATUS-10: what hurts a site shows also while the panel works on the item, whether an order is known or not.
func TestCertificateThatEndsWhileThePanelWorksShows(t *testing.T) {
	for _, c := range []struct {
		name  string
		days  int
		order string
		want  expected
	}{
		{name: "has ended", days: -1, order: "7", want: expected{state: "expired", waits: "nobody", severity: status.Critical}},
		{name: "has ended, without an order", days: -1, want: expected{state: "expired", waits: "nobody", severity: status.Critical}},
		{name: "ends, without an order", days: 2, want: expected{state: "waiting", waits: "nobody", severity: status.Critical}},
		{name: "lasts, without an order", days: 100, want: expected{state: "waiting", waits: "nobody"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shows(t, c.days, func(f *fixture, it *item.OverviewItem) {
				it.Item.Status, it.Covered, it.Item.Params[itemparam.OrderID] = 5, false, c.order
				f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 1}}
			}, c.want)
		})
	}
}

// rules STATUS-10: a certificate that cannot be read may have ended, unless something else says that it has not.
func TestDamagedItemIsCriticalUnlessItIsKnownThatNoCertificateEnds(t *testing.T) {
	unread := func(_ *fixture, it *item.OverviewItem) {
		it.Item.Stored, it.Item.Params = "", map[string]string{}
		it.Problem, it.CertificateUnread = fault.Errorf(fault.DB, "certificate", "the table certificate is damaged"), true
	}
	damaged := func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "x" }
	without := func(names ...string) func(f *fixture, it *item.OverviewItem) {
		return func(_ *fixture, it *item.OverviewItem) {
			for _, name := range names {
				delete(it.Item.Params, name)
			}
		}
	}
	set := func(name, value string) func(f *fixture, it *item.OverviewItem) {
		return func(_ *fixture, it *item.OverviewItem) { it.Item.Params[name] = value }
	}
	status3 := func(_ *fixture, it *item.OverviewItem) { it.Item.Status, it.Covered = 3, false }
	for _, c := range []struct {
		name     string
		days     int
		changes  []func(f *fixture, it *item.OverviewItem)
		severity status.Severity
	}{
		{name: "the parameter says that it lasts", days: 100, changes: []func(*fixture, *item.OverviewItem){damaged}, severity: status.Warning},
		{name: "the parameter says that it ends", days: 6, changes: []func(*fixture, *item.OverviewItem){damaged}, severity: status.Critical},
		{name: "the parameter says that it has ended", days: -5, changes: []func(*fixture, *item.OverviewItem){damaged}, severity: status.Critical},
		{name: "the parameter is missing", days: 100, changes: []func(*fixture, *item.OverviewItem){damaged, without(itemparam.ExpireDate)}, severity: status.Critical},
		{name: "the parameter is damaged", days: 100, changes: []func(*fixture, *item.OverviewItem){damaged, set(itemparam.ExpireDate, "soon")}, severity: status.Critical},
		{name: "nothing can be read", days: 100, changes: []func(*fixture, *item.OverviewItem){unread}, severity: status.Critical},
		{name: "nothing can be read, suspended by an employee", days: 100, changes: []func(*fixture, *item.OverviewItem){unread, status3}, severity: status.Warning},
		{name: "nothing can be read, the term is over", days: 100, changes: []func(*fixture, *item.OverviewItem){unread, set(itemparam.TermStart, "2025-09-01")}, severity: status.Warning},
		{name: "the certificate is lost, only the serial is known", days: 100, changes: []func(*fixture, *item.OverviewItem){
			func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "" }, without(itemparam.ExpireDate),
		}, severity: status.Critical},
		{name: "issued, and nothing else is known", days: 100, changes: []func(*fixture, *item.OverviewItem){
			func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "" }, without(itemparam.ExpireDate, itemparam.Serial),
		}, severity: status.Critical},
		{name: "it never had one", days: 100, changes: []func(*fixture, *item.OverviewItem){
			func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "" }, without(itemparam.ExpireDate, itemparam.Serial, itemparam.ServiceStatus),
			set(itemparam.TermMonths, "x"),
		}, severity: status.Warning},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.record = &item.SweepRecord{Started: now(), Ended: now(), Completed: now(), Result: item.SweepOK}
			it := f.issued(1, c.days)
			for _, change := range c.changes {
				change(f, it)
			}
			report := f.read()
			_, code, err := report.Check(false)
			assert.NoError(t, err)
			assert.Equal(t, c.severity, code)
			assert.Equal(t, 1, report.States[status.StateDamaged])
		})
	}
}

// A purchase whose time is in the future was noted by a clock that was wrong: nobody waits for that day.
func TestPurchaseOfTheFutureIsTheAdministrators(t *testing.T) {
	for ago, waits := range map[time.Duration]string{
		time.Minute: "nobody", -time.Minute: "nobody", 11 * time.Minute: "administrator", -11 * time.Minute: "administrator", -9000 * time.Hour: "administrator",
	} {
		shows(t, 100, func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.Intent] = fmt.Sprintf(`{"kind":"create","time":"%s","product":"x","snapshot":1}`, now().Add(-ago).Format(time.RFC3339))
		}, expected{state: "unclear", waits: waits, severity: status.Warning})
	}
}
