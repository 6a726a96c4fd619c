package namecheap_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const activated = `<SSLActivateResult ID="7" IsSuccess="true">
 <HttpDCValidation ValueAvailable="true">
  <DNS domain="example.com"><FileName><![CDATA[ABC.txt]]></FileName><FileContent><![CDATA[ SHA comodoca.com 5a95 ]]></FileContent></DNS>
  <DNS domain="example.net"><FileName>ABC.txt</FileName><FileContent><![CDATA[
SHA
ssl.com
5a95
]]></FileContent></DNS>
 </HttpDCValidation>
 <DNSDCValidation ValueAvailable="true">
  <DNS domain="Example.COM"><HostName><![CDATA[_ABC.example.com]]></HostName><Target><![CDATA[S1.S2.5a95.ssl.com]]></Target></DNS>
  <DNS domain="example.net"><HostName>
    _ABC.example.net </HostName><Target>S1.S2.5a95.ssl.com</Target></DNS>
 </DNSDCValidation>
</SSLActivateResult>`

func TestActivateSendsDocumentedParameters(t *testing.T) {
	for name, tc := range map[string]struct {
		request seller.Request
		form    url.Values
	}{
		"DNS":    {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), url.Values{"DNSDCValidation": {"true"}}},
		"file":   {request(t, "positivessl", "auth_http", "", "example.com"), url.Values{"HTTPDCValidation": {"true"}}},
		"e-mail": {request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"), url.Values{"ApproverEmail": {"admin@example.com"}}},
		"wildcard by e-mail": {request(t, "standard_wildcard_ssl", "", "admin@example.com", "*.example.com"),
			url.Values{"ApproverEmail": {"admin@example.com"}}},
		"names by DNS": {request(t, "san_certificate", "auth_dnstxt", "", "example.com", "a.example.com", "example.net"),
			url.Values{"ApproverEmail": {"CNAMECSRHASH"}, "DNSNames": {"a.example.com,example.net"}, "DNSApproverEmails": {"CNAMECSRHASH,CNAMECSRHASH"}}},
		"names by file": {request(t, "san_certificate", "auth_http", "", "example.com", "example.net"),
			url.Values{"ApproverEmail": {"HTTPCSRHASH"}, "DNSNames": {"example.net"}, "DNSApproverEmails": {"HTTPCSRHASH"}}},
		"names by e-mail": {request(t, "san_certificate", "auth_email", "admin@example.com, webmaster@example.net", "example.com", "example.net"),
			url.Values{"ApproverEmail": {"admin@example.com"}, "DNSNames": {"example.net"}, "DNSApproverEmails": {"webmaster@example.net"}}},
		"one approver for all": {request(t, "san_certificate", "auth_email", "admin@example.com", "example.com", "a.example.com", "b.example.com"),
			url.Values{"ApproverEmail": {"admin@example.com"}, "DNSNames": {"a.example.com,b.example.com"}, "DNSApproverEmails": {"admin@example.com,admin@example.com"}}},
		"multi-domain with one name": {request(t, "san_certificate", "auth_dnstxt", "", "example.com"), url.Values{"ApproverEmail": {"CNAMECSRHASH"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(activated)))
			_, err := s.Activate(t.Context(), 7, tc.request)
			require.NoError(t, err)
			tc.form.Set("Command", "namecheap.ssl.activate")
			tc.form.Set("CertificateID", "7")
			tc.form.Set("CSR", tc.request.CSR.PEM)
			tc.form.Set("WebServerType", "other")
			assert.Equal(t, []url.Values{tc.form}, s.sent())
		})
	}
}

// Namecheap mails the files to that address; without one it mails none (docs/reference/namecheap.md §3.2).
func TestAdminEmailAddress(t *testing.T) {
	for name, tc := range map[string]struct{ adm, tech, csr, want string }{
		"administrator":   {"a@example.com", "t@example.com", "c@example.com", "a@example.com"},
		"technician":      {" ", "t@example.com", "c@example.com", "t@example.com"},
		"not an address":  {"a&b", "", "c@example.com", "c@example.com"},
		"nobody is named": {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(activated)))
			r := request(t, "standard_ssl", "auth_dnstxt", "", "example.com")
			r.Params["adm_email"], r.Params["tech_email"], r.CSR.Email = tc.adm, tc.tech, tc.csr
			_, err := s.Activate(t.Context(), 7, r)
			require.NoError(t, err)
			assert.Equal(t, tc.want, s.asked[0].Get("AdminEmailAddress"))
			assert.Equal(t, tc.want != "", s.asked[0].Has("AdminEmailAddress"))
		})
	}
}

func TestActivateReturnsChallengesAsReceived(t *testing.T) {
	s := newStage(t, says(ok(activated)))
	challenges, err := s.Activate(t.Context(), 7, request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"))
	require.NoError(t, err)
	assert.Equal(t, []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodDNS, Host: "_ABC.example.com", Record: "CNAME", Target: "S1.S2.5a95.ssl.com"},
		{Domain: "example.net", Method: seller.MethodDNS, Host: "_ABC.example.net", Record: "CNAME", Target: "S1.S2.5a95.ssl.com"},
	}, challenges)
	challenges, err = s.Activate(t.Context(), 7, request(t, "san_certificate", "auth_http", "", "example.com", "example.net"))
	require.NoError(t, err)
	assert.Equal(t, []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodFile, URL: "http://example.com/.well-known/pki-validation/ABC.txt", Body: "SHA comodoca.com 5a95"},
		{Domain: "example.net", Method: seller.MethodFile, URL: "http://example.net/.well-known/pki-validation/ABC.txt", Body: "SHA\nssl.com\n5a95"},
	}, challenges, "the file's lines stay as they came")
	challenges, err = s.Activate(t.Context(), 7, request(t, "san_certificate", "", "admin@example.com,admin@example.net", "example.com", "example.net"))
	require.NoError(t, err)
	assert.Equal(t, []seller.Challenge{
		{Domain: "example.com", Method: seller.MethodEmail, Email: "admin@example.com"},
		{Domain: "example.net", Method: seller.MethodEmail, Email: "admin@example.net"},
	}, challenges)
}

// The activation was accepted: the missing values are requested again, the CSR is not sent again.
func TestActivationWithoutValuesIsNoError(t *testing.T) {
	for name, result := range map[string]string{
		"no blocks":    `<SSLActivateResult ID="7" IsSuccess="true"/>`,
		"false blocks": `<SSLActivateResult ID="7"><HttpDCValidation ValueAvailable="false"/><DNSDCValidation ValueAvailable="false"><HostName>x</HostName><Target>y</Target></DNSDCValidation></SSLActivateResult>`,
		"other method": `<SSLActivateResult ID="7"><HttpDCValidation ValueAvailable="true"><DNS domain="example.com"><FileName>a</FileName><FileContent>b</FileContent></DNS></HttpDCValidation></SSLActivateResult>`,
	} {
		s := newStage(t, says(ok(result)))
		challenges, err := s.Activate(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"))
		require.NoError(t, err, name)
		assert.Empty(t, challenges, name)
	}
}

func TestActivateIsSentOnce(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"dropped": drops, "500": status(500, ""), "405": status(405, ""), "cut off": says(ok(activated)[:300])} {
		s := newStage(t, answer)
		_, err := s.Activate(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"))
		failure := fault.From(err)
		require.NotNil(t, failure, name)
		assert.True(t, failure.Retry, name)
		assert.False(t, failure.OutcomeUnknown, "no money is at stake")
		assert.Len(t, s.asked, 1, name)
	}
}

func TestRefusedActivation(t *testing.T) {
	s := newStage(t, says(refusal("2011296", "The CSR provided is invalid")), says(ok(`<SSLActivateResult ID="7" IsSuccess="false"/>`)), says(ok(`<SSLActivateResult ID="8" IsSuccess="true"/>`)))
	r := request(t, "standard_ssl", "auth_dnstxt", "", "example.com")
	_, err := s.Activate(t.Context(), 7, r)
	assert.Equal(t, 2011296, requireFault(t, err, fault.API).Code)
	_, err = s.Activate(t.Context(), 7, r)
	requireFault(t, err, fault.API)
	_, err = s.Activate(t.Context(), 7, r)
	assert.Contains(t, requireFault(t, err, fault.Client).Message, "asked about the certificate 7 and answers about 8")
}

func TestActivateRefusesUnusableMethodsBeforeAnyRequest(t *testing.T) {
	wild := request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com")
	wild.Method = seller.MethodFile
	nobody := request(t, "standard_ssl", "auth_dnstxt", "", "example.com")
	nobody.Method = seller.MethodEmail
	short := request(t, "san_certificate", "", "a@example.com,b@example.com", "example.com", "a.example.com", "b.example.com")
	ov := request(t, "high_assurance_ssl", "auth_dnstxt", "", "example.com")
	unknown := request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com")
	unknown.Method = seller.MethodUnknown
	for name, r := range map[string]seller.Request{
		"wildcard by file": wild, "no approver": nobody, "too few approvers": short, "OV without an organisation": ov, "unknown method": unknown,
	} {
		s := newStage(t, says(ok(activated)))
		_, err := s.Activate(t.Context(), 7, r)
		require.Error(t, err, name)
		assert.Empty(t, s.asked, name)
	}
}
