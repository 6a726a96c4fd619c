package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// place places an order for example.com in the panel and creates its running operation, which it does not run.
func (f *fixture) place(t testing.TB, csr string) *panel.OrderResult {
	t.Helper()
	return f.placeProduct(t, f.seller.singleName, csr)
}

// placeProduct is place for the product of the template.
func (f *fixture) placeProduct(t testing.TB, template, csr string) *panel.OrderResult {
	t.Helper()
	ctx := context.Background()
	tariff, err := f.tariffFor(ctx, template, nil)
	require.NoError(t, err)
	placed, err := f.panel.Place(ctx, panel.Order{
		Tariff: tariff, Module: f.moduleID, Period: 12, CSR: csr, ExtraSANs: -1, SkipForms: true,
		Params: f.seller.orderParams("auth_dnscname"),
	})
	require.NoError(t, err)
	return placed
}

func exampleCSR(t testing.TB) string {
	t.Helper()
	return storedCSR(t, "example.csr")
}

// storedCSR returns a CSR of testdata: example.csr, other.csr for the same name with another key, wild.csr for *.example.com.
func storedCSR(t testing.TB, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	return string(raw)
}

// backdateIntent makes the item's purchase intent eleven minutes older, so that the ten minutes in which nothing new is bought are
// over.
func (f *fixture) backdateIntent(t *testing.T, item int64) {
	t.Helper()
	it, err := f.panel.Item(context.Background(), item)
	require.NoError(t, err)
	raw, found := it.Params["purchase_intent"]
	if !found {
		return
	}
	var intent map[string]any
	require.NoError(t, json.Unmarshal([]byte(raw), &intent))
	at, err := time.Parse(time.RFC3339, intent["time"].(string))
	require.NoError(t, err)
	intent["time"] = at.Add(-11 * time.Minute).Format(time.RFC3339)
	changed, err := json.Marshal(intent)
	require.NoError(t, err)
	require.NoError(t, f.panel.SetParams(context.Background(), item, map[string]string{"purchase_intent": string(changed)}))
}

// finish runs the operation until it succeeds.
func (f *fixture) finish(t *testing.T, o *panel.OrderResult) {
	t.Helper()
	for range 5 {
		run, err := f.panel.RunOperation(context.Background(), o.Operation)
		if errors.Is(err, sql.ErrNoRows) {
			return // a call-back of the killed module has ended the operation meanwhile
		}
		require.NoError(t, err)
		if run.OK() {
			return
		}
		requireRetryable(t, run)
		f.backdateIntent(t, o.Item)
	}
	t.Fatalf("item %d was never opened", o.Item)
}

// requireRetryable fails unless a later run can continue: a purchase without an answer must wait, and a call-back of a killed
// module may still change the item while the next run waits for its lock.
func requireRetryable(t *testing.T, run *panel.Run) {
	t.Helper()
	if !strings.Contains(run.Stdout, `type="purchase_pending"`) {
		require.Contains(t, run.Stdout, `type="locked"`, "only a pending purchase or another run may stop a run: %s", run.Failure())
	}
}

// checkOpened checks what must be true after any interruption of open: the item has its order and challenge, no intent and no
// operation; the seller has charges payments and as many activated orders.
func (f *fixture) checkOpened(t *testing.T, item int64, charges int) {
	t.Helper()
	it, err := f.panel.Item(context.Background(), item)
	require.NoError(t, err)
	if f.seller.challengesLate && it.Params["auth_dnscname_value"] == "" { // no status was read yet: sync_item reads it
		require.True(t, f.syncItem(t, item).OK())
		it = f.itemOf(t, item)
	}
	assert.Empty(t, it.Params["purchase_intent"])
	assert.Equal(t, it.Params["custom_order_id"], it.Params["lineage"])
	assert.NotEmpty(t, it.Params["auth_dnscname_value"])
	assert.Equal(t, 2, it.Status, "the item is active in the panel")
	assert.Empty(t, it.Operations)
	require.Equal(t, charges, f.paymentCount(t), "one payment for each order")
	waiting, err := f.standIn.countWaiting()
	require.NoError(t, err)
	assert.Equal(t, charges, waiting, "every paid certificate is activated")
}

// rules BUY-1: the seller's answer is lost, at each request of open that changes something: the order is paid once.
func TestDroppedAnswersBuyOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, kind := range []string{dropBefore, dropAfter, truncate, http500, html} {
			for _, s := range seller.openWrites {
				t.Run(string(s)+" "+kind, func(t *testing.T) {
					f := startFixture(t, seller)
					f.failNext(t, s, kind)
					placed := f.place(t, exampleCSR(t))
					run, err := f.panel.RunOperation(context.Background(), placed.Operation)
					require.NoError(t, err)
					if !run.OK() {
						f.finish(t, placed)
					}
					f.checkOpened(t, placed.Item, 1)
				})
			}
		}
	})
}

// Four runs of the same operation at the same time: the item's lock lets one of them buy, the others find the order.
func TestConcurrentRunsBuyOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		args := []string{"--command", "open", "--item", "1", "--lang", "en"}
		var group sync.WaitGroup
		runs := make([]*panel.Run, 4)
		for i := range runs {
			group.Go(func() {
				var err error
				runs[i], err = f.panel.Start(context.Background(), seller.module, nil, args...)
				assert.NoError(t, err)
			})
		}
		group.Wait()
		for _, run := range runs {
			assert.True(t, run.OK(), run.Failure())
		}
		assert.Equal(t, 1, f.paymentCount(t))
		it, err := f.panel.Item(context.Background(), placed.Item)
		require.NoError(t, err)
		assert.Equal(t, it.Params["custom_order_id"], it.Params["lineage"])
	})
}

// Orders of several clients at the same time: the account's lock serializes the purchases, and each order gets its own id.
func TestConcurrentOrdersGetTheirOwnIDs(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		var placed []*panel.OrderResult
		for range 6 {
			placed = append(placed, f.place(t, exampleCSR(t)))
		}
		var group sync.WaitGroup
		for _, one := range placed {
			group.Go(func() {
				run, err := f.panel.RunOperation(context.Background(), one.Operation)
				if assert.NoError(t, err) {
					assert.True(t, run.OK(), run.Failure())
				}
			})
		}
		group.Wait()
		ids := map[string]bool{}
		for _, one := range placed {
			it, err := f.panel.Item(context.Background(), one.Item)
			require.NoError(t, err)
			ids[it.Params["custom_order_id"]] = true
		}
		assert.Len(t, ids, len(placed))
		assert.Equal(t, len(placed), f.paymentCount(t))
	})
}

// A run gets SIGINT while the purchase is in progress: it completes and records the purchase, then it ends.
func TestTerminatedOpenRecordsThePurchase(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		placed := f.place(t, exampleCSR(t))
		reached := make(chan struct{})
		f.beforeRequest(stepBuy, func() { close(reached) })
		process := f.startProcess(t, "--command", "open", "--item", "1", "--runningoperation", "1")
		<-reached
		require.NoError(t, process.Process.Signal(os.Interrupt))
		_ = process.Wait()
		it, err := f.panel.Item(context.Background(), placed.Item)
		require.NoError(t, err)
		require.Equal(t, 1, f.paymentCount(t))
		assert.NotEmpty(t, it.Params["custom_order_id"], "the purchase is on the item")
		assert.Empty(t, it.Params["purchase_intent"])
		if len(it.Operations) > 0 {
			f.finish(t, placed)
		}
		f.checkOpened(t, placed.Item, 1)
	})
}

// features starts no process and opens no socket, as strace shows.
func TestFeaturesOpensNoSocketAndStartsNoProcess(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		trace := f.trace(t, "--command", "features")
		for _, call := range []string{"socket(", "connect(", "execve(", "clone3(", "fork("} {
			for line := range strings.Lines(trace) {
				if strings.Contains(line, call) && !strings.Contains(line, "CLONE_THREAD") && !f.isFirstExec(line) {
					t.Errorf("features calls %s", line)
				}
			}
		}
	})
}
