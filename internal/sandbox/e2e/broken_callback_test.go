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

// brokenAnswers returns the ways in which one call-back fails while the panel runs: not done, or done and answered as if it were
// not.
func brokenAnswers() []string { return []string{"error", "error_after", "exit", "garbage", "empty"} }

// callbacks is the number of call-backs that fail in turn: open makes eight, storing a certificate fewer. If one with several parameters
// fails, each of these gets one more.
const callbacks = 12

// forgetCallForms removes what the module remembers of the calls that the panel takes (rules PANEL-14): a fault of an earlier round, at a
// call for several parameters, would count as a panel that takes one at a time.
func (f *fixture) forgetCallForms(t *testing.T) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(f.panel.Root(), "var", f.seller.module+".callforms")))
}

// rules BUY-2: whichever call-back of open fails, the order is paid once and gets its certificate.
func TestBrokenCallbackOfOpenBuysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		csr := exampleCSR(t)
		charges := 0
		for n, kind := range brokenAnswers() {
			for skip := n % stepStride(kind, 3); skip < callbacks; skip += stepStride(kind, 3) {
				t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
					placed := f.place(t, csr)
					charges++
					f.forgetCallForms(t)
					require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: seller.module}))
					run, err := f.panel.RunOperation(context.Background(), placed.Operation)
					require.NoError(t, err)
					require.NoError(t, f.panel.SetFaults())
					it, err := f.panel.Item(context.Background(), placed.Item)
					require.NoError(t, err)
					if len(it.Operations) > 0 {
						assert.False(t, run.OK(), "exit 0 leaves no running operation")
						f.finish(t, placed)
					}
					f.checkOpened(t, placed.Item, charges)
				})
			}
		}
	})
}

// rules STORE-2: whichever call-back fails while the first certificate is stored, the next sync completes the storing.
func TestBrokenCallbackOfIssueIsRepeated(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		csr := exampleCSR(t)
		ctx := context.Background()
		for n, kind := range brokenAnswers() {
			for skip := n % stepStride(kind, 3); skip < callbacks; skip += stepStride(kind, 3) {
				t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
					placed := f.place(t, csr)
					run, err := f.panel.RunOperation(ctx, placed.Operation)
					require.NoError(t, err)
					require.True(t, run.OK(), run.Failure())
					it, err := f.panel.Item(ctx, placed.Item)
					require.NoError(t, err)
					id, err := strconv.ParseInt(it.Params["custom_order_id"], 10, 64)
					require.NoError(t, err)
					require.NoError(t, f.standIn.issue(id))
					f.forgetCallForms(t)
					require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: seller.module}))
					_, err = f.panel.Sync(ctx, placed.Item)
					require.NoError(t, err)
					require.NoError(t, f.panel.SetFaults())
					last, err := f.panel.Sync(ctx, placed.Item)
					require.NoError(t, err)
					require.True(t, last.OK(), last.Failure())
					it, err = f.panel.Item(ctx, placed.Item)
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

// rules BUY-2: without a readable journal nothing is bought, because nobody knows what was bought before. Lines that are not
// purchases are ignored.
func TestUnreadableJournalBuysNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		journal := filepath.Join(f.panel.Root(), "var", seller.module+".purchases")
		require.NoError(t, os.Mkdir(journal, 0o755))
		run, err := f.panel.RunOperation(context.Background(), placed.Operation)
		require.NoError(t, err)
		assert.False(t, run.OK())
		assert.Contains(t, run.Stdout, `type="panel"`, "rules ERR-1: a file that an administrator must repair")
		assert.Contains(t, run.Stdout, journal)
		assert.Zero(t, f.paymentCount(t))
		require.NoError(t, os.Remove(journal))
		require.NoError(t, os.WriteFile(journal, []byte("garbage\n{\"item\":0}\n\x00\x01"), 0o600))
		f.finish(t, placed)
		f.checkOpened(t, placed.Item, 1)
	})
}

// rules BUY-5: an intent with a time in the future, saved while the clock was wrong, is resolved by the administrator.
func TestIntentFromTheFutureIsResolvedByHand(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		ctx := context.Background()
		f := startPaused(t, seller, time.Date(2036, 4, 2, 10, 0, 0, 0, time.UTC))
		f.failNext(t, stepBuy, dropBefore)
		placed := f.place(t, exampleCSR(t))
		run, err := f.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.Contains(t, run.Stdout, "unclear_purchase")
		require.NoError(t, f.clock.Set(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)))
		run, err = f.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.False(t, run.OK(), "the purchase is still unclear")
		run, err = f.panel.Start(ctx, seller.module, nil, "--command", "resolve", "--item", strconv.FormatInt(placed.Item, 10), "--none", "--yes")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		run, err = f.panel.RunOperation(ctx, placed.Operation)
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		f.checkOpened(t, placed.Item, 1)
	})
}
