package e2e

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reissuedItem returns an item with a term of twelve months that ends on 2027-04-02; the sweep has reissued its certificate once.
func (f *simulatedFixture) reissuedItem(t *testing.T, domain string) int64 {
	t.Helper()
	f.setTime(t, firstOrders)
	item := f.storedItem(t, domain, 12)
	f.setTime(t, "2026-10-07")
	require.Equal(t, "reissue ok", f.sweep(t).summary(item))
	return item
}

// prolong creates the panel's prolong operation for the item and runs it once, then the panel's first sync if that is due.
func (f *simulatedFixture) prolong(t *testing.T, item int64) (op int64, run *panel.Run) {
	t.Helper()
	op, run, err := f.panel.Operate(context.Background(), item, "prolong")
	require.NoError(t, err)
	if run.OK() {
		f.syncIssuedAtOnce(t, item)
	}
	return op, run
}

// rules BUY-7: a renewal is bought at the earliest 90 days before the end of the term. Before that nothing but the status is
// requested from the seller, and the error names the setting for panels that bill at the certificate's end. Within the 90 days
// the seller's own window applies.
func TestProlongIsRefusedBeforeTheRenewalWindow(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.reissuedItem(t, "example.com")
		type early struct{ at, kind, words string }
		rows, first := []early{
			{"2026-10-17T09:00:00Z", "term_running", "SSLSubscriptionExpireDate"},
			{"2027-01-01T23:59:59Z", "term_running", "2027-01-02"},
		}, "2027-01-02T00:00:00Z"
		if seller.renewalTooEarly != "" { // the seller's window begins later, at the last second of that day
			rows, first = append(rows, early{first, "api_error", seller.renewalTooEarly}), "2027-01-03"
		}
		for _, row := range rows {
			f.setTime(t, row.at)
			f.requestCounts.forget()
			op, run := f.prolong(t, item)
			require.NotNil(t, run.Error, row.at)
			assert.Equal(t, row.kind, run.Error.Type, row.at)
			assert.Contains(t, run.Stdout, row.words, row.at)
			if row.kind == "term_running" {
				asked := f.requestCounts.all()
				for _, s := range seller.statusSteps {
					delete(asked, s)
				}
				assert.Empty(t, asked, row.at)
			}
			now := f.itemOf(t, item)
			assert.NotContains(t, now.Params, "purchase_intent", row.at)
			assert.Equal(t, "2026-04-02", now.Params["term_start"], row.at)
			f.sql(t, "DELETE FROM runningoperation WHERE id=?", op)
		}
		assert.Equal(t, 1, f.paymentCount(t))
		f.setTime(t, first)
		_, run := f.prolong(t, item)
		assert.True(t, run.OK(), run.Failure())
		assert.Equal(t, 2, f.paymentCount(t))
	})
}

// rules PARAM-4, BUY-7, STORE-3: the new term begins where the old one ends, and the panel shows the right dates after its own
// post-processing. The sweep covers the second term like the first one: to its end, without a gap, for two payments in all.
func TestProlongedTermIsCoveredToItsEnd(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, mode := range []string{"certificate", "term"} {
			t.Run(mode, func(t *testing.T) {
				f := startSimulated(t, seller, firstOrders, "SSLSubscriptionExpireDate "+mode)
				item := f.reissuedItem(t, "example.com")
				f.setTime(t, "2027-02-10")
				_, run := f.prolong(t, item)
				require.True(t, run.OK(), run.Failure())
				f.checkNewestStored(t, item, "example.com")
				now := f.itemOf(t, item)
				assert.Equal(t, "2027-04-02", now.Params["term_start"])
				assert.NotContains(t, now.Params, "paid_until", "twelve months: the panel's display stays empty (docs/reference/validity.md §B2)")
				assert.NotContains(t, now.Params, "purchase_intent")
				assert.Equal(t, "2027-08-27", now.Params["certificate_expiredate"])
				assert.Equal(t, map[string]string{"certificate": "2027-08-27", "term": "2028-04-02"}[mode], now.ExpireDate)
				assert.Equal(t, 2, f.paymentCount(t))
				if mode == "term" {
					return
				}
				end := instant(t, "2028-04-02").Truncate(24 * time.Hour)
				all := f.sweepUntil(t, item, "example.com", end, 10)
				assert.False(t, all[len(all)-1].NotAfter.Before(end.Add(-time.Second)))
				assert.Equal(t, 2, f.paymentCount(t))
				assert.Empty(t, f.taskTypes(t))
			})
		}
	})
}

// rules PARAM-4, STORE-3: a renewal waits for domain validation: the old certificate and its dates stay, and the item has the new
// challenge.
func TestProlongThatWaitsForValidation(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.reissuedItem(t, "example.com")
		old := f.itemOf(t, item)
		f.changeSeller(t, issueAfterValidation)
		f.setTime(t, "2027-03-10")
		_, run := f.prolong(t, item)
		require.True(t, run.OK(), run.Failure())
		now := f.itemOf(t, item)
		assert.Equal(t, "4", now.Params["service_status"])
		assert.Equal(t, old.Crt, now.Crt)
		assert.Equal(t, "2027-04-02", now.Params["term_start"])
		assert.Equal(t, old.Params["certificate_expiredate"], now.ExpireDate, "the panel had moved it by a year")
		assert.NotEqual(t, old.Params["auth_dnscname_value"], now.Params["auth_dnscname_value"])
		require.NoError(t, f.standIn.prove("example.com"))
		f.setTime(t, "2027-03-11")
		assert.Equal(t, "wait ok", f.sweep(t).summary(item))
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, 2, f.paymentCount(t))
	})
}

// finishOperation runs a renewal's operation until it succeeds; a pending purchase may make it wait.
func (f *simulatedFixture) finishOperation(t *testing.T, op int64) {
	t.Helper()
	for range 4 {
		run, err := f.panel.RunOperation(context.Background(), op)
		if errors.Is(err, sql.ErrNoRows) {
			return // a call-back of the killed module has ended the operation
		}
		require.NoError(t, err)
		if run.OK() {
			return
		}
		requireRetryable(t, run)
		_, err = f.clock.Advance(11 * time.Minute)
		require.NoError(t, err)
	}
	t.Fatalf("operation %d never ended", op)
}

// checkRenewed checks what must be true after any interruption of the item's renewal.
func (f *simulatedFixture) checkRenewed(t *testing.T, item int64, domain string, payments int) {
	t.Helper()
	require.Equal(t, payments, f.paymentCount(t), "%s: each renewal is paid once", domain)
	f.checkNewestStored(t, item, domain)
	now := f.itemOf(t, item)
	require.Equal(t, "2027-04-02", now.Params["term_start"], "one term further")
	require.NotContains(t, now.Params, "purchase_intent")
	require.Equal(t, now.Params["certificate_expiredate"], now.ExpireDate, "rules STORE-3")
	require.Equal(t, 2, f.requestedCertificates(t, domain))
}

// addOperation creates a running operation in the panel and does not run it.
func (f *simulatedFixture) addOperation(t *testing.T, item int64, command string) int64 {
	t.Helper()
	done, err := f.panel.DB().Exec(`INSERT INTO runningoperation (item, intname, trycount, manual, rerun, lang, level, cdate)
		VALUES (?, ?, 0, 'off', 'off', 'en', 16, '2027-03-01 09:00:00')`, item, command)
	require.NoError(t, err)
	op, err := done.LastInsertId()
	require.NoError(t, err)
	return op
}

// mustSync runs the panel's sync_item, which must succeed.
func (f *simulatedFixture) mustSync(t testing.TB, item int64) {
	t.Helper()
	run, err := f.panel.Sync(context.Background(), item)
	require.NoError(t, err)
	require.True(t, run.OK(), run.Failure())
}

// rules BUY-3, BUY-4: the seller's answer is lost, at each request of prolong and in each way: the renewal is paid once.
func TestLostAnswerOfARenewalBuysOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		kinds := []string{dropBefore, dropAfter, truncate, vanish, http500, html}
		type lost struct {
			step         step
			kind, domain string
			item         int64
		}
		var all []lost
		for _, s := range seller.renewSteps {
			for _, kind := range kinds {
				if kind == vanish && s == stepStatus {
					continue // a status request that is carried out late changes nothing
				}
				domain := string(s) + "-" + strings.ReplaceAll(kind, "_", "-") + ".example.com"
				all = append(all, lost{s, kind, domain, f.storedItem(t, domain, 12)})
			}
		}
		f.setTime(t, "2027-03-01")
		for n, one := range all {
			f.failNext(t, one.step, one.kind)
			op, run := f.prolong(t, one.item)
			if one.kind == vanish {
				require.Equal(t, 1, f.standIn.carryOutVanished(), one.domain)
			}
			f.standIn.clearFaults()
			if !run.OK() {
				_, err := f.clock.Advance(time.Minute)
				require.NoError(t, err)
				f.finishOperation(t, op)
			}
			f.mustSync(t, one.item)
			f.checkRenewed(t, one.item, one.domain, len(all)+n+1)
		}
	})
}
