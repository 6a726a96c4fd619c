package e2e

import (
	"strconv"
	"testing"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contract 3.5: two purchases without a clear answer, and the administrator mixes them up. The mistake is corrected with
// the same command, in the item, in its lineage and in the journal; an id that is an item's newest is not taken from it.
func TestResolveCorrectsItsOwnMistake(t *testing.T) {
	w := openWorld(t)
	const first, second = "34350001", "34350002"
	one, two := w.lose(t, namecheap.FaultDropAfter), w.lose(t, namecheap.FaultDropAfter)
	settle := func(placed *panel.Ordered, id string) *panel.Run {
		return w.resolve(t, placed.Item, "--id", id, "--yes")
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

	w.complete(t, one) // reads the journal, which names the second id for both items
	w.complete(t, two)
	for placed, id := range map[*panel.Ordered]string{one: first, two: second} {
		w.settled(t, placed.Item, 2)
		assert.Equal(t, id, w.itemOf(t, placed.Item).Params["lineage"])
	}
}

// contract 3.5: without --yes resolve shows what it would do and changes nothing, not even what the journal could put
// right.
func TestResolveWithoutYesChangesNothing(t *testing.T) {
	w := openWorld(t)
	placed := w.place(t, exampleCSR(t))
	const saved = 2 // term_start and purchase_intent; the third is custom_order_id, which only the journal knows now
	require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 1, Skip: saved, Caller: module}))
	require.False(t, w.attempt(t, placed).OK())
	require.NoError(t, w.panel.SetFaults())
	require.NoError(t, w.panel.ClearRequests())
	before := w.itemOf(t, placed.Item).Params

	for _, words := range [][]string{{"--none"}, {"--id", strconv.Itoa(firstID)}} {
		run := w.resolve(t, placed.Item, words...)
		require.True(t, run.OK(), run.Failure())
		assert.Contains(t, run.Stdout, `mode="dry-run"`)
	}
	calls, err := w.panel.Requests()
	require.NoError(t, err)
	assert.Empty(t, calls)
	assert.Equal(t, before, w.itemOf(t, placed.Item).Params)
}
