package ispmgr_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestRefusals(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.RefusedDomains = []string{"bad.example"} })
	bad := s.certificate(s.buy("www.bad.example"))
	assert.Equal(t, ispmgr.Requested, bad.ServiceStatus, "only the name itself is refused")
	assert.Equal(t, ispmgr.Failed, s.certificate(s.buy("bad.example")).ServiceStatus)

	id := s.issued("example.com")
	s.ok("certificate.reissue", again(standintest.CSR(t, "example.com"), "elid", id)...)
	require.NoError(t, s.Refuse(standintest.Number(t, id), "Domain is blocked."))
	assert.Equal(t, "6", s.ok("certificate.edit", "elid", id).root.Text("service_status"))
	assert.NotEmpty(t, s.ok("certificate.edit", "elid", id).root.Text("crt"), "the old one is still there")
	assert.Equal(t, "value elid", s.call("certificate.reissue", "elid", s.buy("example.org")).problem(), "nothing was issued")
	require.ErrorContains(t, s.Refuse(standintest.Number(t, id), ""), "a running order is required")
	s.ok("certificate.reissue", again(standintest.CSR(t, "example.com"), "elid", id)...)
	require.NoError(t, s.Cancel(standintest.Number(t, id), "fraud"))
	assert.Equal(t, ispmgr.Deleted, s.certificate(id).Status)
}

func TestResetSubmitsARefusedOrderAgain(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com")
	require.ErrorContains(t, s.Reset(standintest.Number(t, id)), "6 is required")
	require.NoError(t, s.Refuse(standintest.Number(t, id), "no"))
	require.NoError(t, s.Reset(standintest.Number(t, id)))
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}

func TestOVWaitsForVetting(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com", "pricelist", "2026", "org_name", "Doe Ltd", "org_country", "182", "org_address", "1 Road", "org_city", "Town", "org_postcode", "1", "org_phone", "1")
	require.NoError(t, s.Prove(standintest.Number(t, id)))
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	require.NoError(t, s.Vet(standintest.Number(t, id)))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}

func TestActiveBeforeAnythingIsIssued(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.OpenAtOrder = true })
	s.buy("example.com")
	row := s.ok("certificate").root.First("elem")
	assert.Equal(t, "2 3", row.First("item_status").Attr("orig")+" "+row.Text("service_status"))
}

func TestValidationIsRepeated(t *testing.T) {
	s := newStandIn(t)
	dns := s.buy("example.com")
	mail := s.buy("example.org", "approver_method", "auth_email", "approver_email_1", "admin@example.org")
	assert.Equal(t, []string{"example.com"}, keysOf(s.ok("certificate.dv.dns", "elid", dns).root, "domain"))
	s.ok("certificate.dv.dns", "elid", dns, "domain", "example.com", "sok", "ok")
	assert.Equal(t, "value domain", s.call("certificate.dv.dns", "elid", dns, "domain", "example.net", "sok", "ok").problem())
	assert.Equal(t, "value elid", s.call("certificate.dv.dns", "elid", mail).problem())
	assert.Equal(t, "value elid", s.call("certificate.dv.email", "elid", dns).problem())

	assert.Equal(t, "value approver_email_1", s.call("certificate.dv.email", "elid", mail, "approver_email_1", "jo@example.org", "sok", "ok").problem())
	s.ok("certificate.dv.email", "elid", mail, "approver_email_1", "webmaster@example.org", "sok", "ok")
	edit := s.ok("certificate.edit", "elid", mail).root
	assert.Equal(t, "webmaster@example.org", edit.Text("approver_email"))
	assert.Empty(t, edit.All("auth_email_value"))

	s.ok("certificate.edit", "elid", mail, "approver_method", "auth_dnstxt", "sok", "ok")
	assert.NotEmpty(t, s.ok("certificate.edit", "elid", mail).root.Text("auth_dnstxt_value"))
	assert.Equal(t, "admin@example.org", s.ok("certificate.approver", "domain", "example.org").root.Text("elem", "email"))
	assert.Len(t, s.ok("certificate.approver", "elid", dns).root.All("elem"), 5)
	assert.Equal(t, "value domain", s.call("certificate.approver", "domain", "localhost").problem())
}

// An authority takes no value a second time.
func TestAReissueForTheSameCSRGetsNewValuesToPublish(t *testing.T) {
	for _, method := range []string{"auth_dnscname", "auth_dnstxt", "auth_http"} {
		s := newStandIn(t)
		id := s.buy("example.com", "approver_method", method)
		value := func() string { return s.ok("certificate.edit", "elid", id).root.Text(method + "_value") }
		first := value()
		require.NotEmpty(t, first, method)
		require.NoError(t, s.Issue(standintest.Number(t, id)))
		s.moveTo(today.AddDate(0, 0, 190))
		s.ok("certificate.reissue", again(s.certificate(id).CSR, "elid", id, "approver_method", method)...)
		assert.NotEqual(t, first, value(), method)
	}
}

func TestChallengesMayBeHidden(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.HideChallenges = true })
	edit := s.ok("certificate.edit", "elid", s.buy("example.com")).root
	assert.Empty(t, edit.All("auth_dnscname_value"))
	assert.Empty(t, edit.All("domains_list"))
}
