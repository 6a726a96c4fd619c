package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contract 3.4: an intent is settled and the next one's snapshot taken from one reading of the seller's lists. A purchase
// that comes up meanwhile is found in that reading or lies above the snapshot: it is never passed over.
func TestPurchaseThatComesUpDuringAReadingIsNotPassedOver(t *testing.T) {
	const list, create = "namecheap.ssl.getList", "namecheap.ssl.create"
	for name, row := range map[string]struct {
		word string
		nth  int32 // request before which the lost purchase comes up
		seen bool  // whether the reading still shows it
	}{
		"before the list of all":           {list, 1, true},
		"before the list of new purchases": {list, 2, true},
		"before the list of renewals":      {list, 3, false},
		"before the next purchase":         {create, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorld(t)
			placed := w.lose(t, namecheap.FaultVanish)
			w.backdate(t, placed.Item) // a new purchase is free where the first one does not show
			if !row.seen {
				w.disturb(t, "create", namecheap.FaultDropAfter) // so that only the lists can tell what it brought
			}
			w.beforeNth(row.word, row.nth, func() { assert.Equal(t, 1, w.seller.Appear()) })
			run := w.attempt(t, placed)
			if row.seen {
				require.True(t, run.OK(), run.Failure())
				w.settled(t, placed.Item, 1)
				return
			}
			require.Contains(t, run.Stdout, `type="unclear_purchase"`)
			require.Equal(t, 2, w.payments(t))
			run = w.attempt(t, placed)
			assert.Contains(t, run.Stdout, "may be any of the ids 34350001 34350002")
			assert.Empty(t, w.itemOf(t, placed.Item).Params["custom_order_id"], "nobody can tell which one is the item's")
			assert.Equal(t, 2, w.payments(t))
		})
	}
}

// contract 3.4: ids in the journal are others' purchases unless the line names this very item. Here the item's line is
// older than the day on which the item opens, and is not trusted by itself; the seller's list and the intent are.
func TestOwnLineOfTheJournalDoesNotHideThePurchase(t *testing.T) {
	w := pausedWorld(t, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
	placed := w.place(t, exampleCSR(t))
	_, err := w.panel.DB().Exec("UPDATE item SET opendate='2026-04-02' WHERE id=?", placed.Item)
	require.NoError(t, err)
	const saved = 2 // term_start and purchase_intent; the third is custom_order_id
	require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 1, Skip: saved, Caller: module}))
	require.False(t, w.attempt(t, placed).OK())
	require.NoError(t, w.panel.SetFaults())
	require.Equal(t, 1, w.payments(t))
	require.NotEmpty(t, w.itemOf(t, placed.Item).Params["purchase_intent"])
	require.Empty(t, w.itemOf(t, placed.Item).Params["custom_order_id"])

	require.NoError(t, w.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
	w.complete(t, placed)
	w.settled(t, placed.Item, 1)
}

// contract 3.6: open on an item with an id never creates. An id that is none was written by somebody: it is not taken for
// "nothing was bought yet".
func TestItemWithAnyIDNeverBuys(t *testing.T) {
	w := openWorld(t)
	for name, row := range map[string]struct{ param, value string }{
		"no number":   {"custom_order_id", "SSL-34350001"},
		"negative":    {"custom_order_id", "-1"},
		"several ids": {"custom_order_id", "34350001 34350002"},
		"odd lineage": {"lineage", "34350001,34350002"},
	} {
		t.Run(name, func(t *testing.T) {
			placed := w.place(t, exampleCSR(t))
			require.NoError(t, w.panel.SetParams(context.Background(), placed.Item, map[string]string{row.param: row.value}))
			run := w.attempt(t, placed)
			assert.Contains(t, run.Stdout, `type="value" object="`+row.param+`"`)
			assert.Zero(t, w.payments(t))
			assert.Equal(t, row.value, w.itemOf(t, placed.Item).Params[row.param], "what somebody wrote is left to them")
		})
	}
	t.Run("lineage alone", func(t *testing.T) {
		w.shopBuys(t)
		placed := w.place(t, exampleCSR(t))
		require.NoError(t, w.panel.SetParams(context.Background(), placed.Item, map[string]string{"lineage": strconv.Itoa(firstID)}))
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// contract 3.1, 3.4: an adoption claims an id as a purchase does. Without the account's lock another run may be claiming
// the same one.
func TestNothingIsAdoptedWithoutTheLocks(t *testing.T) {
	needsMariaDB(t, cutsConnections)
	w := openWorld(t)
	placed := w.lose(t, namecheap.FaultDropAfter)
	w.before("NewRenewal", func() { w.cutLocks(t) }) // the last list of the reading
	assert.False(t, w.attempt(t, placed).OK())
	it := w.itemOf(t, placed.Item)
	assert.Empty(t, it.Params["custom_order_id"])
	assert.Empty(t, it.Params["lineage"])
	assert.NotEmpty(t, it.Params["purchase_intent"])
	w.complete(t, placed)
	w.settled(t, placed.Item, 1)
}

// contract 3.4: what the seller delivers may have another name than what was ordered, never another kind: the certificate
// for one name that another item lost is not the wildcard's purchase.
func TestAnotherKindOfProductIsNotAdopted(t *testing.T) {
	w := openWorld(t)
	wildcard := w.placeProduct(t, "positivessl_wildcard", keptCSR(t, "wild.csr"))
	w.disturb(t, "create", namecheap.FaultDropBefore)
	require.Contains(t, w.attempt(t, wildcard).Stdout, `type="unclear_purchase"`)
	single := w.lose(t, namecheap.FaultDropAfter)

	run := w.attempt(t, wildcard)
	assert.Contains(t, run.Stdout, `type="purchase_pending"`)
	assert.Empty(t, w.itemOf(t, wildcard.Item).Params["custom_order_id"])
	w.complete(t, single)
	w.finish(t, wildcard)
	w.settled(t, single.Item, 2)
	w.settled(t, wildcard.Item, 2)
}

// contract 3.4: which other modules share the account at the seller is told by their plain parameters. One whose API key
// cannot be decrypted stops nobody else's settlement.
func TestModuleWithABrokenKeyStopsNoOtherOne(t *testing.T) {
	ctx := context.Background()
	w := openWorld(t)
	first := w.module
	_, err := w.connect(ctx, connection())
	require.NoError(t, err)
	require.NotEqual(t, first, w.module)
	changed, err := w.panel.DB().Exec("UPDATE processingcryptedparam SET value='bm90aGluZw==' WHERE processingmodule=?", w.module)
	require.NoError(t, err)
	rows, err := changed.RowsAffected()
	require.NoError(t, err)
	require.NotZero(t, rows)
	w.module = first
	placed := w.lose(t, namecheap.FaultDropAfter)
	w.complete(t, placed)
	w.settled(t, placed.Item, 1)
}

// contract 3.4: a purchase that the seller carries out late may come after the next intent's snapshot. While it can be
// either's nothing is bought for it again; three orders end with three payments.
func TestPurchaseAboveTheNextSnapshotIsNotMadeAgain(t *testing.T) {
	w := openWorld(t)
	late := w.lose(t, namecheap.FaultVanish)
	between := w.place(t, exampleCSR(t))
	w.complete(t, between) // its id lies between the two snapshots
	next := w.lose(t, namecheap.FaultDropAfter)
	require.Equal(t, 1, w.seller.Appear())
	w.backdate(t, late.Item)

	run := w.attempt(t, late)
	assert.Contains(t, run.Stdout, `type="purchase_pending"`)
	assert.Contains(t, run.Stdout, "the ids 34350002 34350003 at Namecheap belong to nobody yet")
	run = w.attempt(t, next)
	assert.Contains(t, run.Stdout, "may be any of the ids 34350002 34350003")
	require.Equal(t, 3, w.payments(t))

	settled := w.resolve(t, next.Item, "--id", "34350002", "--yes")
	require.True(t, settled.OK(), settled.Failure())
	w.complete(t, next)
	w.complete(t, late)
	for _, placed := range []*panel.Ordered{late, between, next} {
		w.settled(t, placed.Item, 3)
	}
	assert.Equal(t, "34350003", w.itemOf(t, late.Item).Params["custom_order_id"])
}

// contract 3.4: the lists are read to their end. A purchase is found among more unclaimed ones than a page holds.
func TestPurchaseIsFoundAmongPagesOfUnclaimedOnes(t *testing.T) {
	const unclaimed = 120 // a page holds 100
	w := openWorld(t)
	account, err := w.seller.Account(namecheap.DefaultUser)
	require.NoError(t, err)
	require.NoError(t, account.Balance.UnmarshalJSON([]byte(`"100000"`)))
	require.NoError(t, w.seller.PutAccount(account))
	for range unclaimed {
		w.shopBuys(t)
	}
	placed := w.lose(t, namecheap.FaultDropAfter)
	w.seller.ClearRequests()
	w.complete(t, placed)
	assert.Equal(t, strconv.Itoa(firstID+unclaimed), w.itemOf(t, placed.Item).Params["custom_order_id"])
	assert.Equal(t, unclaimed+1, w.payments(t))
	pages := 0
	for _, request := range w.seller.Requests("namecheap.ssl.getList") {
		if request.Parameters["listtype"] == "NewPurchase" && request.Parameters["page"] == "2" {
			pages++
		}
	}
	assert.Equal(t, 1, pages, "the second page was read")
}
