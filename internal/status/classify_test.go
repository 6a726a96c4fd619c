package status_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/status"
)

// rules STATUS-3: one word for each state, and who is waited for.
func TestStateAndWhoIsWaitedFor(t *testing.T) {
	stamp := func(ago time.Duration) string { return now().Add(-ago).Format(time.RFC3339) }
	published := func(ago time.Duration, seen bool) string {
		at := ""
		if seen {
			at = stamp(ago)
		} else {
			at = "0001-01-01T00:00:00Z"
		}
		return fmt.Sprintf(`[{"publisher":"x","zone":"example.com","record":{},"id":7,"at":"%s","seen":"%s","asked":"0001-01-01T00:00:00Z","asks":0}]`, stamp(ago), at)
	}
	type change func(f *fixture, it *item.OverviewItem)
	set := func(pairs ...string) change {
		return func(_ *fixture, it *item.OverviewItem) {
			for i := 0; i < len(pairs); i += 2 {
				it.Item.Params[pairs[i]] = pairs[i+1]
			}
		}
	}
	revoked := func(more string) change {
		return func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.Revocation] = fmt.Sprintf(`{"serial":%q,"date":"2026-09-30T00:00:00Z"%s}`, serialOf(it), strings.ReplaceAll(more, "SERIAL", serialOf(it)))
		}
	}
	watched := func(outcome string) change {
		return func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.SiteWatch] = fmt.Sprintf(`{"outcome":%q,"since":"2026-09-29T09:00:00Z","old_since":"2026-09-30T09:00:00Z","serial":%q}`, outcome, serialOf(it))
		}
	}
	delivery := func(more string) change {
		return func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.Delivery] = fmt.Sprintf(`{"serial":%q,"since":"%s","tries":1,"last":"%s"%s}`, serialOf(it), stamp(time.Hour), stamp(time.Minute), more)
		}
	}
	none := func(_ *fixture, it *item.OverviewItem) {
		it.Item.Stored = ""
		delete(it.Item.Params, itemparam.ExpireDate)
		delete(it.Item.Params, itemparam.Serial)
	}
	both := func(all ...change) change {
		return func(f *fixture, it *item.OverviewItem) {
			for _, c := range all {
				c(f, it)
			}
		}
	}
	for _, c := range []struct {
		name         string
		days         int
		change       change
		state, waits string
		severity     status.Severity
		action, day  string
		err          string
	}{
		{name: "nothing to do", days: 100, state: "ok", waits: "nobody", action: "reissue", day: "2026-12-30"},
		{name: "due", days: 9, state: "due", waits: "nobody", action: "reissue", day: "2026-10-01"},
		{name: "due and no sweep", days: 5, state: "due", waits: "nobody", severity: status.Warning, action: "reissue", day: "2026-10-01"},
		{name: "expired", days: -1, state: "expired", waits: "nobody", severity: status.Critical, action: "reissue", day: "2026-10-01"},
		{name: "expired, policy none", days: -1, change: func(f *fixture, _ *item.OverviewItem) { f.settings[cabforum.SettingPolicy] = "none" }, state: "expired", waits: "administrator", severity: status.Critical, action: "none"},
		{name: "manual", days: 9, change: func(f *fixture, _ *item.OverviewItem) { f.settings[cabforum.SettingPolicy] = "manual" }, state: "due", waits: "nobody", action: "tell", day: "2026-10-01"},
		{name: "manual and told", days: 9, change: func(f *fixture, it *item.OverviewItem) {
			f.settings[cabforum.SettingPolicy] = "manual"
			it.Item.Params[itemparam.NotifiedSerial] = serialOf(it)
		}, state: "due", waits: "client", action: "none"},
		{name: "tried a short time ago", days: 9, change: set(itemparam.ReissueTried, stamp(time.Hour)+" 1"), state: "due", waits: "nobody", action: "reissue", day: "2026-10-02"},
		{name: "tried a short time ago, last week", days: 5, change: set(itemparam.ReissueTried, stamp(time.Hour)+" 1"), state: "due", waits: "nobody", severity: status.Warning, action: "reissue", day: "2026-10-02"},
		{name: "tried a short time ago, last days", days: 2, change: set(itemparam.ReissueTried, stamp(time.Hour)+" 1"), state: "due", waits: "nobody", severity: status.Critical, action: "reissue", day: "2026-10-02"},
		{name: "due, policy none", days: 9, change: func(f *fixture, _ *item.OverviewItem) { f.settings[cabforum.SettingPolicy] = "none" }, state: "due", waits: "administrator", severity: status.Warning, action: "none"},
		{name: "ends, policy none", days: 2, change: func(f *fixture, _ *item.OverviewItem) { f.settings[cabforum.SettingPolicy] = "none" }, state: "due", waits: "administrator", severity: status.Critical, action: "none"},
		{name: "early, policy none", days: 100, change: func(f *fixture, _ *item.OverviewItem) { f.settings[cabforum.SettingPolicy] = "none" }, state: "ok", waits: "nobody", action: "none"},
		{name: "tried too often", days: 9, change: set(itemparam.ReissueTried, stamp(25*time.Hour)+" 5"), state: "failed", waits: "administrator", severity: status.Warning, action: "none"},
		{name: "no gain", days: 9, change: func(_ *fixture, it *item.OverviewItem) {
			it.Item.Params[itemparam.TermEnd] = it.Item.Params[itemparam.ExpireDate]
		}, state: "due", waits: "administrator", severity: status.Warning, action: "reissue", day: "2026-10-07"},
		{name: "requested", days: 9, change: set(itemparam.ServiceStatus, "3"), state: "waiting", waits: "seller", action: "wait", day: "2026-10-01"},
		{name: "waits for its challenges", days: 9, change: set(itemparam.ServiceStatus, "4"), state: "waiting", waits: "client", action: "wait", day: "2026-10-01"},
		{name: "waits in the last week", days: 6, change: set(itemparam.ServiceStatus, "4"), state: "waiting", waits: "client", severity: status.Warning, action: "wait", day: "2026-10-01"},
		{name: "waits in the last days", days: 2, change: set(itemparam.ServiceStatus, "4"), state: "waiting", waits: "client", severity: status.Critical, action: "wait", day: "2026-10-01"},
		{name: "waits and has expired", days: -1, change: set(itemparam.ServiceStatus, "4"), state: "expired", waits: "client", severity: status.Critical, action: "wait", day: "2026-10-01"},
		{name: "the administrator has a task", days: 9, change: set(itemparam.ServiceStatus, "4", itemparam.WaitingTask, "3"), state: "waiting", waits: "administrator", severity: status.Warning, action: "wait", day: "2026-10-01"},
		{name: "publishes", days: 9, change: set(itemparam.ServiceStatus, "4", itemparam.ChallengesPublished, published(time.Hour, false)), state: "publishing", waits: "nobody", action: "wait", day: "2026-10-01"},
		{name: "has published", days: 9, change: set(itemparam.ServiceStatus, "4", itemparam.ChallengesPublished, published(time.Hour, true)), state: "publishing", waits: "seller", action: "wait", day: "2026-10-01"},
		{name: "has published in vain", days: 9, change: set(itemparam.ServiceStatus, "4", itemparam.ChallengesPublished, published(49*time.Hour, true)), state: "publishing", waits: "administrator", severity: status.Warning, action: "wait", day: "2026-10-01"},
		{name: "the first certificate", change: both(none, set(itemparam.ServiceStatus, "4")), state: "waiting", waits: "client", action: "wait", day: "2026-10-01"},
		{name: "failed", change: both(none, set(itemparam.ServiceStatus, "6")), state: "failed", waits: "administrator", severity: status.Warning, action: "none"},
		{name: "not paid", change: both(none, func(_ *fixture, it *item.OverviewItem) { it.Item.Status, it.Covered = 1, false }), state: "ordered", waits: "client", action: "none"},
		{name: "opening", change: both(none, func(_ *fixture, it *item.OverviewItem) {
			it.Item.Status, it.Covered = 5, false
			delete(it.Item.Params, itemparam.OrderID)
		}), state: "ordered", waits: "nobody", action: "none"},
		{name: "opening failed", change: both(none, func(f *fixture, it *item.OverviewItem) {
			it.Item.Status, it.Covered = 5, false
			delete(it.Item.Params, itemparam.ServiceStatus)
			f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 10, Error: "no money"}}
		}), state: "failed", waits: "administrator", severity: status.Warning, action: "none", err: "no money"},
		{name: "an operation runs", days: 100, change: func(f *fixture, _ *item.OverviewItem) { f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 1}} }, state: "waiting", waits: "nobody", action: "reissue", day: "2026-12-30"},
		{name: "a renewal is left to the administrator after one run", days: 20, change: both(set(itemparam.TermStart, "2025-10-21"), func(f *fixture, _ *item.OverviewItem) {
			f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 1, Tasks: 1, Error: "no money"}}
		}), state: "failed", waits: "administrator", severity: status.Warning, action: "renew", day: "2026-10-21", err: "no money"},
		{name: "that renewal, the term is over", days: -1, change: both(set(itemparam.TermStart, "2025-09-30"), func(f *fixture, _ *item.OverviewItem) {
			f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 1, Tasks: 1}}
		}), state: "failed", waits: "administrator", severity: status.Critical, action: "none"},
		{name: "the panel works on it, its certificate ends", days: 2, change: func(f *fixture, it *item.OverviewItem) {
			it.Item.Status, it.Covered = 5, false
			f.work = map[int64]item.OpenWork{1: {Operations: 1, Tries: 1}}
		}, state: "waiting", waits: "nobody", severity: status.Critical, action: "none"},
		{name: "a purchase may have been made", days: 100, change: set(itemparam.Intent, `{"kind":"create","time":"2026-10-01T08:00:00Z","product":"x","snapshot":1}`), state: "unclear", waits: "administrator", severity: status.Warning, action: "reissue", day: "2026-12-30"},
		{name: "a purchase is made now", days: 100, change: set(itemparam.Intent, `{"kind":"create","time":"2026-10-01T08:59:00Z","product":"x","snapshot":1}`), state: "unclear", waits: "nobody", severity: status.Warning, action: "reissue", day: "2026-12-30"},
		{name: "suspended", days: 100, change: func(_ *fixture, it *item.OverviewItem) { it.Item.Status, it.Covered = 3, false }, state: "suspended", waits: "administrator", action: "none"},
		{name: "suspended by the panel in its term", days: 100, change: func(_ *fixture, it *item.OverviewItem) { it.Item.Status, it.Autosuspend = 3, true }, state: "ok", waits: "nobody", action: "reissue", day: "2026-12-30"},
		{name: "the term is over", days: 10, change: set(itemparam.TermStart, "2025-09-01"), state: "ended", waits: "client", action: "none"},
		{name: "the term ends soon", days: 10, change: set(itemparam.TermStart, "2025-10-11"), state: "ending", waits: "client", action: "renew", day: "2026-10-11"},
		{name: "the term ends later", days: 100, change: set(itemparam.TermStart, "2026-01-05"), state: "ok", waits: "nobody", action: "renew", day: "2027-01-05"},
		{name: "revoked", days: 100, change: revoked(`,"reason":"superseded"`), state: "revoked", waits: "nobody", severity: status.Critical, action: "reissue", day: "2026-10-01"},
		{name: "revoked, reissued", days: 100, change: both(revoked(`,"reason":"superseded"`), set(itemparam.ServiceStatus, "4")), state: "revoked", waits: "client", severity: status.Critical, action: "wait", day: "2026-10-01"},
		{name: "revoked, with a task", days: 100, change: revoked(`,"reason":"superseded","task":"superseded"`), state: "revoked", waits: "administrator", severity: status.Critical, action: "none"},
		{name: "revoked, the term is over", days: 100, change: both(revoked(`,"reason":"superseded"`), set(itemparam.TermStart, "2025-09-01")), state: "ended", waits: "client", action: "none"},
		{name: "revoked, the term is over, suspended by the panel", days: 100, change: both(revoked(`,"reason":"superseded"`), set(itemparam.TermStart, "2025-09-01"), func(_ *fixture, it *item.OverviewItem) {
			it.Item.Status, it.Autosuspend = 3, true
		}), state: "ended", waits: "client", action: "none"},
		{name: "the key is known", days: 100, change: revoked(`,"reason":"keyCompromise","key":"aa","task":"keyCompromise","told":["SERIAL newkey"]`), state: "revoked", waits: "client", severity: status.Critical, action: "none"},
		{name: "delivers", days: 100, change: delivery(""), state: "delivering", waits: "nobody", action: "deliver", day: "2026-10-01"},
		{name: "cannot deliver", days: 100, change: delivery(`,"by_hand":["a"],"told":true,"mailed":"2026-10-01","why":"no access"`), state: "uninstalled", waits: "client", severity: status.Warning, action: "deliver", day: "2026-10-02", err: "no access"},
		{name: "could not be delivered, and the site serves it", days: 100, change: both(delivery(`,"by_hand":["a"],"told":true,"mailed":"2026-10-01","why":"no access"`), watched("current")), state: "ok", waits: "nobody", action: "deliver", day: "2026-10-02", err: "no access"},
		{name: "the site serves an old one", days: 100, change: watched("old"), state: "uninstalled", waits: "client", severity: status.Warning, action: "tell", day: "2026-10-02"},
		{name: "the site serves it", days: 100, change: watched("current"), state: "ok", waits: "nobody", action: "reissue", day: "2026-12-30"},
		{name: "damaged", days: 100, change: set(itemparam.TermMonths, "many"), state: "damaged", waits: "administrator", severity: status.Warning, action: "none", err: "term_months cannot be read"},
		{name: "damaged, and ends soon", days: 2, change: set(itemparam.Lineage, "7 x"), state: "damaged", waits: "administrator", severity: status.Critical, action: "none", err: "lineage"},
		{name: "the certificate is damaged", days: 100, change: func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "x" }, state: "damaged", waits: "administrator", severity: status.Warning, action: "none", err: "neither PEM"},
		{name: "the certificate is missing", days: 100, change: func(_ *fixture, it *item.OverviewItem) { it.Item.Stored = "" }, state: "damaged", waits: "administrator", severity: status.Warning, action: "none", err: "no certificate is stored"},
		{name: "the row is damaged", days: 100, change: func(_ *fixture, it *item.OverviewItem) {
			it.Problem = errors.Join(fault.Errorf(fault.DB, "item.opendate", "the date x"), fault.Errorf(fault.Value, "delivery", "too long"))
		}, state: "damaged", waits: "administrator", severity: status.Warning, action: "none", err: "the date x; too long"},
		{name: "its parameter has another date", days: 100, change: set(itemparam.ExpireDate, "2026-01-01"), state: "damaged", waits: "administrator", severity: status.Warning, action: "none", err: "run --command sync_item --item 1"},
		{name: "failed in the last sweep", days: 100, change: func(f *fixture, _ *item.OverviewItem) {
			f.record = &item.SweepRecord{Started: now(), Ended: now(), Result: item.SweepPartial, Failures: []item.SweepFailure{{Item: 1, Error: "api_error: refused"}}}
		}, state: "ok", waits: "nobody", action: "reissue", day: "2026-12-30", err: "api_error: refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			it := f.issued(1, c.days)
			if c.change != nil {
				c.change(f, it)
			}
			row := f.one()
			assert.Equal(t, c.state, row.State)
			assert.Equal(t, c.waits, row.WaitsFor)
			assert.Equal(t, c.severity, row.Severity)
			assert.Equal(t, c.action, row.Action)
			assert.Equal(t, c.day, row.Day.String())
			if c.err == "" {
				assert.Empty(t, row.Error)
			} else {
				assert.Contains(t, row.Error, c.err)
			}
			assert.Contains(t, status.States(), row.State)
			assert.Contains(t, status.Waits(), row.WaitsFor)
		})
	}
}

// Each parameter that is damaged shows as the item's error, and the other items are shown.
func TestDamagedParameterDoesNotEndTheList(t *testing.T) {
	for _, name := range []string{
		itemparam.TermStart, itemparam.TermMonths, itemparam.TermEnd, itemparam.ExpireDate, itemparam.OrderID, itemparam.Lineage, itemparam.ReissueOf,
		itemparam.ChallengesPublished, itemparam.Delivery, itemparam.Revocation, itemparam.SiteWatch,
	} {
		f := newFixture(t)
		f.issued(1, 100)
		f.issued(2, 100).Item.Params[name] = "{\"damaged"
		f.issued(3, 100)
		rows := f.rows()
		require.Len(t, rows, 3, name)
		assert.Equal(t, int64(2), rows[0].Item, name)
		assert.Equal(t, status.StateDamaged, rows[0].State, name)
		assert.Contains(t, rows[0].Error, name)
		assert.Equal(t, status.StateOK, rows[1].State)
	}
}

// rules STATUS-5
func TestMostUrgentItemsComeFirst(t *testing.T) {
	f := newFixture(t)
	f.issued(1, 150)
	f.issued(2, 100)
	f.issued(3, 6).Item.Params[itemparam.ServiceStatus] = "4"
	f.issued(4, 100).Item.Params[itemparam.TermMonths] = "x"
	f.issued(5, -2)
	f.issued(6, 1).Item.Params[itemparam.ServiceStatus] = "4"
	f.items = append(f.items, item.OverviewItem{Item: item.Item{Item: 7, Module: 5, Status: 1, Params: map[string]string{}}})
	var order []int64
	for _, row := range f.rows() {
		order = append(order, row.Item)
	}
	assert.Equal(t, []int64{5, 6, 3, 4, 2, 1, 7}, order)
}

func TestLookIsThatOfTheCertificateInPlace(t *testing.T) {
	f := newFixture(t)
	one, two, three := f.issued(1, 100), f.issued(2, 100), f.issued(3, 100)
	_ = two
	lines := `{"version":1,"begun":"2026-01-01T00:00:00Z"}
{"item":1,"looked":"2026-09-30T10:00:00Z","serial":"` + serialOf(&f.items[0]) + `","outcome":"current"}
damaged
{"item":2,"looked":"2026-09-30T10:00:00Z","serial":"ff","outcome":"old","served":"ee"}
{"item":1,"looked":"2026-09-30T11:00:00Z","serial":"` + serialOf(&f.items[0]) + `","outcome":"old"}
{"item":3,"looked":"2026-09-30T10:00:00Z","serial":"` + serialOf(&f.items[2]) + `","outcome":"other","served":"ee"}
`
	require.NoError(t, os.WriteFile(filepath.Join(f.folder, "pmtest.watch"), []byte(lines), 0o600))
	_, _ = one, three
	served := map[int64]string{}
	for _, row := range f.rows() {
		served[row.Item] = row.Served
	}
	assert.Equal(t, map[int64]string{1: "current", 2: "", 3: "other"}, served)

	require.NoError(t, os.WriteFile(filepath.Join(f.folder, "pmtest.watch"), []byte("x"), 0o600))
	report := f.read()
	assert.Equal(t, 3, report.Items)
	require.Len(t, report.Problems, 1)
	assert.Contains(t, report.Problems[0], "pmtest.watch cannot be used")
}

func TestNamedItemIsShownAlone(t *testing.T) {
	f := newFixture(t)
	f.issued(1, 100)
	f.issued(2, 5)
	f.args.Item = 1
	assert.Equal(t, int64(1), f.one().Item)
	for name, c := range map[string]struct {
		item int64
		load item.Item
		want string
	}{
		"absent":  {item: 9, want: "there is no item 9"},
		"other's": {item: 3, load: item.Item{Item: 3, Name: "three.example", Binary: "pmother", Status: 2}, want: "item 3 (three.example) belongs to the module pmother"},
		"deleted": {item: 3, load: item.Item{Item: 3, Name: "three.example", Binary: "pmtest", Status: 4}, want: "is deleted in the panel"},
	} {
		t.Run(name, func(t *testing.T) {
			f.args.Item, f.loaded = c.item, c.load
			_, err := status.Read(t.Context(), f.run())
			assert.ErrorContains(t, err, c.want)
		})
	}
}
