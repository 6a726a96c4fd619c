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

// docs/reference/validity.md §B3.6 and rules SWEEP-2, SWEEP-3: each condition of being due on both sides of its border, all
// in one sweep on the first day of the lead. The seller's list tells what was asked for.
func TestEachBorderOfBeingDue(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		const now = "2026-10-07T00:00:00Z" // ten days before the end, at the first second
		const reissued, unseen = "reissue ok", ""
		type border struct {
			name   string
			change func(t *testing.T, item int64)
			says   string
			months int
			day    string // of the order, where it is another one
		}
		param := func(name, value string) func(*testing.T, int64) {
			return func(t *testing.T, item int64) { h.set(t, item, name, value) }
		}
		column := func(assignments string) func(*testing.T, int64) {
			return func(t *testing.T, item int64) { h.sql(t, "UPDATE item SET "+assignments+" WHERE id=?", item) }
		}
		rows := []border{
			{name: "ends in ten days", says: reissued},
			{name: "ends in eleven days", day: "2026-04-03", says: unseen},

			{name: "suspended by the panel inside its term", change: column("status=3, autosuspend='on'"), says: reissued},
			{name: "suspended by an employee", change: column("status=3, autosuspend='on', employeesuspend='on'"), says: unseen},
			{name: "suspended for abuse", change: column("status=3, autosuspend='on', abusesuspend='on'"), says: unseen},
			{name: "suspended by nobody knows whom", change: column("status=3"), says: unseen},
			{name: "deleted", change: column("status=4"), says: unseen},
			{name: "being processed", change: column("status=5"), says: unseen},
			{name: "of another module", change: column("processingmodule=NULL"), says: unseen},

			{name: "tried a second less than a day ago", change: param("reissue_tried", "2026-10-06T00:00:01Z 1"), says: "none skipped recent"},
			{name: "tried a day ago", change: param("reissue_tried", "2026-10-06T00:00:00Z 1"), says: reissued},
			{name: "tried four times", change: param("reissue_tried", "2026-10-01T00:00:00Z 4"), says: reissued},
			{name: "tried five times", change: param("reissue_tried", "2026-10-01T00:00:00Z 5"), says: "none skipped tries"},

			{name: "the seller's term ends with it", change: param("seller_term_end", "2026-10-17"), says: "none skipped no_gain"},
			{name: "the seller's term ends a day later", change: param("seller_term_end", "2026-10-18"), says: reissued},
			{name: "reaches paid until", change: param("term_start", "2025-10-17"), says: "none skipped paid_until"},
			{name: "a day short of paid until", change: param("term_start", "2025-10-18"), says: reissued},
			{name: "the term ended today", change: param("term_start", "2025-10-07"), says: "none skipped term_over"},
			{name: "years to go", months: at.longest, says: reissued},

			{name: "an operation runs", change: func(t *testing.T, item int64) {
				h.sql(t, "INSERT INTO runningoperation (item, intname) VALUES (?, 'reopen')", item)
			}, says: "wait skipped under_way"},
		}
		items := make([]int64, len(rows))
		for i, row := range rows {
			day := firstOrders
			if row.day != "" {
				day = row.day
			}
			h.at(t, day)
			items[i] = h.stored(t, fmt.Sprintf("border%d.example.com", i), max(row.months, 12))
		}
		h.at(t, now)
		for i, row := range rows {
			if row.change != nil {
				row.change(t, items[i])
			}
		}
		played := h.sweep(t, "--dry-run")
		doc := h.sweep(t)
		due := 0
		for i, row := range rows {
			asked := h.certificates(t, fmt.Sprintf("border%d.example.com", i)) - 1
			assert.Equal(t, row.says, doc.says(items[i]), row.name)
			assert.Equal(t, strings.ReplaceAll(row.says, reissued, "reissue skipped dry run"), played.says(items[i]), "%s: what --dry-run says of it", row.name)
			want := 0
			if row.says == reissued {
				want, due = 1, due+1
			}
			assert.Equal(t, want, asked, row.name)
		}
		assert.Equal(t, due, doc.Due)
		assert.Equal(t, due, doc.Reissued)
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", items[slices.IndexFunc(rows, func(b border) bool { return b.says == "none skipped tries" })])},
			h.taskTypes(t), "five attempts are an administrator's")
		assert.Equal(t, len(rows), h.payments(t), "reissues cost nothing")
	})
}

// taskTypes are the administrator's tasks, `TYPE item`.
func (h *hosting) taskTypes(t *testing.T) []string {
	t.Helper()
	all, err := h.panel.Tasks(context.Background())
	require.NoError(t, err)
	var types []string
	for _, task := range all {
		types = append(types, fmt.Sprintf("%s %d", task.Type, task.Item))
	}
	return types
}

// docs/reference/validity.md §B3.6: an item without a certificate is not due, whatever its parameters say; what is stored
// and no certificate is an item's failure and stops nobody else.
func TestItemsWithoutACertificate(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		broken, whole := h.stored(t, "broken.example.com", 12), h.stored(t, "whole.example.com", 12)
		h.sells(t, unattended)
		waiting := h.order(t, "waiting.example.com", 12)
		h.sql(t, "UPDATE certificate SET crt='this is no certificate' WHERE item=?", broken)
		h.at(t, "2026-10-07")
		doc := h.sweep(t)
		assert.Equal(t, "error", doc.row(broken).Result)
		assert.Equal(t, "reissue ok", doc.says(whole))
		assert.Equal(t, "wait ok", doc.says(waiting), "the order itself is synced")
		assert.Equal(t, 1, doc.Failed)
		assert.Equal(t, 1, h.certificates(t, "broken.example.com"))
		assert.Equal(t, 1, h.certificates(t, "waiting.example.com"))
	})
}

// docs/reference/validity.md §B3.5: the spellings of the two settings and what becomes of values that cannot be used. The
// last day on which nothing is due and the first on which it is are played.
func TestEachBorderOfTheSettings(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		item := h.stored(t, "example.com", 12)
		for _, row := range []struct {
			name, main string // lines of billmgr.conf.d and of billmgr.conf
			lines      []string
			first      string // day on which it is due
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
				h.configure(t, row.lines...)
				main := filepath.Join(h.panel.Root(), "etc", "billmgr.conf")
				old, err := os.ReadFile(main)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(main, append(slices.Clone(old), "\n"+row.main+"\n"...), 0o600))
				h.log(t)
				eve := instant(t, row.first).AddDate(0, 0, -1).Format("2006-01-02")
				doc := h.sweep(t, "--dry-run", "--date", eve)
				assert.Nil(t, doc.row(item), "on %s", eve)
				doc = h.sweep(t, "--dry-run", "--date", row.first)
				require.NoError(t, os.WriteFile(main, old, 0o600))
				if assert.NotNil(t, doc.row(item), "on %s", row.first) {
					assert.Equal(t, row.first, doc.row(item).Due)
					assert.Equal(t, min(row.before, 99), doc.row(item).Lead)
				}
				assert.Equal(t, row.policy, doc.Policy)
				assert.Equal(t, row.before, doc.Before)
				log := h.log(t)
				if row.warning != "" {
					assert.Contains(t, log, row.warning)
				} else {
					assert.NotContains(t, log, "WARNING SSLSubscription")
				}
				if row.before > 99 {
					assert.Contains(t, log, "cut to 99", "docs/reference/validity.md §B3.7")
				}
			})
		}
	})
}

// rules SWEEP-1: manual tells the client once per certificate and reissues nothing; the next certificate is told of
// anew.
func TestPolicyManualTellsOncePerCertificate(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders, "SSLSubscriptionPolicy manual")
		item := h.stored(t, "example.com", 24)
		h.at(t, "2026-10-06")
		assert.Zero(t, h.sweep(t).Due)
		assert.Empty(t, h.letters(t))
		h.at(t, "2026-10-07")
		doc := h.sweep(t)
		assert.Equal(t, "tell ok", doc.says(item))
		assert.Equal(t, 1, doc.Told)
		letters := h.letters(t)
		require.Len(t, letters, 1)
		assert.Contains(t, letters[0].to, "client@example.com")
		assert.Contains(t, letters[0].from, "ssl@hosting.example")
		assert.Contains(t, letters[0].subject, "example.com")
		assert.Contains(t, letters[0].body, "2026-10-17")
		for _, day := range []string{"2026-10-07T23:00:00Z", "2026-10-08", "2026-10-16", "2026-10-20"} {
			h.at(t, day)
			assert.Equal(t, "tell ok told already", h.sweep(t).says(item), day)
		}
		assert.Empty(t, h.letters(t))
		assert.Equal(t, 1, h.certificates(t, "example.com"))

		_, run, err := h.panel.Reissue(context.Background(), item, "", "", nil) // the client presses the button
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		h.inPlace(t, item, "example.com")
		assert.Nil(t, h.sweep(t).row(item))
		h.at(t, "2027-04-27") // ten days before the end of the new one
		assert.Equal(t, 1, h.sweep(t).Told)
		assert.Len(t, h.letters(t), 1)
	})
}

// rules SWEEP-5: none does nothing, and the document says how many were left.
func TestPolicyNoneLeavesEverythingAndCounts(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders, "SSLSubscriptionPolicy none")
		one, two := h.stored(t, "one.example.com", 12), h.stored(t, "two.example.com", 12)
		h.at(t, "2026-10-20")
		before := h.rows(t)
		doc := h.sweep(t)
		assert.Equal(t, 2, doc.Due)
		assert.Equal(t, "none skipped policy", doc.says(one))
		assert.Equal(t, "none skipped policy", doc.says(two))
		assert.Equal(t, before, h.rows(t))
		assert.Empty(t, h.letters(t))
	})
}

// rows is everything that the panel's database says, as text.
func (h *hosting) rows(t *testing.T) string {
	t.Helper()
	all := map[string]any{}
	for _, table := range []string{"item", "itemparam", "itemcryptedparam", "certificate", "runningoperation", "task", "problems", "history_item"} {
		rows, err := h.panel.DB().Query("SELECT * FROM " + table + " ORDER BY id")
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

// rules SWEEP-1: --dry-run changes no row, sends no letter and asks the seller for nothing; --item limits; --date is for
// --dry-run only. Maintenance mode stops the sweep, not the dry run (rules PANEL-3).
func TestDryRunChangesNothing(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		one, two := h.stored(t, "one.example.com", 12), h.stored(t, "two.example.com", 12)
		h.sells(t, unattended)
		three := h.order(t, "three.example.com", 12)
		h.asked.forget()
		before := h.rows(t)
		doc := h.sweep(t, "--dry-run", "--date", "2026-10-07")
		assert.Equal(t, "dry-run", doc.Mode)
		assert.Equal(t, "2026-10-07", doc.Date)
		assert.Equal(t, 3, doc.Items)
		assert.Equal(t, "reissue skipped dry run", doc.says(one))
		assert.Equal(t, "reissue skipped dry run", doc.says(two))
		assert.Equal(t, "wait skipped dry run", doc.says(three))
		row := doc.row(one)
		assert.Equal(t, sweptRow{ID: one, Name: "one.example.com", ExpireDate: firstEnd, PaidUntil: "2027-04-02", Due: "2026-10-07", Lead: 10,
			Action: "reissue", Result: "skipped", Reason: "dry run"}, *row)
		h.at(t, "2026-10-07")
		doc = h.sweep(t, "--dry-run", "--item", fmt.Sprint(two))
		assert.Len(t, doc.Rows, 1)
		assert.Equal(t, before, h.rows(t))
		assert.Empty(t, h.letters(t))
		assert.Empty(t, h.asked.all())

		for _, args := range [][]string{{"--date", "2026-10-07"}, {"--dry-run", "--date", "2026-02-30"}, {"--dry-run", "--date", "tomorrow"}} {
			run := h.start(t, append([]string{"--command", "subscription"}, args...)...)
			assert.False(t, run.OK(), "%v", args)
			assert.Equal(t, "value", run.Error.Type, "%v", args)
		}
		maintenance := filepath.Join(h.panel.Root(), "etc", "billmgr.DoNothing")
		require.NoError(t, os.WriteFile(maintenance, nil, 0o600))
		run := h.start(t, "--command", "subscription")
		assert.True(t, run.OK())
		assert.NotContains(t, run.Stdout, "<item")
		assert.Equal(t, 2, h.sweep(t, "--dry-run").Due)
		assert.Equal(t, before, h.rows(t))
		require.NoError(t, os.Remove(maintenance))

		assert.Equal(t, "reissue ok", h.sweep(t, "--item", fmt.Sprint(two)).says(two))
		assert.Equal(t, 1, h.certificates(t, "one.example.com"), "--item keeps off the others")
		assert.Equal(t, 2, h.certificates(t, "two.example.com"))
	})
}

// start runs the module with these words.
func (h *hosting) start(t testing.TB, args ...string) *panel.Run {
	t.Helper()
	run, err := h.panel.Start(context.Background(), h.trade.module, nil, args...)
	require.NoError(t, err)
	return run
}

// rules SWEEP-5: a seller's error for one item never stops the others; the document is complete and the exit code 1. What
// failed is tried again a day later, not before (rules SWEEP-3).
func TestSellersErrorStopsNobodyElse(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		one, two, three := h.stored(t, "one.example.com", 12), h.stored(t, "two.example.com", 12), h.stored(t, "three.example.com", 12)
		h.sells(t, refusing("two.example.com"))
		h.at(t, "2026-10-07")
		doc := h.sweep(t)
		assert.Equal(t, "reissue ok", doc.says(one))
		assert.Equal(t, "error", doc.row(two).Result)
		assert.Contains(t, doc.row(two).Reason, "the certificate in place stays")
		assert.Equal(t, "reissue ok", doc.says(three))
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", two)}, h.taskTypes(t), "rules STORE-4")
		assert.Equal(t, [4]int{3, 2, 0, 1}, [4]int{doc.Due, doc.Reissued, doc.Told, doc.Failed})
		h.inPlace(t, one, "one.example.com")
		h.inPlace(t, three, "three.example.com")
		assert.Equal(t, "5", h.itemOf(t, two).Params["service_status"], "rules STORE-4: the certificate in place stays")
		assert.Equal(t, firstEnd, h.itemOf(t, two).ExpireDate)
		h.at(t, "2026-10-07T22:00:00Z")
		assert.Equal(t, "none skipped recent", h.sweep(t).says(two))
		h.at(t, "2026-10-09")
		assert.Equal(t, "error", h.sweep(t).row(two).Result)
		h.at(t, "2026-10-09T12:00:00Z")
		assert.Equal(t, "none skipped recent", h.sweep(t).says(two), "an order that has ended is not asked about every hour")
		requests := 1
		if at.inPlace { // the order goes on, and takes another request on another day
			requests = 2
		}
		assert.Equal(t, 1+requests, h.certificates(t, "two.example.com"))
	})
}

// rules SWEEP-3: an error that the seller answers with, and not the authority: nothing was asked for, the next day it is.
func TestRefusedReissueIsAskedForTheNextDay(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		item := h.stored(t, "example.com", 12)
		h.at(t, "2026-10-07")
		h.disturb(t, stepReissue, refused)
		doc := h.sweep(t)
		assert.Equal(t, "error", doc.row(item).Result)
		assert.Contains(t, doc.row(item).Reason, at.refusal)
		h.at(t, "2026-10-08T08:59:59Z")
		assert.Equal(t, "none skipped recent", h.sweep(t).says(item))
		h.at(t, "2026-10-08T09:00:00Z")
		assert.Equal(t, "reissue ok", h.sweep(t).says(item))
		h.inPlace(t, item, "example.com")
		assert.NotContains(t, h.itemOf(t, item).Params, "reissue_tried", "the attempts belong to the old certificate")
	})
}
