package namecheap_test

import (
	"net/url"
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func edited(host, domains string) string {
	return ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="true">` +
		`<HttpDCValidation ValueAvailable="true"><FileName><![CDATA[ABC.txt]]></FileName><FileContent><![CDATA[SHA ssl.com 59a7]]></FileContent></HttpDCValidation>` +
		`<DNSDCValidation ValueAvailable="true"><HostName><![CDATA[` + host + `]]></HostName><Target><![CDATA[S1.S2.59a7.ssl.com]]></Target></DNSDCValidation>` +
		`<Domains>` + domains + `</Domains></SSLEditDCVMethodResult>`)
}

func TestProofsAsksForTheSameMethodAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		request cert.Request
		form    url.Values
	}{
		"DNS":           {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		"file":          {request(t, "standard_ssl", "auth_http", "", "example.com"), url.Values{"DCVMethod": {"HTTP_CSR_HASH"}}},
		"names by DNS":  {request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"), url.Values{"DNSNames": {"example.com,example.net"}, "DCVMethods": {"CNAME_CSR_HASH,CNAME_CSR_HASH"}}},
		"names by file": {request(t, "san_certificate", "auth_http", "", "example.com", "example.net"), url.Values{"DNSNames": {"example.com,example.net"}, "DCVMethods": {"HTTP_CSR_HASH,HTTP_CSR_HASH"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, drops, says(edited("_ABC.example.com", "")))
			proofs, err := s.Proofs(t.Context(), 7, tc.request)
			require.NoError(t, err)
			assert.Len(t, proofs, len(tc.request.AllNames()))
			tc.form.Set("Command", "namecheap.ssl.editDCVMethod")
			tc.form.Set("CertificateID", "7")
			assert.Equal(t, []url.Values{tc.form, tc.form}, s.sent(), "a lost answer is asked for again")
		})
	}
}

func TestProofsReadsTheBareBlock(t *testing.T) {
	dns := func(domain, host string) cert.Proof {
		return cert.Proof{Domain: domain, Method: cert.MethodDNS, Host: host, Record: "CNAME", Target: "S1.S2.59a7.ssl.com"}
	}
	for name, tc := range map[string]struct {
		request cert.Request
		host    string
		want    []cert.Proof
	}{
		"one name": {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "_ABC.example.com", []cert.Proof{dns("example.com", "_ABC.example.com")}},
		"wildcard": {request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com"), "_ABC.Example.com", []cert.Proof{dns("*.example.com", "_ABC.example.com")}},
		"several names": {request(t, "san_certificate", "auth_dnstxt", "", "www.example.com", "example.com", "example.net"), "_ABC.example.com",
			[]cert.Proof{dns("www.example.com", "_ABC.www.example.com"), dns("example.com", "_ABC.example.com"), dns("example.net", "_ABC.example.net")}},
		"host of no name of ours": {request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"), "_ABC.elsewhere.org",
			[]cert.Proof{dns("example.com", "_ABC.elsewhere.org")}},
		"host without a name": {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "_ABC", []cert.Proof{dns("example.com", "_ABC")}},
		"no host":             {request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(edited(tc.host, "")))
			proofs, err := s.Proofs(t.Context(), 7, tc.request)
			require.NoError(t, err)
			assert.Equal(t, tc.want, proofs)
		})
	}
	t.Run("file", func(t *testing.T) {
		s := newStage(t, says(edited("", "")))
		proofs, err := s.Proofs(t.Context(), 7, request(t, "san_certificate", "auth_http", "", "example.com", "example.net"))
		require.NoError(t, err)
		assert.Equal(t, []cert.Proof{
			{Domain: "example.com", Method: cert.MethodFile, URL: "http://example.com/.well-known/pki-validation/ABC.txt", Body: "SHA ssl.com 59a7"},
			{Domain: "example.net", Method: cert.MethodFile, URL: "http://example.net/.well-known/pki-validation/ABC.txt", Body: "SHA ssl.com 59a7"},
		}, proofs)
	})
}

func TestANameThatWasNotSetIsAFault(t *testing.T) {
	s := newStage(t, says(edited("_ABC.example.com", `<Domains Name="example.com" IsSuccess="true"/><Domains Name="example.net" IsSuccess="false"/>`)))
	_, err := s.Proofs(t.Context(), 7, request(t, "san_certificate", "auth_dnstxt", "", "example.com", "example.net"))
	fault := requireFault(t, err, cert.FaultAPI)
	assert.Contains(t, fault.Value, "example.net")
	assert.NotContains(t, fault.Value, "example.com")
}

func TestProofByEmailNeedsNoRequest(t *testing.T) {
	s := newStage(t, says(""))
	proofs, err := s.Proofs(t.Context(), 7, request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"))
	require.NoError(t, err)
	assert.Equal(t, []cert.Proof{{Domain: "example.com", Method: cert.MethodEmail, Email: "admin@example.com"}}, proofs)
	assert.Empty(t, s.asked)
}
