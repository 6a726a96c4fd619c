package namecheap_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// listed returns the code of the reason with which a leaf is on the list that it names; -1 if it is not there.
func (s *standIn) listed(leafPEM string) int {
	s.t.Helper()
	leaf := standintest.Certificate(s.t, leafPEM)
	where, err := url.Parse(leaf.CRLDistributionPoints[0])
	require.NoError(s.t, err)
	answer := httptest.NewRecorder()
	s.Repository().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, where.Path, nil))
	list, err := x509.ParseRevocationList(answer.Body.Bytes())
	require.NoError(s.t, err)
	for _, entry := range list.RevokedCertificateEntries {
		if entry.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
			return entry.ReasonCode
		}
	}
	return -1
}

func TestTheAuthorityRevokesWithoutTheOrder(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("PositiveSSL", "example.com")
	before := s.certificate(id)
	for i, reason := range []string{"certificateHold", "removeFromCRL", "privilegeWithdrawn"} {
		require.NoError(t, s.Revoke(standintest.Number(t, id), reason))
		assert.Equal(t, []int{6, -1, 9}[i], s.listed(before.Certificate), reason)
	}
	assert.Equal(t, before, s.certificate(id))
	assert.ErrorIs(t, s.Revoke(standintest.Number(t, id), "superseded"), ca.ErrRevoked)

	waiting := s.activated("PositiveSSL", "example.net")
	assert.ErrorContains(t, s.Revoke(standintest.Number(t, waiting), ""), "not issued")
	assert.ErrorIs(t, s.Revoke(5, ""), namecheap.ErrUnknown)
	assert.ErrorContains(t, s.Revoke(standintest.Number(t, id), "stolen"), "unknown reason")
	assert.Error(t, s.RevokeSerial("nothing", ""))
}

// A client, or support, ends what it no longer uses; docs/reference/namecheap.md §3.11.
func TestTheSellersOwnWaysRevokeToo(t *testing.T) {
	s := newStandIn(t)
	old := s.issued("PositiveSSL", "example.com")
	next := s.ok("ssl.reissue", "CertificateID", old, "CSR", standintest.CSR(t, "example.com"), "DNSDCValidation", "true").result("SSLReissueResult").Attr("ID")
	require.NoError(t, s.Issue(standintest.Number(t, next)))
	assert.Equal(t, -1, s.listed(s.certificate(old).Certificate), "a reissue revokes nothing")
	s.ok("ssl.revokeCertificate", "CertificateID", old, "CertificateType", "PositiveSSL")
	assert.Equal(t, ca.Superseded.Code(), s.listed(s.certificate(old).Certificate))
	assert.Equal(t, -1, s.listed(s.certificate(next).Certificate))

	require.NoError(t, s.Cancel(standintest.Number(t, next), "refund"))
	assert.Equal(t, ca.CessationOfOperation.Code(), s.listed(s.certificate(next).Certificate))
	require.NoError(t, s.Cancel(standintest.Number(t, next), "refund"), "again")
	require.NoError(t, s.Cancel(standintest.Number(t, s.activated("PositiveSSL", "example.net")), "refund"), "never issued")

	again := s.issued("PositiveSSL", "example.org")
	require.NoError(t, s.Revoke(standintest.Number(t, again), "keyCompromise"))
	require.NoError(t, s.Cancel(standintest.Number(t, again), "refund"))
	assert.Equal(t, ca.KeyCompromise.Code(), s.listed(s.certificate(again).Certificate), "the first reason stays")
}

func TestControlRevokesAndSpoilsLists(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	id := s.issued("PositiveSSL", "example.com")
	var list []ca.Revocation
	c.ok("GET", "/revocations", "", &list)
	assert.NotNil(t, list)
	assert.Empty(t, list)
	var shown namecheap.Certificate
	c.ok("POST", "/certificates/"+id+"/revoke", `{"reason":"keyCompromise"}`, &shown)
	assert.Equal(t, namecheap.Active, shown.Status)
	c.ok("POST", "/revocations", `{"serial":"1F:2E"}`, &list)
	assert.Equal(t, []ca.Revocation{
		{Serial: shown.Serial, Reason: ca.KeyCompromise, Time: today}, {Serial: "1f2e", Reason: ca.Unspecified, Time: today},
	}, list)
	status, text := c.do("POST", "/revocations", `{"serial":"1f2e"}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, text, "revoked already")

	var crl struct {
		URLs     []string       `json:"urls"`
		Fault    ca.Fault       `json:"fault"`
		Kinds    []string       `json:"kinds"`
		Requests map[string]int `json:"requests"`
	}
	c.ok("POST", "/crl/fault", `{"kind":"forged","times":2,"revoked":["1f2e"]}`, &crl)
	assert.Equal(t, ca.Fault{Kind: ca.FaultForged, Times: 2, Revoked: []string{"1f2e"}}, crl.Fault)
	assert.Equal(t, -1, s.listed(shown.Certificate), "the false list hides it")
	c.ok("GET", "/crl", "", &crl)
	assert.Equal(t, 1, crl.Fault.Times)
	assert.Len(t, crl.Requests, 1)
	assert.Equal(t, ca.CRLURLs(), crl.URLs)
	assert.Equal(t, ca.FaultKinds(), crl.Kinds)
	c.ok("DELETE", "/crl/fault", "", nil)
	assert.Equal(t, 1, s.listed(shown.Certificate))
	c.ok("DELETE", "/crl/requests", "", nil)
	assert.Empty(t, s.Repository().Requests())
	for _, body := range []string{`{"kind":"strange"}`, `{"kinds":"old"}`, fmt.Sprintf(`{"kind":%q}`, ca.FaultRedirect)} {
		status, _ := c.do("POST", "/crl/fault", body)
		assert.Equal(t, http.StatusBadRequest, status, body)
	}
}
