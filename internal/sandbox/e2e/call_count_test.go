package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/performance.md: how many calls each command makes. Namecheap limits the calls of an account, so a call more is a certificate
// less. A new call needs a reason in the table there.
func TestCallsToTheSeller(t *testing.T) {
	type countedCase struct {
		name string
		// before brings the item into the state in which the calls of run are counted.
		before func(t *testing.T, f *fixture) (item int64)
		run    func(t *testing.T, f *fixture, item int64)
		// limits is the number of calls at most, by module: in all, and of these the readings of the list that all processes share.
		limits map[string]callLimit
	}
	cases := []countedCase{
		{name: "the first open of an account", before: placedItem, run: runOpen,
			limits: map[string]callLimit{"pmnamecheap": {calls: 7}, "pmispmgrssl": {calls: 11}}},
		{name: "open", before: afterAnotherOrder(placedItem), run: runOpen,
			limits: map[string]callLimit{"pmnamecheap": {calls: 5}, "pmispmgrssl": {calls: 11}}},
		{name: "open, validated by e-mail", before: afterAnotherOrder(placedByEmail), run: runOpen,
			limits: map[string]callLimit{"pmnamecheap": {calls: 6}, "pmispmgrssl": {calls: 11}}},
		{name: "open an hour after the last balance", before: anHourLater(afterAnotherOrder(placedItem)), run: runOpen,
			limits: map[string]callLimit{"pmnamecheap": {calls: 6}, "pmispmgrssl": {calls: 11}}},
		{name: "open again, while the order waits", before: openedAndWaiting, run: runOpenAgain,
			limits: map[string]callLimit{"pmnamecheap": {calls: 1}, "pmispmgrssl": {calls: 2}}},
		{name: "the certificate of an order, once it is issued", before: openedAndIssued, run: syncUntilStored,
			limits: map[string]callLimit{"pmnamecheap": {calls: 2, shared: 1}, "pmispmgrssl": {calls: 2, shared: 1}}},
		{name: "a reissue, from the request until the certificate is stored", before: storedCertificate, run: reissueUntilStored,
			limits: map[string]callLimit{"pmnamecheap": {calls: 4, shared: 1}, "pmispmgrssl": {calls: 8, shared: 1}}},
		{name: "a sweep that reissues, until the certificate is stored", before: storedCertificate, run: sweepUntilStored,
			limits: map[string]callLimit{"pmnamecheap": {calls: 5, shared: 2}, "pmispmgrssl": {calls: 9, shared: 2}}},
		{name: "prolong an hour after the last balance", before: nearTermEnd, run: runProlong,
			limits: map[string]callLimit{"pmnamecheap": {calls: 7}, "pmispmgrssl": {calls: 14}}},
		{name: "a sync while another item was synced", before: syncedBefore, run: syncOnce,
			limits: map[string]callLimit{"pmnamecheap": {}, "pmispmgrssl": {}}},
	}
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				simulated := startSimulated(t, seller, "2026-04-02T10:00:00Z") // with a sendmail, for the sweep's notices
				simulated.changeSeller(t, issueAfterValidation)
				f := simulated.fixture
				item := c.before(t, f)
				f.standIn.forgetRequests()
				c.run(t, f, item)
				calls := f.standIn.requests()
				limit := c.limits[seller.module]
				assert.LessOrEqual(t, len(calls), limit.calls, strings.Join(calls, "\n"))
				shared := slices.DeleteFunc(slices.Clone(calls), func(line string) bool { return !isSharedList(seller, line) })
				if limit.shared == 0 {
					return
				}
				assert.LessOrEqual(t, len(calls)-min(len(shared), limit.shared), limit.calls-limit.shared, "without the shared list\n"+strings.Join(calls, "\n"))
			})
		}
	})
}

// callLimit is the number of calls at most; shared is how many of them may read the list of waiting orders, which serves all processes of
// the host for two minutes.
type callLimit struct{ calls, shared int }

// isSharedList reports whether a request, as requests returns it, reads the list of waiting orders. ISPmanager's billing has one list for
// all purposes.
func isSharedList(seller sellerCase, line string) bool {
	if seller.module == "pmnamecheap" {
		return strings.Contains(line, "listtype=InProgress")
	}
	return strings.HasPrefix(line, "certificate p_cnt=")
}

// itemMaker returns an item in some state.
type itemMaker func(t *testing.T, f *fixture) int64

func placedItem(t *testing.T, f *fixture) int64 { return f.place(t, exampleCSR(t)).Item }

func placedByEmail(t *testing.T, f *fixture) int64 {
	t.Helper()
	tariff, err := f.tariffFor(context.Background(), f.seller.singleName, nil)
	require.NoError(t, err)
	params := f.seller.orderParams("auth_email")
	params["approver_email"] = "admin@example.com"
	placed, err := f.panel.Place(context.Background(), panel.Order{
		Tariff: tariff, Module: f.moduleID, Period: 12, CSR: exampleCSR(t), ExtraSANs: -1, SkipForms: true, Params: params})
	require.NoError(t, err)
	return placed.Item
}

// afterAnotherOrder makes the item after another one was bought: balance and prices are known.
func afterAnotherOrder(then itemMaker) itemMaker {
	return func(t *testing.T, f *fixture) int64 {
		t.Helper()
		f.complete(t, f.place(t, exampleCSR(t)))
		return then(t, f)
	}
}

// anHourLater moves the clock after the item was made.
func anHourLater(first itemMaker) itemMaker {
	return func(t *testing.T, f *fixture) int64 {
		t.Helper()
		item := first(t, f)
		f.advance(t, time.Hour)
		return item
	}
}

func openedAndWaiting(t *testing.T, f *fixture) int64 {
	t.Helper()
	placed := f.place(t, exampleCSR(t))
	f.complete(t, placed)
	return placed.Item
}

func openedAndIssued(t *testing.T, f *fixture) int64 {
	t.Helper()
	item := openedAndWaiting(t, f)
	require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
	f.advance(t, time.Hour)
	return item
}

// storedCertificate returns an item whose certificate ends in a week.
func storedCertificate(t *testing.T, f *fixture) int64 {
	t.Helper()
	item, _ := f.issuedItem(t)
	at, err := time.Parse(time.DateOnly, f.itemOf(t, item).Params["certificate_expiredate"])
	require.NoError(t, err)
	require.NoError(t, f.clock.Set(at.AddDate(0, 0, -7)))
	return item
}

// nearTermEnd returns an item whose term ends in less than two weeks. Its certificate has ended.
func nearTermEnd(t *testing.T, f *fixture) int64 {
	t.Helper()
	item, _ := f.issuedItem(t)
	require.NoError(t, f.clock.Set(time.Date(2027, 3, 20, 10, 0, 0, 0, time.UTC)))
	return item
}

// syncedBefore returns one of two waiting items, of which the other was synced just now.
func syncedBefore(t *testing.T, f *fixture) int64 {
	t.Helper()
	other, item := openedAndWaiting(t, f), openedAndWaiting(t, f)
	f.advance(t, time.Hour)
	require.True(t, f.syncItem(t, other).OK())
	return item
}

func runOpen(t *testing.T, f *fixture, item int64) {
	t.Helper()
	operations := f.itemOf(t, item).Operations
	require.Len(t, operations, 1)
	run, err := f.panel.RunOperation(context.Background(), operations[0].ID)
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
}

func runOpenAgain(t *testing.T, f *fixture, item int64) {
	t.Helper()
	_, run, err := f.panel.Operate(context.Background(), item, "open")
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
}

func runProlong(t *testing.T, f *fixture, item int64) {
	t.Helper()
	_, run, err := f.panel.Operate(context.Background(), item, "prolong")
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
}

func syncOnce(t *testing.T, f *fixture, item int64) {
	t.Helper()
	run := f.syncItem(t, item)
	require.True(t, run.OK(), run.Failure())
}

func syncUntilStored(t *testing.T, f *fixture, item int64) {
	t.Helper()
	syncOnce(t, f, item)
	require.Equal(t, "5", f.itemOf(t, item).Params["service_status"])
}

func reissueUntilStored(t *testing.T, f *fixture, item int64) {
	t.Helper()
	_, run, err := f.panel.Reissue(context.Background(), item, "", "", nil)
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
	f.issueAndStore(t, item, syncUntilStored)
}

func sweepUntilStored(t *testing.T, f *fixture, item int64) {
	t.Helper()
	sweep := func(t *testing.T, f *fixture, _ int64) {
		run, err := f.panel.Start(context.Background(), f.seller.module, nil, "--command", "subscription")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
	}
	sweep(t, f, item)
	f.issueAndStore(t, item, sweep)
}

// issueAndStore issues the certificate of a waiting order and has it stored an hour later.
func (f *fixture) issueAndStore(t *testing.T, item int64, store func(*testing.T, *fixture, int64)) {
	t.Helper()
	require.Equal(t, "4", f.itemOf(t, item).Params["service_status"])
	before := f.itemOf(t, item).Params["certificate_serial"]
	require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
	f.advance(t, time.Hour)
	store(t, f, item)
	assert.Equal(t, "5", f.itemOf(t, item).Params["service_status"])
	assert.NotEqual(t, before, f.itemOf(t, item).Params["certificate_serial"])
}
