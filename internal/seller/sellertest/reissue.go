package sellertest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func reissueRules() []rule {
	reissues := is[seller.Reissuer]
	return []rule{
		{name: "a reissue is free and has the new key", has: reissues, run: reissueHasNewKey},
		{name: "a reissue whose answer is lost is sent once", has: reissues, run: func(t *testing.T, s *session) { reissueIsSentOnce(t, s, AnswerLost) }},
		{name: "a reissue that is not carried out is sent once", has: reissues, run: func(t *testing.T, s *session) { reissueIsSentOnce(t, s, NotCarriedOut) }},
		{name: "a reissue behind a gateway's error is sent once", has: reissues, run: func(t *testing.T, s *session) { reissueIsSentOnce(t, s, GatewayErrorToo) }},
		{name: "a refused reissue keeps the certificate", has: reissues, run: refusedReissue},
	}
}

func reissueHasNewKey(t *testing.T, s *session) {
	old := s.request(t, "reissue.example", "auth_dnstxt")
	id := s.issued(t, old)
	r := s.request(t, "reissue.example", "auth_dnstxt")
	next, _, err := s.Seller.(seller.Reissuer).Reissue(t.Context(), id, r)
	require.NoError(t, err, "Reissue of the issued order %d, method %s", id, r.Method)
	if is[seller.ReissueFinder](s.Seller) {
		assert.Greater(t, next, id, "each reissue has an id of its own")
	} else {
		assert.Equal(t, id, next, "the reissue keeps the id")
	}
	s.at.Issue(next)
	s.holds(t, next, r)
	assert.Equal(t, 1, s.at.Payments(), "a reissue costs nothing")
	assert.Equal(t, 1, s.at.Count(Reissue), "Reissue is sent once")
}

func reissueIsSentOnce(t *testing.T, s *session, how Failure) {
	id := s.issued(t, s.request(t, "again.example", "auth_dnstxt"))
	r := s.request(t, "again.example", "auth_dnstxt")
	s.at.Fail(Reissue, how)
	next, _, err := s.Seller.(seller.Reissuer).Reissue(t.Context(), id, r)
	assert.Equal(t, 1, s.at.Count(Reissue), "the result of a reissue is looked up, the request is not repeated")
	if err != nil {
		assert.True(t, fault.From(err).OutcomeUnknown, "the certificate may have been reissued: %v", err)
		assert.True(t, fault.From(err).Retry, "a later run looks: %v", err)
		next = s.lostReissue(t, id, r, how)
	} else {
		assert.True(t, how.carriedOut(), "the authority got no request, and Reissue reports success")
	}
	if how.carriedOut() {
		s.at.Issue(next)
		s.holds(t, next, r)
	}
}

// lostReissue returns the id of a reissue whose answer was lost, found as the engines do; the order's own id if there
// is none.
func (s *session) lostReissue(t *testing.T, id int64, r seller.Request, how Failure) int64 {
	t.Helper()
	finder, ok := s.Seller.(seller.ReissueFinder)
	if !ok {
		return id
	}
	found, err := finder.FindReissues(t.Context(), id, r.CSR.CommonName)
	require.NoError(t, err)
	if !how.carriedOut() {
		assert.Empty(t, found, "FindReissues: no reissue was made")
		return id
	}
	require.Len(t, found, 1, "FindReissues: one reissue was made")
	return found[0]
}

func refusedReissue(t *testing.T, s *session) {
	old := s.request(t, "kept.example", "auth_dnstxt")
	id := s.issued(t, old)
	s.at.Fail(Reissue, Refused)
	_, _, err := s.Seller.(seller.Reissuer).Reissue(t.Context(), id, s.request(t, "kept.example", "auth_dnstxt"))
	require.Error(t, err, "the seller refused the reissue, and Reissue reports success")
	assert.False(t, fault.From(err).OutcomeUnknown, "the seller's own refusal is certain: %v", err)
	assert.Equal(t, 1, s.at.Count(Reissue), "Reissue is sent once")
	s.holds(t, id, old)
}
