package e2e

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answerWithStatus answers the next request for a step with an HTTP status. If carriedOut is true the seller carries the request
// out before, else it never sees it.
func (f *fixture) answerWithStatus(s step, status int, carriedOut bool) {
	f.hook.Store(&requestHook{matches: f.asksFor(s), nth: 1, afterWork: carriedOut, action: func() {}, status: status})
}

// rules BUY-12: an answer that is only an HTTP status does not say whether the seller has carried out the payment. In both cases
// it is paid once.
func TestPaymentAnsweredWithAnHTTPStatusIsPaidOnce(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, status := range []int{http.StatusMethodNotAllowed, http.StatusFound} {
			for _, carriedOut := range []bool{true, false} {
				for command, begin := range map[string]func(t *testing.T, f *simulatedFixture) int64{"open": toOpen, "prolong": toProlong} {
					name := strconv.Itoa(status) + " to " + command
					if carriedOut {
						name += ", carried out"
					}
					t.Run(name, func(t *testing.T) {
						f := startSimulated(t, seller, firstOrders)
						item := begin(t, f)
						op := f.addOperation(t, item, command)
						before := f.paymentCount(t)
						f.answerWithStatus(map[string]step{"open": stepBuy, "prolong": seller.renewSteps[0]}[command], status, carriedOut)
						run, err := f.panel.RunOperation(context.Background(), op)
						require.NoError(t, err)
						for range 4 {
							if run.OK() {
								break
							}
							assert.LessOrEqual(t, f.paymentCount(t), before+1)
							_, err = f.clock.Advance(6 * time.Minute)
							require.NoError(t, err)
							run, err = f.panel.RunOperation(context.Background(), op)
							require.NoError(t, err)
						}
						require.True(t, run.OK(), run.Failure())
						assert.Equal(t, before+1, f.paymentCount(t))
						assert.NotContains(t, f.itemOf(t, item).Params, "purchase_intent")
					})
				}
			}
		}
	})
}

// rules BUY-12: above its call limit Namecheap answers 405. The intent stays. After two readings of the list, a minute apart, that
// do not contain the order, the purchase is retried; that does not use up an attempt.
func TestRefusedPurchaseIsRetriedAfterTwoLists(t *testing.T) {
	f := startSimulated(t, namecheapCase(), firstOrders)
	placed := f.place(t, exampleCSR(t))
	for range 3 { // more often than a purchase without an answer may be repeated
		f.answerWithStatus(stepBuy, http.StatusMethodNotAllowed, false)
		require.Contains(t, f.attempt(t, placed).Stdout, `type="limit"`)
		intent := f.itemOf(t, placed.Item).Params["purchase_intent"]
		require.Contains(t, intent, `"refused":true`)
		require.NotContains(t, intent, `"again"`)
		require.Contains(t, f.attempt(t, placed).Stdout, `type="purchase_pending"`)
		_, err := f.clock.Advance(59 * time.Second)
		require.NoError(t, err)
		require.Contains(t, f.attempt(t, placed).Stdout, `type="purchase_pending"`)
		_, err = f.clock.Advance(time.Second)
		require.NoError(t, err)
	}
	f.complete(t, placed)
	assert.Equal(t, 1, f.paymentCount(t))
	assert.NotContains(t, f.itemOf(t, placed.Item).Params, "purchase_intent")
	assert.Empty(t, f.itemOf(t, placed.Item).Tasks)
}
