package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-4: an intent is reconciled, and the snapshot of the next intent taken, from one reading of the seller's lists. A
// purchase that appears meanwhile is in that reading or has an id above the snapshot, so it is never missed.
func TestPurchaseThatAppearsDuringAListReadingIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		step step
		nth  int64 // request before which the lost purchase appears
		seen bool  // whether the reading still contains it
	}{
		"before the list of all":           {stepList, 1, true},
		"before the list of new purchases": {stepList, 2, true},
		"before the list of renewals":      {stepList, 3, false},
		"before the next purchase":         {stepBuy, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFixture(t, namecheapCase())
			placed := f.placeUnclear(t, vanish)
			f.backdateIntent(t, placed.Item) // a new purchase is allowed if the list does not contain the first one
			if !row.seen {
				f.failNext(t, stepBuy, dropAfter) // so that only the lists show what it bought
			}
			f.beforeNthRequest(row.step, row.nth, func() { assert.Equal(t, 1, f.standIn.carryOutVanished()) })
			run := f.attempt(t, placed)
			if row.seen {
				require.True(t, run.OK(), run.Failure())
				f.checkOpened(t, placed.Item, 1)
				return
			}
			require.Contains(t, run.Stdout, `type="unclear_purchase"`)
			require.Equal(t, 2, f.paymentCount(t))
			run = f.attempt(t, placed)
			assert.Contains(t, run.Stdout, "may be any of the ids 34350001 34350002")
			assert.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"], "either id may be the item's")
			assert.Equal(t, 2, f.paymentCount(t))
		})
	}
}

// rules BUY-4: a purchase that the seller carries out late can have an id above the snapshot of the next intent. While the id
// may belong to either item, nothing is bought again; three orders end with three payments.
func TestPurchaseAfterTheNextSnapshotIsNotRepeated(t *testing.T) {
	f := startFixture(t, namecheapCase())
	late := f.placeUnclear(t, vanish)
	between := f.place(t, exampleCSR(t))
	f.complete(t, between) // its id lies between the two snapshots
	next := f.placeUnclear(t, dropAfter)
	require.Equal(t, 1, f.standIn.carryOutVanished())
	f.backdateIntent(t, late.Item)

	run := f.attempt(t, late)
	assert.Contains(t, run.Stdout, `type="purchase_pending"`)
	assert.Contains(t, run.Stdout, "the ids 34350002 34350003 at Namecheap belong to no item yet")
	run = f.attempt(t, next)
	assert.Contains(t, run.Stdout, "may be any of the ids 34350002 34350003")
	require.Equal(t, 3, f.paymentCount(t))

	resolved := f.resolve(t, next.Item, "--id", "34350002", "--yes")
	require.True(t, resolved.OK(), resolved.Failure())
	f.complete(t, next)
	f.complete(t, late)
	for _, placed := range []*panel.OrderResult{late, between, next} {
		f.checkOpened(t, placed.Item, 3)
	}
	assert.Equal(t, "34350003", f.itemOf(t, late.Item).Params["custom_order_id"])
}

// rules BUY-4: the lists are read to their end. A purchase is found among more unclaimed orders than a page contains.
func TestPurchaseIsFoundAmongManyUnclaimedOnes(t *testing.T) {
	const unclaimed = 120 // a page holds 100
	f, server := startNamecheap(t)
	require.NoError(t, f.standIn.setBalance("100000"))
	for range unclaimed {
		require.NoError(t, f.standIn.buyDirectly(""))
	}
	placed := f.placeUnclear(t, dropAfter)
	server.ClearRequests()
	f.complete(t, placed)
	assert.Equal(t, strconv.FormatInt(f.seller.firstOrderID+unclaimed, 10), f.itemOf(t, placed.Item).Params["custom_order_id"])
	assert.Equal(t, unclaimed+1, f.paymentCount(t))
	pages := 0
	for _, request := range server.Requests("namecheap.ssl.getList") {
		if request.Parameters["listtype"] == "NewPurchase" && request.Parameters["page"] == "2" {
			pages++
		}
	}
	assert.Positive(t, pages, "the second page was read")
}

// rules BUY-10: while the pages are read, one order is cancelled and another one is bought, so the total stays the same, and the
// item's own order is on no page that is read. The other order is not adopted, and nothing is paid again.
func TestPurchaseMissedBetweenTwoPagesIsNotMistakenForAnother(t *testing.T) {
	const page = 100
	seller := namecheapCase()
	f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)) // all orders have the same time, so sorting by time does not help
	require.NoError(t, f.standIn.setBalance("100000"))
	for range page {
		require.NoError(t, f.standIn.buyDirectly(""))
	}
	placed := f.placeUnclear(t, dropAfter)
	f.backdateIntent(t, placed.Item)
	f.beforeNthRequest(stepList, 3, func() { // the second page of the new purchases
		assert.NoError(t, f.standIn.cancel(seller.firstOrderID, "cancelled by somebody else"))
		assert.NoError(t, f.standIn.buyDirectly(""))
	})
	run := f.attempt(t, placed)
	assert.Contains(t, run.Stdout, "may be any of the ids 34350101 34350102")
	assert.Equal(t, page+2, f.paymentCount(t))
	assert.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"])
}

// rules BUY-4: if several orders may be the item's, the operation becomes manual and the administrator gets a task. Nobody would
// notice a manual operation without a task, so it stays automatic until the panel has created the task.
func TestAmbiguousPurchaseBecomesManualOnlyWithItsTask(t *testing.T) {
	f := startFixture(t, namecheapCase())
	one, two := f.placeUnclear(t, vanish), f.placeUnclear(t, vanish)
	require.Equal(t, 2, f.standIn.carryOutVanished())
	require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "task.gettype", Kind: "down", Times: 1, Caller: f.seller.module}))
	require.Contains(t, f.attempt(t, one).Stdout, "may be any of the ids")
	require.NoError(t, f.panel.SetFaults())
	const rounds = 12 // more than the try count of the framework (docs/reference/billmanager.md §1.6)
	for range rounds {
		_, err := f.panel.RunPending(context.Background())
		require.NoError(t, err)
	}
	for _, placed := range []*panel.OrderResult{one, two} {
		it := f.itemOf(t, placed.Item)
		assert.Len(t, it.Tasks, 1, "item %d", placed.Item)
		if assert.Len(t, it.Operations, 1) {
			assert.True(t, it.Operations[0].Manual)
		}
	}
}

// rules BUY-5: the administrator mixes up two purchases without a clear answer. The same command corrects the mistake in the item,
// in its lineage and in the journal. An id that is the newest one of an item is not taken from it.
func TestResolveCorrectsItsOwnMistake(t *testing.T) {
	f := startFixture(t, namecheapCase())
	const first, second = "34350001", "34350002"
	one, two := f.placeUnclear(t, dropAfter), f.placeUnclear(t, dropAfter)
	resolveTo := func(placed *panel.OrderResult, id string) *panel.Run {
		return f.resolve(t, placed.Item, "--id", id, "--yes")
	}
	run := resolveTo(one, second)
	require.True(t, run.OK(), run.Failure())
	run = resolveTo(two, second)
	assert.Contains(t, run.Stdout, "id "+second+" belongs to item "+strconv.FormatInt(one.Item, 10))
	run = resolveTo(one, first)
	require.True(t, run.OK(), run.Failure())
	run = resolveTo(two, second)
	require.True(t, run.OK(), run.Failure())
	assert.Contains(t, run.Stdout, `from="`+strconv.FormatInt(one.Item, 10)+`"`, "the document names the item that loses the id")

	f.complete(t, one) // reads the journal, which names the second id for both items
	f.complete(t, two)
	for placed, id := range map[*panel.OrderResult]string{one: first, two: second} {
		f.checkOpened(t, placed.Item, 2)
		assert.Equal(t, id, f.itemOf(t, placed.Item).Params["lineage"])
	}
}

// rules BUY-4: an order that another processing module with the same account bought is not adopted, even if the journal is
// missing.
func TestPurchaseOfAnotherModuleIsNotAdopted(t *testing.T) {
	ctx := context.Background()
	f := startFixture(t, namecheapCase())
	first := f.moduleID
	f.failNext(t, stepBuy, dropBefore)
	lost := f.place(t, exampleCSR(t))
	run, err := f.panel.RunOperation(ctx, lost.Operation)
	require.NoError(t, err)
	require.Contains(t, run.Stdout, "unclear_purchase")

	_, err = f.connect(ctx, nil)
	require.NoError(t, err)
	require.NotEqual(t, first, f.moduleID)
	delete(f.tariffs, f.seller.singleName) // the next order uses the second module
	f.failNext(t, stepActivate, dropBefore)
	other := f.place(t, exampleCSR(t))
	_, err = f.panel.RunOperation(ctx, other.Operation)
	require.NoError(t, err)
	it, err := f.panel.Item(ctx, other.Item)
	require.NoError(t, err)
	require.NotEmpty(t, it.Params["custom_order_id"], "bought and not activated: the only candidate")
	require.NoError(t, os.Remove(filepath.Join(f.panel.Root(), "var", f.seller.module+".purchases")))

	run, err = f.panel.RunOperation(ctx, lost.Operation)
	require.NoError(t, err)
	assert.Contains(t, run.Stdout, "purchase_pending")
	it, err = f.panel.Item(ctx, lost.Item)
	require.NoError(t, err)
	assert.Empty(t, it.Params["custom_order_id"])
}
