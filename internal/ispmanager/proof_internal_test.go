package ispmanager

import (
	"html"
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsPublished(t *testing.T) {
	names := []string{"www.example.org", "b.example.net"}
	dns := func(word, domain, host, record, target string) cert.Proof {
		return cert.Proof{Domain: domain, Method: cert.MethodDNS, Word: word, Host: host, Record: record, Target: target}
	}
	file := func(domain, url, body string) cert.Proof {
		return cert.Proof{Domain: domain, Method: cert.MethodFile, Word: "auth_http", URL: url, Body: body}
	}
	for name, tc := range map[string]struct {
		fields map[string]string
		want   []cert.Proof
		odd    int
	}{
		"CNAME":                     {map[string]string{"auth_dnscname_name": "_x.www.example.org", "auth_dnscname_value": "y.ca.example"}, []cert.Proof{dns("auth_dnscname", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example")}, 0},
		"lines":                     {map[string]string{"auth_dnscname_value": "_x.www.example.org CNAME y.ca.example\n_z.b.example.net cname q.ca.example"}, []cert.Proof{dns("auth_dnscname", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example"), dns("auth_dnscname", "b.example.net", "_z.b.example.net", "CNAME", "q.ca.example")}, 0},
		"names line by line":        {map[string]string{"auth_dnstxt_name": "_a.www.example.org\n_a.b.example.net", "auth_dnstxt_value": "one\ntwo"}, []cert.Proof{dns("auth_dnstxt", "www.example.org", "_a.www.example.org", "TXT", "one"), dns("auth_dnstxt", "b.example.net", "_a.b.example.net", "TXT", "two")}, 0},
		"TXT at the name":           {map[string]string{"auth_dnstxt_value": "ca-verification=abc"}, []cert.Proof{dns("auth_dnstxt", "www.example.org", "www.example.org", "TXT", "ca-verification=abc"), dns("auth_dnstxt", "b.example.net", "b.example.net", "TXT", "ca-verification=abc")}, 0},
		"DNS of either kind":        {map[string]string{"auth_dns_name": "_x.www.example.org", "auth_dns_value": "y.ca.example"}, []cert.Proof{dns("auth_dns", "www.example.org", "_x.www.example.org", "CNAME", "y.ca.example")}, 0},
		"CNAME without a name":      {map[string]string{"auth_dnscname_value": "y.ca.example"}, nil, 1},
		"odd host":                  {map[string]string{"auth_dnscname_name": "_x$.www.example.org", "auth_dnscname_value": "y.ca.example"}, nil, 1},
		"odd target":                {map[string]string{"auth_dnscname_name": "_x.www.example.org", "auth_dnscname_value": "y..ca"}, nil, 1},
		"file by its name":          {map[string]string{"auth_http_name": "ABC.txt", "auth_http_value": "one\r\ntwo"}, []cert.Proof{file("www.example.org", "http://www.example.org/.well-known/pki-validation/ABC.txt", "one\ntwo"), file("b.example.net", "http://b.example.net/.well-known/pki-validation/ABC.txt", "one\ntwo")}, 0},
		"file by its place":         {map[string]string{"auth_http_name": "http://b.example.net/x/ABC.txt", "auth_http_value": "one"}, []cert.Proof{file("b.example.net", "http://b.example.net/x/ABC.txt", "one")}, 0},
		"place before the content":  {map[string]string{"auth_http_value": "http://b.example.net/x/ABC.txt\none"}, []cert.Proof{file("b.example.net", "http://b.example.net/x/ABC.txt", "one")}, 0},
		"file that leaves":          {map[string]string{"auth_http_name": "../ABC.txt", "auth_http_value": "one"}, nil, 1},
		"content without a file":    {map[string]string{"auth_http_value": "one"}, nil, 1},
		"odd place":                 {map[string]string{"auth_http_name": "http://b.example.net/<script>", "auth_http_value": "one"}, nil, 1},
		"letters are not published": {map[string]string{"auth_email_value": "admin@example.org"}, nil, 0},
		"fields of another kind":    {map[string]string{"dns_value": "x", "auth_value": "y", "http_auth_value": "z"}, nil, 0},
		"empty":                     {map[string]string{"auth_dnscname_value": " "}, nil, 0},
	} {
		body := "<doc>"
		for field, value := range tc.fields {
			body += "<" + field + ">" + html.EscapeString(value) + "</" + field + ">"
		}
		proofs, refused := proofsOf(formOf("", parsed(t, body+"</doc>")), names)
		assert.Equal(t, tc.want, proofs, name)
		assert.Len(t, refused, tc.odd, name)
	}
}
