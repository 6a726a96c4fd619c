package sellertest

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func purchaseRules() []rule {
	rules := []rule{
		{name: "buy pays once", run: buyPaysOnce},
		{name: "buy refuses what the seller does not sell before any request", run: buyRefusesUnsoldProducts},
		{name: "a run that ended buys nothing", run: endedRunBuysNothing},
	}
	for _, how := range failures() {
		rules = append(rules, rule{name: "buy is sent once: " + string(how), run: func(t *testing.T, s *session) { buyIsSentOnce(t, s, how) }})
	}
	return rules
}

func buyPaysOnce(t *testing.T, s *session) {
	r := s.request(t, "once.example", "auth_dnstxt")
	before, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	id := s.buy(t, r)
	assert.Equal(t, 1, s.at.Count(Buy), "StandIn.Count(Buy)")
	assert.Equal(t, 1, s.at.Payments(), "StandIn.Payments")
	assert.Greater(t, id, before.Highest, "ids grow (rules BUY-9)")
	s.isInSnapshot(t, id, before)

	second := s.request(t, "twice.example", "auth_dnstxt")
	p := s.purchase(t, second)
	if referencer, ok := s.Seller.(seller.OrderReferencer); ok {
		p.OrderRef = referencer.OrderRef("panel-1", 43)
	}
	receipt, err := s.Buy(t.Context(), p)
	require.NoError(t, err, "Buy of a second order")
	assert.Greater(t, receipt.ID, id, "ids grow (rules BUY-9)")
	assert.Equal(t, 2, s.at.Payments(), "StandIn.Payments")
}

// isInSnapshot checks that the snapshot has the purchase, as the search for a lost one requires (rules BUY-4).
func (s *session) isInSnapshot(t *testing.T, id int64, before seller.OrderSnapshot) {
	t.Helper()
	after, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.GreaterOrEqual(t, after.Highest, id, "OrderSnapshot.Highest is the highest id of all orders")
	at := slices.IndexFunc(after.Orders, func(o seller.OrderSummary) bool { return o.ID == id })
	require.GreaterOrEqual(t, at, 0, "the snapshot lacks the order %d", id)
	assert.Greater(t, id, before.Highest, "ids grow (rules BUY-9)")
	if referencer, ok := s.Seller.(seller.OrderReferencer); ok {
		assert.Equal(t, referencer.OrderRef("panel-1", 42), after.Orders[at].OrderRef, "the seller's list shows the order reference (rules BUY-4)")
	}
	if is[seller.Activator](s.Seller) {
		s.isPaid(t, after.Orders[at], seller.StateNew)
		assert.Empty(t, after.Orders[at].CommonName, "a new order without CSR has no name: one with a name counts as another client's")
	}
}

// isPaid checks a row of an Activator's snapshot as the search for a lost purchase reads it (rules BUY-4).
func (s *session) isPaid(t *testing.T, row seller.OrderSummary, state seller.State) {
	t.Helper()
	assert.Equal(t, state, row.State, "state of the paid order %d without CSR: a lost purchase is looked for in StateNew, a lost renewal in "+
		"StateRenewal, and paid again if it is not found there", row.ID)
	assert.Contains(t, []int{0, s.subject.Months}, row.Months, "OrderSummary.Months")
	assert.True(t, row.Type == "" || s.product(t).Named(row.Type), "OrderSummary.Type %q is one of Product.Names", row.Type)
}

func buyRefusesUnsoldProducts(t *testing.T, s *session) {
	good := s.purchase(t, s.request(t, "refused.example", "auth_dnstxt"))
	for name, spoil := range map[string]func(p *seller.Purchase){
		"kind":    func(p *seller.Purchase) { p.Kind = "gift" },
		"product": func(p *seller.Purchase) { p.Product.Discontinued = true },
		"term":    func(p *seller.Purchase) { p.Months = 0 },
	} {
		p := good
		spoil(&p)
		_, err := s.Buy(t.Context(), p)
		require.Error(t, err, "Buy with a wrong %s", name)
		assert.False(t, fault.From(err).OutcomeUnknown, "wrong %s, nothing was sent: %v", name, err)
		assert.False(t, fault.From(err).Retry, "a wrong %s stays wrong: no retry: %v", name, err)
	}
	assert.Zero(t, s.at.Count(Buy), "Buy refuses it before any request")
	assert.Zero(t, s.at.Payments(), "StandIn.Payments")
}

func endedRunBuysNothing(t *testing.T, s *session) {
	p := s.purchase(t, s.request(t, "ended.example", "auth_dnstxt"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Buy(ended, p)
	require.Error(t, err, "Buy with a context that has ended")
	assert.False(t, fault.From(err).OutcomeUnknown, "the request never left: its fault is that of *sellerhttp.Error as it is: %v", err)
	assert.Zero(t, s.at.Payments(), "StandIn.Payments")
}

func buyIsSentOnce(t *testing.T, s *session, how Failure) {
	p := s.purchase(t, s.request(t, "lost.example", "auth_dnstxt"))
	before, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	s.at.Fail(Buy, how)
	receipt, err := s.Buy(t.Context(), p)
	s.sentOnce(t, Buy, how, err)
	if how == CarriedOutLater {
		s.at.CarryOut()
	}
	switch {
	case err == nil: // the client found the order in the seller's list
		s.isInSnapshot(t, receipt.ID, before)
	case s.at.Payments() == 1:
		s.findsNewest(t, before)
	default:
		after, err := s.OrderSnapshot(t.Context())
		require.NoError(t, err)
		assert.Equal(t, before.Highest, after.Highest, "nothing was bought, and the snapshot shows nothing")
	}
}

// findsNewest checks that the snapshot has exactly one order that was not there before.
func (s *session) findsNewest(t *testing.T, before seller.OrderSnapshot) {
	t.Helper()
	after, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	var found []int64
	for _, o := range after.Orders {
		if o.ID > before.Highest {
			found = append(found, o.ID)
		}
	}
	require.Len(t, found, 1, "the purchase is found in the snapshot (rules BUY-4)")
	s.isInSnapshot(t, found[0], before)
}

// sentOnce checks a purchase whose answer was broken: there was one request, and the error does not claim more than is
// known.
func (s *session) sentOnce(t *testing.T, request Request, how Failure, err error) {
	t.Helper()
	assert.Equal(t, 1, s.at.Count(request), "the request that pays is sent exactly once (rules BUY-3)")
	failure := fault.From(err)
	switch {
	case how == Refused:
		require.Error(t, err, "the seller refused the purchase, and Buy reports success")
		assert.False(t, failure.OutcomeUnknown, "the seller's own refusal is certain (rules BUY-12): %v", err)
		assert.Zero(t, s.at.Payments())
		return
	case how.carriedOut():
		assert.Equal(t, 1, s.at.Payments(), "the stand-in carried out one request and charged for it")
	default:
		require.Error(t, err, "this request was not carried out, and Buy reports success: it was sent again or its answer was guessed")
		assert.Zero(t, s.at.Payments(), "StandIn.Payments")
	}
	if err != nil {
		assert.True(t, failure.OutcomeUnknown, "only the seller's own document says that nothing was bought (rules BUY-12): %v", err)
		assert.Equal(t, fault.Unclear, failure.Type, "a purchase whose outcome is not known is fault.Unclear (rules BUY-12): %v", err)
		assert.True(t, failure.Retry, "a later run looks the purchase up (rules BUY-4): %v", err)
		s.hidesSecrets(t, err.Error())
	}
}
