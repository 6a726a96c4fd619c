package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules BUY-1, UNATT-2: open is killed at each of its calls of the panel, requests to the name server and requests to the seller.
// The next runs complete the order: one payment, one certificate, no record that nobody knows, nothing left.
func TestUnattendedOpenKilledAtEachStep(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, kill := range interruptions() {
			t.Run(name, func(t *testing.T) {
				f := startUnattended(t, seller, firstOrders)
				f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = false })
				before := f.dumps()
				runs := 0
				for n, reached := 1, true; reached; n += stepStride(name, 6) {
					domain := fmt.Sprintf("s%d.example.com", n)
					placed, err := f.panel.Place(context.Background(), f.orderFor(t, domain, 12))
					require.NoError(t, err)
					reached = kill(t, f, func(ctx context.Context) (*panel.Run, error) { return f.panel.RunOperation(ctx, placed.Operation) }, n)
					f.checkKnown(t, placed.Item, before)
					f.finish(t, placed)
					f.sweepHourly(t, placed.Item, 12)
					if f.published(t, placed.Item) != "" { // killed after the certificate was stored
						require.Zero(t, f.advance(t, time.Hour).Failed, f.logTail(t))
					}
					f.checkNewestStored(t, placed.Item, domain)
					runs++
					require.Equal(t, 1, f.requestedCertificates(t, domain), "step %d", n)
					require.Equal(t, runs, f.paymentCount(t), "step %d: one payment for each order", n)
					require.Equal(t, before, f.dumps(), "step %d", n)
					require.Empty(t, f.published(t, placed.Item), "step %d", n)
					require.True(t, reached || n > 3, "open has more steps than that")
				}
				t.Logf("%d runs were killed", runs-1)
				assert.Empty(t, f.takeMails(t))
				assert.Empty(t, f.taskTypes(t))
				f.checkOnlyOwnRecords(t, "example.com")
			})
		}
	})
}
