package sellertest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func orderRules() []rule {
	return []rule{
		{name: "status follows an order to its certificate", run: statusFollowsOrder},
		{name: "status shows that the authority refused", run: statusShowsRefusal},
		{name: "status shows that the order was cancelled", run: statusShowsCancellation},
		{name: "status of an unknown id", run: statusOfUnknownID},
		{name: "challenges by DNS", run: challengesByDNS},
		{name: "challenges by file", run: challengesByFile},
		{name: "an activation is sent once", has: is[seller.Activator], run: activationIsSentOnce},
	}
}

func statusFollowsOrder(t *testing.T, s *session) {
	r := s.request(t, "status.example", "auth_dnstxt")
	id := s.buy(t, r)
	if activator, ok := s.Seller.(seller.Activator); ok {
		assert.True(t, s.status(t, id).State.Activatable(), "a paid order without CSR is StateNew or StateRenewal")
		_, err := activator.Activate(t.Context(), id, r)
		require.NoError(t, err, "Activate of the paid order %d, method %s", id, r.Method)
	}
	waiting := s.status(t, id)
	assert.Equal(t, seller.StateWaiting, waiting.State)
	assert.Empty(t, waiting.PEM)
	s.at.Issue(id)
	s.holds(t, id, r)
	assert.Equal(t, 1, s.at.Payments(), "reading costs nothing")
}

func statusShowsRefusal(t *testing.T, s *session) {
	id := s.order(t, s.request(t, "refusal.example", "auth_dnstxt"))
	s.at.Refuse(id)
	assert.Equal(t, seller.StateRefused, s.status(t, id).State)
}

func statusShowsCancellation(t *testing.T, s *session) {
	id := s.issued(t, s.request(t, "cancelled.example", "auth_dnstxt"))
	s.at.Cancel(id)
	assert.Equal(t, seller.StateCancelled, s.status(t, id).State)
}

func statusOfUnknownID(t *testing.T, s *session) {
	status, err := s.OrderStatus(t.Context(), 987654321)
	if err == nil { // a seller that removes deleted orders from its list cannot distinguish the two
		assert.Equal(t, seller.StateCancelled, status.State)
		return
	}
	failure := fault.From(err)
	assert.NotEqual(t, fault.Internal, failure.Type, "%v", err)
	assert.False(t, failure.Retry, "an unknown id stays unknown: no retry: %v", err)
	assert.False(t, failure.SellerFails(), "the seller works: %v", err)
}

func challengesByDNS(t *testing.T, s *session) {
	r := s.request(t, "dns.example", "auth_dnscname")
	id := s.order(t, r)
	first := s.challenges(t, id, r)
	for _, one := range first {
		assert.Equal(t, "dns.example", one.Domain)
		assert.Equal(t, seller.MethodDNS, one.Method)
		assert.Contains(t, one.Host, "dns.example")
		assert.Contains(t, []string{"CNAME", "TXT"}, one.Record)
		assert.NotEmpty(t, one.Target)
	}
	assert.Equal(t, first, s.challenges(t, id, r), "a second request returns the same")
	assert.Equal(t, seller.StateWaiting, s.status(t, id).State)
}

func challengesByFile(t *testing.T, s *session) {
	r := s.request(t, "file.example", "auth_http")
	id := s.order(t, r)
	for _, one := range s.challenges(t, id, r) {
		assert.Equal(t, seller.MethodFile, one.Method)
		assert.Contains(t, one.URL, "file.example")
		assert.NotEmpty(t, one.Body)
	}
}

// challenges returns what the client must publish, which must not be empty.
func (s *session) challenges(t *testing.T, id int64, r seller.Request) []seller.Challenge {
	t.Helper()
	found, err := s.Challenges(t.Context(), id, r)
	require.NoError(t, err)
	require.NotEmpty(t, found, "an order that waits has something to publish")
	return found
}

func activationIsSentOnce(t *testing.T, s *session) {
	r := s.request(t, "activation.example", "auth_dnstxt")
	id := s.buy(t, r)
	s.at.Fail(Activate, AnswerLost)
	_, err := s.Seller.(seller.Activator).Activate(t.Context(), id, r)
	require.Error(t, err, "the answer was lost, and Activate reports success")
	assert.True(t, fault.From(err).Retry, "the CSR may have been submitted, a later run looks: %v", err)
	assert.Equal(t, 1, s.at.Count(Activate), "Activate is sent once")
	assert.Equal(t, seller.StateWaiting, s.status(t, id).State, "the result is read from the seller")
	s.challenges(t, id, r)
}
