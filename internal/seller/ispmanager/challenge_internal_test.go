package ispmanager

import (
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

func TestChallengesOf(t *testing.T) {
	names := []string{"www.example.org", "b.example.net"}
	dns := func(word, domain, host, record, target string) seller.Challenge {
		return seller.Challenge{Domain: domain, Method: seller.MethodDNS, ApproverMethod: word, Host: host, Record: record, Target: target}
	}
	file := func(domain, url, body string) seller.Challenge {
		return seller.Challenge{Domain: domain, Method: seller.MethodFile, ApproverMethod: "auth_http", URL: url, Body: body}
	}
	for name, tc := range map[string]struct {
		fields map[string]string
		want   []seller.Challenge
		odd    int
	}{
		"CNAME":                         {map[string]string{"auth_dnscname_name": "_x.www.example.org", "auth_dnscname_value": "y.ca.example"}, []seller.Challenge{dns("auth_dnscname", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example")}, 0},
		"lines":                         {map[string]string{"auth_dnscname_value": "_x.www.example.org CNAME y.ca.example\n_z.b.example.net cname q.ca.example"}, []seller.Challenge{dns("auth_dnscname", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example"), dns("auth_dnscname", "b.example.net", "_z.b.example.net", "CNAME", "q.ca.example")}, 0},
		"names line by line":            {map[string]string{"auth_dnstxt_name": "_a.www.example.org\n_a.b.example.net", "auth_dnstxt_value": "one\ntwo"}, []seller.Challenge{dns("auth_dnstxt", "www.example.org", "_a.www.example.org", "TXT", "one"), dns("auth_dnstxt", "b.example.net", "_a.b.example.net", "TXT", "two")}, 0},
		"TXT at the name":               {map[string]string{"auth_dnstxt_value": "ca-verification=abc"}, []seller.Challenge{dns("auth_dnstxt", "www.example.org", "www.example.org", "TXT", "ca-verification=abc"), dns("auth_dnstxt", "b.example.net", "b.example.net", "TXT", "ca-verification=abc")}, 0},
		"DNS of either kind":            {map[string]string{"auth_dns_name": "_x.www.example.org", "auth_dns_value": "y.ca.example"}, []seller.Challenge{dns("auth_dns", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example")}, 0},
		"CNAME without a name":          {map[string]string{"auth_dnscname_value": "y.ca.example"}, nil, 1},
		"odd host":                      {map[string]string{"auth_dnscname_name": "_x$.www.example.org", "auth_dnscname_value": "y.ca.example"}, nil, 1},
		"odd target":                    {map[string]string{"auth_dnscname_name": "_x.www.example.org", "auth_dnscname_value": "y..ca"}, nil, 1},
		"file by its name":              {map[string]string{"auth_http_name": "ABC.txt", "auth_http_value": "one\r\ntwo"}, []seller.Challenge{file("www.example.org", "http://www.example.org/.well-known/pki-validation/ABC.txt", "one\ntwo"), file("b.example.net", "http://b.example.net/.well-known/pki-validation/ABC.txt", "one\ntwo")}, 0},
		"file by its place":             {map[string]string{"auth_http_name": "http://b.example.net/x/ABC.txt", "auth_http_value": "one"}, []seller.Challenge{file("b.example.net", "http://b.example.net/x/ABC.txt", "one")}, 0},
		"place before the content":      {map[string]string{"auth_http_value": "http://b.example.net/x/ABC.txt\none"}, []seller.Challenge{file("b.example.net", "http://b.example.net/x/ABC.txt", "one")}, 0},
		"file that leaves":              {map[string]string{"auth_http_name": "../ABC.txt", "auth_http_value": "one"}, nil, 1},
		"content without a file":        {map[string]string{"auth_http_value": "one"}, nil, 1},
		"odd place":                     {map[string]string{"auth_http_name": "http://b.example.net/<script>", "auth_http_value": "one"}, nil, 1},
		"e-mail has nothing to publish": {map[string]string{"auth_email_value": "admin@example.org"}, nil, 0},
		"fields of another kind":        {map[string]string{"dns_value": "x", "auth_value": "y", "http_auth_value": "z"}, nil, 0},
		"empty":                         {map[string]string{"auth_dnscname_value": " "}, nil, 0},
		"parent of the name":            {map[string]string{"auth_dnscname_name": "_x.example.org", "auth_dnscname_value": "y.ca.example"}, []seller.Challenge{dns("auth_dnscname", "www.example.org", "_x.example.org", "CNAME", "y.ca.example")}, 0},
		"label alone":                   {map[string]string{"auth_dnscname_name": "_x", "auth_dnscname_value": "y.ca.example"}, []seller.Challenge{dns("auth_dnscname", "www.example.org", "_x", "CNAME", "y.ca.example")}, 0},
		"another's name":                {map[string]string{"auth_dnscname_name": "_x.bank.example.com", "auth_dnscname_value": "y.ca.example"}, nil, 1},
		"another's name alike":          {map[string]string{"auth_dnscname_name": "_x.notexample.org", "auth_dnscname_value": "y.ca.example"}, nil, 1},
		"another's top level":           {map[string]string{"auth_dnscname_name": "_x.org", "auth_dnscname_value": "y.ca.example"}, nil, 1},
		"file at another's":             {map[string]string{"auth_http_name": "http://bank.example.com/x/ABC.txt", "auth_http_value": "one"}, nil, 1},
		"file at a port":                {map[string]string{"auth_http_name": "http://b.example.net:81/x/ABC.txt", "auth_http_value": "one"}, nil, 1},
		"endless line":                  {map[string]string{"auth_http_name": "ABC.txt", "auth_http_value": strings.Repeat("x", 5000)}, nil, 2},
		"endless content":               {map[string]string{"auth_http_name": "ABC.txt", "auth_http_value": strings.Repeat("x\n", 5000)}, nil, 2},
	} {
		body := "<doc>"
		for field, value := range tc.fields {
			body += "<" + field + ">" + html.EscapeString(value) + "</" + field + ">"
		}
		challenges, refused := challengesOf(formOf("", parsed(t, body+"</doc>")), names)
		assert.Equal(t, tc.want, challenges, name)
		assert.Len(t, refused, tc.odd, name)
	}
}

// The value of an item parameter is one argument of a command line, of at most 128 KiB (rules PANEL-2).
func TestChallengesHaveLimits(t *testing.T) {
	form := formOf("", parsed(t, "<doc><auth_dnscname_value>"+strings.Repeat("_x.www.example.org CNAME y.ca.example\n", 5000)+"</auth_dnscname_value></doc>"))
	challenges, refused := challengesOf(form, []string{"www.example.org"})
	assert.LessOrEqual(t, len(challenges), maxChallenges)
	assert.LessOrEqual(t, len(refused), maxChallenges)
	assert.NotEmpty(t, refused)
}

func FuzzChallenges(f *testing.F) {
	f.Add("auth_dnscname", "_x.www.example.org", "y.ca.example")
	f.Add("auth_dns", "", "_x.www.example.org CNAME y\n\n_z TXT v")
	f.Add("auth_http", "http://www.example.org/a/b", "one\r\ntwo")
	f.Add("auth_https", "", "https://b.example.net/a\nx")
	f.Fuzz(func(t *testing.T, word, name, value string) {
		reply := answer{fields: map[string]string{word + "_name": name, word + "_value": value}, names: []string{word + "_name", word + "_value"}}
		challenges, _ := challengesOf(form{answer: reply}, []string{"www.example.org", "*.b.example.net"})
		for _, p := range challenges {
			shown := p.Host + p.Record + p.Target + p.URL + p.Body
			if strings.ContainsAny(p.Host+p.URL, "\"'") || strings.ContainsAny(p.Host+p.Target+p.URL, " \t\r\n<>") || strings.ContainsAny(shown, "\x00\x1b\r") || len(shown) > 20000 {
				t.Fatalf("%q", p)
			}
			if p.Method == seller.MethodDNS && !pki.RecordName(p.Host) || p.Domain == "" {
				t.Fatalf("%q", p)
			}
		}
	})
}
