package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules STORE-2: a reissued certificate is stored in the same steps as the first one. Whichever call-back fails, before or after it
// takes effect, the next sync completes the storing, and the sync after it changes nothing.
func TestBrokenCallbackOfAReissueIsRepeated(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
		item, id := f.issuedItem(t)
		for _, kind := range []string{"error", "error_after"} {
			for skip := range callbacks {
				t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
					before := f.itemOf(t, item)
					_, err := f.clock.Advance(48 * time.Hour) // so that each certificate ends on a day of its own
					require.NoError(t, err)
					id = f.reissueDirectly(t, id)
					require.NoError(t, f.standIn.issue(id))
					require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: seller.module}))
					f.syncItem(t, item)
					require.NoError(t, f.panel.SetFaults())
					run := f.syncItem(t, item)
					require.True(t, run.OK(), run.Failure())

					it := f.itemOf(t, item)
					assert.Equal(t, "5", it.Params["service_status"])
					assert.Equal(t, strconv.FormatInt(id, 10), it.Params["custom_order_id"])
					assert.NotEqual(t, before.Params["certificate_serial"], it.Params["certificate_serial"])
					assert.NotEqual(t, before.ExpireDate, it.ExpireDate)
					assert.Equal(t, it.Params["certificate_expiredate"], it.ExpireDate)
					assert.NotEqual(t, before.Crt, it.Crt)
					require.NoError(t, f.panel.ClearRequests())
					run = f.syncItem(t, item)
					require.True(t, run.OK(), run.Failure())
					calls, err := f.panel.Requests()
					require.NoError(t, err)
					assert.Empty(t, calls, "running it again changes nothing")
				})
			}
		}
	})
}

// rules PARAM-21: the item has the challenges of the newest request. A reissue that somebody requests at the seller, without the
// panel, replaces the challenges of the request before it.
func TestReissueReplacesTheChallenges(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		item, id := f.issuedItem(t)
		old := f.itemOf(t, item).Params["auth_dnscname_value"]
		require.NotEmpty(t, old)
		next := f.reissueDirectly(t, id)
		run := f.syncItem(t, item)
		require.True(t, run.OK(), run.Failure())
		it := f.itemOf(t, item)
		require.Equal(t, strconv.FormatInt(next, 10), it.Params["custom_order_id"])
		assert.NotEmpty(t, it.Params["auth_dnscname_value"])
		assert.NotEqual(t, old, it.Params["auth_dnscname_value"])
		assert.Equal(t, "example.com", it.Params["domains_list"])
	})
}
