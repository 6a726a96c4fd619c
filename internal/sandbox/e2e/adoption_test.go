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
func TestOwnLineOfTheJournalDoesNotHideThePurchase(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := pausedWorld(t, at, time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
		placed := w.place(t, exampleCSR(t))
		_, err := w.panel.DB().Exec("UPDATE item SET opendate='2026-04-02' WHERE id=?", placed.Item)
		require.NoError(t, err)
		const saved = 2 // term_start and purchase_intent; the third is custom_order_id
		require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 1, Skip: saved, Caller: at.module}))
		require.False(t, w.attempt(t, placed).OK())
		require.NoError(t, w.panel.SetFaults())
		require.Equal(t, 1, w.payments(t))
		require.NotEmpty(t, w.itemOf(t, placed.Item).Params["purchase_intent"])
		require.Empty(t, w.itemOf(t, placed.Item).Params["custom_order_id"])

		require.NoError(t, w.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// rules BUY-6: open on an item with an id never creates. An id that is none was written by somebody: it is not taken for
// "nothing was bought yet".
func TestItemWithAnyIDNeverBuys(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
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
			require.NoError(t, w.shop.buy(exampleCSR(t)))
			placed := w.place(t, exampleCSR(t))
			require.NoError(t, w.panel.SetParams(context.Background(), placed.Item, map[string]string{"lineage": strconv.FormatInt(at.firstID, 10)}))
			w.complete(t, placed)
			w.settled(t, placed.Item, 1)
		})
	})
}

// rules BUY-1, BUY-4: an adoption claims an id as a purchase does. Without the account's lock another run may be claiming
// the same one.
func TestNothingIsAdoptedWithoutTheLocks(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		needsMariaDB(t, cutsConnections)
		w := openWorld(t, at)
		placed := w.paidUnseen(t)
		w.beforeNth(stepList, at.lists, func() { w.cutLocks(t) }) // the last list of the reading
		assert.False(t, w.attempt(t, placed).OK())
		it := w.itemOf(t, placed.Item)
		assert.Empty(t, it.Params["custom_order_id"])
		assert.Empty(t, it.Params["lineage"])
		assert.NotEmpty(t, it.Params["purchase_intent"])
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// rules BUY-4: what the seller delivers may have another name than what was ordered, never another kind: the certificate
// for one name that another item lost is not the wildcard's purchase.
func TestAnotherKindOfProductIsNotAdopted(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		wildcard := w.placeProduct(t, at.wild, keptCSR(t, "wild.csr"))
		w.disturb(t, stepBuy, dropBefore)
		require.Contains(t, w.attempt(t, wildcard).Stdout, `type="unclear_purchase"`)
		single := w.paidUnseen(t)

		run := w.attempt(t, wildcard)
		assert.Contains(t, run.Stdout, `type="purchase_pending"`)
		assert.Empty(t, w.itemOf(t, wildcard.Item).Params["custom_order_id"])
		w.complete(t, single)
		w.finish(t, wildcard)
		w.settled(t, single.Item, 2)
		w.settled(t, wildcard.Item, 2)
	})
}

// rules BUY-4: which other modules share the account at the seller is told by their plain parameters. One whose API key
// cannot be decrypted stops nobody else's settlement.
func TestModuleWithABrokenKeyStopsNoOtherOne(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		ctx := context.Background()
		w := openWorld(t, at)
		first := w.module
		_, err := w.connect(ctx, nil)
		require.NoError(t, err)
		require.NotEqual(t, first, w.module)
		changed, err := w.panel.DB().Exec("UPDATE processingcryptedparam SET value='bm90aGluZw==' WHERE processingmodule=?", w.module)
		require.NoError(t, err)
		rows, err := changed.RowsAffected()
		require.NoError(t, err)
		require.NotZero(t, rows)
		w.module = first
		placed := w.paidUnseen(t)
		w.complete(t, placed)
		w.settled(t, placed.Item, 1)
	})
}
