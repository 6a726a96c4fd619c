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

// statusFor answers the next request of a step with an HTTP status, after the seller has carried it out or instead of that.
func (w *world) statusFor(s step, status int, carriedOut bool) {
	w.watch.Store(&watcher{meant: w.asks(s), nth: 1, answers: carriedOut, happens: func() {}, status: status})
}

// rules BUY-12: an HTTP status is not the seller's own document. Whatever answers a payment with it, and whether the seller has
// carried the payment out or not: it is paid once.
func TestAPaymentAnsweredWithAnHTTPStatusIsPaidOnce(t *testing.T) {
	eachShop(t, func(t *testing.T, at trade) {
		for _, status := range []int{http.StatusMethodNotAllowed, http.StatusFound} {
			for _, carriedOut := range []bool{true, false} {
				for command, begin := range map[string]func(t *testing.T, h *hosting) int64{"open": toOpen, "prolong": toProlong} {
					name := strconv.Itoa(status) + " to " + command
					if carriedOut {
						name += ", carried out"
					}
					t.Run(name, func(t *testing.T) {
						h := newHosting(t, at, firstOrders)
						item := begin(t, h)
						op := h.operation(t, item, command)
						before := h.payments(t)
						h.statusFor(map[string]step{"open": stepBuy, "prolong": at.renews[0]}[command], status, carriedOut)
						run, err := h.panel.RunOperation(context.Background(), op)
						require.NoError(t, err)
						for range 4 {
							if run.OK() {
								break
							}
							assert.LessOrEqual(t, h.payments(t), before+1)
							_, err = h.clock.Advance(6 * time.Minute)
							require.NoError(t, err)
							run, err = h.panel.RunOperation(context.Background(), op)
							require.NoError(t, err)
						}
						require.True(t, run.OK(), run.Failure())
						assert.Equal(t, before+1, h.payments(t))
						assert.NotContains(t, h.itemOf(t, item).Params, "purchase_intent")
					})
				}
			}
		}
	})
}

// rules BUY-12: Namecheap answers 405 over its limit of calls. The intent stays; two readings of the list a minute apart that
// show nothing free the way, and that uses no try.
func TestAPurchaseThatWasRefusedIsFreeAfterTwoLists(t *testing.T) {
	h := newHosting(t, namecheapTrade(), firstOrders)
	placed := h.place(t, exampleCSR(t))
	for range 3 { // more often than a purchase without an answer may be made again
		h.statusFor(stepBuy, http.StatusMethodNotAllowed, false)
		require.Contains(t, h.attempt(t, placed).Stdout, `type="limit"`)
		intent := h.itemOf(t, placed.Item).Params["purchase_intent"]
		require.Contains(t, intent, `"refused":true`)
		require.NotContains(t, intent, `"again"`)
		require.Contains(t, h.attempt(t, placed).Stdout, `type="purchase_pending"`)
		_, err := h.clock.Advance(59 * time.Second)
		require.NoError(t, err)
		require.Contains(t, h.attempt(t, placed).Stdout, `type="purchase_pending"`)
		_, err = h.clock.Advance(time.Second)
		require.NoError(t, err)
	}
	h.complete(t, placed)
	assert.Equal(t, 1, h.payments(t))
	assert.NotContains(t, h.itemOf(t, placed.Item).Params, "purchase_intent")
	assert.Empty(t, h.itemOf(t, placed.Item).Tasks)
}
