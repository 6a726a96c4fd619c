package e2e

import (
	"context"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-4: an id in the journal is another item's purchase unless its line names this item. Here the line of the item is
// older than the item's open date and is not trusted alone; the seller's list and the intent confirm it.
func TestOldJournalLineDoesNotHideThePurchase(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
		placed := f.place(t, exampleCSR(t))
		_, err := f.panel.DB().Exec("UPDATE item SET opendate='2026-04-02' WHERE id=?", placed.Item)
		require.NoError(t, err)
		const saved = 1 // purchase_intent; the second is custom_order_id
		require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 2, Skip: saved, Caller: seller.module}))
		require.False(t, f.attempt(t, placed).OK())
		require.NoError(t, f.panel.SetFaults())
		require.Equal(t, 1, f.paymentCount(t))
		require.NotEmpty(t, f.itemOf(t, placed.Item).Params["purchase_intent"])
		require.Empty(t, f.itemOf(t, placed.Item).Params["custom_order_id"])

		require.NoError(t, f.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-6: open never buys for an item with an order id. A malformed id is an error and does not mean that nothing was
// bought yet.
func TestItemWithAnyIDNeverBuys(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		for name, row := range map[string]struct{ param, value string }{
			"no number":   {"custom_order_id", "SSL-34350001"},
			"negative":    {"custom_order_id", "-1"},
			"several ids": {"custom_order_id", "34350001 34350002"},
			"odd lineage": {"lineage", "34350001,34350002"},
		} {
			t.Run(name, func(t *testing.T) {
				placed := f.place(t, exampleCSR(t))
				require.NoError(t, f.panel.SetParams(context.Background(), placed.Item, map[string]string{row.param: row.value}))
				run := f.attempt(t, placed)
				assert.Contains(t, run.Stdout, `type="value" object="`+row.param+`"`)
				assert.Zero(t, f.paymentCount(t))
				assert.Equal(t, row.value, f.itemOf(t, placed.Item).Params[row.param], "the malformed value stays")
			})
		}
		t.Run("lineage alone", func(t *testing.T) {
			require.NoError(t, f.standIn.buyDirectly(exampleCSR(t)))
			placed := f.place(t, exampleCSR(t))
			require.NoError(t, f.panel.SetParams(context.Background(), placed.Item, map[string]string{"lineage": strconv.FormatInt(seller.firstOrderID, 10)}))
			f.complete(t, placed)
			f.checkOpened(t, placed.Item, 1)
		})
	})
}

// rules BUY-1, BUY-4: to adopt an order is to claim its id, as a purchase does. After the account's lock is lost, another run
// could claim the same id.
func TestNothingIsAdoptedAfterTheLocksAreLost(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, cutsConnections)
		f := startFixture(t, seller)
		placed := f.placePaidUnclear(t)
		f.beforeNthRequest(stepList, seller.listRequests, func() { f.killLockConnection(t) }) // the last request of the list reading
		assert.False(t, f.attempt(t, placed).OK())
		it := f.itemOf(t, placed.Item)
		assert.Empty(t, it.Params["custom_order_id"])
		assert.Empty(t, it.Params["lineage"])
		assert.NotEmpty(t, it.Params["purchase_intent"])
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-4: the product that the seller delivers may have another name than the ordered one, but not another kind. A
// single-name order whose answer was lost is not adopted by an item that ordered a wildcard.
func TestAnotherKindOfProductIsNotAdopted(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		wildcard := f.placeProduct(t, seller.wildcard, storedCSR(t, "wild.csr"))
		f.failNext(t, stepBuy, dropBefore)
		require.Contains(t, f.attempt(t, wildcard).Stdout, `type="unclear_purchase"`)
		single := f.placePaidUnclear(t)

		run := f.attempt(t, wildcard)
		assert.Contains(t, run.Stdout, `type="purchase_pending"`)
		assert.Empty(t, f.itemOf(t, wildcard.Item).Params["custom_order_id"])
		f.complete(t, single)
		f.finish(t, wildcard)
		f.checkOpened(t, single.Item, 2)
		f.checkOpened(t, wildcard.Item, 2)
	})
}

// rules BUY-4: the module compares plain parameters to find the processing modules that share its account at the seller. A
// module whose API key cannot be decrypted does not prevent another module from finding its purchase.
func TestUndecryptableKeyOfOneModuleDoesNotAffectAnother(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		ctx := context.Background()
		f := startFixture(t, seller)
		first := f.moduleID
		_, err := f.connect(ctx, nil)
		require.NoError(t, err)
		require.NotEqual(t, first, f.moduleID)
		changed, err := f.panel.DB().Exec("UPDATE processingcryptedparam SET value='bm90aGluZw==' WHERE processingmodule=?", f.moduleID)
		require.NoError(t, err)
		rows, err := changed.RowsAffected()
		require.NoError(t, err)
		require.NotZero(t, rows)
		f.moduleID = first
		placed := f.placePaidUnclear(t)
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}
