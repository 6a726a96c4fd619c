package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules SWEEP-9: a seller whose address answers with something else is asked about one item. The others are left with a row that says so, the exit code is 1,
// and the next sweep does it all.
func TestASellerOutOfOrderEndsTheRound(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		var due, waiting []int64
		for n := range 3 {
			due = append(due, h.stored(t, site(n), 12))
		}
		h.at(t, "2026-10-09")
		h.sells(t, unattended)
		for n := range 3 {
			waiting = append(waiting, h.order(t, site(10+n), 12))
		}
		require.NoError(t, h.shop.fault("", "html", 0, "", ""))
		h.shop.forget()
		failing := h.sweep(t)
		asked := len(h.shop.requests())
		assert.Equal(t, 1, failing.Failed)
		assert.Equal(t, 3, failing.Due)
		assert.Contains(t, failing.says(due[0]), "error")
		for _, item := range due[1:] {
			assert.Contains(t, failing.says(item), "reissue skipped left for the next sweep")
		}
		for _, item := range waiting {
			assert.Contains(t, failing.says(item), "wait skipped left for the next sweep")
		}
		assert.LessOrEqual(t, asked, 6, "one question and its repeats")

		h.shop.mend()
		h.shop.forget()
		mended := h.sweep(t)
		assert.Zero(t, mended.Failed)
		assert.Equal(t, 3, mended.Reissued)
		for _, item := range waiting {
			assert.NotContains(t, mended.says(item), "left")
		}
	})
}

// rules SWEEP-1: what is due goes before what waits: where time or the seller's calls run out, no certificate in use was passed over.
func TestWhatIsDueGoesBeforeWhatWaits(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		h := newHosting(t, at, firstOrders)
		h.sells(t, unattended)
		waits := h.order(t, site(0), 12)
		h.sells(t, func(m *manner) { m.issues = true })
		due := h.stored(t, site(1), 12)
		h.at(t, "2026-10-09")
		h.sells(t, unattended)
		var order []int64
		for _, row := range h.sweep(t).Rows {
			order = append(order, row.ID)
		}
		assert.Equal(t, []int64{due, waits}, order)
	})
}
