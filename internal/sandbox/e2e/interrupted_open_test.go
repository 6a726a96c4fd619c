package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// killLockConnection ends the database connection that holds the account's lock, as a restart of the server does.
func (f *fixture) killLockConnection(t *testing.T) {
	sum := sha256.Sum256([]byte(f.standIn.accountName(f.server.URL)))
	var connection int64
	row := f.panel.DB().QueryRow("SELECT IFNULL(IS_USED_LOCK(?), 0)", f.seller.module+".buy."+hex.EncodeToString(sum[:])[:16])
	if assert.NoError(t, row.Scan(&connection)) && assert.NotZero(t, connection, "the account is locked while its orders are read") {
		_, err := f.panel.DB().Exec("KILL " + strconv.FormatInt(connection, 10))
		assert.NoError(t, err)
	}
}

// rules BUY-1, BUY-2: failures at the worst moment of open. Afterwards the order is paid once and has its certificate. If the
// locks are lost before the purchase, the run pays nothing.
func TestInterruptedOpenBuysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, row := range map[string]struct {
			before  step
			action  func(t *testing.T, f *fixture, journal string)
			repair  func(t *testing.T, f *fixture, journal string)
			charges int    // payments after the first run
			needs   string // what the embedded engine cannot do
		}{
			"locks lost before the purchase": {before: stepList, charges: 0, needs: cutsConnections,
				action: func(t *testing.T, f *fixture, _ string) { f.killLockConnection(t) }},
			"locks lost during the purchase": {before: stepBuy, charges: 1, needs: cutsConnections,
				action: func(t *testing.T, f *fixture, _ string) { f.killLockConnection(t) }},
			"journal not writable": {before: stepBuy, charges: 1,
				action: func(t *testing.T, _ *fixture, journal string) { assert.NoError(t, os.Mkdir(journal, 0o755)) },
				repair: func(t *testing.T, _ *fixture, journal string) { assert.NoError(t, os.Remove(journal)) }},
			"neither journal nor panel take the id": {before: stepBuy, charges: 1,
				action: func(t *testing.T, f *fixture, journal string) {
					assert.NoError(t, os.Mkdir(journal, 0o755))
					assert.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: "error", Caller: seller.module}))
				},
				repair: func(t *testing.T, f *fixture, journal string) {
					assert.NoError(t, os.Remove(journal))
					assert.NoError(t, f.panel.SetFaults())
				}},
			"table of parameters gone": {before: stepBuy, charges: 1, needs: renamesTables,
				action: func(t *testing.T, f *fixture, _ string) {
					_, err := f.panel.DB().Exec("RENAME TABLE itemparam TO itemparam_away")
					assert.NoError(t, err)
				},
				repair: func(t *testing.T, f *fixture, _ string) {
					_, err := f.panel.DB().Exec("RENAME TABLE itemparam_away TO itemparam")
					assert.NoError(t, err)
				}},
		} {
			t.Run(name, func(t *testing.T) {
				if row.needs != "" {
					needsMariaDB(t, row.needs)
				}
				f := startFixture(t, seller)
				placed := f.place(t, exampleCSR(t))
				journal := filepath.Join(f.panel.Root(), "var", seller.module+".purchases")
				var reached atomic.Bool
				f.beforeRequest(row.before, func() {
					reached.Store(true)
					row.action(t, f, journal)
				})
				run, err := f.panel.RunOperation(context.Background(), placed.Operation)
				require.NoError(t, err)
				require.True(t, reached.Load(), run.Failure())
				assert.Equal(t, row.charges, f.paymentCount(t))
				if row.repair != nil {
					row.repair(t, f, journal)
				}
				it, err := f.panel.Item(context.Background(), placed.Item)
				require.NoError(t, err)
				if len(it.Operations) > 0 {
					assert.False(t, run.OK(), "exit 0 leaves no running operation")
					f.finish(t, placed)
				}
				f.checkOpened(t, placed.Item, 1)
			})
		}
	})
}

// rules BUY-21: if the journal cannot be written, a task names the file and the remedy, nothing is paid twice, and the next run
// that can write the journal adds the line.
func TestUnwritableJournalIsCompletedLater(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		journal := filepath.Join(f.panel.Root(), "var", seller.module+".purchases")
		placed := f.place(t, exampleCSR(t))
		f.beforeRequest(stepBuy, func() { assert.NoError(t, os.Mkdir(journal, 0o755)) })
		run := f.attempt(t, placed)
		require.True(t, run.OK(), run.Failure())
		id := strconv.FormatInt(f.orderIDOf(t, placed.Item), 10)
		tasks, err := f.panel.Tasks(context.Background())
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		assert.Contains(t, tasks[0].Params["params"], journal)
		assert.Contains(t, tasks[0].Params["params"], "move away what is there")
		assert.Contains(t, tasks[0].Params["params"], id)

		run = f.syncItem(t, placed.Item)
		assert.False(t, run.OK(), "a run without a readable journal fails")
		require.NotNil(t, run.Error)
		assert.Equal(t, "panel", run.Error.Type)
		assert.Contains(t, run.Stdout, journal)

		require.NoError(t, os.Remove(journal))
		for range 2 {
			run = f.syncItem(t, placed.Item)
			require.True(t, run.OK(), run.Failure())
			text, err := os.ReadFile(journal)
			require.NoError(t, err)
			assert.Equal(t, 1, strings.Count(string(text), `"id":`+id+`,`), "the line is added once")
			assert.Empty(t, f.itemOf(t, placed.Item).Params["purchase_unjournaled"])
		}
		assert.Equal(t, 1, f.paymentCount(t))
	})
}

// An item is deleted while its purchase is in progress: the run fails, and journal and log contain the order id.
func TestItemDeletedDuringThePurchaseLeavesItsIDInTheJournal(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		f.beforeRequest(stepBuy, func() {
			_, err := f.panel.DB().Exec("DELETE FROM item WHERE id=?", placed.Item)
			assert.NoError(t, err)
		})
		run, err := f.panel.RunOperation(context.Background(), placed.Operation)
		require.NoError(t, err)
		assert.False(t, run.OK())
		ids, err := f.standIn.orderIDs()
		require.NoError(t, err)
		require.Len(t, ids, 1)
		id := strconv.FormatInt(ids[0], 10)
		journal, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", seller.module+".purchases"))
		require.NoError(t, err)
		assert.Contains(t, string(journal), `"id":`+id+`,`)
		log, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", seller.module+".log"))
		require.NoError(t, err)
		assert.Contains(t, string(log), id)
	})
}
