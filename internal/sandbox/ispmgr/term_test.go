package ispmgr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// A term of two years has several certificates; each ends at the limit of its day
// or with the term (docs/reference/validity.md §A1.1).
func TestATermIsManyCertificates(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com", "period", "24")
	for _, step := range []struct{ at, ends string }{
		{"2026-10-10", "2027-04-26"}, {"2027-04-20", "2027-07-27"}, {"2028-03-01", "2028-04-02"},
	} {
		s.moveTo(day(step.at))
		s.ok("certificate.reissue", "elid", id, "crt_type", "exists", "csr", standintest.CSR(t, "example.com"), "sok", "ok",
			"adm_fname", "Jo", "adm_lname", "Doe", "adm_email", "jo@example.com", "adm_phone", "1", "tech_fname", "Jo", "tech_lname", "Doe", "tech_email", "jo@example.com", "tech_phone", "1")
		require.NoError(t, s.Issue(standintest.Number(t, id)))
		assert.Equal(t, step.ends, s.certificate(id).NotAfter.Format(time.DateOnly), step.at)
	}
	assert.Len(t, s.certificate(id).Serials, 4)
	assert.Len(t, s.Charges(), 1)
	assert.Equal(t, "2028-04-02", s.ok("certificate.edit", "elid", id).root.Text("expiredate"))
	s.moveTo(day("2028-04-03"))
	assert.Equal(t, "3", s.ok("certificate").root.First("elem", "item_status").Attr("orig"), "the term is over")
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
	assert.Equal(t, []string{"generate", "exists"}, keysOf(form, "crt_type"))
	assert.Equal(t, strings.TrimSpace(old.CSR), form.Text("csr"))
	assert.Equal(t, "Jo", form.Text("adm_fname"))

	assert.Equal(t, "value csr", s.call("certificate.reissue", again(standintest.CSR(t, "example.org"), "elid", id)...).problem(), "another name")
	csr := standintest.CSR(t, "example.com")
	s.ok("certificate.reissue", again(csr, "elid", id)...)
	running := s.certificate(id)
	assert.Equal(t, ispmgr.Processing, running.Status)
	assert.Equal(t, ispmgr.Requested, running.ServiceStatus)
	assert.Equal(t, "auth_dnscname", running.Method, "as ordered")
	assert.Equal(t, strings.TrimSpace(old.Certificate), s.ok("certificate.edit", "elid", id).root.Text("crt"), "shown until the next one is there")
	assert.Equal(t, "value elid", s.call("certificate.reissue", "elid", id).problem(), "one is running")

	require.NoError(t, s.Prove(standintest.Number(t, id)))
	assert.Equal(t, strings.TrimSpace(csr), strings.TrimSpace(s.certificate(id).CSR))
	assert.NotEqual(t, old.Serial, s.certificate(id).Serial)
	assert.Len(t, s.Charges(), 1, "a reissue costs nothing")
}

func TestAReissueInTwoSteps(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.ReissueStep = true })
	id := s.issued("example.com")
	assert.Equal(t, "wizard_unavailable", s.call("certificate.reissue.param", "elid", id).problem())
	csr := standintest.CSR(t, "example.com")
	second := s.ok("certificate.reissue", "elid", id, "crt_type", "exists", "csr", csr, "sok", "ok", "snext", "ok").root
	assert.Equal(t, "certificate.reissue.param", second.Attr("func"))
	assert.Equal(t, strings.TrimSpace(csr), second.Text("csr"))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
	s.ok("certificate.reissue.param", again(csr, "elid", id, "approver_method", "auth_http")...)
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	edit := s.ok("certificate.edit", "elid", id).root
	assert.Contains(t, edit.Text("auth_http_name"), "http://example.com/.well-known/pki-validation/")
}

func TestAReissueMayNotAddNamesThatAreNotPaid(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com", "pricelist", "27648", "altname", "a.example.com")
	csr := standintest.CSR(t, "example.com")
	assert.Equal(t, "value altname", s.call("certificate.reissue", again(csr, "elid", id, "altname", "a.example.com b.example.com c.example.com")...).problem())
	s.ok("certificate.reissue", again(csr, "elid", id, "altname", "b.example.com")...)
	assert.Equal(t, "b.example.com", s.certificate(id).Domains[1].Name)
}
