package panellog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

func TestAssignmentsToSecretFieldsInTextAreMasked(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"colon", "login failed, password: hunter2 again", "login failed, password: *** again"},
		{"colon and quotes", `passwd: "two words" again`, `passwd: "***" again`},
		{"single quotes inside double ones", `"pass": 'x"y'`, `"pass": '***'`},
		{"colon without blank", "api_key:0123", "api_key:***"},
		{"fields of a text, one a line", "url: https://h/\nkey: abc\n  session: def\nid: 5", "url: https://h/\nkey: ***\n  session: ***\nid: 5"},
		{"a sentence", "wrong key: the CSR was made with another one", "wrong key: the CSR was made with another one"},
		{"header", "POST /\r\nAuthorization: Basic dXNlcjpwYXNz x\r\nHost: h", "POST /\r\nAuthorization: ***\r\nHost: h"},
		{"cookies", "Set-Cookie: a=b; c=d\nAccept: text/xml", "Set-Cookie: ***\nAccept: text/xml"},
		{"bearer", "sent Bearer abcdef.012345 to h", "sent Bearer *** to h"},
		{"the word bearer", "the bearer of it", "the bearer of it"},
		{"JSON web token", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_1 there", "got *** there"},
		{"codes in the approval e-mail", "https://h/approve?id=5&approvalCode=A1B2&dcvCode=C3", "https://h/approve?id=5&approvalCode=***&dcvCode=***"},
		{"what the client publishes", "publish _dnsauth.example.com TXT abcdef", "publish _dnsauth.example.com TXT abcdef"},
		{"time of day", "at 12:30:05 token 5", "at 12:30:05 token 5"},
	} {
		assert.Equal(t, c.want, panellog.RedactText(c.in), c.name)
		assert.Equal(t, c.want, panellog.RedactText(panellog.RedactText(c.in)), "%s: again", c.name)
	}
}

func TestRedactJSONMasksSecretNames(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"names", `{"url": "h", "password": "x\"y", "n": 1}`, `{"url": "h", "password": "***", "n": 1}`},
		{"numbers, lists, objects", `[{"token": 12345}, {"keys": ["a", {"b": "c"}]}, {"auth": {"id": "x"}}]`, `[{"token": ***}, {"keys": ***}, {"auth": ***}]`},
		{"name beside value", `{"value": "x", "name": "password"}`, `{"value": "***", "name": "password"}`},
		{"crypted", `{"crypted": "on", "elid": "7", "whatever": "x"}`, `{"crypted": "on", "elid": "7", "whatever": "***"}`},
		{"escaped name", `{"pass\u0077ord": "x"}`, `{"pass\u0077ord": "***"}`},
		{"document in a string", `{"log": "<a><password>x</password></a>"}`, `{"log": "\u003ca\u003e\u003cpassword\u003e***\u003c/password\u003e\u003c/a\u003e"}`},
		{"JSON in a string", `{"log": "{\"password\": \"xyz\"}"}`, `{"log": "{\"password\": \"***\"}"}`},
		{"echo elsewhere", `{"password": "planted", "text": "a planted b"}`, `{"password": "***", "text": "a *** b"}`},
		{"echo of a secret with tags and escapes", `{"password": "p<w>\"\u0026amp;x", "text": "p\u003cw\u003e\"&amp;x", "html": "p&lt;w&gt;&quot;&amp;amp;x"}`, `{"password": "***", "text": "***", "html": "***"}`},
		{"echo of a secret in a list", `{"tokens": ["planted12", 5], "text": "a planted12 b"}`, `{"tokens": ***, "text": "a *** b"}`},
		{"null is no secret", `{"password": null, "a": null}`, `{"password": ***, "a": null}`},
		{"empty", `{"password": "", "a": null}`, `{"password": "", "a": null}`},
		{"nothing secret", `{"a": ["b", 1.50, true, null], "c": {}}`, `{"a": ["b", 1.50, true, null], "c": {}}`},
	} {
		assert.Equal(t, c.want, panellog.RedactXML([]byte(c.in)), c.name)
		assert.Equal(t, "a="+c.want, strings.ReplaceAll(panellog.RedactArgs([]string{"a=" + c.in})[0], "\n", ""), "%s: in argv", c.name)
	}
	deep := strings.Repeat(`[`, 500) + `"x", {"password": "planted"}` + strings.Repeat(`]`, 500)
	assert.NotContains(t, panellog.RedactXML([]byte(deep)), "planted")
}

// rules LOG-7: the fields of a document that does not parse are not known.
func TestOnlyTheBeginningOfAnUnparsedDocumentIsShown(t *testing.T) {
	long := strings.Repeat("word ", 100)
	for _, c := range []struct{ name, in, want string }{
		{"text", long, long[:200] + " … (it does not parse: text/plain; charset=utf-8, 500 bytes)"},
		{"page", "<html><body>" + long + "<br></html>", "<html><body>" + long[:188] + " … (it does not parse: text/html; charset=utf-8, 523 bytes)"},
		{"broken XML", "<doc><a>" + long + "</b></doc>", "<doc><a>" + long[:192] + " … (it does not parse: text/plain; charset=utf-8, 518 bytes)"},
		{"a secret in it", "password: planted " + long, "password: *** " + long[:186] + " … (it does not parse: text/plain; charset=utf-8, 518 bytes)"},
		{"short", "<doc><a>short", "<doc><a>short"},
		{"well-formed", "<doc><a>" + long + "</a></doc>", "<doc><a>" + long + "</a></doc>"},
		{"JSON", `{"a": "` + long + `"}`, `{"a": "` + long + `"}`},
	} {
		assert.Equal(t, c.want, panellog.RedactXML([]byte(c.in)), c.name)
	}
	assert.Equal(t, long[:200]+" … (it does not parse: text/plain; charset=utf-8, 500 bytes)", panellog.RedactForm(long))
	assert.Equal(t, long, panellog.RedactText(long), "a text is not a document")
}

// FuzzRedactJSON checks that the value of a secret name in JSON is masked, whatever is around it.
func FuzzRedactJSON(f *testing.F) {
	f.Add(`{"a":`, `}`, "password")
	f.Add(`[1,{"crypted":"on","b":"c"},`, `]`, "api_key")
	f.Add(`{"log":"<a>","x":`, `,"y":"%7B"}`, "dcvCode")
	f.Fuzz(func(t *testing.T, before, after, field string) {
		if !panellog.IsSecretField(field) || strings.ContainsAny(field, `"\<&`) || strings.Contains(before+after+field, canary) {
			return
		}
		doc := before + `{"` + field + `": "` + canary + `"}` + after
		got := panellog.RedactXML([]byte(doc))
		if strings.Contains(got, canary) && !strings.ContainsAny(before, `\'"`) {
			t.Fatalf("%q", got)
		}
		panellog.RedactText(before + after) // must end, and without a panic
		panellog.RedactForm(before + after)
	})
}

// FuzzRedactText checks that redaction adds little to a text, and that redacting the result again changes nothing.
func FuzzRedactText(f *testing.F) {
	for _, text := range []string{
		"password: x", "Authorization: Basic abc\r\nCookie: a", "Bearer abcdefgh", "eyJhbGciOiJIUzI1NiJ9.e30.x", "key=\"a\\\"b\" c", "a <password>x</password> b",
		`{"password": "x"}`, "https://u:p@h/?auth=1&b", "-----END PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "%253Cpassword%253Ex", "&amp;lt;key&gt;",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := panellog.RedactText(text)
		if len(got) > 16*len(text)+100 {
			t.Fatalf("%d bytes of %d", len(got), len(text))
		}
		if again := panellog.RedactText(got); again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}

// A name may be percent-encoded or have the brackets of a list, and a value may be on an indented line of its own.
func TestAssignmentsInOtherSpellingsAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"a=b&pass%77ord=hunter22&c=d":            "a=b&pass%77ord=***&c=d",
		"POST /x?Password[]=hunter22&a=b":        "POST /x?Password[]=***&a=b",
		"api%5Fkey%5B0%5D=hunter22":              "api%5Fkey%5B0%5D=***",
		"password:\n  hunter22\nname: x":         "password:\n  ***\nname: x",
		"\"password\" :\r\n\t\"hunter 22\"":      "\"password\" :\r\n\t\"***\"",
		"the password:\nsee the manual":          "the password:\nsee the manual",
		"a%20passenger=7&altname[]=www.a.ex":     "a%20passenger=7&altname[]=www.a.ex",
		"100%=password is not set, %zz[]=a key%": "100%=password is not set, %zz[]=a key%",
	} {
		assert.Equal(t, want, panellog.RedactText(text))
	}
}
