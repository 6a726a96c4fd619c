package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenAnswers are the ways in which one call-back goes wrong while the panel runs: not done, or done and answered as
// if it were not.
func brokenAnswers() []string { return []string{"error", "error_after", "exit", "garbage", "empty"} }

// callbacks is the number of call-backs that are broken in turn: open makes eleven or twelve, an issue fewer.
const callbacks = 12

// contract 3.2: whichever call-back of open breaks, done or not, the order is paid once and gets its certificate.
func TestBrokenCallbackOfOpenBuysOnce(t *testing.T) {
	w := openWorld(t)
	csr := exampleCSR(t)
	charges := 0
	for _, kind := range brokenAnswers() {
		for skip := range callbacks {
			t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
				placed := w.place(t, csr)
				charges++
				require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: module}))
				run, err := w.panel.RunOperation(context.Background(), placed.Operation)
				require.NoError(t, err)
				require.NoError(t, w.panel.SetFaults())
				it, err := w.panel.Item(context.Background(), placed.Item)
				require.NoError(t, err)
				if len(it.Operations) > 0 {
					assert.False(t, run.OK(), "exit 0 leaves no running operation")
					w.finish(t, placed)
				}
				w.settled(t, placed.Item, charges)
			})
		}
	}
}

// contract 4.2: whichever call-back of a first issue breaks, the next sync brings everything to its end.
func TestBrokenCallbackOfIssueIsRepeated(t *testing.T) {
	w := openWorld(t)
	csr := exampleCSR(t)
	ctx := context.Background()
	for _, kind := range brokenAnswers() {
		for skip := range callbacks {
			t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
				placed := w.place(t, csr)
				run, err := w.panel.RunOperation(ctx, placed.Operation)
				require.NoError(t, err)
				require.True(t, run.OK(), run.Failure())
				it, err := w.panel.Item(ctx, placed.Item)
				require.NoError(t, err)
				id, err := strconv.ParseInt(it.Params["custom_order_id"], 10, 64)
				require.NoError(t, err)
				require.NoError(t, w.seller.Issue(id))
				require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: module}))
				_, err = w.panel.Sync(ctx, placed.Item)
				require.NoError(t, err)
				require.NoError(t, w.panel.SetFaults())
				last, err := w.panel.Sync(ctx, placed.Item)
				require.NoError(t, err)
				require.True(t, last.OK(), last.Failure())
				it, err = w.panel.Item(ctx, placed.Item)
				require.NoError(t, err)
				assert.Equal(t, "5", it.Params["service_status"])
				assert.NotEmpty(t, it.Params["certificate_serial"])
				assert.Equal(t, it.Params["certificate_expiredate"], it.ExpireDate)
				assert.NotEmpty(t, it.Crt)
			})
		}
	}
}

// contract 3.2: without its journal nobody knows what was bought, so nothing is; lines that are no purchases are left out.
func TestUnreadableJournalBuysNothing(t *testing.T) {
	w := openWorld(t)
	placed := w.place(t, exampleCSR(t))
	journal := filepath.Join(w.panel.Root(), "var", module+".purchases")
	require.NoError(t, os.Mkdir(journal, 0o755))
	run, err := w.panel.RunOperation(context.Background(), placed.Operation)
	require.NoError(t, err)
	assert.False(t, run.OK())
	state, err := w.seller.State()
	require.NoError(t, err)
	assert.Empty(t, state.Charges)
	require.NoError(t, os.Remove(journal))
	require.NoError(t, os.WriteFile(journal, []byte("garbage\n{\"item\":0}\n\x00\x01"), 0o600))
	w.finish(t, placed)
	w.settled(t, placed.Item, 1)
}

// contract 3.4: what another processing module with the same account at the seller bought is nobody else's, even where
// the journal is gone.
func TestPurchaseOfAnotherModuleIsNotAdopted(t *testing.T) {
	ctx := context.Background()
	w := openWorld(t)
	first := w.module
	_, err := w.seller.AddFault(namecheap.Fault{Command: "create", Kind: namecheap.FaultDropBefore, Times: 1})
	require.NoError(t, err)
	lost := w.place(t, exampleCSR(t))
	run, err := w.panel.RunOperation(ctx, lost.Operation)
	require.NoError(t, err)
	require.Contains(t, run.Stdout, "unclear_purchase")

	_, err = w.connect(ctx, connection())
	require.NoError(t, err)
	require.NotEqual(t, first, w.module)
	delete(w.tariff, "positivessl") // the next one is served by the second module
	_, err = w.seller.AddFault(namecheap.Fault{Command: "activate", Kind: namecheap.FaultDropBefore, Times: 1})
	require.NoError(t, err)
	other := w.place(t, exampleCSR(t))
	_, err = w.panel.RunOperation(ctx, other.Operation)
	require.NoError(t, err)
	it, err := w.panel.Item(ctx, other.Item)
	require.NoError(t, err)
	require.NotEmpty(t, it.Params["custom_order_id"], "bought and not activated: the only candidate")
	require.NoError(t, os.Remove(filepath.Join(w.panel.Root(), "var", module+".purchases")))

	run, err = w.panel.RunOperation(ctx, lost.Operation)
	require.NoError(t, err)
	assert.Contains(t, run.Stdout, "purchase_pending")
	it, err = w.panel.Item(ctx, lost.Item)
	require.NoError(t, err)
	assert.Empty(t, it.Params["custom_order_id"])
}

// contract 3.5: an intent of a day to come, saved while the clock was wrong, is settled by hand.
func TestIntentOfAWrongClockIsSettledByHand(t *testing.T) {
	ctx := context.Background()
	w, err := newWorld(worldOptions{dir: t.TempDir(), binary: built.simclock, simulated: true, start: time.Date(2036, 4, 2, 10, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	t.Cleanup(w.close)
	_, err = w.connect(ctx, connection())
	require.NoError(t, err)
	_, err = w.seller.AddFault(namecheap.Fault{Command: "create", Kind: namecheap.FaultDropBefore, Times: 1})
	require.NoError(t, err)
	placed := w.place(t, exampleCSR(t))
	run, err := w.panel.RunOperation(ctx, placed.Operation)
	require.NoError(t, err)
	require.Contains(t, run.Stdout, "unclear_purchase")
	require.NoError(t, w.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
	run, err = w.panel.RunOperation(ctx, placed.Operation)
	require.NoError(t, err)
	require.False(t, run.OK(), "nobody knows yet")
	run, err = w.panel.Start(ctx, module, nil, "--command", "resolve", "--item", strconv.FormatInt(placed.Item, 10), "--none", "--yes")
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
	run, err = w.panel.RunOperation(ctx, placed.Operation)
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
	w.settled(t, placed.Item, 1)
}
