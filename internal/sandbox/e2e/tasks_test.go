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

// rules STORE-4: if an order or a reissue ends while a certificate is stored, the status stays 5, the certificate stays, and there is
// one task, however often the panel syncs.
func TestEndedOrderWithACertificateLeavesOneTask(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, ends := range map[string]func(t *testing.T, f *fixture, id int64){
			"order cancelled": func(t *testing.T, f *fixture, id int64) {
				require.NoError(t, f.standIn.cancel(id, "Cancelled by support"))
			},
			"reissue cancelled": func(t *testing.T, f *fixture, id int64) {
				require.NoError(t, f.standIn.cancel(f.reissueDirectly(t, id), "Cancelled by support"))
			},
			"reissue refused": func(t *testing.T, f *fixture, id int64) {
				require.NoError(t, f.standIn.refuse(f.reissueDirectly(t, id), "The name is on a list"))
			},
		} {
			t.Run(name, func(t *testing.T) {
				f := startFixture(t, seller)
				item, id := f.issuedItem(t)
				before := f.itemOf(t, item)
				ends(t, f, id)
				for range 3 {
					run := f.syncItem(t, item)
					require.True(t, run.OK(), run.Failure())
				}
				it := f.itemOf(t, item)
				assert.Equal(t, "5", it.Params["service_status"])
				assert.Equal(t, before.Crt, it.Crt)
				assert.Equal(t, before.ExpireDate, it.ExpireDate)
				assert.Len(t, it.Tasks, 1)
			})
		}
	})
}

// rules STORE-4: if the panel cannot create the task, the sync fails and does not set status 6. The next sync creates the task and
// sets the status.
func TestTaskOfAFailedOrderIsCreatedByTheNextSync(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, call := range []string{"task.gettype", "task.edit"} {
			t.Run(call, func(t *testing.T) {
				f := startFixture(t, seller)
				placed := f.place(t, exampleCSR(t))
				f.complete(t, placed)
				require.NoError(t, f.standIn.cancel(seller.firstOrderID, "Cancelled"))
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: call, Kind: "error", Times: 1, Caller: seller.module}))
				assert.False(t, f.syncItem(t, placed.Item).OK())
				require.NoError(t, f.panel.SetFaults())
				require.NotEqual(t, "6", f.itemOf(t, placed.Item).Params["service_status"])
				run := f.syncItem(t, placed.Item)
				require.True(t, run.OK(), run.Failure())
				it := f.itemOf(t, placed.Item)
				assert.Len(t, it.Tasks, 1)
				assert.Equal(t, "6", it.Params["service_status"])
			})
		}
	})
}

// rules STORE-1: a certificate for another key than that of the item's CSR is not stored. The administrator gets one task, however
// often the panel syncs.
func TestCertificateForAnotherKeyLeavesOneTask(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		f.complete(t, placed)
		require.NoError(t, f.panel.SetCSR(context.Background(), placed.Item, storedCSR(t, "other.csr"), ""))
		require.NoError(t, f.standIn.issue(seller.firstOrderID))
		for range 3 {
			run := f.syncItem(t, placed.Item)
			assert.Contains(t, run.Stdout, `type="wrong_certificate"`)
		}
		it := f.itemOf(t, placed.Item)
		assert.Empty(t, it.Crt)
		assert.Equal(t, "4", it.Params["service_status"], "nothing failed at the seller")
		assert.Len(t, it.Tasks, 1)
	})
}

// rules BUY-4: for ten minutes after an unclear purchase nothing is bought. The panel's tries in that time do not make the operation
// manual, and after it the order is bought without the administrator.
func TestWaitingForAPurchaseNeverBecomesManual(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
		placed := f.placeUnclear(t, dropBefore)
		const tries = 30 // three times the framework's try count, within the ten minutes
		for range tries {
			_, err := f.clock.Advance(10 * time.Second)
			require.NoError(t, err)
			_, err = f.panel.RunPending(context.Background())
			require.NoError(t, err)
		}
		it := f.itemOf(t, placed.Item)
		require.Len(t, it.Operations, 1)
		assert.False(t, it.Operations[0].Manual)
		assert.Empty(t, it.Tasks)
		require.Zero(t, f.paymentCount(t))
		_, err := f.clock.Advance(10 * time.Minute)
		require.NoError(t, err)
		_, err = f.panel.RunPending(context.Background())
		require.NoError(t, err)
		f.checkOpened(t, placed.Item, 1)
		assert.Equal(t, strconv.FormatInt(seller.firstOrderID, 10), f.itemOf(t, placed.Item).Params["custom_order_id"])
	})
}
