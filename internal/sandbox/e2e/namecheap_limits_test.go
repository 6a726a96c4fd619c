package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A large panel: how many items wait, how often the panel syncs each, and how many calls the account has in a day.
const (
	waitingItems = 1000
	syncEvery    = 10 * time.Minute
	callsPerDay  = 8000
	firstCopy    = 5000 // item id of the first copy
)

// docs/reference/namecheap.md §1: 8,000 calls a day. A thousand waiting items that are synced every ten minutes need less than
// that, with all limits of the module on: the module reads their status from the list, which it caches for two minutes, and
// sends a request of its own only for an item whose status has changed.
func TestThousandWaitingItemsStayWithinTheDailyCallLimit(t *testing.T) {
	needsMariaDB(t, manyRows)
	f := startConnected(t, fixtureOptions{dir: t.TempDir(), seller: namecheapCase(), simulated: true, start: time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)})
	server := f.standIn.(namecheapStandIn)
	f.restoreLimits(t)
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "debug.conf"), []byte("* 6\n"), 0o644))
	items := f.addWaitingItems(t)
	_, err := f.clock.Advance(syncEvery) // so that the calls of the order do not count for the same minute
	require.NoError(t, err)

	round := func() map[string]int64 {
		before := server.Counters()
		for _, item := range items {
			run, err := f.panel.Sync(context.Background(), item)
			require.NoError(t, err)
			require.True(t, run.OK(), run.Failure())
			_, err = f.clock.Advance(syncEvery / waitingItems)
			require.NoError(t, err)
		}
		asked := server.Counters()
		for name := range asked {
			if asked[name] -= before[name]; asked[name] == 0 {
				delete(asked, name)
			}
		}
		return asked
	}
	changed := items[waitingItems/2]
	id, err := strconv.ParseInt(f.itemOf(t, changed).Params["custom_order_id"], 10, 64)
	require.NoError(t, err)
	require.NoError(t, f.standIn.issue(id))

	asked := round()
	var calls int64
	for name, count := range asked {
		calls += count
		t.Logf("%s: %d", name, count)
	}
	assert.Less(t, calls*int64(24*time.Hour/syncEvery), int64(callsPerDay))
	statusCalls := asked[counterOf(asked, "getInfo")]
	assert.Equal(t, int64(1), statusCalls, "only for the changed order")
	assert.Equal(t, "5", f.itemOf(t, changed).Params["service_status"])
	assert.Equal(t, "4", f.itemOf(t, items[1]).Params["service_status"])
}

// counterOf returns the spelling of the command among the counters.
func counterOf(counters map[string]int64, command string) string {
	for name := range counters {
		if strings.HasSuffix(strings.ToLower(name), "."+strings.ToLower(command)) {
			return name
		}
	}
	return command
}

// restoreLimits sets the module's own rate limits to their defaults; connect has switched them off.
func (f *fixture) restoreLimits(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"limit_minute": "20", "limit_hour": "700", "limit_day": strconv.Itoa(callsPerDay)} {
		_, err := f.panel.Mgrctl(context.Background(), "processing.saveparam", fmt.Sprintf("elid=%d", f.moduleID), "param="+name, "value="+value)
		require.NoError(t, err)
	}
}

// addWaitingItems creates one order that waits for validation, and copies of it in the panel, each with an order of its own at the
// seller. It returns the ids of the items.
func (f *fixture) addWaitingItems(t *testing.T) []int64 {
	t.Helper()
	ctx := context.Background()
	server := f.standIn.(namecheapStandIn)
	require.NoError(t, f.standIn.setBalance("1000000"))
	tariff, err := f.tariffFor(ctx, f.seller.singleName, nil)
	require.NoError(t, err)
	done, err := f.panel.Order(ctx, panel.Order{Tariff: tariff, Period: 12, ExtraSANs: -1, CSR: exampleCSR(t), SkipForms: true, Module: f.moduleID,
		Params: map[string]string{"approver_method": "auth_dnstxt"}})
	require.NoError(t, err)
	require.True(t, done.Open.OK(), done.Open.Failure())
	items := []int64{done.Item}
	var numbers []string
	for n := range waitingItems - 1 {
		require.NoError(t, f.standIn.buyDirectly(""))
		_, err := server.sendDirectly("namecheap.ssl.activate", url.Values{
			"CertificateID": {strconv.FormatInt(f.seller.firstOrderID+1+int64(n), 10)}, "CSR": {exampleCSR(t)}, "DNSDCValidation": {"true"}})
		require.NoError(t, err)
		items = append(items, int64(firstCopy+n))
		numbers = append(numbers, fmt.Sprintf("SELECT %d AS seq", firstCopy+n))
	}
	copies := strings.Join(numbers, " UNION ALL ")
	for _, statement := range []string{
		`INSERT INTO item (id, name, account, pricelist, processingmodule, period, status, createdate, opendate, expiredate, currency, cost, autosuspend, employeesuspend, abusesuspend)
		 SELECT seq, i.name, i.account, i.pricelist, i.processingmodule, i.period, i.status, i.createdate, i.opendate, i.expiredate, i.currency, 0, 'off', 'off', 'off'
		 FROM item i JOIN (%[2]s) c WHERE i.id=%[1]d`,
		`INSERT INTO itemparam (item, intname, value)
		 SELECT seq, p.intname, CASE WHEN p.intname IN ('custom_order_id', 'lineage') THEN %[3]d+seq ELSE p.value END
		 FROM itemparam p JOIN (%[2]s) c WHERE p.item=%[1]d`,
		`INSERT INTO certificate (item, pkey, csr, crt) SELECT seq, o.pkey, o.csr, o.crt FROM certificate o JOIN (%[2]s) c WHERE o.item=%[1]d`,
	} {
		_, err := f.panel.DB().ExecContext(ctx, fmt.Sprintf(statement, done.Item, copies, f.seller.firstOrderID+1-firstCopy))
		require.NoError(t, err)
	}
	return items
}
