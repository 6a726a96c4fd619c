package e2e

import (
	"strconv"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-5: without --yes resolve shows what it would do and changes nothing, not even what the journal could put
// right.
func TestResolveWithoutYesChangesNothing(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.place(t, exampleCSR(t))
		const saved = 2 // term_start and purchase_intent; the third is custom_order_id, which only the journal knows now
		require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 1, Skip: saved, Caller: at.module}))
		require.False(t, w.attempt(t, placed).OK())
		require.NoError(t, w.panel.SetFaults())
		require.NoError(t, w.panel.ClearRequests())
		before := w.itemOf(t, placed.Item).Params

		for _, words := range [][]string{{"--none"}, {"--id", strconv.FormatInt(at.firstID, 10)}} {
			run := w.resolve(t, placed.Item, words...)
			require.True(t, run.OK(), run.Failure())
			assert.Contains(t, run.Stdout, `mode="dry-run"`)
		}
		calls, err := w.panel.Requests()
		require.NoError(t, err)
		assert.Empty(t, calls)
		assert.Equal(t, before, w.itemOf(t, placed.Item).Params)
	})
}
