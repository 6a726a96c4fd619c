package ispmgr_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestTheAuthorityRevokesWithoutTheService(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com")
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	before := s.certificate(id)
	code, text := control(t, s, http.MethodPost, "/certificates/"+id+"/revoke", `{"reason":"affiliationChanged"}`)
	require.Equal(t, http.StatusOK, code, text)
	assert.Equal(t, before, s.certificate(id))
	list, err := s.Revocations()
	require.NoError(t, err)
	assert.Equal(t, []ca.Revocation{{Serial: before.Serial, Reason: ca.AffiliationChanged, Time: s.certificate(id).Created}}, list)
	assert.Contains(t, controlText(t, s, "/revocations"), before.Serial)
	assert.Contains(t, controlText(t, s, "/crl"), ca.CRLURLs()[0])
}

func TestADeletedServiceIsRevokedWithAllItsLeaves(t *testing.T) {
	for name, end := range map[string]func(s *standIn, id string){
		"by the client": func(s *standIn, id string) { s.ok("certificate.delete", "elid", id) },
		"by support":    func(s *standIn, id string) { require.NoError(t, s.Cancel(standintest.Number(t, id), "fraud")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t)
			id := s.buy("example.com")
			require.NoError(t, s.Issue(standintest.Number(t, id)))
			s.ok("certificate.reissue", "elid", id, "sok", "ok", "crt_type", "exists", "csr", standintest.CSR(t, "example.com"), "approver_method", "auth_dnscname",
				"adm_fname", "Jo", "adm_lname", "Doe", "adm_email", "jo@example.com", "adm_phone", "1", "tech_fname", "Jo", "tech_lname", "Doe",
				"tech_email", "jo@example.com", "tech_phone", "1")
			require.NoError(t, s.Issue(standintest.Number(t, id)))
			serials := s.certificate(id).Serials
			require.Len(t, serials, 2)
			list, err := s.Revocations()
			require.NoError(t, err)
			require.Empty(t, list, "a reissue revokes nothing")

			require.NoError(t, s.RevokeSerial(serials[1], "superseded"))
			end(s, id)
			list, err = s.Revocations()
			require.NoError(t, err)
			require.Len(t, list, 2)
			assert.Equal(t, ca.Superseded, list[0].Reason)
			assert.Equal(t, serials[0], list[1].Serial, "the earlier leaf too")
			assert.Equal(t, ca.CessationOfOperation, list[1].Reason)
		})
	}
}

func TestADeletedOrderWithoutACertificateRevokesNothing(t *testing.T) {
	s := newStandIn(t)
	s.ok("certificate.delete", "elid", s.buy("example.com"))
	list, err := s.Revocations()
	require.NoError(t, err)
	assert.Empty(t, list)
}
