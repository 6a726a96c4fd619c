package e2e

import (
	"context"
	"fmt"
	"testing"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules STORE-2: prolong is killed right after it has reported the renewal, before it asks for the new certificate. The panel, which
// synchronises items that wait, still follows it.
func TestRenewalKilledAfterItsReportIsFollowed(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2027-03-01")
		f.changeSeller(t, issueAfterValidation)
		require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.postprolong", Kind: "kill_after", Times: 1, Caller: seller.module}))
		_, run, err := f.panel.Operate(context.Background(), item, "prolong")
		require.NoError(t, err)
		require.Equal(t, "killed", run.Signal)
		require.NoError(t, f.panel.SetFaults())
		require.Empty(t, f.itemOf(t, item).Operations, "the panel takes the operation for done")
		assert.Contains(t, []string{"3", "4"}, f.itemOf(t, item).Params["service_status"], "the item is not shown as issued")
		f.mustSync(t, item)
		require.Equal(t, "4", f.itemOf(t, item).Params["service_status"])
	})
}

// rules BUY-2: prolong is killed between the journal and the item. The next run completes what other hosts of the panel see of the
// renewal.
func TestRenewalOfTheJournalIsCompletedOnTheItem(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		const kills = 4
		var items []int64
		for n := range kills {
			items = append(items, f.storedItem(t, site(n), 12))
		}
		f.setTime(t, "2027-03-01")
		for n, item := range items {
			t.Run(fmt.Sprintf("at parameter %d", n+1), func(t *testing.T) {
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "service.saveparam", Kind: "kill", Times: 1, Skip: n, Caller: seller.module}))
				op, run, err := f.panel.Operate(context.Background(), item, "prolong")
				require.NoError(t, err)
				require.Equal(t, "killed", run.Signal)
				require.NoError(t, f.panel.SetFaults())
				f.finishOperation(t, op)
				assert.Contains(t, f.itemOf(t, item).Params["renewal_bought"], "2027-03-01T")
				assert.Equal(t, kills+n+1, f.paymentCount(t))
			})
		}
	})
}
