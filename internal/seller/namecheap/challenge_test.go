package namecheap_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func edited(host, domains string) string {
	return ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="true">` +
		`<HttpDCValidation ValueAvailable="true"><FileName><![CDATA[ABC.txt]]></FileName><FileContent><![CDATA[SHA ssl.com 59a7]]></FileContent></HttpDCValidation>` +
		`<DNSDCValidation ValueAvailable="true"><HostName><![CDATA[` + host + `]]></HostName><Target><![CDATA[S1.S2.59a7.ssl.com]]></Target></DNSDCValidation>` +
		`<Domains>` + domains + `</Domains></SSLEditDCVMethodResult>`)
}

func TestChallengesSendsTheSameMethodAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		request seller.Request
		form    url.Values
	}{
		"DNS":           {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		"file":          {request(t, "standard_ssl", "auth_http", "", "example.com"), url.Values{"DCVMethod": {"HTTP_CSR_HASH"}}},
		"names by DNS":  {request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"), url.Values{"DNSNames": {"example.com,example.net"}, "DCVMethods": {"CNAME_CSR_HASH,CNAME_CSR_HASH"}}},
		"names by file": {request(t, "san_certificate", "auth_http", "", "example.com", "example.net"), url.Values{"DNSNames": {"example.com,example.net"}, "DCVMethods": {"HTTP_CSR_HASH,HTTP_CSR_HASH"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, drops, says(edited("_ABC.example.com", "")))
			challenges, err := s.Challenges(t.Context(), 7, tc.request)
			require.NoError(t, err)
			assert.Len(t, challenges, len(tc.request.AllNames()))
			tc.form.Set("Command", "namecheap.ssl.editDCVMethod")
			tc.form.Set("CertificateID", "7")
			assert.Equal(t, []url.Values{tc.form, tc.form}, s.sent(), "a lost answer is asked for again")
		})
	}
}

func TestChallengesReadsTheBareBlock(t *testing.T) {
	dns := func(domain, host string) seller.Challenge {
		return seller.Challenge{Domain: domain, Method: seller.MethodDNS, Host: host, Record: "CNAME", Target: "S1.S2.59a7.ssl.com"}
	}
	for name, tc := range map[string]struct {
		request seller.Request
		host    string
		want    []seller.Challenge
	}{
		"one name": {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "_ABC.example.com", []seller.Challenge{dns("example.com", "_ABC.example.com")}},
		"wildcard": {request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com"), "_ABC.Example.com", []seller.Challenge{dns("*.example.com", "_ABC.example.com")}},
		"several names": {request(t, "san_certificate", "auth_dnstxt", "", "www.example.com", "example.com", "example.net"), "_ABC.example.com",
			[]seller.Challenge{dns("www.example.com", "_ABC.www.example.com"), dns("example.com", "_ABC.example.com"), dns("example.net", "_ABC.example.net")}},
		"host of no name of ours": {request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"), "_ABC.elsewhere.org",
			[]seller.Challenge{dns("example.com", "_ABC.elsewhere.org")}},
		"host without a name": {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "_ABC", []seller.Challenge{dns("example.com", "_ABC")}},
		"no host":             {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(edited(tc.host, "")))
			challenges, err := s.Challenges(t.Context(), 7, tc.request)
			require.NoError(t, err)
			assert.Equal(t, tc.want, challenges)
		})
	}
	t.Run("file", func(t *testing.T) {
		s := newStage(t, says(edited("", "")))
		challenges, err := s.Challenges(t.Context(), 7, request(t, "san_certificate", "auth_http", "", "example.com", "example.net"))
		require.NoError(t, err)
		assert.Equal(t, []seller.Challenge{
			{Domain: "example.com", Method: seller.MethodFile, URL: "http://example.com/.well-known/pki-validation/ABC.txt", Body: "SHA ssl.com 59a7"},
			{Domain: "example.net", Method: seller.MethodFile, URL: "http://example.net/.well-known/pki-validation/ABC.txt", Body: "SHA ssl.com 59a7"},
		}, challenges)
	})
}

func TestChallengesFailsIfANameWasNotSet(t *testing.T) {
	s := newStage(t, says(edited("_ABC.example.com", `<Domains Name="example.com" IsSuccess="true"/><Domains Name="example.net" IsSuccess="false"/>`)))
	_, err := s.Challenges(t.Context(), 7, request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"))
	failure := requireFault(t, err, fault.API)
	assert.Contains(t, failure.Message, "example.net")
	assert.NotContains(t, failure.Message, "example.com")
}

func TestChallengesByEmailSendNoRequest(t *testing.T) {
	s := newStage(t, says(""))
	challenges, err := s.Challenges(t.Context(), 7, request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"))
	require.NoError(t, err)
	assert.Equal(t, []seller.Challenge{{Domain: "example.com", Method: seller.MethodEmail, Email: "admin@example.com"}}, challenges)
	assert.Empty(t, s.asked)
}

// A value that is not the name of a record or file is left out, because the client would publish it elsewhere. The activation
// stays accepted, and the values are requested again.
func TestUnpublishableValuesAreLeftOut(t *testing.T) {
	dns := request(t, "standard_ssl", "auth_dnstxt", "", "example.com")
	file := request(t, "standard_ssl", "auth_http", "", "example.com")
	record := func(domain, host, target string) string {
		return `<DNSDCValidation ValueAvailable="true"><DNS domain="` + domain + `"><HostName><![CDATA[` + host + `]]></HostName><Target><![CDATA[` + target + `]]></Target></DNS></DNSDCValidation>`
	}
	stored := func(domain, name string) string {
		return `<HttpDCValidation ValueAvailable="true"><DNS domain="` + domain + `"><FileName><![CDATA[` + name + `]]></FileName><FileContent>SHA ssl.com</FileContent></DNS></HttpDCValidation>`
	}
	const host, target = "_a.example.com", "b.ca.example"
	long := strings.Repeat("a", 64)
	for name, tc := range map[string]struct {
		request seller.Request
		block   string
		named   string
	}{
		"a blank in the host":       {dns, record("example.com", "_a.example.com evil", target), "the record's name"},
		"a line end in the host":    {dns, record("example.com", "_a\n.example.com", target), "the record's name"},
		"a quote in the host":       {dns, record("example.com", `_a".example.com`, target), "the record's name"},
		"a wildcard as the host":    {dns, record("example.com", "*.example.com", target), "the record's name"},
		"a masked key in the host":  {dns, record("example.com", key+".example.com", target), "the record's name"},
		"an empty label":            {dns, record("example.com", "_a..example.com", target), "the record's name"},
		"a long label":              {dns, record("example.com", long+".example.com", target), "the record's name"},
		"a long name":               {dns, record("example.com", strings.Repeat("a.", 127)+"example.com", target), "the record's name"},
		"a semicolon in the target": {dns, record("example.com", host, "b.ca.example;"), "the record's target"},
		"a zero-width space":        {dns, record("example.com", host, "b\u200b.ca.example"), "the record's target"},
		"a dollar in the target":    {dns, record("example.com", host, "$ORIGIN"), "the record's target"},
		"another script":            {dns, record("example.com", host, "b.ca.ex\u0430mple"), "the record's target"},
		"a path for a domain":       {dns, record("example.com/x", host, target), "the domain"},
		"a path":                    {file, stored("example.com", "../../index.html"), "the file's name"},
		"a folder":                  {file, stored("example.com", "a/b.txt"), "the file's name"},
		"a backslash":               {file, stored("example.com", `a\b.txt`), "the file's name"},
		"a hidden file":             {file, stored("example.com", ".htaccess"), "the file's name"},
		"a blank in the file":       {file, stored("example.com", "a b.txt"), "the file's name"},
		"a query":                   {file, stored("example.com", "a.php?b=c"), "the file's name"},
		"an escape":                 {file, stored("example.com", "%2e%2e"), "the file's name"},
		"a host with a port":        {file, stored("example.com:8080", "a.txt"), "the domain"},
		"a host with a login":       {file, stored("user@example.com", "a.txt"), "the domain"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(`<SSLActivateResult ID="7" IsSuccess="true">`+tc.block+`</SSLActivateResult>`)))
			challenges, err := s.Activate(t.Context(), 7, tc.request)
			require.NoError(t, err)
			assert.Empty(t, challenges)
			assert.Contains(t, strings.Join(s.log.Tail(100), "\n"), "gives the certificate 7 "+tc.named)

			s = newStage(t, says(ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="true">`+tc.block+`</SSLEditDCVMethodResult>`)))
			_, err = s.Challenges(t.Context(), 7, tc.request)
			assert.Contains(t, requireFault(t, err, fault.API).Message, tc.named)
		})
	}
}

func TestUnpublishableValueDoesNotAffectOthers(t *testing.T) {
	s := newStage(t, says(ok(`<SSLActivateResult ID="7" IsSuccess="true"><DNSDCValidation ValueAvailable="true">`+
		`<DNS domain="example.com"><HostName>_a example.com</HostName><Target>b.ca.example</Target></DNS>`+
		`<DNS domain="BÜCHER.example"><HostName>_a.xn--bcher-kva.example.</HostName><Target>b.ca.example</Target></DNS></DNSDCValidation></SSLActivateResult>`)))
	challenges, err := s.Activate(t.Context(), 7, request(t, "san_certificate", "auth_dnstxt", "", "example.com", "xn--bcher-kva.example"))
	require.NoError(t, err)
	assert.Equal(t, []seller.Challenge{{Domain: "xn--bcher-kva.example", Method: seller.MethodDNS, Host: "_a.xn--bcher-kva.example.", Record: "CNAME", Target: "b.ca.example"}}, challenges)
}
