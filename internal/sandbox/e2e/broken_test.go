package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenAnswers are the ways in which one call-back goes wrong while the panel runs: not done, or done and answered as
// if it were not.
func brokenAnswers() []string { return []string{"error", "error_after", "exit", "garbage", "empty"} }

// callbacks is the number of call-backs that are broken in turn: open makes eleven or twelve, an issue fewer.
const callbacks = 12

// rules BUY-2: whichever call-back of open breaks, done or not, the order is paid once and gets its certificate.
func TestBrokenCallbackOfOpenBuysOnce(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		csr := exampleCSR(t)
		charges := 0
		for _, kind := range brokenAnswers() {
			for skip := range callbacks {
				t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
					placed := w.place(t, csr)
					charges++
					require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: at.module}))
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
	})
}

// rules STORE-2: whichever call-back of a first issue breaks, the next sync brings everything to its end.
func TestBrokenCallbackOfIssueIsRepeated(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
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
					require.NoError(t, w.shop.issue(id))
					require.NoError(t, w.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: at.module}))
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
	})
}

// rules BUY-2: without its journal nobody knows what was bought, so nothing is; lines that are no purchases are left out.
func TestUnreadableJournalBuysNothing(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.place(t, exampleCSR(t))
		journal := filepath.Join(w.panel.Root(), "var", at.module+".purchases")
		require.NoError(t, os.Mkdir(journal, 0o755))
		run, err := w.panel.RunOperation(context.Background(), placed.Operation)
		require.NoError(t, err)
		assert.False(t, run.OK())
		assert.Contains(t, run.Stdout, `type="panel"`, "rules ERR-1: a file that an administrator mends")
		assert.Contains(t, run.Stdout, journal)
		assert.Zero(t, w.payments(t))
		require.NoError(t, os.Remove(journal))
		require.NoError(t, os.WriteFile(journal, []byte("garbage\n{\"item\":0}\n\x00\x01"), 0o600))
		w.finish(t, placed)
		w.settled(t, placed.Item, 1)
	})
}

// rules BUY-5: an intent of a day to come, saved while the clock was wrong, is resolved by hand.
func TestIntentOfAWrongClockIsSettledByHand(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		ctx := context.Background()
		w := pausedWorld(t, at, time.Date(2036, 4, 2, 10, 0, 0, 0, time.UTC))
		w.disturb(t, stepBuy, dropBefore)
		placed := w.place(t, exampleCSR(t))
		run, err := w.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.Contains(t, run.Stdout, "unclear_purchase")
		require.NoError(t, w.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
		run, err = w.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.False(t, run.OK(), "nobody knows yet")
		run, err = w.panel.Start(ctx, at.module, nil, "--command", "resolve", "--item", strconv.FormatInt(placed.Item, 10), "--none", "--yes")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		run, err = w.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		w.settled(t, placed.Item, 1)
	})
}
