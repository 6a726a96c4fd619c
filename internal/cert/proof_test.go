package cert_test

import (
	"strings"
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMethodOfEachApproverMethod(t *testing.T) {
	for word, want := range map[string]cert.Method{
		"": cert.MethodEmail, "auth_email": cert.MethodEmail, " AUTH_EMAIL ": cert.MethodEmail,
		"auth_dnstxt": cert.MethodDNS, "auth_dnscname": cert.MethodDNS, "auth_dns": cert.MethodDNS, "Auth_Dns": cert.MethodDNS,
		"auth_http": cert.MethodFile, "auth_https": cert.MethodFile, "auth_file": cert.MethodFile,
	} {
		got, err := cert.ParseMethod(word)
		require.NoError(t, err, word)
		assert.Equal(t, want, got, word)
	}
}

func TestUnknownMethodIsAFaultAndNoGuess(t *testing.T) {
	for _, word := range []string{"email", "dns", "auth", "auth_dns,auth_http", "auth_dns\x00", strings.Repeat("x", 1<<20)} {
		_, err := cert.ParseMethod(word)
		requireFault(t, err, cert.FaultValue, "approver_method", "unknown method of proof")
		assert.Less(t, len(err.Error()), 300)
	}
}

func TestWordsOfMethods(t *testing.T) {
	assert.Equal(t, "e-mail DNS file", cert.MethodEmail.String()+" "+cert.MethodDNS.String()+" "+cert.MethodFile.String())
}

func TestProofTextIsOneLinePerRecordOrURLThenContent(t *testing.T) {
	cname := func(domain string) cert.Proof {
		return cert.Proof{Domain: domain, Method: cert.MethodDNS, Host: "_abc." + domain, Record: "CNAME", Target: "def.ca.example"}
	}
	file := func(domain string) cert.Proof {
		return cert.Proof{Domain: domain, Method: cert.MethodFile, URL: "http://" + domain + "/.well-known/pki-validation/A.txt", Body: "HASH ca.example T"}
	}
	for _, c := range []struct {
		rule   string
		proofs []cert.Proof
		want   string
	}{
		{"nothing to prove", nil, ""},
		{"e-mail: the approver gets the letter", []cert.Proof{{Domain: "a.com", Method: cert.MethodEmail, Email: "admin@a.com"}}, ""},
		{"DNS", []cert.Proof{cname("a.com")}, "_abc.a.com CNAME def.ca.example"},
		{"TXT", []cert.Proof{{Method: cert.MethodDNS, Host: "_v.a.com", Record: "TXT", Target: "token=1"}}, "_v.a.com TXT token=1"},
		{"DNS for several names", []cert.Proof{cname("a.com"), cname("b.com")}, "_abc.a.com CNAME def.ca.example\n_abc.b.com CNAME def.ca.example"},
		{"names with the same record share a line", []cert.Proof{cname("a.com"), cname("a.com"), cname("b.com")}, "_abc.a.com CNAME def.ca.example\n_abc.b.com CNAME def.ca.example"},
		{"file: URL and then its content", []cert.Proof{file("a.com")}, "http://a.com/.well-known/pki-validation/A.txt\nHASH ca.example T"},
		{"files for several names", []cert.Proof{file("a.com"), file("b.com")},
			"http://a.com/.well-known/pki-validation/A.txt\nHASH ca.example T\nhttp://b.com/.well-known/pki-validation/A.txt\nHASH ca.example T"},
		{"a record from outside cannot add a line", []cert.Proof{{Method: cert.MethodDNS, Host: "_a.a.com", Record: "CNAME", Target: " x\n_b.a.com CNAME y\r\n"}},
			"_a.a.com CNAME x _b.a.com CNAME y"},
		{"a seller that has not said yet what to publish", []cert.Proof{{Domain: "a.com", Method: cert.MethodDNS, Record: "CNAME"}, {Domain: "a.com", Method: cert.MethodFile}}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) { assert.Equal(t, c.want, cert.ProofText(c.proofs)) })
	}
}

func TestProofDomainsAreNamedOnce(t *testing.T) {
	assert.Empty(t, cert.ProofDomains(nil))
	assert.Equal(t, "a.com,*.b.com", cert.ProofDomains([]cert.Proof{{Domain: "a.com"}, {Domain: "*.b.com"}, {Domain: "a.com"}, {}}))
}

func FuzzParseMethod(f *testing.F) {
	for _, seed := range []string{"", "auth_email", "AUTH_DNS", " auth_http\n", "auth_\x00", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		method, err := cert.ParseMethod(word)
		if err != nil {
			require.Equal(t, cert.FaultValue, cert.FaultOf(err).Type)
			require.NotEmpty(t, strings.TrimSpace(word), "an empty word is e-mail")
			return
		}
		require.Contains(t, []cert.Method{cert.MethodEmail, cert.MethodDNS, cert.MethodFile}, method)
		again, err := cert.ParseMethod(strings.ToUpper(strings.TrimSpace(word)))
		require.NoError(t, err)
		require.Equal(t, method, again)
	})
}
