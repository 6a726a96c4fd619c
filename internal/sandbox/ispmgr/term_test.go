package ispmgr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// A term of two years is many certificates; each ends at the limit of its day
// or with the term (validity-and-subscription.md 1.1).
func TestATermIsManyCertificates(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com", "period", "24")
	for _, step := range []struct{ at, ends string }{
		{"2026-10-10", "2027-04-26"}, {"2027-04-20", "2027-07-27"}, {"2028-03-01", "2028-04-02"},
	} {
		s.moveTo(day(step.at))
		s.ok("certificate.reissue", "elid", id, "crt_type", "exists", "csr", csrFor(t, "example.com"), "sok", "ok",
			"adm_fname", "Jo", "adm_lname", "Doe", "adm_email", "jo@example.com", "adm_phone", "1", "tech_fname", "Jo", "tech_lname", "Doe", "tech_email", "jo@example.com", "tech_phone", "1")
		require.NoError(t, s.Issue(number(t, id)))
		assert.Equal(t, step.ends, s.certificate(id).NotAfter.Format(time.DateOnly), step.at)
	}
	assert.Len(t, s.certificate(id).Serials, 4)
	assert.Len(t, s.Charges(), 1)
	assert.Equal(t, "2028-04-02", s.ok("certificate.edit", "elid", id).root.text("expiredate"))
	s.moveTo(day("2028-04-03"))
	assert.Equal(t, "3", s.ok("certificate").root.first("elem", "item_status").attr("orig"), "the term is over")
	assert.Equal(t, "value elid", s.call("certificate.reissue", "elid", id).problem())
}

func again(csr string, pairs ...string) []string {
	return append([]string{"crt_type", "exists", "csr", csr, "sok", "ok", "adm_fname", "Jo", "adm_lname", "Doe", "adm_email", "jo@example.com",
		"adm_phone", "1", "tech_fname", "Jo", "tech_lname", "Doe", "tech_email", "jo@example.com", "tech_phone", "1"}, pairs...)
}

func TestAReissueIsInPlace(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com")
	old := s.certificate(id)
	form := s.ok("certificate.reissue", "elid", id).root
	assert.Equal(t, []string{"generate", "exists"}, form.keys("crt_type"))
	assert.Equal(t, strings.TrimSpace(old.CSR), form.text("csr"))
	assert.Equal(t, "Jo", form.text("adm_fname"))

	assert.Equal(t, "value csr", s.call("certificate.reissue", again(csrFor(t, "example.org"), "elid", id)...).problem(), "another name")
	csr := csrFor(t, "example.com")
	s.ok("certificate.reissue", again(csr, "elid", id)...)
	running := s.certificate(id)
	assert.Equal(t, ispmgr.Processing, running.Status)
	assert.Equal(t, ispmgr.Requested, running.ServiceStatus)
	assert.Equal(t, "auth_dnscname", running.Method, "as ordered")
	assert.Equal(t, strings.TrimSpace(old.Certificate), s.ok("certificate.edit", "elid", id).root.text("crt"), "shown until the next one is there")
	assert.Equal(t, "value elid", s.call("certificate.reissue", "elid", id).problem(), "one is running")

	require.NoError(t, s.Prove(number(t, id)))
	assert.Equal(t, strings.TrimSpace(csr), strings.TrimSpace(s.certificate(id).CSR))
	assert.NotEqual(t, old.Serial, s.certificate(id).Serial)
	assert.Len(t, s.Charges(), 1, "a reissue costs nothing")
}

func TestAReissueInTwoSteps(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.ReissueStep = true })
	id := s.issued("example.com")
	assert.Equal(t, "wizard_unavailable", s.call("certificate.reissue.param", "elid", id).problem())
	csr := csrFor(t, "example.com")
	second := s.ok("certificate.reissue", "elid", id, "crt_type", "exists", "csr", csr, "sok", "ok", "snext", "ok").root
	assert.Equal(t, "certificate.reissue.param", second.attr("func"))
	assert.Equal(t, strings.TrimSpace(csr), second.text("csr"))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
	s.ok("certificate.reissue.param", again(csr, "elid", id, "approver_method", "auth_http")...)
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	edit := s.ok("certificate.edit", "elid", id).root
	assert.Contains(t, edit.text("auth_http_name"), "http://example.com/.well-known/pki-validation/")
}

func TestAReissueMayNotAddNamesThatAreNotPaid(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com", "pricelist", "27648", "altname", "a.example.com")
	csr := csrFor(t, "example.com")
	assert.Equal(t, "value altname", s.call("certificate.reissue", again(csr, "elid", id, "altname", "a.example.com b.example.com c.example.com")...).problem())
	s.ok("certificate.reissue", again(csr, "elid", id, "altname", "b.example.com")...)
	assert.Equal(t, "b.example.com", s.certificate(id).Domains[1].Name)
}

func TestProlongMovesTheEndAndIsCharged(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com")
	s.moveTo(day("2027-03-20"))
	form := s.ok("service.prolong", "elid", id).root
	assert.Equal(t, "2027-04-02 2028-04-02", form.text("expiredate")+" "+form.text("newexpiredate"))
	assert.Equal(t, []string{"12", "24"}, form.keys("period"))
	assert.Equal(t, "value period", s.call("service.prolong", "elid", id, "period", "36", "sok", "ok").problem())
	assert.Equal(t, "value period", s.call("service.prolong", "elid", id, "sok", "ok").problem())

	r := s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok").root
	assert.Equal(t, "2028-04-02", r.text("doc", "newexpiredate"))
	assert.Equal(t, "982.00", s.balance())
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	require.NoError(t, s.Issue(number(t, id)))
	assert.Equal(t, "2027-06-26", s.certificate(id).NotAfter.Format(time.DateOnly), "99 days since 2027-03-15")

	s.ok("service.prolong", "elid", id, "period", "12", "sok", "ok")
	assert.Len(t, s.Charges(), 3, "it is not idempotent")
}

func TestProlongAboveTheBalance(t *testing.T) {
	for funds, want := range map[string]string{ispmgr.FundsError: "low_balance", ispmgr.FundsPaymentURL: "", ispmgr.FundsUnpaid: ""} {
		s := newStandIn(t, func(c *ispmgr.Settings) { c.Funds = funds })
		id := s.issued("example.com")
		s.setAccount(func(a *ispmgr.Account) { a.Balance = 1 })
		r := s.call("service.prolong", "elid", id, "period", "12", "sok", "ok")
		assert.Equal(t, want, r.problem(), funds)
		assert.Empty(t, r.root.all("doc", "newexpiredate"), funds)
		assert.Len(t, s.Charges(), 1, funds)
	}
}

func TestTheRemoteMayReissueByItself(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.OwnReissueDays, c.ReuseProof = 30, true })
	id := s.issued("example.com")
	s.moveTo(day("2026-09-16"))
	assert.Len(t, s.certificate(id).Serials, 1)
	s.moveTo(day("2026-09-18"))
	assert.Len(t, s.certificate(id).Serials, 2, "the proof counts again")
	s.moveTo(day("2027-04-01"))
	waiting := s.certificate(id)
	assert.Equal(t, ispmgr.Active, waiting.Status)
	assert.Equal(t, ispmgr.Requested, s.certificate(s.buy("example.org")).ServiceStatus)
	assert.Len(t, s.Charges(), 2)
}

func TestTheRemoteRenewsWhereItWasLeftOn(t *testing.T) {
	s := newStandIn(t)
	off, on := s.issued("off.example.com"), s.issued("on.example.com", "autoprolong", "")
	assert.Equal(t, "12", s.certificate(on).AutoProlong, "a client that says nothing is renewed")
	also := s.issued("also.example.com", "autoprolong", "12")
	s.ok("certificate.edit", "elid", also, "autoprolong", "null", "sok", "ok")
	assert.Equal(t, "value autoprolong", s.call("certificate.edit", "elid", also, "autoprolong", "7", "sok", "ok").problem())
	s.moveTo(day("2027-04-03"))
	assert.Equal(t, ispmgr.Suspended, s.certificate(off).Status)
	assert.Equal(t, ispmgr.Suspended, s.certificate(also).Status)
	assert.Equal(t, ispmgr.Processing, s.certificate(on).Status)
	charges := s.Charges()
	assert.Equal(t, "autoprolong", charges[len(charges)-1].Command)
}

func TestRefusals(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.RefusedDomains = []string{"bad.example"} })
	bad := s.certificate(s.buy("www.bad.example"))
	assert.Equal(t, ispmgr.Requested, bad.ServiceStatus, "only the name itself is refused")
	assert.Equal(t, ispmgr.Failed, s.certificate(s.buy("bad.example")).ServiceStatus)

	id := s.issued("example.com")
	s.ok("certificate.reissue", again(csrFor(t, "example.com"), "elid", id)...)
	require.NoError(t, s.Refuse(number(t, id), "Domain is blocked."))
	assert.Equal(t, "6", s.ok("certificate.edit", "elid", id).root.text("service_status"))
	assert.NotEmpty(t, s.ok("certificate.edit", "elid", id).root.text("crt"), "the old one is still there")
	require.ErrorContains(t, s.Refuse(number(t, id), ""), "needs a running order")
	s.ok("certificate.reissue", again(csrFor(t, "example.com"), "elid", id)...)
	require.NoError(t, s.Cancel(number(t, id), "fraud"))
	assert.Equal(t, ispmgr.Deleted, s.certificate(id).Status)
}

func TestASupportedResetRunsAgain(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com")
	require.ErrorContains(t, s.Reset(number(t, id)), "this needs 6")
	require.NoError(t, s.Refuse(number(t, id), "no"))
	require.NoError(t, s.Reset(number(t, id)))
	require.NoError(t, s.Issue(number(t, id)))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}

func TestVettingHoldsOrganisationsBack(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com", "pricelist", "2026", "org_name", "Doe Ltd", "org_country", "182", "org_address", "1 Road", "org_city", "Town", "org_postcode", "1", "org_phone", "1")
	require.NoError(t, s.Prove(number(t, id)))
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	require.NoError(t, s.Vet(number(t, id)))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}

func TestActiveBeforeAnythingIsIssued(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.OpenAtOrder = true })
	s.buy("example.com")
	row := s.ok("certificate").root.first("elem")
	assert.Equal(t, "2 3", row.first("item_status").attr("orig")+" "+row.text("service_status"))
}

func TestValidationIsRepeated(t *testing.T) {
	s := newStandIn(t)
	dns := s.buy("example.com")
	mail := s.buy("example.org", "approver_method", "auth_email", "approver_email_1", "admin@example.org")
	assert.Equal(t, []string{"example.com"}, s.ok("certificate.dv.dns", "elid", dns).root.keys("domain"))
	s.ok("certificate.dv.dns", "elid", dns, "domain", "example.com", "sok", "ok")
	assert.Equal(t, "value domain", s.call("certificate.dv.dns", "elid", dns, "domain", "example.net", "sok", "ok").problem())
	assert.Equal(t, "value elid", s.call("certificate.dv.dns", "elid", mail).problem())
	assert.Equal(t, "value elid", s.call("certificate.dv.email", "elid", dns).problem())

	assert.Equal(t, "value approver_email_1", s.call("certificate.dv.email", "elid", mail, "approver_email_1", "jo@example.org", "sok", "ok").problem())
	s.ok("certificate.dv.email", "elid", mail, "approver_email_1", "webmaster@example.org", "sok", "ok")
	edit := s.ok("certificate.edit", "elid", mail).root
	assert.Equal(t, "webmaster@example.org", edit.text("approver_email"))
	assert.Empty(t, edit.all("auth_email_value"))

	s.ok("certificate.edit", "elid", mail, "approver_method", "auth_dnstxt", "sok", "ok")
	assert.NotEmpty(t, s.ok("certificate.edit", "elid", mail).root.text("auth_dnstxt_value"))
	assert.Equal(t, "admin@example.org", s.ok("certificate.approver", "domain", "example.org").root.text("elem", "email"))
	assert.Len(t, s.ok("certificate.approver", "elid", dns).root.all("elem"), 5)
	assert.Equal(t, "value domain", s.call("certificate.approver", "domain", "localhost").problem())
}

func TestProofsMayBeHidden(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.HideProofs = true })
	edit := s.ok("certificate.edit", "elid", s.buy("example.com")).root
	assert.Empty(t, edit.all("auth_dnscname_value"))
	assert.Empty(t, edit.all("domains_list"))
}
