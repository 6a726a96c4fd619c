package sellerhttp_test

import (
	"errors"
	"sync"
	"testing"

	"pmssl/internal/exchange"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// observer keeps what it sees and refuses calls with an error.
type observer struct {
	mu      sync.Mutex
	refuses error
	calls   []exchange.Call
	answers []exchange.Answer
}

func (o *observer) SellerCall(call exchange.Call) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, call)
	return o.refuses
}

func (o *observer) SellerAnswer(_ exchange.Call, answer exchange.Answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers = append(o.answers, answer)
}

func (*observer) PanelCall(exchange.PanelCall) {}

func observedClient(s *seller, o *observer) *sellerhttp.Client {
	clock := newClock()
	return sellerhttp.New(sellerhttp.Config{
		Seller: "Shop", Address: s.URL, Now: clock.Now, Sleep: clock.Sleep, Jitter: func() float64 { return 0 },
		Secrets: []string{"k3y/with+signs"}, Observer: o,
	})
}

// rules ACCEPT-3: an observer sees calls and answers, and never the account's login.
func TestObserverSeesCallsWithoutSecrets(t *testing.T) {
	s := newSeller(t, says(500, "down"), says(200, "<doc>k3y/with+signs</doc>"))
	o := &observer{}
	var got string
	require.NoError(t, observedClient(s, o).Do(t.Context(), ask(sellerhttp.Read, &got)))
	require.Len(t, o.calls, 1, "once for all attempts")
	assert.Equal(t, map[string][]string{"id": {"7"}}, map[string][]string(o.calls[0].Form))
	assert.Equal(t, "shop.ask", o.calls[0].Name)
	assert.Equal(t, s.URL, o.calls[0].Address)
	assert.False(t, o.calls[0].Changes)
	require.Len(t, o.answers, 2, "one of each attempt")
	assert.Equal(t, 500, o.answers[0].Status)
	assert.Equal(t, 200, o.answers[1].Status)
	assert.Contains(t, string(o.answers[1].Body), "<doc>")
}

func TestObserverIsToldWhatACallMayDo(t *testing.T) {
	for name, c := range map[string]struct {
		class         sellerhttp.Class
		changes, pays bool
	}{
		"a read":            {class: sellerhttp.Read},
		"what is sent once": {class: sellerhttp.Once, changes: true},
		"a purchase":        {class: sellerhttp.Purchase, changes: true, pays: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := &observer{}
			var got string
			require.NoError(t, observedClient(newSeller(t, says(200, good)), o).Do(t.Context(), ask(c.class, &got)))
			assert.Equal(t, c.changes, o.calls[0].Changes)
			assert.Equal(t, c.pays, o.calls[0].Pays)
		})
	}
}

// rules ACCEPT-2: a call that the observer refuses is not sent, and is known not to have reached the seller.
func TestACallThatTheObserverRefusesIsNotSent(t *testing.T) {
	s := newSeller(t, says(200, good))
	o := &observer{refuses: errors.New("nothing may be paid")}
	var got string
	err := observedClient(s, o).Do(t.Context(), ask(sellerhttp.Purchase, &got))
	var failure *sellerhttp.Error
	require.ErrorAs(t, err, &failure)
	assert.True(t, failure.Unsent())
	assert.ErrorContains(t, err, "nothing may be paid")
	assert.Zero(t, s.count())
	assert.Empty(t, o.answers)
}
