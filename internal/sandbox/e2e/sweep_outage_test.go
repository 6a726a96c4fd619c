package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules SWEEP-9: if the seller's address answers with a foreign page, the sweep asks about one item only. The other items are left
// for the next sweep, with a row that says so, and the exit code is 1. The next sweep handles all of them.
func TestSweepAsksAFailingSellerOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		var due, waiting []int64
		for n := range 3 {
			due = append(due, f.storedItem(t, site(n), 12))
		}
		f.setTime(t, "2026-10-09")
		f.changeSeller(t, issueAfterValidation)
		for n := range 3 {
			waiting = append(waiting, f.openedItem(t, site(10+n), 12))
		}
		require.NoError(t, f.standIn.addFault("", "html", 0, "", ""))
		f.standIn.forgetRequests()
		failing := f.sweep(t)
		asked := len(f.standIn.requests())
		assert.Equal(t, 1, failing.Failed)
		assert.Equal(t, 3, failing.Due)
		assert.Contains(t, failing.summary(due[0]), "error")
		for _, item := range due[1:] {
			assert.Contains(t, failing.summary(item), "reissue skipped left for the next sweep")
		}
		for _, item := range waiting {
			assert.Contains(t, failing.summary(item), "wait skipped left for the next sweep")
		}
		assert.LessOrEqual(t, asked, 6, "one request and its retries")

		f.standIn.clearFaults()
		f.standIn.forgetRequests()
		working := f.sweep(t)
		assert.Zero(t, working.Failed)
		assert.Equal(t, 3, working.Reissued)
		for _, item := range waiting {
			assert.NotContains(t, working.summary(item), "left")
		}
	})
}

// rules SWEEP-1: the sweep handles due items before waiting ones, so that a stored certificate is renewed even if time or the
// seller's calls run out.
func TestSweepHandlesDueItemsBeforeWaitingItems(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		f.changeSeller(t, issueAfterValidation)
		waits := f.openedItem(t, site(0), 12)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
		due := f.storedItem(t, site(1), 12)
		f.setTime(t, "2026-10-09")
		f.changeSeller(t, issueAfterValidation)
		var order []int64
		for _, row := range f.sweep(t).Rows {
			order = append(order, row.ID)
		}
		assert.Equal(t, []int64{due, waits}, order)
	})
}
