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

// startPaused is a connected world whose time stands still until its clock is moved.
func startPaused(t *testing.T, seller sellerCase, start time.Time) *fixture {
	t.Helper()
	return startConnected(t, fixtureOptions{dir: t.TempDir(), seller: seller, simulated: true, start: start})
}

// startFixture is a connected world with the module as it is shipped.
func startFixture(t *testing.T, seller sellerCase) *fixture {
	t.Helper()
	return startConnected(t, fixtureOptions{dir: t.TempDir(), seller: seller})
}

// startConnected is a world whose wizard is done. Its module writes all that it can into its log.
func startConnected(t testing.TB, o fixtureOptions) *fixture {
	t.Helper()
	f, err := newFixture(o)
	require.NoError(t, err)
	t.Cleanup(f.close)
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	t.Cleanup(func() { f.checkNoSecretLeaked(t) })
	done, err := f.connect(context.Background(), nil)
	require.NoError(t, err)
	require.NotZero(t, done.ID, "the wizard refused: %+v", done)
	return f
}

// checkNoSecretLeaked holds what is true of every run: no secret of the seller's account stands in the module's log, no private key
// leaves the panel.
func (f *fixture) checkNoSecretLeaked(t testing.TB) {
	t.Helper()
	assert.Empty(t, f.standIn.leaks())
	log, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", f.seller.module+".log"))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for _, secret := range f.standIn.secrets() {
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
func (f *fixture) attempt(t *testing.T, placed *panel.OrderResult) *panel.Run {
	t.Helper()
	run, err := f.panel.RunOperation(context.Background(), placed.Operation)
	require.NoError(t, err)
	return run
}

// complete is attempt with a good end.
func (f *fixture) complete(t *testing.T, placed *panel.OrderResult) {
	t.Helper()
	run := f.attempt(t, placed)
	require.True(t, run.OK(), run.Failure())
}

func (f *fixture) syncItem(t *testing.T, item int64) *panel.Run {
	t.Helper()
	run, err := f.panel.Sync(context.Background(), item)
	require.NoError(t, err)
	return run
}

// resolve starts --command resolve for the item with further words.
func (f *fixture) resolve(t *testing.T, item int64, words ...string) *panel.Run {
	t.Helper()
	run, err := f.panel.Start(context.Background(), f.seller.module, nil, append([]string{"--command", "resolve", "--item", strconv.FormatInt(item, 10)}, words...)...)
	require.NoError(t, err)
	return run
}

func (f *fixture) itemOf(t testing.TB, item int64) *panel.Item {
	t.Helper()
	it, err := f.panel.Item(context.Background(), item)
	require.NoError(t, err)
	return it
}

// paymentCount is how often the seller was paid.
func (f *fixture) paymentCount(t testing.TB) int {
	t.Helper()
	all, err := f.standIn.payments()
	require.NoError(t, err)
	return len(all)
}

// failNext breaks the next request for a step.
func (f *fixture) failNext(t testing.TB, s step, kind string) {
	t.Helper()
	require.NoError(t, f.standIn.failNext(s, kind))
}

// placeUnclear is an order whose purchase ends as kind says: the run fails and the item keeps its intent.
func (f *fixture) placeUnclear(t *testing.T, kind string) *panel.OrderResult {
	t.Helper()
	placed := f.place(t, exampleCSR(t))
	f.failNext(t, stepBuy, kind)
	run := f.attempt(t, placed)
	require.Contains(t, run.Stdout, `type="unclear_purchase"`)
	return placed
}

// placePaidUnclear is an order that is paid at the seller while the item knows nothing of it but its intent. At a seller that keeps
// marks the run itself looks for what came of a lost answer: there the order comes up after it.
func (f *fixture) placePaidUnclear(t *testing.T) *panel.OrderResult {
	t.Helper()
	if !f.seller.keepsOrderRef {
		return f.placeUnclear(t, dropAfter)
	}
	placed := f.placeUnclear(t, vanish)
	require.Equal(t, 1, f.standIn.carryOutVanished())
	return placed
}

// orderIDOf is the item's newest id at the seller.
func (f *fixture) orderIDOf(t *testing.T, item int64) int64 {
	t.Helper()
	id, err := strconv.ParseInt(f.itemOf(t, item).Params["custom_order_id"], 10, 64)
	require.NoError(t, err)
	return id
}

// issuedItem is an order with its certificate in place, and its id at the seller.
func (f *fixture) issuedItem(t *testing.T) (item, id int64) {
	t.Helper()
	placed := f.place(t, exampleCSR(t))
	f.complete(t, placed)
	id = f.orderIDOf(t, placed.Item)
	require.NoError(t, f.standIn.issue(id))
	run := f.syncItem(t, placed.Item)
	require.True(t, run.OK(), run.Failure())
	require.Equal(t, "5", f.itemOf(t, placed.Item).Params["service_status"])
	return placed.Item, id
}

// reissueDirectly is somebody's reissue at the seller, past the panel, with the item's own CSR; it returns the next id.
func (f *fixture) reissueDirectly(t *testing.T, id int64) int64 {
	t.Helper()
	next, err := f.standIn.reissueDirectly(id, exampleCSR(t))
	require.NoError(t, err)
	return next
}
