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

// startPaused starts a connected fixture whose clock stands still until the test moves it.
func startPaused(t *testing.T, seller sellerCase, start time.Time) *fixture {
	t.Helper()
	return startConnected(t, fixtureOptions{dir: t.TempDir(), seller: seller, simulated: true, start: start})
}

// startFixture starts a connected fixture with the module as it is shipped.
func startFixture(t *testing.T, seller sellerCase) *fixture {
	t.Helper()
	return startConnected(t, fixtureOptions{dir: t.TempDir(), seller: seller})
}

// startConnected starts a fixture and completes the wizard. The module logs at the highest level.
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

// checkNoSecretLeaked fails if the module's log contains a secret of the seller's account, or if the seller received a private
// key.
func (f *fixture) checkNoSecretLeaked(t testing.TB) {
	t.Helper()
	assert.Empty(t, f.standIn.leaks())
	log, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", f.seller.module+".log"))
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for _, secret := range f.standIn.secrets() {
		if bytes.Contains(log, []byte(secret)) { // without the log in the failure, which would be pages long
			assert.Fail(t, "a secret of the seller's account is in the log")
		}
	}
}

// What the embedded engine cannot do: it cannot KILL another client's connection, after RENAME TABLE it does not find rows by
// their index, it sometimes loses a row that is written at the same moment as another client's row, and joins of many rows
// take minutes.
const (
	cutsConnections = "end a connection of another client"
	renamesTables   = "find rows after a table was renamed"
	writesAtOnce    = "keep what several clients write at the same moment"
	manyRows        = "search a thousand items in a useful time"
)

// needsMariaDB skips the test on the embedded engine; what says what that engine cannot do.
func needsMariaDB(t *testing.T, what string) {
	t.Helper()
	if kind := built.server.Kind(); kind != engine.MariaDB {
		t.Skipf("the %s engine cannot %s: not tested", kind, what)
	}
}

// attempt runs the running operation of a placed order once.
func (f *fixture) attempt(t testing.TB, placed *panel.OrderResult) *panel.Run {
	t.Helper()
	run, err := f.panel.RunOperation(context.Background(), placed.Operation)
	require.NoError(t, err)
	return run
}

// complete is attempt, and fails the test if the run fails.
func (f *fixture) complete(t testing.TB, placed *panel.OrderResult) {
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

// resolve runs --command resolve for the item with additional arguments.
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

// paymentCount returns how often the seller was paid.
func (f *fixture) paymentCount(t testing.TB) int {
	t.Helper()
	all, err := f.standIn.payments()
	require.NoError(t, err)
	return len(all)
}

// failNext makes the next request for a step fail in the given way.
func (f *fixture) failNext(t testing.TB, s step, kind string) {
	t.Helper()
	require.NoError(t, f.standIn.failNext(s, kind))
}

// placeUnclear places an order and runs it once, with a fault of the kind at the purchase. The run fails with an unclear
// purchase, and the item keeps its intent.
func (f *fixture) placeUnclear(t *testing.T, kind string) *panel.OrderResult {
	t.Helper()
	placed := f.place(t, exampleCSR(t))
	f.failNext(t, stepBuy, kind)
	run := f.attempt(t, placed)
	require.Contains(t, run.Stdout, `type="unclear_purchase"`)
	return placed
}

// placePaidUnclear places an order that is paid at the seller, while the item only has the intent of the purchase. At a seller
// that keeps references the run itself finds an order whose answer was lost; there the order appears after the run.
func (f *fixture) placePaidUnclear(t *testing.T) *panel.OrderResult {
	t.Helper()
	if !f.seller.keepsOrderRef {
		return f.placeUnclear(t, dropAfter)
	}
	placed := f.placeUnclear(t, vanish)
	require.Equal(t, 1, f.standIn.carryOutVanished())
	return placed
}

// orderIDOf returns the item's newest order id at the seller.
func (f *fixture) orderIDOf(t *testing.T, item int64) int64 {
	t.Helper()
	id, err := strconv.ParseInt(f.itemOf(t, item).Params["custom_order_id"], 10, 64)
	require.NoError(t, err)
	return id
}

// issuedItem returns an item whose certificate is stored, and its order id at the seller.
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

// reissueDirectly reissues the order at the seller without the panel, with the CSR of the items, and returns the next order id.
func (f *fixture) reissueDirectly(t *testing.T, id int64) int64 {
	t.Helper()
	next, err := f.standIn.reissueDirectly(id, exampleCSR(t))
	require.NoError(t, err)
	return next
}

// forgetKeptBalance removes the balance that the module has kept, so that the next purchase asks for it.
func (f *fixture) forgetKeptBalance(t testing.TB) {
	t.Helper()
	kept, err := filepath.Glob(filepath.Join(f.panel.Root(), "var", f.seller.module+".balance.*"))
	require.NoError(t, err)
	for _, path := range kept {
		require.NoError(t, os.Remove(path))
	}
}
