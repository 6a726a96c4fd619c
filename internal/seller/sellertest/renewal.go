package sellertest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func renewalRules() []rule {
	var rules []rule
	rules = append(rules,
		rule{name: "a renewal quote only reads", has: is[seller.Prolonger], run: quoteOnlyReads},
		rule{name: "a renewal in place moves the end", has: is[seller.Prolonger], run: renewalMovesEnd},
		rule{name: "a renewal makes an order that takes a CSR", has: is[seller.Activator], run: renewalMakesOrder},
	)
	for _, how := range []Failure{NotCarriedOut, AnswerLost, GatewayErrorToo, Refused} {
		rules = append(rules, rule{name: "a renewal is sent once: " + string(how), has: renews, run: func(t *testing.T, s *session) { renewalIsSentOnce(t, s, how) }})
	}
	return rules
}

// renews reports whether the seller sells the next term of an existing order.
func renews(s seller.Seller) bool { return is[seller.Prolonger](s) || is[seller.Activator](s) }

func quoteOnlyReads(t *testing.T, s *session) {
	id := s.issued(t, s.request(t, "quote.example", "auth_dnstxt"))
	quote := s.quote(t, id)
	assert.True(t, quote.CurrentEnd.Before(quote.NewEnd), "%s, %s", quote.CurrentEnd, quote.NewEnd)
	assert.Equal(t, quote, s.quote(t, id))
	assert.Equal(t, 1, s.at.Payments())
	assert.Zero(t, s.at.Count(Renew))
}

func (s *session) quote(t *testing.T, id int64) seller.RenewalQuote {
	t.Helper()
	quote, err := s.Seller.(seller.Prolonger).RenewalQuote(t.Context(), id, s.subject.Months)
	require.NoError(t, err)
	return quote
}

// renewal returns the purchase of the next term, as the engines make it.
func (s *session) renewal(t *testing.T, id int64, r seller.Request) seller.Purchase {
	t.Helper()
	p := seller.Purchase{Kind: seller.KindRenew, Product: r.Product, Months: s.subject.Months, ID: id, Request: r}
	if is[seller.Prolonger](s.Seller) {
		p.Kind, p.Quote = seller.KindProlong, s.quote(t, id)
	}
	return p
}

func renewalMovesEnd(t *testing.T, s *session) {
	r := s.request(t, "prolonged.example", "auth_dnstxt")
	id := s.issued(t, r)
	s.advance(s.subject.RenewAfter)
	quote := s.quote(t, id)
	receipt, err := s.Buy(t.Context(), s.renewal(t, id, r))
	require.NoError(t, err, "Buy of the kind prolong, Subject.RenewAfter after the purchase")
	assert.Equal(t, id, receipt.ID, "the order keeps its id")
	assert.Equal(t, quote.NewEnd, s.quote(t, id).CurrentEnd)
	assert.Equal(t, 2, s.at.Payments())
}

func renewalMakesOrder(t *testing.T, s *session) {
	r := s.request(t, "renewed.example", "auth_dnstxt")
	id := s.issued(t, r)
	s.advance(s.subject.RenewAfter)
	receipt, err := s.Buy(t.Context(), s.renewal(t, id, r))
	require.NoError(t, err, "Buy of the kind renew, Subject.RenewAfter after the purchase")
	assert.Greater(t, receipt.ID, id, "a renewal makes a new order")
	assert.Equal(t, 2, s.at.Payments(), "StandIn.Payments")
	assert.Equal(t, seller.StateRenewal, s.status(t, receipt.ID).State, "OrderStatus of a paid renewal without CSR")
	next := s.request(t, "renewed.example", "auth_dnstxt")
	_, err = s.Seller.(seller.Activator).Activate(t.Context(), receipt.ID, next)
	require.NoError(t, err, "Activate of the renewal %d", receipt.ID)
	s.at.Issue(receipt.ID)
	s.holds(t, receipt.ID, next)
}

func renewalIsSentOnce(t *testing.T, s *session, how Failure) {
	r := s.request(t, "renewal.example", "auth_dnstxt")
	id := s.issued(t, r)
	s.advance(s.subject.RenewAfter)
	p := s.renewal(t, id, r)
	before, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	s.at.Fail(Renew, how)
	_, err = s.Buy(t.Context(), p)
	assert.Equal(t, 1, s.at.Count(Renew), "the request that pays is sent exactly once (rules BUY-3)")
	paid := s.at.Payments() - 1
	if how.carriedOut() {
		assert.Equal(t, 1, paid, "the stand-in carried out one request and charged for it")
	} else {
		require.Error(t, err, "this request was not carried out, and Buy reports success: it was sent again or its answer was guessed")
		assert.Zero(t, paid, "StandIn.Payments after the first purchase")
	}
	if err != nil {
		assert.Equal(t, how != Refused, fault.From(err).OutcomeUnknown, "only the seller's own document says that nothing was bought (rules BUY-12): %v", err)
	}
	if paid == 1 && p.Kind == seller.KindRenew {
		s.findsRenewal(t, before)
	}
}

// findsRenewal checks that the snapshot has the renewal that was paid since, as the search for a lost one requires.
func (s *session) findsRenewal(t *testing.T, before seller.OrderSnapshot) {
	t.Helper()
	after, err := s.OrderSnapshot(t.Context())
	require.NoError(t, err)
	at := slices.IndexFunc(after.Orders, func(o seller.OrderSummary) bool { return o.ID > before.Highest })
	require.GreaterOrEqual(t, at, 0, "the snapshot lacks the renewal (rules BUY-4)")
	s.isPaid(t, after.Orders[at], seller.StateRenewal)
}
