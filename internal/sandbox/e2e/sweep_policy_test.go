package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/reference/validity.md §B3.6 and rules SWEEP-2, SWEEP-3: each condition under which an item is due, on both sides of its
// boundary, in one sweep on the first day of the lead. The seller's orders show which reissues were requested.
func TestSweepDueBoundaries(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		const now = "2026-10-07T00:00:00Z" // ten days before the end, at the first second
		const reissued, notListed = "reissue ok", ""
		type border struct {
			name   string
			change func(t *testing.T, item int64)
			says   string
			months int
			day    string // day of the order; empty means firstOrders
		}
		param := func(name, value string) func(*testing.T, int64) {
			return func(t *testing.T, item int64) { f.setParam(t, item, name, value) }
		}
		column := func(assignments string) func(*testing.T, int64) {
			return func(t *testing.T, item int64) { f.sql(t, "UPDATE item SET "+assignments+" WHERE id=?", item) }
		}
		rows := []border{
			{name: "ends in ten days", says: reissued},
			{name: "ends in eleven days", day: "2026-04-03", says: notListed},

			{name: "suspended by the panel inside its term", change: column("status=3, autosuspend='on'"), says: reissued},
			{name: "suspended by an employee", change: column("status=3, autosuspend='on', employeesuspend='on'"), says: notListed},
			{name: "suspended for abuse", change: column("status=3, autosuspend='on', abusesuspend='on'"), says: notListed},
			{name: "suspended without a reason", change: column("status=3"), says: notListed},
			{name: "deleted", change: column("status=4"), says: notListed},
			{name: "being processed", change: column("status=5"), says: notListed},
			{name: "of another module", change: column("processingmodule=NULL"), says: notListed},

			{name: "tried a second less than a day ago", change: param("reissue_tried", "2026-10-06T00:00:01Z 1"), says: "none skipped recent"},
			{name: "tried a day ago", change: param("reissue_tried", "2026-10-06T00:00:00Z 1"), says: reissued},
			{name: "tried four times", change: param("reissue_tried", "2026-10-01T00:00:00Z 4"), says: reissued},
			{name: "tried five times", change: param("reissue_tried", "2026-10-01T00:00:00Z 5"), says: "none skipped tries"},

			{name: "the seller's term ends with it", change: param("seller_term_end", "2026-10-17"), says: "none skipped no_gain"},
			{name: "the seller's term ends a day later", change: param("seller_term_end", "2026-10-18"), says: reissued},
			{name: "ends at paid until", change: param("term_start", "2025-10-17"), says: "none skipped paid_until"},
			{name: "a day short of paid until", change: param("term_start", "2025-10-18"), says: reissued},
			{name: "the term ended today", change: param("term_start", "2025-10-07"), says: "none skipped term_over"},
			{name: "years to go", months: seller.maxMonths, says: reissued},

			{name: "an operation runs", change: func(t *testing.T, item int64) {
				f.sql(t, "INSERT INTO runningoperation (item, intname) VALUES (?, 'reopen')", item)
			}, says: "wait skipped under_way"},
		}
		items := make([]int64, len(rows))
		for i, row := range rows {
			day := firstOrders
			if row.day != "" {
				day = row.day
			}
			f.setTime(t, day)
			items[i] = f.storedItem(t, fmt.Sprintf("border%d.example.com", i), max(row.months, 12))
		}
		f.setTime(t, now)
		for i, row := range rows {
			if row.change != nil {
				row.change(t, items[i])
			}
		}
		planned := f.sweep(t, "--dry-run")
		doc := f.sweep(t)
		due := 0
		for i, row := range rows {
			asked := f.requestedCertificates(t, fmt.Sprintf("border%d.example.com", i)) - 1
			assert.Equal(t, row.says, doc.summary(items[i]), row.name)
			assert.Equal(t, strings.ReplaceAll(row.says, reissued, "reissue skipped dry run"), planned.summary(items[i]), "%s: with --dry-run", row.name)
			want := 0
			if row.says == reissued {
				want, due = 1, due+1
			}
			assert.Equal(t, want, asked, row.name)
		}
		assert.Equal(t, due, doc.Due)
		assert.Equal(t, due, doc.Reissued)
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", items[slices.IndexFunc(rows, func(b border) bool { return b.says == "none skipped tries" })])},
			f.taskTypes(t), "after five attempts the administrator has a task")
		assert.Equal(t, len(rows), f.paymentCount(t), "reissues cost nothing")
	})
}

// taskTypes returns the administrator's tasks, each as `TYPE ITEM`.
func (f *simulatedFixture) taskTypes(t *testing.T) []string {
	t.Helper()
	all, err := f.panel.Tasks(context.Background())
	require.NoError(t, err)
	var types []string
	for _, task := range all {
		types = append(types, fmt.Sprintf("%s %d", task.Type, task.Item))
	}
	return types
}

// docs/reference/validity.md §B3.6: an item without a certificate is not due, whatever its parameters are. A stored text that is
// no certificate is an error of that item and does not affect the other items.
func TestItemWithoutACertificateIsNotDue(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		broken, whole := f.storedItem(t, "broken.example.com", 12), f.storedItem(t, "whole.example.com", 12)
		f.changeSeller(t, issueAfterValidation)
		waiting := f.openedItem(t, "waiting.example.com", 12)
		f.sql(t, "UPDATE certificate SET crt='this is no certificate' WHERE item=?", broken)
		f.setTime(t, "2026-10-07")
		doc := f.sweep(t)
		assert.Equal(t, "error", doc.row(broken).Result)
		assert.Equal(t, "reissue ok", doc.summary(whole))
		assert.Equal(t, "wait ok", doc.summary(waiting), "the order itself is synced")
		assert.Equal(t, 1, doc.Failed)
		assert.Equal(t, 1, f.requestedCertificates(t, "broken.example.com"))
		assert.Equal(t, 1, f.requestedCertificates(t, "waiting.example.com"))
	})
}

// docs/reference/validity.md §B3.5: the spellings of the two settings and how invalid values are handled. Dry runs simulate the last
// day on which the item is not due and the first day on which it is.
func TestSubscriptionSettingsBoundaries(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		for _, row := range []struct {
			name, main string   // main is a line of billmgr.conf
			lines      []string // lines of billmgr.conf.d
			first      string   // first day on which the item is due
			policy     string
			before     int
			warning    string
		}{
			{name: "nothing set", first: "2026-10-07", policy: "auto", before: 10},
			{name: "plain", lines: []string{"SSLSubscriptionPolicy manual", "SSLSubscriptionBefore 30"}, first: "2026-09-17", policy: "manual", before: 30},
			{name: "with Option", lines: []string{"Option SSLSubscriptionPolicy none", "Option SSLSubscriptionBefore 30"}, first: "2026-09-17", policy: "none", before: 30},
			{name: "the last one wins", lines: []string{"SSLSubscriptionBefore 5", "SSLSubscriptionBefore 3"}, first: "2026-10-14", policy: "auto", before: 3},
			{name: "the folder is read after billmgr.conf", main: "SSLSubscriptionBefore 20", lines: []string{"SSLSubscriptionBefore 4"}, first: "2026-10-13", policy: "auto", before: 4},
			{name: "billmgr.conf itself", main: "SSLSubscriptionBefore 20", first: "2026-09-27", policy: "auto", before: 20},
			{name: "0", lines: []string{"SSLSubscriptionBefore 0"}, first: "2026-10-17", policy: "auto", before: 0},
			{name: "half of its life", lines: []string{"SSLSubscriptionBefore 99"}, first: "2026-07-10", policy: "auto", before: 99},
			{name: "more than half", lines: []string{"SSLSubscriptionBefore 100"}, first: "2026-07-10", policy: "auto", before: 100},
			{name: "200", lines: []string{"SSLSubscriptionBefore 200"}, first: "2026-07-10", policy: "auto", before: 200},
			{name: "201", lines: []string{"SSLSubscriptionBefore 201"}, first: "2026-07-10", policy: "auto", before: 200, warning: "above 200"},
			{name: "-1", lines: []string{"SSLSubscriptionBefore -1"}, first: "2026-10-07", policy: "auto", before: 10, warning: "below 0"},
			{name: "no number", lines: []string{"SSLSubscriptionBefore soon"}, first: "2026-10-07", policy: "auto", before: 10, warning: "not a whole number"},
			{name: "unknown policy", lines: []string{"SSLSubscriptionPolicy always"}, first: "2026-10-07", policy: "auto", before: 10, warning: "none of auto, manual and none"},
		} {
			t.Run(row.name, func(t *testing.T) {
				f.configure(t, row.lines...)
				main := filepath.Join(f.panel.Root(), "etc", "billmgr.conf")
				old, err := os.ReadFile(main)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(main, append(slices.Clone(old), "\n"+row.main+"\n"...), 0o600))
				f.takeLog(t)
				eve := instant(t, row.first).AddDate(0, 0, -1).Format("2006-01-02")
				doc := f.sweep(t, "--dry-run", "--date", eve)
				assert.Nil(t, doc.row(item), "on %s", eve)
				doc = f.sweep(t, "--dry-run", "--date", row.first)
				require.NoError(t, os.WriteFile(main, old, 0o600))
				if assert.NotNil(t, doc.row(item), "on %s", row.first) {
					assert.Equal(t, row.first, doc.row(item).Due)
					assert.Equal(t, min(row.before, 99), doc.row(item).Lead)
				}
				assert.Equal(t, row.policy, doc.Policy)
				assert.Equal(t, row.before, doc.Before)
				log := f.takeLog(t)
				if row.warning != "" {
					assert.Contains(t, log, row.warning)
				} else {
					assert.NotContains(t, log, "WARNING SSLSubscription")
				}
				if row.before > 99 {
					assert.Contains(t, log, "shortened to 99", "docs/reference/validity.md §B3.7")
				}
			})
		}
	})
}

// rules SWEEP-1: the policy manual notifies the client once for each certificate and reissues nothing.
func TestPolicyManualNotifiesOncePerCertificate(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy manual")
		item := f.storedItem(t, "example.com", 24)
		f.setTime(t, "2026-10-06")
		assert.Zero(t, f.sweep(t).Due)
		assert.Empty(t, f.takeMails(t))
		f.setTime(t, "2026-10-07")
		doc := f.sweep(t)
		assert.Equal(t, "tell ok", doc.summary(item))
		assert.Equal(t, 1, doc.Notified)
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].to, "client@example.com")
		assert.Contains(t, mails[0].from, "ssl@hosting.example")
		assert.Contains(t, mails[0].subject, "example.com")
		assert.Contains(t, mails[0].body, "2026-10-17")
		for _, day := range []string{"2026-10-07T23:00:00Z", "2026-10-08", "2026-10-16", "2026-10-20"} {
			f.setTime(t, day)
			assert.Equal(t, "tell ok told already", f.sweep(t).summary(item), day)
		}
		assert.Empty(t, f.takeMails(t))
		assert.Equal(t, 1, f.requestedCertificates(t, "example.com"))

		_, run, err := f.panel.Reissue(context.Background(), item, "", "", nil) // the client presses the button
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		f.syncIssuedAtOnce(t, item)
		f.checkNewestStored(t, item, "example.com")
		assert.Nil(t, f.sweep(t).row(item))
		f.setTime(t, "2027-04-27") // ten days before the end of the new one
		assert.Equal(t, 1, f.sweep(t).Notified)
		assert.Len(t, f.takeMails(t), 1)
	})
}

// rules SWEEP-5: the policy none does nothing, and the document counts the due items.
func TestPolicyNoneOnlyCountsDueItems(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy none")
		one, two := f.storedItem(t, "one.example.com", 12), f.storedItem(t, "two.example.com", 12)
		f.setTime(t, "2026-10-20")
		before := f.databaseDump(t)
		doc := f.sweep(t)
		assert.Equal(t, 2, doc.Due)
		assert.Equal(t, "none skipped policy", doc.summary(one))
		assert.Equal(t, "none skipped policy", doc.summary(two))
		assert.Equal(t, before, f.databaseDump(t))
		assert.Empty(t, f.takeMails(t))
	})
}

// databaseDump returns the rows of the panel's tables as text.
func (f *simulatedFixture) databaseDump(t *testing.T) string {
	t.Helper()
	all := map[string]any{}
	for _, table := range []string{"item", "itemparam", "itemcryptedparam", "certificate", "runningoperation", "task", "problems", "history_item"} {
		rows, err := f.panel.DB().Query("SELECT * FROM " + table + " ORDER BY id")
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		var found [][]string
		for rows.Next() {
			values, into := make([]*string, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			require.NoError(t, rows.Scan(into...))
			row := make([]string, len(columns))
			for i, value := range values {
				row[i] = "NULL"
				if value != nil {
					row[i] = *value
				}
			}
			found = append(found, row)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		all[table] = found
	}
	text, err := json.MarshalIndent(all, "", " ")
	require.NoError(t, err)
	return string(text)
}

// rules SWEEP-1: --dry-run changes no row, sends no mail and no request to the seller. --item limits the sweep to one item. --date
// needs --dry-run. Maintenance mode stops the sweep, not the dry run (rules PANEL-3).
func TestDryRunChangesNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		one, two := f.storedItem(t, "one.example.com", 12), f.storedItem(t, "two.example.com", 12)
		f.changeSeller(t, issueAfterValidation)
		three := f.openedItem(t, "three.example.com", 12)
		f.requestCounts.forget()
		before := f.databaseDump(t)
		doc := f.sweep(t, "--dry-run", "--date", "2026-10-07")
		assert.Equal(t, "dry-run", doc.Mode)
		assert.Equal(t, "2026-10-07", doc.Date)
		assert.Equal(t, 3, doc.Items)
		assert.Equal(t, "reissue skipped dry run", doc.summary(one))
		assert.Equal(t, "reissue skipped dry run", doc.summary(two))
		assert.Equal(t, "wait skipped dry run", doc.summary(three))
		row := doc.row(one)
		assert.Equal(t, sweepRow{ID: one, Name: "one.example.com", ExpireDate: firstEnd, PaidUntil: "2027-04-02", Due: "2026-10-07", Lead: 10,
			Action: "reissue", Result: "skipped", Reason: "dry run"}, *row)
		f.setTime(t, "2026-10-07")
		doc = f.sweep(t, "--dry-run", "--item", fmt.Sprint(two))
		assert.Len(t, doc.Rows, 1)
		assert.Equal(t, before, f.databaseDump(t))
		assert.Empty(t, f.takeMails(t))
		assert.Empty(t, f.requestCounts.all())

		for _, args := range [][]string{{"--date", "2026-10-07"}, {"--dry-run", "--date", "2026-02-30"}, {"--dry-run", "--date", "tomorrow"}} {
			run := f.runModule(t, append([]string{"--command", "subscription"}, args...)...)
			assert.False(t, run.OK(), "%v", args)
			assert.Equal(t, "value", run.Error.Type, "%v", args)
		}
		maintenance := filepath.Join(f.panel.Root(), "etc", "billmgr.DoNothing")
		require.NoError(t, os.WriteFile(maintenance, nil, 0o600))
		run := f.runModule(t, "--command", "subscription")
		assert.True(t, run.OK())
		assert.NotContains(t, run.Stdout, "<item")
		assert.Equal(t, 2, f.sweep(t, "--dry-run").Due)
		assert.Equal(t, before, f.databaseDump(t))
		require.NoError(t, os.Remove(maintenance))

		assert.Equal(t, "reissue ok", f.sweep(t, "--item", fmt.Sprint(two)).summary(two))
		assert.Equal(t, 1, f.requestedCertificates(t, "one.example.com"), "--item leaves the other items alone")
		assert.Equal(t, 2, f.requestedCertificates(t, "two.example.com"))
	})
}

// runModule runs the module with the arguments.
func (f *simulatedFixture) runModule(t testing.TB, args ...string) *panel.Run {
	t.Helper()
	run, err := f.panel.Start(context.Background(), f.seller.module, nil, args...)
	require.NoError(t, err)
	return run
}

// rules SWEEP-5: a seller's error for one item does not stop the sweep; the document is complete and the exit code is 1. The failed
// reissue is retried a day later, not before (rules SWEEP-3).
func TestSellerErrorForOneItemDoesNotStopTheSweep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		one, two, three := f.storedItem(t, "one.example.com", 12), f.storedItem(t, "two.example.com", 12), f.storedItem(t, "three.example.com", 12)
		f.changeSeller(t, refuseNames("two.example.com"))
		f.setTime(t, "2026-10-07")
		doc := f.sweep(t)
		assert.Equal(t, "reissue ok", doc.summary(one))
		assert.Equal(t, "error", doc.row(two).Result)
		assert.Contains(t, doc.row(two).Reason, "the certificate in place stays")
		assert.Equal(t, "reissue ok", doc.summary(three))
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", two)}, f.taskTypes(t), "rules STORE-4")
		assert.Equal(t, [4]int{3, 2, 0, 1}, [4]int{doc.Due, doc.Reissued, doc.Notified, doc.Failed})
		f.checkNewestStored(t, one, "one.example.com")
		f.checkNewestStored(t, three, "three.example.com")
		assert.Equal(t, "5", f.itemOf(t, two).Params["service_status"], "rules STORE-4: the certificate in place stays")
		assert.Equal(t, firstEnd, f.itemOf(t, two).ExpireDate)
		f.setTime(t, "2026-10-07T22:00:00Z")
		assert.Equal(t, "none skipped recent", f.sweep(t).summary(two))
		f.setTime(t, "2026-10-09")
		assert.Equal(t, "error", f.sweep(t).row(two).Result)
		f.setTime(t, "2026-10-09T12:00:00Z")
		assert.Equal(t, "none skipped recent", f.sweep(t).summary(two), "the status of an ended order is not read every hour")
		requests := 1
		if seller.keepsOrderID { // the order stays active and accepts another request on another day
			requests = 2
		}
		assert.Equal(t, 1+requests, f.requestedCertificates(t, "two.example.com"))
	})
}

// rules SWEEP-3: a reissue that the seller, not the CA, refuses is requested again the next day.
func TestRefusedReissueIsRetriedTheNextDay(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		f.failNext(t, stepReissue, refused)
		doc := f.sweep(t)
		assert.Equal(t, "error", doc.row(item).Result)
		assert.Contains(t, doc.row(item).Reason, seller.reissueRefusal)
		f.setTime(t, "2026-10-08T08:59:59Z")
		assert.Equal(t, "none skipped recent", f.sweep(t).summary(item))
		f.setTime(t, "2026-10-08T09:00:00Z")
		assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
		f.checkNewestStored(t, item, "example.com")
		f.checkNoAttempt(t, item)
	})
}
