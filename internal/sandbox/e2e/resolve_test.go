package e2e

import (
	"strconv"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-5: without --yes resolve shows what it would do and changes nothing; it does not even save an order id that it finds
// in the journal.
func TestResolveWithoutYesChangesNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		const saved = 1 // purchase_intent; the second is custom_order_id, which is then only in the journal
		require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 2, Skip: saved, Caller: seller.module}))
		require.False(t, f.attempt(t, placed).OK())
		require.NoError(t, f.panel.SetFaults())
		require.NoError(t, f.panel.ClearRequests())
		before := f.itemOf(t, placed.Item).Params

		for _, words := range [][]string{{"--none"}, {"--id", strconv.FormatInt(seller.firstOrderID, 10)}} {
			run := f.resolve(t, placed.Item, words...)
			require.True(t, run.OK(), run.Failure())
			assert.Contains(t, run.Stdout, `mode="dry-run"`)
		}
		calls, err := f.panel.Requests()
		require.NoError(t, err)
		assert.Empty(t, calls)
		assert.Equal(t, before, f.itemOf(t, placed.Item).Params)
	})
}
