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

// rules BUY-4: an intent is settled and the next one's snapshot taken from one reading of the seller's lists. A purchase
// that comes up meanwhile is found in that reading or lies above the snapshot: it is never passed over.
func TestPurchaseThatAppearsDuringAListReadingIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		step step
		nth  int64 // request before which the lost purchase comes up
		seen bool  // whether the reading still shows it
	}{
		"before the list of all":           {stepList, 1, true},
		"before the list of new purchases": {stepList, 2, true},
		"before the list of renewals":      {stepList, 3, false},
		"before the next purchase":         {stepBuy, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFixture(t, namecheapCase())
			placed := f.placeUnclear(t, vanish)
			f.backdateIntent(t, placed.Item) // a new purchase is free where the first one does not show
			if !row.seen {
				f.failNext(t, stepBuy, dropAfter) // so that only the lists can tell what it brought
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
			assert.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"], "nobody can tell which one is the item's")
			assert.Equal(t, 2, f.paymentCount(t))
		})
	}
}

// rules BUY-4: a purchase that the seller carries out late may come after the next intent's snapshot. While it can be
// either's nothing is bought for it again; three orders end with three payments.
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

	settled := f.resolve(t, next.Item, "--id", "34350002", "--yes")
	require.True(t, settled.OK(), settled.Failure())
	f.complete(t, next)
	f.complete(t, late)
	for _, placed := range []*panel.OrderResult{late, between, next} {
		f.checkOpened(t, placed.Item, 3)
	}
	assert.Equal(t, "34350003", f.itemOf(t, late.Item).Params["custom_order_id"])
}

// rules BUY-4: the lists are read to their end. A purchase is found among more unclaimed ones than a page holds.
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

// rules BUY-10: between two pages one purchase is cancelled and another one is made, the number is the same, and the item's
// own purchase shows on no page: the stranger's is not taken for it, and nothing is paid again.
func TestPurchaseMissedBetweenTwoPagesIsNotMistakenForAnother(t *testing.T) {
	const page = 100
	seller := namecheapCase()
	f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)) // of one instant: sorting by time tells nothing
	require.NoError(t, f.standIn.setBalance("100000"))
	for range page {
		require.NoError(t, f.standIn.buyDirectly(""))
	}
	placed := f.placeUnclear(t, dropAfter)
	f.backdateIntent(t, placed.Item)
	f.beforeNthRequest(stepList, 3, func() { // the second page of the new purchases
		assert.NoError(t, f.standIn.cancel(seller.firstOrderID, "cancelled by other hands"))
		assert.NoError(t, f.standIn.buyDirectly(""))
	})
	run := f.attempt(t, placed)
	assert.Contains(t, run.Stdout, "may be any of the ids 34350101 34350102")
	assert.Equal(t, page+2, f.paymentCount(t))
	assert.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"])
}

// rules BUY-4: more than one candidate is for the administrator: manual, and a task. An operation that is manual without
// its task would be seen by nobody, so it is run until the panel has taken the task.
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

// rules BUY-5: two purchases without a clear answer, and the administrator mixes them up. The mistake is corrected with
// the same command, in the item, in its lineage and in the journal; an id that is an item's newest is not taken from it.
func TestResolveCorrectsItsOwnMistake(t *testing.T) {
	f := startFixture(t, namecheapCase())
	const first, second = "34350001", "34350002"
	one, two := f.placeUnclear(t, dropAfter), f.placeUnclear(t, dropAfter)
	settle := func(placed *panel.OrderResult, id string) *panel.Run {
		return f.resolve(t, placed.Item, "--id", id, "--yes")
	}
	run := settle(one, second)
	require.True(t, run.OK(), run.Failure())
	run = settle(two, second)
	assert.Contains(t, run.Stdout, "id "+second+" belongs to item "+strconv.FormatInt(one.Item, 10))
	run = settle(one, first)
	require.True(t, run.OK(), run.Failure())
	run = settle(two, second)
	require.True(t, run.OK(), run.Failure())
	assert.Contains(t, run.Stdout, `from="`+strconv.FormatInt(one.Item, 10)+`"`, "what is taken from whom is said")

	f.complete(t, one) // reads the journal, which names the second id for both items
	f.complete(t, two)
	for placed, id := range map[*panel.OrderResult]string{one: first, two: second} {
		f.checkOpened(t, placed.Item, 2)
		assert.Equal(t, id, f.itemOf(t, placed.Item).Params["lineage"])
	}
}

// rules BUY-4: what another processing module with the same account at the seller bought is nobody else's, even where
// the journal is gone.
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
	delete(f.tariffs, f.seller.singleName) // the next one is served by the second module
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
