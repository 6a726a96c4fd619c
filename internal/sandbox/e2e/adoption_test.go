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

// rules BUY-4: ids in the journal are others' purchases unless the line names this very item. Here the item's line is
// older than the day on which the item opens, and is not trusted by itself; the seller's list and the intent are.
func TestOldJournalLineDoesNotHideThePurchase(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
		placed := f.place(t, exampleCSR(t))
		_, err := f.panel.DB().Exec("UPDATE item SET opendate='2026-04-02' WHERE id=?", placed.Item)
		require.NoError(t, err)
		const saved = 2 // term_start and purchase_intent; the third is custom_order_id
		require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 1, Skip: saved, Caller: seller.module}))
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

// rules BUY-6: open on an item with an id never creates. An id that is none was written by somebody: it is not taken for
// "nothing was bought yet".
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
				assert.Equal(t, row.value, f.itemOf(t, placed.Item).Params[row.param], "what somebody wrote is left to them")
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

// rules BUY-1, BUY-4: an adoption claims an id as a purchase does. Without the account's lock another run may be claiming
// the same one.
func TestNothingIsAdoptedAfterTheLocksAreLost(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		needsMariaDB(t, cutsConnections)
		f := startFixture(t, seller)
		placed := f.placePaidUnclear(t)
		f.beforeNthRequest(stepList, seller.listRequests, func() { f.killLockConnection(t) }) // the last list of the reading
		assert.False(t, f.attempt(t, placed).OK())
		it := f.itemOf(t, placed.Item)
		assert.Empty(t, it.Params["custom_order_id"])
		assert.Empty(t, it.Params["lineage"])
		assert.NotEmpty(t, it.Params["purchase_intent"])
		f.complete(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-4: what the seller delivers may have another name than what was ordered, never another kind: the certificate
// for one name that another item lost is not the wildcard's purchase.
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

// rules BUY-4: which other modules share the account at the seller is told by their plain parameters. One whose API key
// cannot be decrypted stops nobody else's settlement.
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
