package namecheap_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// shapeCase makes the stand-in give the answer that a fixture shows.
type shapeCase struct {
	settings func(*namecheap.Settings)
	answer   func(*standIn) reply
	// more are paths of the answer that the fixture does not have, each with its
	// reason at the case.
	more []string
}

const resultPath = "/ApiResponse/CommandResponse"

// shapeCases returns the cases by the name of the fixture.
func shapeCases() map[string]shapeCase {
	documented := func(c *namecheap.Settings) { c.Undocumented = false }
	info := func(id func(*standIn) string, pairs ...string) func(*standIn) reply {
		return func(s *standIn) reply {
			return s.call("ssl.getInfo", append([]string{"CertificateID", id(s)}, pairs...)...)
		}
	}
	active := func(s *standIn) string {
		return s.issued("PositiveSSL", "example.com", "AdminEmailAddress", "admin@example.com")
	}
	details := resultPath + "/SSLGetInfoResult/CertificateDetails"
	return map[string]shapeCase{
		"error_bad_api_key":        {answer: func(s *standIn) reply { return s.call("ssl.getList", "ApiKey", "x") }},
		"error_invalid_request_ip": {answer: unlisted},
		"ssl_activate_dns":         {answer: func(s *standIn) reply { return activate(s, "PositiveSSL", "DNSDCValidation", "true") }},
		"ssl_activate_http":        {answer: func(s *standIn) reply { return activate(s, "PositiveSSL", "HTTPDCValidation", "true") }},
		"ssl_activate_email":       {answer: func(s *standIn) reply { return activate(s, "PositiveSSL", "ApproverEmail", "admin@example.com") }},
		"ssl_activate_http_and_dns": {answer: func(s *standIn) reply {
			return activate(s, "PositiveSSL Multi Domain", "ApproverEmail", "HTTPCSRHASH", "DNSNames", "a.example.com", "DNSApproverEmails", "CNAMECSRHASH")
		}},
		"ssl_create_ok": {answer: func(s *standIn) reply { return s.call("ssl.create", "Type", "Multi Domain SSL", "Years", "2") }},
		"ssl_create_ok_replaced_product": {
			settings: func(c *namecheap.Settings) { c.Replacement = namecheap.ReplacementOn },
			answer:   func(s *standIn) reply { return s.call("ssl.create", "Type", "PositiveSSL", "Years", "1") },
		},
		"ssl_editdcvmethod_single": {answer: func(s *standIn) reply {
			return s.call("ssl.editDCVMethod", "CertificateID", s.activated("PositiveSSL", "example.com"), "DCVMethod", "HTTP_CSR_HASH")
		}},
		"ssl_editdcvmethod_multi": {answer: func(s *standIn) reply {
			id := s.activated("PositiveSSL Multi Domain", "example.com", "DNSNames", "example.net")
			return s.call("ssl.editDCVMethod", "CertificateID", id, "DNSNames", "example.net", "DCVMethods", "HTTP_CSR_HASH")
		}},
		"ssl_getapproveremaillist": { // the documentation's example is older than Warnings
			settings: func(c *namecheap.Settings) { c.DomainEmails = true },
			answer: func(s *standIn) reply {
				return s.call("ssl.getApproverEmailList", "DomainName", "domain.com", "CertificateType", "PositiveSSL")
			},
			more: []string{"/ApiResponse/Warnings"},
		},
		"ssl_getinfo_active_2026_attrs": {answer: info(active, "Returncertificate", "true", "Returntype", "Individual")},
		"ssl_getinfo_active_individual": {settings: documented, answer: info(active, "Returncertificate", "true", "Returntype", "Individual")},
		"ssl_getinfo_active_pkcs7": { // inferred from a client that reads no more than this; the stand-in keeps the other details
			answer: info(active, "Returncertificate", "true", "Returntype", "PKCS7"),
			more: []string{details + "/CSR", details + "/ApproverEmail", details + "/AdministratorName", details + "/AdministratorEmail",
				resultPath + "/SSLGetInfoResult@validationType"},
		},
		"ssl_getinfo_error_unknown_id": {answer: func(s *standIn) reply { return s.call("ssl.getInfo", "CertificateID", unusedID) }},
		"ssl_getinfo_newpurchase":      {answer: info(func(s *standIn) string { return s.buy("PositiveSSL") })},
		"ssl_getinfo_purchased": { // validationType is known of active ones only; the stand-in shows it once it is chosen
			answer: info(func(s *standIn) string { return s.activated("PositiveSSL", "example.com") }),
			more:   []string{resultPath + "/SSLGetInfoResult@validationType"},
		},
		"ssl_getinfo_replaced": { // inferred; without Returncertificate the stand-in says that none is returned, as for active ones
			answer: info(func(s *standIn) string { old, _ := s.reissued(); return old }),
			more: []string{details + "/Certificates", details + "/Certificates@CertificateReturned", details + "/Certificates@ReturnType",
				resultPath + "/SSLGetInfoResult@validationType"},
		},
		"ssl_getlist_doc": { // older than Warnings
			settings: documented,
			answer:   func(s *standIn) reply { active(s); return s.call("ssl.getList") },
			more:     []string{"/ApiResponse/Warnings"},
		},
		"ssl_getlist_empty":      {answer: func(s *standIn) reply { return s.call("ssl.getList") }},
		"ssl_getlist_live_attrs": {answer: func(s *standIn) reply { active(s); return s.call("ssl.getList") }},
		"ssl_parsecsr":           {answer: func(s *standIn) reply { return s.call("ssl.parseCSR", "csr", standintest.CSR(s.t, "example.com")) }},
		"ssl_purchasemoresans": {answer: func(s *standIn) reply {
			return s.call("ssl.purchasemoresans", "CertificateID", s.buy("PositiveSSL Multi Domain"), "NumberOfSANSToAdd", "1")
		}},
		"ssl_reissue_dns": {answer: func(s *standIn) reply { _, answer := s.reissued(); return answer }},
		"ssl_renew": {answer: func(s *standIn) reply {
			id := active(s)
			s.moveTo(today.AddDate(0, 0, 300))
			return s.call("ssl.renew", "CertificateID", id, "Years", "1", "SSLType", "PositiveSSL")
		}},
		"ssl_resendapproveremail": {answer: func(s *standIn) reply {
			return s.call("ssl.resendApproverEmail", "CertificateID", s.activated("PositiveSSL", "example.com"))
		}},
		"ssl_resendfulfillmentemail": {answer: func(s *standIn) reply { return s.call("ssl.resendfulfillmentemail", "CertificateID", active(s)) }},
		"ssl_revokecertificate": {answer: func(s *standIn) reply {
			old, _ := s.reissued()
			return s.call("ssl.revokecertificate", "CertificateID", old, "CertificateType", "PositiveSSL")
		}},
		"users_getbalances":    {answer: func(s *standIn) reply { return s.call("users.getBalances") }},
		"users_getpricing_ssl": {answer: func(s *standIn) reply { return s.call("users.getPricing", "ProductType", "SSLCERTIFICATE") }},
	}
}

// notServed returns the fixtures of commands that the stand-in does not have.
func notServed() []string { return []string{"error_with_partial_result_legacy_backend"} }

func activate(s *standIn, kind string, pairs ...string) reply {
	return s.call("ssl.activate", append([]string{"CertificateID", s.buy(kind), "CSR", standintest.CSR(s.t, "example.com")}, pairs...)...)
}

// unlisted asks from an address that is not on the account's white list.
func unlisted(s *standIn) reply {
	account := namecheap.DefaultAccount()
	account.WhiteList = []string{"203.0.113.7"}
	require.NoError(s.t, s.PutAccount(account))
	return s.call("ssl.getList")
}

// reissued reissues a certificate and returns its old id and the answer.
func (s *standIn) reissued() (old string, answer reply) {
	s.t.Helper()
	old = s.issued("PositiveSSL", "example.com")
	return old, s.ok("ssl.reissue", "CertificateID", old, "CSR", standintest.CSR(s.t, "example.com"), "DNSDCValidation", "true")
}

func compareShape(t *testing.T, name string, fixture []string) {
	t.Helper()
	c, known := shapeCases()[name]
	require.True(t, known, "no case makes the answer of this fixture")
	s := newStandIn(t, func(settings *namecheap.Settings) {
		if c.settings != nil {
			c.settings(settings)
		}
	})
	got := standintest.Shape(c.answer(s).root)
	want := append(slices.Clone(fixture), c.more...)
	slices.Sort(want)
	assert.Equal(t, want, got)
}

func TestAnswersHaveTheKnownShapes(t *testing.T) {
	standintest.KnownShapes(t, len(shapeCases()), compareShape)
}

func TestAnswersHaveTheShapesOfTheFixtures(t *testing.T) {
	standintest.FixtureShapes(t, "namecheap", os.Getenv("CI") == "true", notServed(), compareShape)
}

// docs/reference/namecheap.md §0.6 and §3: values, not only names, as in the recordings.
func TestFormsOfValues(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("PositiveSSL", "example.com")
	s.moveTo(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	row := s.ok("ssl.getList").result("SSLListResult", "SSL")
	for name, want := range map[string]string{
		"CertificateID": id, "HostName": "example.com", "SSLType": "positivessl", "PurchaseDate": "04/02/2026",
		"ExpireDate": "10/17/2026", "ActivationExpireDate": "", "IsExpiredYN": "true", "Status": "active", "Years": "1",
	} {
		assert.Equal(t, want, row.Attr(name), name)
	}
	info := s.info(id)
	for name, want := range map[string]string{
		"Status": "active", "StatusDescription": "Certificate is Active.", "Type": "positivessl", "IssuedOn": "4/2/2026",
		"Expires": "10/17/2026", "ActivationExpireDate": "", "ReplacedBy": "0", "validationType": "dns", "SANSCount": "0",
	} {
		assert.Equal(t, want, info.Attr(name), name)
	}
	assert.Equal(t, "COMODO", info.First("Provider", "Name").Text())
	assert.Equal(t, row.Attr("ProviderOrderID"), info.First("Provider", "OrderID").Text())
}
