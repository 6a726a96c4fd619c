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

// cutLocks ends the database connection that holds the account's lock, as a restarted server would.
func (w *world) cutLocks(t *testing.T) {
	sum := sha256.Sum256([]byte(w.shop.account(w.server.URL)))
	var connection int64
	row := w.panel.DB().QueryRow("SELECT IFNULL(IS_USED_LOCK(?), 0)", w.trade.module+".buy."+hex.EncodeToString(sum[:])[:16])
	if assert.NoError(t, row.Scan(&connection)) && assert.NotZero(t, connection, "the account is locked while it is looked at") {
		_, err := w.panel.DB().Exec("KILL " + strconv.FormatInt(connection, 10))
		assert.NoError(t, err)
	}
}

// rules BUY-1, BUY-2: what breaks at the worst moment of open. After it the order is paid once and has its certificate;
// nothing is paid where the locks were lost before the purchase.
func TestDisturbedOpenBuysOnce(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		for name, row := range map[string]struct {
			before  step
			happens func(t *testing.T, w *world, journal string)
			repair  func(t *testing.T, w *world, journal string)
			charges int    // after the disturbed run
			needs   string // what the embedded engine cannot do
		}{
			"locks lost before the purchase": {before: stepList, charges: 0, needs: cutsConnections,
				happens: func(t *testing.T, w *world, _ string) { w.cutLocks(t) }},
			"locks lost during the purchase": {before: stepBuy, charges: 1, needs: cutsConnections,
				happens: func(t *testing.T, w *world, _ string) { w.cutLocks(t) }},
			"journal not writable": {before: stepBuy, charges: 1,
				happens: func(t *testing.T, _ *world, journal string) { assert.NoError(t, os.Mkdir(journal, 0o755)) },
				repair:  func(t *testing.T, _ *world, journal string) { assert.NoError(t, os.Remove(journal)) }},
			"neither journal nor panel take the id": {before: stepBuy, charges: 1,
				happens: func(t *testing.T, w *world, journal string) {
					assert.NoError(t, os.Mkdir(journal, 0o755))
					assert.NoError(t, w.panel.SetFaults(panel.Fault{Func: "*", Kind: "error", Caller: at.module}))
				},
				repair: func(t *testing.T, w *world, journal string) {
					assert.NoError(t, os.Remove(journal))
					assert.NoError(t, w.panel.SetFaults())
				}},
			"table of parameters gone": {before: stepBuy, charges: 1, needs: renamesTables,
				happens: func(t *testing.T, w *world, _ string) {
					_, err := w.panel.DB().Exec("RENAME TABLE itemparam TO itemparam_away")
					assert.NoError(t, err)
				},
				repair: func(t *testing.T, w *world, _ string) {
					_, err := w.panel.DB().Exec("RENAME TABLE itemparam_away TO itemparam")
					assert.NoError(t, err)
				}},
		} {
			t.Run(name, func(t *testing.T) {
				if row.needs != "" {
					needsMariaDB(t, row.needs)
				}
				w := openWorld(t, at)
				placed := w.place(t, exampleCSR(t))
				journal := filepath.Join(w.panel.Root(), "var", at.module+".purchases")
				var happened atomic.Bool
				w.before(row.before, func() {
					happened.Store(true)
					row.happens(t, w, journal)
				})
				run, err := w.panel.RunOperation(context.Background(), placed.Operation)
				require.NoError(t, err)
				require.True(t, happened.Load(), run.Failure())
				assert.Equal(t, row.charges, w.payments(t))
				if row.repair != nil {
					row.repair(t, w, journal)
				}
				it, err := w.panel.Item(context.Background(), placed.Item)
				require.NoError(t, err)
				if len(it.Operations) > 0 {
					assert.False(t, run.OK(), "exit 0 leaves no running operation")
					w.finish(t, placed)
				}
				w.settled(t, placed.Item, 1)
			})
		}
	})
}

// rules BUY-21: whatever keeps the journal from being written, the administrator is told which file and what mends it, nothing is
// paid twice, and the next run that can adds the line.
func TestAJournalThatCannotBeWrittenIsCompletedLater(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		journal := filepath.Join(w.panel.Root(), "var", at.module+".purchases")
		placed := w.place(t, exampleCSR(t))
		w.before(stepBuy, func() { assert.NoError(t, os.Mkdir(journal, 0o755)) })
		run := w.attempt(t, placed)
		require.True(t, run.OK(), run.Failure())
		id := strconv.FormatInt(w.idOf(t, placed.Item), 10)
		tasks, err := w.panel.Tasks(context.Background())
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		assert.Contains(t, tasks[0].Params["params"], journal)
		assert.Contains(t, tasks[0].Params["params"], "move away what is there")
		assert.Contains(t, tasks[0].Params["params"], id)

		run = w.syncItem(t, placed.Item)
		assert.False(t, run.OK(), "without its journal nobody knows what was bought")
		require.NotNil(t, run.Error)
		assert.Equal(t, "panel", run.Error.Type)
		assert.Contains(t, run.Stdout, journal)

		require.NoError(t, os.Remove(journal))
		for range 2 {
			run = w.syncItem(t, placed.Item)
			require.True(t, run.OK(), run.Failure())
			text, err := os.ReadFile(journal)
			require.NoError(t, err)
			assert.Equal(t, 1, strings.Count(string(text), `"id":`+id+`,`), "one line, once")
			assert.Empty(t, w.itemOf(t, placed.Item).Params["purchase_unjournaled"])
		}
		assert.Equal(t, 1, w.payments(t))
	})
}

// An item that is deleted while its purchase is under way: the run fails, and the id is not lost.
func TestItemDeletedDuringThePurchaseLeavesItsIDInTheJournal(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		w := openWorld(t, at)
		placed := w.place(t, exampleCSR(t))
		w.before(stepBuy, func() {
			_, err := w.panel.DB().Exec("DELETE FROM item WHERE id=?", placed.Item)
			assert.NoError(t, err)
		})
		run, err := w.panel.RunOperation(context.Background(), placed.Operation)
		require.NoError(t, err)
		assert.False(t, run.OK())
		ids, err := w.shop.ids()
		require.NoError(t, err)
		require.Len(t, ids, 1)
		id := strconv.FormatInt(ids[0], 10)
		journal, err := os.ReadFile(filepath.Join(w.panel.Root(), "var", at.module+".purchases"))
		require.NoError(t, err)
		assert.Contains(t, string(journal), `"id":`+id+`,`)
		log, err := os.ReadFile(filepath.Join(w.panel.Root(), "var", at.module+".log"))
		require.NoError(t, err)
		assert.Contains(t, string(log), id)
	})
}
