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

// rules STORE-4: with a certificate in place an order or a reissue that ends leaves status 5, the certificate and one task,
// however often the panel asks.
func TestEndedOrderWithACertificateLeavesOneTask(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		for name, ends := range map[string]func(t *testing.T, w *world, id int64){
			"order cancelled": func(t *testing.T, w *world, id int64) {
				require.NoError(t, w.shop.cancel(id, "Cancelled by support"))
			},
			"reissue cancelled": func(t *testing.T, w *world, id int64) {
				require.NoError(t, w.shop.cancel(w.shopReissues(t, id), "Cancelled by support"))
			},
			"reissue refused": func(t *testing.T, w *world, id int64) {
				require.NoError(t, w.shop.refuse(w.shopReissues(t, id), "The name is on a list"))
			},
		} {
			t.Run(name, func(t *testing.T) {
				w := openWorld(t, at)
				item, id := w.issued(t)
				before := w.itemOf(t, item)
				ends(t, w, id)
				for range 3 {
					run := w.syncItem(t, item)
					require.True(t, run.OK(), run.Failure())
				}
				it := w.itemOf(t, item)
				assert.Equal(t, "5", it.Params["service_status"])
				assert.Equal(t, before.Crt, it.Crt)
				assert.Equal(t, before.ExpireDate, it.ExpireDate)
				assert.Len(t, it.Tasks, 1)
			})
		}
	})
}

// rules STORE-4: where the panel does not take the task, the sync is not done: the next one makes it, before status 6 says
// that the item is dealt with.
func TestTaskOfAFailedOrderIsNotLost(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		for _, call := range []string{"task.gettype", "task.edit"} {
			t.Run(call, func(t *testing.T) {
				w := openWorld(t, at)
				placed := w.place(t, exampleCSR(t))
				w.complete(t, placed)
				require.NoError(t, w.shop.cancel(at.firstID, "Cancelled"))
				require.NoError(t, w.panel.SetFaults(panel.Fault{Func: call, Kind: "error", Times: 1, Caller: at.module}))
				assert.False(t, w.syncItem(t, placed.Item).OK())
				require.NoError(t, w.panel.SetFaults())
				require.NotEqual(t, "6", w.itemOf(t, placed.Item).Params["service_status"])
				run := w.syncItem(t, placed.Item)
				require.True(t, run.OK(), run.Failure())
				it := w.itemOf(t, placed.Item)
				assert.Len(t, it.Tasks, 1)
				assert.Equal(t, "6", it.Params["service_status"])
			})
		}
	})
}

// rules STORE-1: a certificate for another key than the item's CSR is not stored. Only an administrator can settle that:
// one task, however often the panel asks.
func TestCertificateForAnotherKeyLeavesOneTask(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.place(t, exampleCSR(t))
		w.complete(t, placed)
		require.NoError(t, w.panel.SetCSR(context.Background(), placed.Item, keptCSR(t, "other.csr"), ""))
		require.NoError(t, w.shop.issue(at.firstID))
		for range 3 {
			run := w.syncItem(t, placed.Item)
			assert.Contains(t, run.Stdout, `type="wrong_certificate"`)
		}
		it := w.itemOf(t, placed.Item)
		assert.Empty(t, it.Crt)
		assert.Equal(t, "4", it.Params["service_status"], "nothing failed at the seller")
		assert.Len(t, it.Tasks, 1)
	})
}

// rules BUY-4: an unclear purchase is waited for, ten minutes. The panel's tries in that time are not failures that make
// the operation manual: after it the order is bought without anybody's hand.
func TestWaitingForAPurchaseNeverBecomesManual(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := pausedWorld(t, at, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
		placed := w.lose(t, dropBefore)
		const tries = 30 // three times the framework's try count, within the ten minutes
		for range tries {
			_, err := w.clock.Advance(10 * time.Second)
			require.NoError(t, err)
			_, err = w.panel.RunPending(context.Background())
			require.NoError(t, err)
		}
		it := w.itemOf(t, placed.Item)
		require.Len(t, it.Operations, 1)
		assert.False(t, it.Operations[0].Manual)
		assert.Empty(t, it.Tasks)
		require.Zero(t, w.payments(t))
		_, err := w.clock.Advance(10 * time.Minute)
		require.NoError(t, err)
		_, err = w.panel.RunPending(context.Background())
		require.NoError(t, err)
		w.settled(t, placed.Item, 1)
		assert.Equal(t, strconv.FormatInt(at.firstID, 10), w.itemOf(t, placed.Item).Params["custom_order_id"])
	})
}
