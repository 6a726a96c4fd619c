package seller_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

func TestMethodOfEachApproverMethod(t *testing.T) {
	for word, want := range map[string]seller.Method{
		"": seller.MethodEmail, "auth_email": seller.MethodEmail, " AUTH_EMAIL ": seller.MethodEmail,
		"auth_dnstxt": seller.MethodDNS, "auth_dnscname": seller.MethodDNS, "auth_dns": seller.MethodDNS, "Auth_Dns": seller.MethodDNS,
		"auth_http": seller.MethodFile, "auth_https": seller.MethodFile, "auth_file": seller.MethodFile,
	} {
		got, err := seller.ParseMethod(word)
		require.NoError(t, err, word)
		assert.Equal(t, want, got, word)
	}
}

func TestUnknownMethodIsAFault(t *testing.T) {
	for _, word := range []string{"email", "dns", "auth", "auth_dns,auth_http", "auth_dns\x00", strings.Repeat("x", 1<<20)} {
		method, err := seller.ParseMethod(word)
		pkitest.RequireFault(t, err, fault.Value, "approver_method", "unknown validation method")
		assert.Equal(t, seller.MethodUnknown, method, word)
		assert.Less(t, len(err.Error()), 300)
	}
}

func TestMethodNames(t *testing.T) {
	assert.Equal(t, "e-mail DNS file", seller.MethodEmail.String()+" "+seller.MethodDNS.String()+" "+seller.MethodFile.String())
	var zero seller.Method
	assert.Equal(t, "unknown", zero.String(), "a method that nobody set is not e-mail")
	assert.Equal(t, "unknown", seller.Method(99).String())
}

func TestChallengeTextIsOneLinePerRecordOrURLThenContent(t *testing.T) {
	cname := func(domain string) seller.Challenge {
		return seller.Challenge{Domain: domain, Method: seller.MethodDNS, Host: "_abc." + domain, Record: "CNAME", Target: "def.ca.example"}
	}
	file := func(domain string) seller.Challenge {
		return seller.Challenge{Domain: domain, Method: seller.MethodFile, URL: "http://" + domain + "/.well-known/pki-validation/A.txt", Body: "HASH ca.example T"}
	}
	for _, c := range []struct {
		rule       string
		challenges []seller.Challenge
		want       string
	}{
		{"no challenges", nil, ""},
		{"e-mail: the approver gets a message", []seller.Challenge{{Domain: "a.com", Method: seller.MethodEmail, Email: "admin@a.com"}}, ""},
		{"DNS", []seller.Challenge{cname("a.com")}, "_abc.a.com CNAME def.ca.example"},
		{"TXT", []seller.Challenge{{Method: seller.MethodDNS, Host: "_v.a.com", Record: "TXT", Target: "token=1"}}, "_v.a.com TXT token=1"},
		{"DNS for several names", []seller.Challenge{cname("a.com"), cname("b.com")}, "_abc.a.com CNAME def.ca.example\n_abc.b.com CNAME def.ca.example"},
		{"names with the same record share a line", []seller.Challenge{cname("a.com"), cname("a.com"), cname("b.com")}, "_abc.a.com CNAME def.ca.example\n_abc.b.com CNAME def.ca.example"},
		{"file: URL and then its content", []seller.Challenge{file("a.com")}, "http://a.com/.well-known/pki-validation/A.txt\nHASH ca.example T"},
		{"files for several names", []seller.Challenge{file("a.com"), file("b.com")},
			"http://a.com/.well-known/pki-validation/A.txt\nHASH ca.example T\nhttp://b.com/.well-known/pki-validation/A.txt\nHASH ca.example T"},
		{"a record from outside cannot add a line", []seller.Challenge{{Method: seller.MethodDNS, Host: "_a.a.com", Record: "CNAME", Target: " x\n_b.a.com CNAME y\r\n"}},
			"_a.a.com CNAME x _b.a.com CNAME y"},
		{"a seller that has not said yet what to publish", []seller.Challenge{{Domain: "a.com", Method: seller.MethodDNS, Record: "CNAME"}, {Domain: "a.com", Method: seller.MethodFile}}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) { assert.Equal(t, c.want, seller.ChallengeText(c.challenges)) })
	}
}

func TestChallengeDomainsAreListedOnce(t *testing.T) {
	assert.Empty(t, seller.ChallengeDomains(nil))
	assert.Equal(t, "a.com,*.b.com", seller.ChallengeDomains([]seller.Challenge{{Domain: "a.com"}, {Domain: "*.b.com"}, {Domain: "a.com"}, {}}))
}

func FuzzParseMethod(f *testing.F) {
	for _, seed := range []string{"", "auth_email", "AUTH_DNS", " auth_http\n", "auth_\x00", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		method, err := seller.ParseMethod(word)
		if err != nil {
			require.Equal(t, fault.Value, fault.From(err).Type)
			require.NotEmpty(t, strings.TrimSpace(word), "an empty word is e-mail")
			return
		}
		require.Contains(t, []seller.Method{seller.MethodEmail, seller.MethodDNS, seller.MethodFile}, method)
		again, err := seller.ParseMethod(strings.ToUpper(strings.TrimSpace(word)))
		require.NoError(t, err)
		require.Equal(t, method, again)
	})
}
