package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// migrationResult is the answer of migrate in JSON.
type migrationResult struct {
	Mode   string         `json:"mode"`
	Counts map[string]int `json:"counts"`
	Items  []struct {
		Item    int64   `json:"item"`
		State   string  `json:"state"`
		Proof   string  `json:"proof"`
		ID      int64   `json:"id"`
		Lineage []int64 `json:"lineage"`
		Newer   bool    `json:"newer_certificate"`
		Reason  string  `json:"reason"`
	} `json:"items"`
}

// state returns state and proof of the item's row, "" if it has none.
func (m migrationResult) state(item int64) string {
	for _, row := range m.Items {
		if row.Item == item {
			return strings.TrimSpace(row.State + " " + row.Proof)
		}
	}
	return ""
}

// migrate runs migrate for the module. It checks that the seller gets only requests that read and no payment, and that without
// --yes the panel gets no call.
func (f *simulatedFixture) migrate(t testing.TB, words ...string) migrationResult {
	t.Helper()
	payments := f.paymentCount(t)
	f.requestCounts.forget()
	require.NoError(t, f.panel.ClearRequests())
	run := f.runModule(t, append([]string{"--command", "migrate", "--module", strconv.FormatInt(f.moduleID, 10), "--format", "json"}, words...)...)
	var found migrationResult
	require.NoError(t, json.Unmarshal([]byte(run.Stdout), &found), "%s %s", run.Stdout, run.Stderr)
	require.Equal(t, payments, f.paymentCount(t), "nothing is bought")
	for s := range f.requestCounts.all() {
		require.Contains(t, []step{stepList, stepStatus, stepForm, stepPrices, stepBalance}, s, "only requests that read")
	}
	if !slices.Contains(words, "--yes") {
		require.Empty(t, f.ownCalls(t), "without --yes nothing is written")
	}
	return found
}

// ownCalls returns the functions of the panel that the module has called since ClearRequests.
func (f *simulatedFixture) ownCalls(t testing.TB) []string {
	t.Helper()
	calls, err := f.panel.Requests()
	require.NoError(t, err)
	var names []string
	for _, call := range calls {
		if call.Caller == f.seller.module {
			names = append(names, call.Func)
		}
	}
	return names
}

// forgetOwn makes the item one that the panel's own module has ordered: it carries no parameter of this module, and the journal is
// gone.
func (f *simulatedFixture) forgetOwn(t testing.TB, item int64) {
	t.Helper()
	f.sql(t, `DELETE FROM itemparam WHERE item=? AND intname NOT IN ('approver_method','approver_email','altname','service_status')
		AND intname NOT LIKE 'adm\_%' AND intname NOT LIKE 'tech\_%' AND intname NOT LIKE 'org\_%'`, item)
	err := os.Remove(filepath.Join(f.panel.Root(), "var", f.seller.module+".purchases"))
	require.True(t, err == nil || errors.Is(err, fs.ErrNotExist), "%v", err)
}

// migratedParams returns what a migration writes, without what is different in each run.
func (f *simulatedFixture) migratedParams(t testing.TB, item int64) map[string]string {
	t.Helper()
	params := maps.Clone(f.itemOf(t, item).Params)
	require.NotContains(t, params, "migration")
	return params
}

// rules MIGRATE-6: after its migration an item lives on like one that this module has ordered: sync, sweep, reissue and renewal
// work, and it is paid as often.
func TestMigratedItemLivesOn(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy auto")
		item := f.storedItem(t, "example.com", 12)
		ordered := f.migratedParams(t, item)
		expires := f.itemOf(t, item).ExpireDate
		f.forgetOwn(t, item)

		found := f.migrate(t)
		require.Equal(t, "match certificate", found.state(item), "%+v", found)
		f.addOperation(t, item, "sync_item")
		require.Equal(t, "failed certificate", f.migrate(t, "--yes").state(item), "the panel runs something for it")
		require.Empty(t, f.ownCalls(t))
		f.sql(t, "DELETE FROM runningoperation")
		require.Equal(t, "migrated certificate", f.migrate(t, "--yes").state(item))
		require.Empty(t, f.migrate(t).Items, "it is migrated once")
		for _, name := range []string{
			"custom_order_id", "lineage", "term_start", "term_months", "request_mark", "certificate_serial", "certificate_expiredate", "certificate_key",
			"certificate_names", "service_status",
		} {
			assert.Equal(t, ordered[name], f.migratedParams(t, item)[name], name)
		}
		assert.Equal(t, expires, f.itemOf(t, item).ExpireDate, "rules MIGRATE-7: what is billed stays as it is")

		require.NoError(t, f.panel.ClearRequests())
		f.mustSync(t, item)
		require.Empty(t, f.ownCalls(t), "there is nothing left to write")
		f.setTime(t, "2026-10-09")
		require.Equal(t, "reissue ok", f.sweep(t).summary(item))
		f.setTime(t, "2026-10-09T10:00:00Z")
		f.sweep(t)
		f.checkNewestStored(t, item, "example.com")
		f.setTime(t, "2027-03-01")
		_, run := f.prolong(t, item)
		require.True(t, run.OK(), run.Failure())
		f.mustSync(t, item)
		require.Equal(t, 2, f.paymentCount(t))
		require.Equal(t, "2027-04-02", f.itemOf(t, item).Params["term_start"])
	})
}

// rules MIGRATE-5: an item whose term was renewed gets the new term, and the ids of the old one.
func TestMigratedItemHasItsRenewedTerm(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2027-03-01")
		_, run := f.prolong(t, item)
		require.True(t, run.OK(), run.Failure())
		f.mustSync(t, item)
		ordered := f.migratedParams(t, item)
		require.Equal(t, "2027-04-02", ordered["term_start"])
		f.forgetOwn(t, item)
		f.sql(t, "UPDATE item SET expiredate='2028-04-02' WHERE id=?", item) // as the panel's own module leaves it
		f.sql(t, "DELETE FROM runningoperation")
		found := f.migrate(t, "--yes")
		require.Equal(t, "migrated certificate", found.state(item), "%+v", found)
		for _, name := range []string{"custom_order_id", "lineage", "term_start", "term_months", "certificate_serial"} {
			assert.Equal(t, ordered[name], f.migratedParams(t, item)[name], name)
		}
		f.mustSync(t, item)
		require.Equal(t, 2, f.paymentCount(t))
	})
}

// rules MIGRATE-4: a renewal that was paid and never activated may be of an item whose term ends soon. Migrated to the old order alone, it
// would be renewed and paid again.
func TestAPaidRenewalOfNobodyKeepsItemsFromMigration(t *testing.T) {
	f := startSimulated(t, namecheapCase(), firstOrders) // ISPmanager's billing renews in place
	item := f.storedItem(t, "example.com", 12)
	far := f.storedItem(t, "far.example", 24)
	f.setTime(t, "2027-03-01")
	f.failNext(t, stepActivate, refused)
	_, run := f.prolong(t, item)
	require.False(t, run.OK())
	require.Equal(t, 3, f.paymentCount(t))
	f.forgetOwn(t, item)
	f.forgetOwn(t, far)
	f.sql(t, "DELETE FROM runningoperation")

	found := f.migrate(t, "--yes")
	require.Equal(t, "ambiguous certificate", found.state(item), "%+v", found)
	require.Contains(t, found.Items[0].Reason, "nobody has activated")
	require.Equal(t, "migrated certificate", found.state(far), "its term does not end soon: %+v", found)
	_, run = f.prolong(t, item)
	require.Equal(t, "missed", run.Error.Type)
	require.Equal(t, 3, f.paymentCount(t))
}

// rules MIGRATE-4: an order that the purchase of another item has brought, whose answer was lost, is not given away: that item would buy it
// again. It finds its purchase, and pays once.
func TestMigrationTakesNoPurchaseWithoutAnAnswer(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		bought := f.placePaidUnclear(t)
		require.Equal(t, 1, f.paymentCount(t))
		ids, err := f.standIn.orderIDs()
		require.NoError(t, err)
		id := ids[len(ids)-1]
		item := f.placed(t, "example.com")
		f.sql(t, "UPDATE certificate SET csr=? WHERE item=?", f.itemOf(t, bought.Item).CSR, item)
		f.sql(t, "DELETE FROM runningoperation WHERE item=?", item)
		found := f.migrate(t, "--item", strconv.FormatInt(item, 10), "--id", strconv.FormatInt(id, 10), "--yes")
		require.Contains(t, found.state(item), "held", "%+v", found)
		require.Empty(t, f.itemOf(t, item).Params["lineage"])
		f.finish(t, bought)
		require.Equal(t, id, f.orderIDOf(t, bought.Item))
		require.Equal(t, 1, f.paymentCount(t))
	})
}

// rules MIGRATE-6: migrate is killed before and after each of its calls of the panel. The next run completes what was begun: the
// item has the same parameters, and the journal one line.
func TestMigrationKilledAtEachCall(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", seller.maxMonths)
		f.forgetOwn(t, item)
		f.migrate(t, "--yes")
		want := f.migratedParams(t, item)
		killed := 0
		for _, kind := range []string{"kill", "kill_after"} {
			for n := 0; ; n++ {
				f.forgetOwn(t, item)
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: n, Caller: seller.module}))
				run, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "migrate", "--module", strconv.FormatInt(f.moduleID, 10), "--yes")
				require.NoError(t, err)
				require.NoError(t, f.panel.SetFaults())
				if run.Signal == "" {
					break
				}
				killed++
				if params := f.itemOf(t, item).Params; params["custom_order_id"] != "" || params["lineage"] != "" {
					require.Equal(t, want["term_start"], params["term_start"], "%s at call %d", kind, n+1)
					require.Equal(t, want["term_months"], params["term_months"], "%s at call %d", kind, n+1)
				}
				f.migrate(t, "--yes")
				require.Equal(t, want, f.migratedParams(t, item), "%s at call %d", kind, n+1)
				journal, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", seller.module+".purchases"))
				require.NoError(t, err)
				require.Equal(t, 1, strings.Count(string(journal), `"kind":"migrate"`), "%s at call %d: %s", kind, n+1, journal)
			}
		}
		require.Greater(t, killed, 20)
		require.Equal(t, 1, f.paymentCount(t))
	})
}

// rules MIGRATE-5: a certificate at the seller that is newer than the panel's is stored by the next sweep, and so is one of a
// reissue that waits.
func TestMigratedItemGetsItsNewerCertificate(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy auto")
		issued, waiting := f.storedItem(t, "issued.example", 12), f.storedItem(t, "waiting.example", 12)
		f.setTime(t, "2026-06-01")
		// The panel's own module has reissued both: it knows the new certificate of neither.
		for _, item := range []int64{issued, waiting} {
			f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = item == issued })
			it := f.itemOf(t, item)
			id, err := strconv.ParseInt(it.Params["custom_order_id"], 10, 64)
			require.NoError(t, err)
			_, err = f.standIn.reissueDirectly(id, it.CSR)
			require.NoError(t, err)
		}
		for _, item := range []int64{issued, waiting} {
			f.forgetOwn(t, item)
			f.setParam(t, item, "service_status", "5")
		}
		found := f.migrate(t, "--yes")
		require.Equal(t, "migrated key", found.state(issued), "%+v", found)
		require.Contains(t, found.state(waiting), "migrated", "%+v", found)
		require.Equal(t, "4", f.itemOf(t, issued).Params["service_status"], "the sweep has something to do")
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
		f.setTime(t, "2026-06-01T12:00:00Z")
		f.sweep(t)
		f.checkNewestStored(t, issued, "issued.example")
		f.mustSync(t, waiting)
		f.checkNewestStored(t, waiting, "waiting.example")
		require.Equal(t, 2, f.paymentCount(t))
	})
}

// rules MIGRATE-3, MIGRATE-4: what is certain, and what is not.
func TestWhichOrdersAreCertain(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		want := map[int64]string{}
		wild := f.storedItem(t, "*.wild.example", 12, func(o *panel.Order) { o.Tariff = f.tariffOf(t, seller.wildcard) })
		want[wild] = "match certificate"
		want[f.storedItem(t, "xn--e1afmkfd.example", 12)] = "match certificate"
		if seller.multiDomain != "" {
			want[f.storedItem(t, "many.example", 12, func(o *panel.Order) {
				o.Tariff, o.AltNames = f.tariffOf(t, seller.multiDomain), []string{"two.example"}
			})] = "match certificate"
		}
		twice := f.storedItem(t, "twice.example", 12)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = false })
		f.setTime(t, "2026-04-03")
		double := f.openedItem(t, "twice.example", 12, func(o *panel.Order) { o.CSR, o.Key = f.itemOf(t, twice).CSR, "" })
		f.sql(t, "DELETE FROM item WHERE id=?", double)
		f.sql(t, "DELETE FROM itemparam WHERE item=?", double)
		want[twice] = "ambiguous"
		want[f.openedItem(t, "unissued.example", 12)] = "match key"
		other := f.openedItem(t, "other.example", 12)
		strange, _ := newCSR(t, "other.example")
		f.sql(t, "UPDATE certificate SET csr=?, crt=NULL WHERE item=?", strange, other)
		want[other] = "other name"
		bare := f.openedItem(t, "bare.example", 12)
		f.sql(t, "UPDATE certificate SET csr=NULL, crt=NULL WHERE item=?", bare)
		want[bare] = "ambiguous name"
		absent := f.placed(t, "absent.example")
		want[absent] = "none"
		taken := f.placed(t, "taken.example") // its order is on another item
		holder := f.openedItem(t, "taken.example", 12)
		f.sql(t, "UPDATE certificate SET csr=? WHERE item=?", f.itemOf(t, holder).CSR, taken)
		want[taken] = "held key"
		for item := range want {
			f.forgetOwn(t, item)
		}
		found := f.migrate(t)
		got := map[int64]string{}
		for item := range want {
			got[item] = found.state(item)
		}
		require.Equal(t, want, got, "%+v", found)

		// A migration to an order that the administrator named, and that was killed, goes on without the name.
		for _, row := range found.Items {
			if row.Item == bare {
				f.setParam(t, bare, "migration", `{"id":`+strconv.FormatInt(row.ID, 10)+`,"time":"2026-04-03T10:00:00Z"}`)
			}
		}
		require.Equal(t, "migrated administrator", f.migrateOne(t, bare))

		// Years later the orders have ended: the items are matched all the same.
		f.setTime(t, "2028-01-01")
		require.Equal(t, "match certificate", f.migrate(t, "--item", strconv.FormatInt(wild, 10)).state(wild))
		require.Equal(t, "migrated certificate", f.migrate(t, "--item", strconv.FormatInt(wild, 10), "--yes").state(wild))
		f.syncItem(t, wild)
		require.Equal(t, "2026-04-02", f.itemOf(t, wild).Params["term_start"])
	})
}

// migrateOne migrates one item, for which the panel runs nothing, and returns its state.
func (f *simulatedFixture) migrateOne(t testing.TB, item int64) string {
	t.Helper()
	f.sql(t, "DELETE FROM runningoperation WHERE item=?", item)
	return f.migrate(t, "--item", strconv.FormatInt(item, 10), "--yes").state(item)
}

// tariffOf returns the tariff of a template.
func (f *simulatedFixture) tariffOf(t testing.TB, template string) int64 {
	t.Helper()
	id, err := f.tariffFor(context.Background(), template, nil)
	require.NoError(t, err)
	return id
}

// placed places an order that the module never runs.
func (f *simulatedFixture) placed(t testing.TB, domain string) int64 {
	t.Helper()
	done, err := f.panel.Place(context.Background(), f.orderFor(t, domain, 12))
	require.NoError(t, err)
	return done.Item
}
