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

const resent = `<SSLResendApproverEmailResult ID="7" IsSuccess="true"/>`

func TestRetryChallengeSetsTheOrdersMethod(t *testing.T) {
	const both = "example.com,www.example.net"
	for _, c := range []struct {
		rule    string
		request seller.Request
		domain  string
		form    url.Values
	}{
		{"DNS", request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "example.com", url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		{"file", request(t, "standard_ssl", "auth_http", "", "example.com"), "", url.Values{"DCVMethod": {"HTTP_CSR_HASH"}}},
		{"e-mail", request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"), "example.com", url.Values{"DCVMethod": {"admin@example.com"}}},
		{"a wildcard by its bare name", request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com"), "Example.com", url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		{"the www that comes with a name", request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "www.example.com", url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		{"a domain above the name", request(t, "standard_ssl", "auth_dnstxt", "", "shop.example.com"), "example.com", url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		{"one of several names sends all", request(t, "san_certificate", "auth_dnstxt", "", "example.com", "www.example.net"), "www.example.net",
			url.Values{"DNSNames": {both}, "DCVMethods": {"CNAME_CSR_HASH,CNAME_CSR_HASH"}}},
		{"several by file", request(t, "san_certificate", "auth_http", "", "example.com", "www.example.net"), "",
			url.Values{"DNSNames": {both}, "DCVMethods": {"HTTP_CSR_HASH,HTTP_CSR_HASH"}}},
		{"several by e-mail", request(t, "san_certificate", "auth_email", "admin@example.com,admin@example.net", "example.com", "www.example.net"), "",
			url.Values{"DNSNames": {both}, "DCVMethods": {"admin@example.com,admin@example.net"}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(edited("_ABC.example.com", "")))
			challenges, err := s.RetryChallenge(t.Context(), 7, c.request, c.domain)
			require.NoError(t, err)
			assert.Len(t, challenges, len(c.request.AllNames()), "what is to be published now")
			c.form.Set("Command", "namecheap.ssl.editDCVMethod")
			c.form.Set("CertificateID", "7")
			assert.Equal(t, []url.Values{c.form}, s.sent())
		})
	}
}

func TestRetryChallengeWithoutValues(t *testing.T) {
	s := newStage(t, says(ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="true"/>`)))
	challenges, err := s.RetryChallenge(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "")
	require.NoError(t, err)
	assert.Empty(t, challenges)
}

func TestRetryChallengeRefusesAnotherDomain(t *testing.T) {
	for _, domain := range []string{"example.org", "ample.com", "mail.example.com", "10.0.0.1"} {
		s := newStage(t, says(edited("_ABC.example.com", "")))
		_, err := s.RetryChallenge(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), domain)
		assert.Equal(t, "domain", requireFault(t, err, fault.Value).Object)
		assert.Empty(t, s.asked, domain)
	}
	s := newStage(t, says(edited("_ABC.example.com", "")))
	r := request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com")
	r.Method = seller.MethodFile
	_, err := s.RetryChallenge(t.Context(), 7, r, "")
	requireFault(t, err, fault.Value)
	assert.Empty(t, s.asked)
}

// editRefusals returns the documented errors of editDCVMethod (docs/reference/namecheap.md §3.12) and unclear
// answers.
func editRefusals() map[string]struct {
	answer http.HandlerFunc
	kind   string
	code   int
} {
	return map[string]struct {
		answer http.HandlerFunc
		kind   string
		code   int
	}{
		"no id":            {says(refusal("2010294", "Parameter CertificateID is Missing")), fault.API, 2010294},
		"too long":         {says(refusal("2013294", "Parameter DNSNames is TooLong")), fault.API, 2013294},
		"id":               {says(refusal("2011294", "CertificateID is invalid")), fault.API, 2011294},
		"too little":       {says(refusal("2010784", "Insufficient data to edit dcvalidation method")), fault.API, 2010784},
		"too much":         {says(refusal("2011784", "DNSNames or DCVMethods cannot be sent along with DCVMethod")), fault.API, 2011784},
		"other names":      {says(refusal("2011767", "There is no dnsnames or mismatch in the dnsnames provided during previous activation.")), fault.API, 2011767},
		"issued already":   {says(refusal("2011331", "Status is Invalid")), fault.API, 2011331},
		"uneven":           {says(refusal("2010767", "The DNSNames and their corresponding DCVMethods are not equal")), fault.API, 2010767},
		"method":           {says(refusal("3011295", "DCVMethod is invalid")), fault.API, 3011295},
		"method of a name": {says(refusal("3011784", "DCVMethod for the DomainName example.com is not valid.")), fault.API, 3011784},
		"type":             {says(refusal("2011301", "discontinued")), fault.API, 2011301},
		"status":           {says(refusal("4011331", "Status is invalid")), fault.API, 4011331},
		"no success":       {says(ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="false"/>`)), fault.API, 0},
		"one name failed":  {says(ok(`<SSLEditDCVMethodResult ID="7" IsSuccess="true"><Domains><Domains Name="example.com" IsSuccess="false"/></Domains></SSLEditDCVMethodResult>`)), fault.API, 0},
		"another id":       {says(ok(`<SSLEditDCVMethodResult ID="8" IsSuccess="true"/>`)), fault.Client, 0},
		"no result":        {says(ok("")), fault.Client, 0},
		"HTML":             {says("<html>"), fault.NotSeller, 0},
		"the key":          {says(refusal("1011102", "API Key is invalid")), fault.Login, 1011102},
	}
}

func TestRetryChallengeRefused(t *testing.T) {
	for name, c := range editRefusals() {
		t.Run(name, func(t *testing.T) {
			_, err := newStage(t, c.answer).RetryChallenge(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), "")
			assert.Equal(t, c.code, requireFault(t, err, c.kind).Code)
		})
	}
}

// post answers getInfo with the approver, editDCVMethod like Namecheap, and all other commands with other.
func post(approver string, other http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.PostForm.Get("Command") {
		case "namecheap.ssl.getInfo":
			says(ok(`<SSLGetInfoResult Status="purchased"><CertificateDetails><ApproverEmail>`+approver+`</ApproverEmail></CertificateDetails></SSLGetInfoResult>`))(w, r)
		default:
			other(w, r)
		}
	}
}

func TestSendApproval(t *testing.T) {
	one := request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com")
	two := request(t, "san_certificate", "auth_email", "admin@example.com", "example.com", "www.example.net")
	dns := request(t, "standard_ssl", "auth_dnstxt", "", "example.com")
	const both = "example.com,www.example.net"
	look, resend := url.Values{"Command": {"namecheap.ssl.getInfo"}}, url.Values{"Command": {"namecheap.ssl.resendApproverEmail"}}
	edit := func(pairs ...string) url.Values {
		form := url.Values{"Command": {"namecheap.ssl.editDCVMethod"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	for _, c := range []struct {
		rule    string
		request seller.Request
		emails  []string
		inForce string
		forms   []url.Values
	}{
		{"nobody named", one, nil, "admin@example.com", []url.Values{look, resend}},
		{"the same in upper case", one, []string{"Admin@Example.com"}, "admin@example.com", []url.Values{look, resend}},
		{"another", one, []string{"webmaster@example.com"}, "admin@example.com", []url.Values{look, edit("DCVMethod", "webmaster@example.com")}},
		{"the order has it, Namecheap another", one, []string{"admin@example.com"}, "webmaster@example.com", []url.Values{look, edit("DCVMethod", "admin@example.com")}},
		{"Namecheap does not tell", one, nil, "", []url.Values{look, edit("DCVMethod", "admin@example.com")}},
		{"another way of proof was set", dns, []string{"admin@example.com"}, "", []url.Values{look, edit("DCVMethod", "admin@example.com")}},
		{"one for several names", two, nil, "admin@example.com", []url.Values{edit("DNSNames", both, "DCVMethods", "admin@example.com,admin@example.com")}},
		{"one for each name", two, []string{"admin@example.com", "admin@example.net"}, "",
			[]url.Values{edit("DNSNames", both, "DCVMethods", "admin@example.com,admin@example.net")}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, post(c.inForce, func(w http.ResponseWriter, r *http.Request) {
				if r.PostForm.Get("Command") == "namecheap.ssl.editDCVMethod" {
					says(edited("_ABC.example.com", ""))(w, r)
					return
				}
				says(ok(resent))(w, r)
			}))
			require.NoError(t, s.SendApproval(t.Context(), 7, c.request, c.emails))
			sent := s.sent()
			require.Len(t, sent, len(c.forms))
			for i, form := range c.forms {
				assert.Equal(t, "7", sent[i].Get("CertificateID"))
				sent[i].Del("CertificateID")
				assert.Equal(t, form, sent[i])
			}
		})
	}
}

func TestSendApprovalRefusesUnusableApprovers(t *testing.T) {
	two := request(t, "san_certificate", "auth_email", "admin@example.com", "example.com", "a.example.net", "b.example.net")
	for name, emails := range map[string][]string{"no address": {"admin"}, "two in one": {"a@example.com,b@example.com"}, "too few": {"a@example.com", "b@example.com"}, "a form": {"a&b=c@"}} {
		s := newStage(t, says(ok(resent)))
		requireFault(t, s.SendApproval(t.Context(), 7, two, emails), fault.Value)
		assert.Empty(t, s.asked, name)
	}
	s := newStage(t, says(ok(resent)))
	requireFault(t, s.SendApproval(t.Context(), 7, request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), nil), fault.Missed)
	assert.Empty(t, s.asked)
}

func TestSendApprovalRefused(t *testing.T) {
	one := request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com")
	for name, c := range editRefusals() {
		t.Run("another address: "+name, func(t *testing.T) {
			err := newStage(t, post("admin@example.com", c.answer)).SendApproval(t.Context(), 7, one, []string{"webmaster@example.com"})
			assert.Equal(t, c.code, requireFault(t, err, c.kind).Code)
		})
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   string
		code   int
	}{
		"id":         {says(refusal("2011294", "Parameter CertificateID is Invalid")), fault.API, 2011294},
		"status":     {says(refusal("2011331", "Status is invalid")), fault.API, 2011331},
		"approver":   {says(refusal("3011295", "ApproverEmail is invalid")), fault.API, 3011295},
		"unhandled":  {says(refusal("5050900", "Unhandled exceptions")), fault.API, 5050900},
		"no success": {says(ok(`<SSLResendApproverEmailResult ID="7" IsSuccess="false"/>`)), fault.API, 0},
		"another id": {says(ok(`<SSLResendApproverEmailResult ID="8" IsSuccess="true"/>`)), fault.Client, 0},
		"no result":  {says(ok("")), fault.Client, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, post("admin@example.com", c.answer))
			err := s.SendApproval(t.Context(), 7, one, nil)
			assert.Equal(t, c.code, requireFault(t, err, c.kind).Code)
			assert.Len(t, s.asked, 2, "one read and one e-mail")
		})
	}
}

func TestApprovalEmailsAreRequestedOnce(t *testing.T) {
	one := request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com")
	for name, answer := range map[string]http.HandlerFunc{"dropped": drops, "500": status(500, ""), "cut off": says(ok(resent)[:150])} {
		for _, emails := range [][]string{nil, {"webmaster@example.com"}} {
			s := newStage(t, post("admin@example.com", answer))
			failure := fault.From(s.SendApproval(t.Context(), 7, one, emails))
			require.NotNil(t, failure, name)
			assert.True(t, failure.Retry, name)
			assert.False(t, failure.OutcomeUnknown, name)
			assert.Len(t, s.asked, 2, name)
		}
	}
	s := newStage(t, says(refusal("2011294", "CertificateID is invalid")))
	assert.Equal(t, 2011294, requireFault(t, s.SendApproval(t.Context(), 7, one, nil), fault.API).Code)
	assert.Len(t, s.asked, 1, "no e-mail if the read failed")
}

// ssl.editDCVMethod docs/reference/namecheap.md §3.12: the validation method of an order that waits is changed for all its
// names at once.
func TestChangeMethod(t *testing.T) {
	for _, c := range []struct {
		rule    string
		request seller.Request
		form    url.Values
	}{
		{"to DNS", request(t, "standard_ssl", "auth_dnstxt", "", "example.com"), url.Values{"DCVMethod": {"CNAME_CSR_HASH"}}},
		{"to a file", request(t, "standard_ssl", "auth_http", "", "example.com"), url.Values{"DCVMethod": {"HTTP_CSR_HASH"}}},
		{"to e-mail", request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"), url.Values{"DCVMethod": {"admin@example.com"}}},
		{"several names to one approver", request(t, "san_certificate", "auth_email", "admin@example.com", "example.com", "www.example.net"),
			url.Values{"DNSNames": {"example.com,www.example.net"}, "DCVMethods": {"admin@example.com,admin@example.com"}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(edited("_ABC.example.com", "")))
			challenges, err := s.ChangeMethod(t.Context(), 7, c.request)
			require.NoError(t, err)
			assert.Len(t, challenges, len(c.request.AllNames()))
			c.form.Set("Command", "namecheap.ssl.editDCVMethod")
			c.form.Set("CertificateID", "7")
			assert.Equal(t, []url.Values{c.form}, s.sent())
		})
	}
}

// A request that sends e-mails is sent once; other changes are repeated until there is an answer.
func TestChangeMethodIsRepeatedUnlessItSendsEmails(t *testing.T) {
	for method, asked := range map[string]int{"auth_email": 1, "auth_dnstxt": 6} {
		s := newStage(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		_, err := s.ChangeMethod(t.Context(), 7, request(t, "standard_ssl", method, "admin@example.com", "example.com"))
		require.Error(t, err)
		assert.Len(t, s.sent(), asked, method)
	}
	s := newStage(t, says(edited("", "")))
	wild := request(t, "standard_wildcard_ssl", "auth_dnstxt", "", "*.example.com")
	wild.Method = seller.MethodFile
	_, err := s.ChangeMethod(t.Context(), 7, wild)
	requireFault(t, err, fault.Value)
	assert.Empty(t, s.sent())
}
