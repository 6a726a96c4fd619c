package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aprilStart returns the time at which these tests begin.
func aprilStart() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

// advance moves the clock forward.
func (f *fixture) advance(t *testing.T, by time.Duration) {
	t.Helper()
	_, err := f.clock.Advance(by)
	require.NoError(t, err)
}

// rules STORE-7: a certificate that ends earlier than the stored one does not replace it. The module creates one task, and no
// second one after the task is deleted. The next reissue delivers a certificate that is stored.
func TestCertificateWithAnEarlierEndIsNotStored(t *testing.T) {
	for name, row := range map[string]struct {
		days  int
		after time.Duration // from its issue to the sync
	}{
		"it ends earlier":        {30, time.Hour},
		"it has already expired": {5, 6 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			eachSeller(t, func(t *testing.T, seller sellerCase) {
				f := startPaused(t, seller, aprilStart())
				item, id := f.issuedItem(t)
				before := f.itemOf(t, item)
				m := f.standIn.behaviour()
				m.leafDays = row.days
				require.NoError(t, f.standIn.setBehaviour(m))
				f.advance(t, 48*time.Hour)
				id = f.reissueDirectly(t, id)
				require.NoError(t, f.standIn.issue(id))
				f.advance(t, row.after)
				for range 3 {
					run := f.syncItem(t, item)
					require.True(t, run.OK(), run.Failure())
				}
				now := f.itemOf(t, item)
				assert.Equal(t, "5", now.Params["service_status"])
				assert.Equal(t, before.Crt, now.Crt)
				assert.Equal(t, before.ExpireDate, now.ExpireDate)
				assert.Equal(t, before.Params["certificate_serial"], now.Params["certificate_serial"])
				assert.NotContains(t, now.Params, "seller_term_end", "the module did not request this reissue")
				require.Len(t, now.Tasks, 1)
				_, err := f.panel.DB().Exec("DELETE FROM task")
				require.NoError(t, err)
				require.True(t, f.syncItem(t, item).OK())
				assert.Empty(t, f.itemOf(t, item).Tasks)

				m.leafDays = 0
				require.NoError(t, f.standIn.setBehaviour(m))
				f.advance(t, 25*time.Hour)
				_, run, err := f.panel.Operate(context.Background(), item, "reopen")
				require.NoError(t, err)
				require.True(t, run.OK(), run.Failure())
				require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
				require.True(t, f.syncItem(t, item).OK())
				now = f.itemOf(t, item)
				assert.Equal(t, "5", now.Params["service_status"])
				assert.NotEqual(t, before.Crt, now.Crt)
			})
		})
	}
}

// rules STORE-7: a certificate that is not valid yet is stored when it becomes valid. After a day of waiting there is a task,
// which is closed when the certificate is stored.
func TestCertificateThatIsNotYetValidIsStoredLater(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, aprilStart())
		placed := f.place(t, exampleCSR(t))
		f.complete(t, placed)
		f.advance(t, 48*time.Hour)
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, placed.Item)))
		for _, step := range []struct {
			after  time.Duration // since the order
			tasks  int
			status string
		}{
			{after: time.Hour, status: "4"}, {after: 26 * time.Hour, tasks: 1, status: "4"}, {after: 27 * time.Hour, tasks: 1, status: "4"},
			{after: 49 * time.Hour, status: "5"},
		} {
			require.NoError(t, f.clock.Set(aprilStart().Add(step.after)))
			run := f.syncItem(t, placed.Item)
			require.True(t, run.OK(), run.Failure())
			now := f.itemOf(t, placed.Item)
			assert.Equal(t, step.status, now.Params["service_status"], step.after)
			assert.Equal(t, step.status == "5", len(now.Crt) > 0, step.after)
			assert.Len(t, now.Tasks, step.tasks, step.after)
		}
	})
}

// rules CERT-1, STORE-8: an unparsable CA certificate in the bundle does not prevent that the leaf is stored. An unparsable leaf
// is an error and creates a task in sync_item, open and the sweep; it is stored once it can be parsed.
func TestUnreadableCertificateOfABundle(t *testing.T) {
	extra, err := os.ReadFile(filepath.Join("testdata", "negative-serial-root.pem"))
	require.NoError(t, err)
	quoted, err := json.Marshal(string(extra))
	require.NoError(t, err)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, aprilStart())
		require.NoError(t, f.standIn.setSetting("extra_pem", string(quoted)))
		item, _ := f.issuedItem(t)
		log, err := os.ReadFile(filepath.Join(f.panel.Root(), "var", seller.module+".log"))
		require.NoError(t, err)
		assert.Contains(t, warnings(string(log)), "its serial number is negative")
		assert.Empty(t, f.itemOf(t, item).Tasks)

		require.NoError(t, f.standIn.setSetting("cut_leaf", "true"))
		placed := f.place(t, exampleCSR(t))
		f.complete(t, placed)
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, placed.Item)))
		for range 2 {
			run := f.syncItem(t, placed.Item)
			assert.Contains(t, run.Stdout, `type="wrong_certificate"`)
			assert.Contains(t, run.Stdout, "cannot be read")
		}
		assert.Len(t, f.itemOf(t, placed.Item).Tasks, 1)
		sweep, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "subscription")
		require.NoError(t, err)
		assert.Equal(t, 1, sweep.ExitCode)
		assert.Contains(t, sweep.Stdout, `failed="1"`)
		assert.Empty(t, f.itemOf(t, placed.Item).Crt)
		require.NoError(t, f.standIn.setSetting("cut_leaf", "false"))
		run := f.syncItem(t, placed.Item)
		require.True(t, run.OK(), run.Failure())
		now := f.itemOf(t, placed.Item)
		assert.Equal(t, "5", now.Params["service_status"])
		assert.Empty(t, now.Tasks, "the task is closed")

		// the order is issued already when open, or the panel's first sync, reads its status (rules STORE-11)
		require.NoError(t, f.standIn.setSetting("cut_leaf", "true"))
		m := f.standIn.behaviour()
		m.issuesAtOnce = true
		require.NoError(t, f.standIn.setBehaviour(m))
		placed = f.place(t, exampleCSR(t))
		first := f.attempt(t, placed)
		again := func() { f.complete(t, placed) }
		if first.OK() {
			first = f.syncItem(t, placed.Item)
			again = func() { f.syncItem(t, placed.Item) }
		}
		assert.Contains(t, first.Stdout, `type="wrong_certificate"`)
		require.NoError(t, f.standIn.setSetting("cut_leaf", "false"))
		again()
		assert.Equal(t, "5", f.itemOf(t, placed.Item).Params["service_status"])
		assert.Equal(t, 3, f.paymentCount(t))
	})
}

// warnings returns the lines of a log at level WARNING.
func warnings(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, "WARNING") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// rules STORE-10: after the client has set a new CSR and before reopen, the stored certificate still belongs to the old CSR.
// sync_item keeps it and creates no task.
func TestSyncBetweenNewCSRAndReopenKeepsTheCertificate(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, aprilStart())
		item, _ := f.issuedItem(t)
		before := f.itemOf(t, item)
		require.NoError(t, f.panel.SetCSR(context.Background(), item, storedCSR(t, "other.csr"), ""))
		f.advance(t, 48*time.Hour)
		for range 2 {
			run := f.syncItem(t, item)
			require.True(t, run.OK(), run.Failure())
		}
		now := f.itemOf(t, item)
		assert.Empty(t, now.Tasks)
		assert.Equal(t, "5", now.Params["service_status"])
		assert.Equal(t, before.Crt, now.Crt)
		_, run, err := f.panel.Operate(context.Background(), item, "reopen")
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		assert.Equal(t, "4", f.itemOf(t, item).Params["service_status"])
		require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
		require.True(t, f.syncItem(t, item).OK())
		now = f.itemOf(t, item)
		assert.Equal(t, "5", now.Params["service_status"])
		assert.NotEqual(t, before.Crt, now.Crt)
		assert.NotEqual(t, before.Params["certificate_key"], now.Params["certificate_key"])
	})
}

// rules STORE-9: setparam with a new CSR, with each of its call-backs failing in turn, before or after it takes effect. The next
// run finishes it, the seller gets one reissue request, and no item is shown as issued while a reissue is pending.
func TestBrokenCallbackOfSetParamIsFinished(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startPaused(t, seller, aprilStart())
		item, _ := f.issuedItem(t)
		csrs, asked := []string{"other.csr", "example.csr"}, 1
		for n, kind := range []string{"error", "error_after"} {
			for skip := n; skip < callbacks; skip += stepStride(kind, 2) {
				t.Run(fmt.Sprintf("%s at call %d", kind, skip+1), func(t *testing.T) {
					f.advance(t, 48*time.Hour)
					require.NoError(t, f.panel.SetCSR(context.Background(), item, storedCSR(t, csrs[0]), ""))
					csrs[0], csrs[1] = csrs[1], csrs[0]
					require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "*", Kind: kind, Times: 1, Skip: skip, Caller: seller.module}))
					_, _, err := f.panel.Operate(context.Background(), item, "setparam")
					require.NoError(t, err)
					require.NoError(t, f.panel.SetFaults())
					f.finishSetParam(t, item, &asked)
				})
			}
		}
	})
}

// finishSetParam runs the remaining operations of setparam, issues the certificate and checks the item. It adds the reissue to
// the number of requested certificates.
func (f *fixture) finishSetParam(t *testing.T, item int64, asked *int) {
	t.Helper()
	for _, o := range f.itemOf(t, item).Operations {
		f.advance(t, 11*time.Minute) // a reissue without an answer is looked up for ten minutes
		f.finish(t, &panel.OrderResult{Item: item, Operation: o.ID})
	}
	assert.Contains(t, []string{"3", "4"}, f.itemOf(t, item).Params["service_status"])
	require.True(t, f.syncItem(t, item).OK())
	*asked++
	orders, err := f.standIn.ordersFor("example.com")
	require.NoError(t, err)
	assert.Equal(t, *asked, orders.requested, "one request for each change")
	require.Equal(t, "4", f.itemOf(t, item).Params["service_status"])
	assert.NotContains(t, f.itemOf(t, item).Params["request_mark"], " ")
	require.NoError(t, f.standIn.issue(f.orderIDOf(t, item)))
	f.advance(t, time.Hour) // the module caches the seller's list for a while
	run := f.syncItem(t, item)
	require.True(t, run.OK(), run.Failure())
	assert.Equal(t, "5", f.itemOf(t, item).Params["service_status"])
	assert.Empty(t, f.itemOf(t, item).Operations)
}

// rules BUY-22: after a temporary failure the panel runs the renewal again by itself; after a refusal the operation becomes manual
// at once. The renewal is paid once.
func TestRenewalBecomesManualOnlyIfItIsRefused(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, disturb := range map[string]func(t *testing.T, f *simulatedFixture){
			"the answer to the payment is lost": func(t *testing.T, f *simulatedFixture) { f.failNext(t, stepRenew, dropAfter) },
			"the seller answers HTTP 500":       func(t *testing.T, f *simulatedFixture) { f.failNext(t, stepRenew, http500) },
			"the panel's database is full": func(t *testing.T, f *simulatedFixture) {
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "error", Times: 9, Caller: seller.module}))
			},
			"the panel is down": func(t *testing.T, f *simulatedFixture) {
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.postprolong", Kind: "exit", Times: 9, Caller: seller.module}))
			},
		} {
			t.Run(name, func(t *testing.T) {
				f := startSimulated(t, seller, firstOrders)
				item := f.storedItem(t, "example.com", 12)
				f.setTime(t, "2027-03-01")
				disturb(t, f)
				op, run := f.prolong(t, item)
				require.NoError(t, f.panel.SetFaults())
				f.standIn.clearFaults()
				if run.OK() { // the run itself has found the paid renewal
					require.Equal(t, "the answer to the payment is lost", name)
					assert.Equal(t, 2, f.paymentCount(t))
					return
				}
				left := f.itemOf(t, item)
				require.Len(t, left.Operations, 1)
				assert.False(t, left.Operations[0].Manual)
				assert.Empty(t, left.Tasks)
				f.advance(t, 11*time.Minute)
				f.finishOperation(t, op)
				f.mustSync(t, item)
				assert.Equal(t, 2, f.paymentCount(t))
				assert.Equal(t, "2027-04-02", f.itemOf(t, item).Params["term_start"])
			})
		}
		t.Run("a refusal", func(t *testing.T) {
			f := startSimulated(t, seller, firstOrders)
			item := f.storedItem(t, "example.com", 12)
			f.setTime(t, "2026-10-20")
			_, run := f.prolong(t, item)
			assert.Contains(t, run.Stdout, `type="term_running"`)
			left := f.itemOf(t, item)
			require.Len(t, left.Operations, 1)
			assert.True(t, left.Operations[0].Manual)
			assert.Len(t, left.Tasks, 1)
		})
		t.Run("without an operation of the panel nothing is renewed", func(t *testing.T) {
			f := startSimulated(t, seller, firstOrders)
			item := f.storedItem(t, "example.com", 12)
			f.setTime(t, "2027-03-01")
			f.failNext(t, stepRenew, dropBefore)
			op, run := f.prolong(t, item)
			require.False(t, run.OK())
			f.standIn.clearFaults()
			f.sql(t, "DELETE FROM runningoperation WHERE id=?", op)
			for _, day := range []string{"2027-03-02", "2027-03-20", "2027-04-01", "2027-04-03"} {
				f.setTime(t, day)
				f.sweep(t)
				_, err := f.panel.Sync(context.Background(), item)
				require.NoError(t, err)
			}
			assert.Equal(t, 1, f.paymentCount(t))
		})
	})
}

// The task about a reissue that waits for validation is closed when its certificate is stored.
func TestTaskAboutPendingValidationIsClosed(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 60)
		f.changeSeller(t, issueAfterValidation)
		f.setTime(t, "2026-10-12")
		f.sweep(t)
		require.Len(t, f.itemOf(t, item).Tasks, 1)
		require.NoError(t, f.standIn.prove("example.com"))
		f.setTime(t, "2026-10-13")
		f.sweep(t)
		now := f.itemOf(t, item)
		assert.Equal(t, "5", now.Params["service_status"])
		assert.Empty(t, now.Tasks)
		assert.NotContains(t, now.Params, "waiting_task")
	})
}
