package sellertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func optionalRules() []rule {
	return []rule{
		{name: "an order reference is of one panel and one item", has: is[seller.OrderReferencer], run: orderReference},
		{name: "an order is validated without a request", has: is[seller.OrderValidator], run: validatesWithoutRequest},
		{name: "approvers are addresses", has: is[seller.ApproverLister], run: approversAreAddresses},
		{name: "a purchase lowers the balance", has: is[seller.BalanceReporter], run: balanceFalls},
		{name: "a price has a currency", has: is[seller.Pricer], run: priceHasCurrency},
		{name: "offers hold the product and its price", has: is[seller.PriceLister], run: offersHoldProduct},
		{name: "the catalogue holds the product", has: is[seller.Cataloguer], run: catalogueHoldsProduct},
		{name: "charges hold a purchase", has: is[seller.ChargeLister], run: chargesHoldPurchase},
		{name: "certificates hold what was issued", has: is[seller.CertificateLister], run: certificatesHoldIssued},
		{name: "the cached status does not contradict the status", has: is[seller.StatusCache], run: cachedStatusAgrees},
		{name: "a challenge is validated again", has: is[seller.ChallengeRetrier], run: challengeIsRetried},
		{name: "e-mails to approvers are sent again", has: is[seller.ApprovalSender], run: approvalIsSent},
		{name: "the method changes", has: is[seller.MethodChanger], run: methodChanges},
		{name: "an order is cancelled or left to the administrator", has: is[seller.Canceller], run: cancels},
		{name: "a replaced certificate is revoked or left to the administrator", has: is[seller.Revoker], run: revokes},
		{name: "the seller stops renewing by itself", has: is[seller.RenewalStopper], run: stopsRenewal},
		{name: "the calls that were made are counted", has: is[seller.UsageReporter], run: callsAreCounted},
		{name: "a probe only reads", has: is[seller.Prober], run: probeOnlyReads},
	}
}

func callsAreCounted(t *testing.T, s *session) {
	reporter := s.Seller.(seller.UsageReporter)
	used := func() int {
		all, err := reporter.CallsUsed()
		require.NoError(t, err)
		most := 0
		for _, usage := range all {
			assert.NotEmpty(t, usage.Span)
			assert.LessOrEqual(t, usage.Reads, usage.Limit)
			most = max(most, usage.Used)
		}
		return most
	}
	before := used()
	require.NoError(t, s.Seller.Check(t.Context()))
	after := used()
	assert.Equal(t, after, used(), "reading the usage is no call")
	if all, _ := reporter.CallsUsed(); len(all) > 0 {
		assert.Greater(t, after, before)
	}
}

func orderReference(t *testing.T, s *session) {
	of := s.Seller.(seller.OrderReferencer).OrderRef
	assert.NotEmpty(t, of("panel-1", 42))
	assert.Equal(t, of("panel-1", 42), of("panel-1", 42))
	assert.NotEqual(t, of("panel-1", 42), of("panel-1", 43))
	assert.NotEqual(t, of("panel-1", 42), of("panel-2", 42))
}

func validatesWithoutRequest(t *testing.T, s *session) {
	r := s.request(t, "valid.example", "auth_dnstxt")
	require.NoError(t, s.Seller.(seller.OrderValidator).ValidateOrder(r))
	prototype, ok := s.info.Prototype.(seller.OrderValidator)
	require.True(t, ok)
	require.NoError(t, prototype.ValidateOrder(r), "the prototype has no connection and validates as well")
}

func approversAreAddresses(t *testing.T, s *session) {
	found, err := s.Seller.(seller.ApproverLister).Approvers(t.Context(), "approver.example", s.product(t))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, address := range found {
		assert.True(t, strings.HasSuffix(address, "@approver.example"), address)
	}
	assert.Zero(t, s.at.Payments())
}

func balanceFalls(t *testing.T, s *session) {
	before := s.balance(t)
	s.buy(t, s.request(t, "balance.example", "auth_dnstxt"))
	after := s.balance(t)
	assert.Less(t, after.Amount, before.Amount, "the stand-in charges its account for a purchase, and Balance shows it")
	assert.Equal(t, before.Currency, after.Currency, "Money.Currency")
}

func (s *session) balance(t *testing.T) seller.Money {
	t.Helper()
	money, err := s.Seller.(seller.BalanceReporter).Balance(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, money.Currency)
	assert.NotEmpty(t, money.Text)
	return money
}

func chargesHoldPurchase(t *testing.T, s *session) {
	first, last := cabforum.Date{Year: 2000, Month: time.January, Day: 1}, cabforum.Date{Year: 2100, Month: time.January, Day: 1}
	lister := s.Seller.(seller.ChargeLister)
	before, err := lister.Charges(t.Context(), first, last)
	require.NoError(t, err)
	s.buy(t, s.request(t, "charged.example", "auth_dnstxt"))
	after, err := lister.Charges(t.Context(), first, last)
	require.NoError(t, err)
	require.Len(t, after, len(before)+1, "a purchase is one charge")
	for _, charge := range after {
		assert.Positive(t, charge.ID)
		assert.False(t, charge.Date.IsZero())
		assert.False(t, charge.Unreadable, charge.Amount.Text)
		assert.Positive(t, charge.Amount.Amount)
		assert.NotEmpty(t, charge.Amount.Currency)
	}
	none, err := lister.Charges(t.Context(), last, last)
	require.NoError(t, err)
	assert.Empty(t, none, "only those of the days")
}

func priceHasCurrency(t *testing.T, s *session) {
	p := s.purchase(t, s.request(t, "price.example", "auth_dnstxt"))
	price, known := s.Seller.(seller.Pricer).Price(t.Context(), p)
	require.True(t, known, "the stand-in has prices")
	assert.Positive(t, price.Amount)
	assert.NotEmpty(t, price.Currency)
	again, known := s.Seller.(seller.Pricer).Price(t.Context(), p)
	assert.True(t, known)
	assert.Equal(t, price, again)
	assert.Zero(t, s.at.Payments())
}

func offersHoldProduct(t *testing.T, s *session) {
	offers, err := s.Seller.(seller.PriceLister).Offers(t.Context())
	require.NoError(t, err)
	at := slices.IndexFunc(offers, func(o seller.Offer) bool { return o.Product.ID == s.subject.Product })
	require.GreaterOrEqual(t, at, 0)
	assert.True(t, slices.ContainsFunc(offers[at].Prices, func(p seller.Price) bool {
		return p.Months == s.subject.Months && p.Cost.Amount > 0
	}), "%+v", offers[at].Prices)
}

func catalogueHoldsProduct(t *testing.T, s *session) {
	products, err := s.Seller.(seller.Cataloguer).Catalogue(t.Context())
	require.NoError(t, err)
	_, found := seller.FindProduct(products, s.subject.Product)
	assert.True(t, found)
}

func certificatesHoldIssued(t *testing.T, s *session) {
	id := s.issued(t, s.request(t, "listed.example", "auth_dnstxt"))
	all, err := s.Seller.(seller.CertificateLister).Certificates(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, id, all[0].ID)
	assert.Equal(t, "listed.example", all[0].CommonName)
	assert.Equal(t, s.subject.Product, all[0].Template)
	assert.True(t, all[0].IssuanceUnknown || all[0].State == seller.StateIssued, "%s", all[0].State)
}

func cachedStatusAgrees(t *testing.T, s *session) {
	cache := s.Seller.(seller.StatusCache)
	waits := s.order(t, s.request(t, "waits.example", "auth_dnstxt"))
	state, known, err := cache.CachedStatus(t.Context(), waits)
	require.NoError(t, err)
	assert.True(t, known, "an order that waits is what the list is for")
	assert.Equal(t, s.status(t, waits).State, state)
	_, known, err = cache.CachedStatus(t.Context(), 987654321)
	require.NoError(t, err)
	assert.False(t, known)
}

func challengeIsRetried(t *testing.T, s *session) {
	r := s.request(t, "retry.example", "auth_dnstxt")
	id := s.order(t, r)
	_, err := s.Seller.(seller.ChallengeRetrier).RetryChallenge(t.Context(), id, r, "retry.example")
	require.NoError(t, err)
	assert.Equal(t, seller.StateWaiting, s.status(t, id).State)
}

func approvalIsSent(t *testing.T, s *session) {
	r := s.request(t, "mail.example", "auth_email")
	id := s.order(t, r)
	require.NoError(t, s.Seller.(seller.ApprovalSender).SendApproval(t.Context(), id, r, r.Emails))
}

func methodChanges(t *testing.T, s *session) {
	id := s.order(t, s.request(t, "method.example", "auth_dnstxt"))
	r := s.request(t, "method.example", "auth_http")
	_, err := s.Seller.(seller.MethodChanger).ChangeMethod(t.Context(), id, r)
	require.NoError(t, err)
	for _, one := range s.challenges(t, id, r) {
		assert.Equal(t, seller.MethodFile, one.Method)
	}
}

// leftToAdministrator checks an error of Cancel or Revoke: its text is shown to the administrator, and no run tries again.
func leftToAdministrator(t *testing.T, err error) {
	t.Helper()
	failure := fault.From(err)
	assert.Equal(t, fault.API, failure.Type, "%v", err)
	assert.False(t, failure.Retry, "%v", err)
	assert.NotEmpty(t, failure.Message)
}

func cancels(t *testing.T, s *session) {
	canceller := s.Seller.(seller.Canceller)
	id := s.issued(t, s.request(t, "close.example", "auth_dnstxt"))
	if err := canceller.Cancel(t.Context(), id); err != nil {
		leftToAdministrator(t, err)
		s.at.Cancel(id)
	}
	assert.Equal(t, seller.StateCancelled, s.status(t, id).State)
	require.NoError(t, canceller.Cancel(t.Context(), id), "an order that is gone already is no error")
}

func revokes(t *testing.T, s *session) {
	id := s.issued(t, s.request(t, "revoked.example", "auth_dnstxt"))
	r := s.request(t, "revoked.example", "auth_dnstxt")
	next, _, err := s.Seller.(seller.Reissuer).Reissue(t.Context(), id, r)
	require.NoError(t, err)
	s.at.Issue(next)
	if err := s.Seller.(seller.Revoker).Revoke(t.Context(), id); err != nil {
		leftToAdministrator(t, err)
	}
	s.holds(t, next, r)
}

func stopsRenewal(t *testing.T, s *session) {
	id := s.issued(t, s.request(t, "stop.example", "auth_dnstxt"))
	require.NoError(t, s.Seller.(seller.RenewalStopper).StopRenewal(t.Context(), id))
	assert.False(t, s.status(t, id).AutoRenews, "both sides renewing would be paying twice")
}

func probeOnlyReads(t *testing.T, s *session) {
	findings, err := s.Seller.(seller.Prober).Probe(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, findings)
	for _, f := range findings {
		assert.NotEmpty(t, f.Title)
		s.hidesSecrets(t, strings.Join(f.Lines, "\n"))
	}
	assert.True(t, slices.ContainsFunc(findings, func(f seller.Finding) bool { return f.OK }))
	assert.Zero(t, s.at.Payments())
	assert.Zero(t, s.at.Count(Buy))
}
