package e2e

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pausedWorld is a connected world whose time stands still until its clock is moved.
func pausedWorld(t *testing.T, at trade, start time.Time) *world {
	t.Helper()
	return connected(t, worldOptions{dir: t.TempDir(), trade: at, simulated: true, start: start})
}

// openWorld is a connected world with the module as it is shipped.
func openWorld(t *testing.T, at trade) *world {
	t.Helper()
	return connected(t, worldOptions{dir: t.TempDir(), trade: at})
}

// connected is a world whose wizard is done. Its module writes all that it can into its log.
func connected(t testing.TB, o worldOptions) *world {
	t.Helper()
	w, err := newWorld(o)
	require.NoError(t, err)
	t.Cleanup(w.close)
	require.NoError(t, os.WriteFile(filepath.Join(w.panel.Root(), "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	t.Cleanup(func() { w.keptSecret(t) })
	done, err := w.connect(context.Background(), nil)
	require.NoError(t, err)
	require.NotZero(t, done.ID, "the wizard refused: %+v", done)
	return w
}

// keptSecret holds what is true of every run: no secret of the seller's account stands in the module's log, no private key
// leaves the panel.
func (w *world) keptSecret(t testing.TB) {
	t.Helper()
	assert.Empty(t, w.shop.leaks())
	log, err := os.ReadFile(filepath.Join(w.panel.Root(), "var", w.trade.module+".log"))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for _, secret := range w.shop.secrets() {
		if bytes.Contains(log, []byte(secret)) { // the log itself would be pages
			assert.Fail(t, "a secret of the seller's account stands in the log")
		}
	}
}

// What the embedded engine cannot do: it has no KILL for another client's connection, after RENAME TABLE it finds rows no
// more by their index, a row written beside another client's is now and then gone, and joins of many rows take minutes.
const (
	cutsConnections = "end a connection of another client"
	renamesTables   = "find rows after a table was renamed"
	writesAtOnce    = "keep what several clients write at the same moment"
	manyRows        = "search a thousand items in a useful time"
)

// needsMariaDB skips where only the embedded engine is at hand and the test needs what it cannot do.
func needsMariaDB(t *testing.T, what string) {
	t.Helper()
	if kind := built.server.Kind(); kind != engine.MariaDB {
		t.Skipf("the %s engine cannot %s: this was not looked at", kind, what)
	}
}

// attempt starts a placed order's running operation once.
func (w *world) attempt(t *testing.T, placed *panel.OrderResult) *panel.Run {
	t.Helper()
	run, err := w.panel.RunOperation(context.Background(), placed.Operation)
	require.NoError(t, err)
	return run
}

// complete is attempt with a good end.
func (w *world) complete(t *testing.T, placed *panel.OrderResult) {
	t.Helper()
	run := w.attempt(t, placed)
	require.True(t, run.OK(), run.Failure())
}

func (w *world) syncItem(t *testing.T, item int64) *panel.Run {
	t.Helper()
	run, err := w.panel.Sync(context.Background(), item)
	require.NoError(t, err)
	return run
}

// resolve starts --command resolve for the item with further words.
func (w *world) resolve(t *testing.T, item int64, words ...string) *panel.Run {
	t.Helper()
	run, err := w.panel.Start(context.Background(), w.trade.module, nil, append([]string{"--command", "resolve", "--item", strconv.FormatInt(item, 10)}, words...)...)
	require.NoError(t, err)
	return run
}

func (w *world) itemOf(t testing.TB, item int64) *panel.Item {
	t.Helper()
	it, err := w.panel.Item(context.Background(), item)
	require.NoError(t, err)
	return it
}

// payments is how often the seller was paid.
func (w *world) payments(t testing.TB) int {
	t.Helper()
	all, err := w.shop.payments()
	require.NoError(t, err)
	return len(all)
}

// disturb breaks the next request for a step.
func (w *world) disturb(t testing.TB, s step, kind string) {
	t.Helper()
	require.NoError(t, w.shop.disturb(s, kind))
}

// lose is an order whose purchase ends as kind says: the run fails and the item keeps its intent.
func (w *world) lose(t *testing.T, kind string) *panel.OrderResult {
	t.Helper()
	placed := w.place(t, exampleCSR(t))
	w.disturb(t, stepBuy, kind)
	run := w.attempt(t, placed)
	require.Contains(t, run.Stdout, `type="unclear_purchase"`)
	return placed
}

// paidUnseen is an order that is paid at the seller while the item knows nothing of it but its intent. At a seller that keeps
// marks the run itself looks for what came of a lost answer: there the order comes up after it.
func (w *world) paidUnseen(t *testing.T) *panel.OrderResult {
	t.Helper()
	if !w.trade.marks {
		return w.lose(t, dropAfter)
	}
	placed := w.lose(t, vanish)
	require.Equal(t, 1, w.shop.appear())
	return placed
}

// idOf is the item's newest id at the seller.
func (w *world) idOf(t *testing.T, item int64) int64 {
	t.Helper()
	id, err := strconv.ParseInt(w.itemOf(t, item).Params["custom_order_id"], 10, 64)
	require.NoError(t, err)
	return id
}

// issued is an order with its certificate in place, and its id at the seller.
func (w *world) issued(t *testing.T) (item, id int64) {
	t.Helper()
	placed := w.place(t, exampleCSR(t))
	w.complete(t, placed)
	id = w.idOf(t, placed.Item)
	require.NoError(t, w.shop.issue(id))
	run := w.syncItem(t, placed.Item)
	require.True(t, run.OK(), run.Failure())
	require.Equal(t, "5", w.itemOf(t, placed.Item).Params["service_status"])
	return placed.Item, id
}

// shopReissues is somebody's reissue at the seller, past the panel, with the item's own CSR; it returns the next id.
func (w *world) shopReissues(t *testing.T, id int64) int64 {
	t.Helper()
	next, err := w.shop.reissue(id, exampleCSR(t))
	require.NoError(t, err)
	return next
}
