package panellog_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
)

func TestNamesOfSecretFields(t *testing.T) {
	for _, name := range []string{
		"apikey", "ApiKey", "api_key", "API-KEY", "password", "Password", "passwd", "pass", "db_pass", "userPwd", "new_password",
		"pkey", "key", "ssl_key", "newkey", "private_key", "PrivateKey", "authinfo", "auth", "AuthInfo", "session", "session_id", "sessionid",
		"billmgrses5", "DBPassword", "dbpassword", "token", "access_token", "token_code", "authcode", "Authorization", "Set-Cookie", "secret",
		"externalpassword", "passphrase", "otp", "field_password", "param_password", "ns:password",
		"approvalCode", "approval_code", "dcvCode", "DCV-Code", "jwt", "csrf", "csrf_token", "X-CSRF", "bearer", "Proxy-Authorization", "pswd",
	} {
		assert.True(t, panellog.IsSecretField(name), name)
	}
	for _, name := range []string{
		"", "csr", "crt", "EncodedCSR", "ApiUser", "UserName", "ClientIp", "username", "url", "elid", "func", "sok", "item", "CN", "altname",
		"approver_email", "approver_method", "auth_dnstxt_value", "authemail", "authdnstxt", "authhttp", "authuser", "CryptKey", "public_key", "pubkey",
		"custom_order_id", "purchase_intent", "service_status", "session_params", "domains_list", "CNAMECSRHASH", "keyword", "passing", "compass",
		"certificate_serial", "value", "name", "org_name", "dcv_method", "approver", "approver_method", "auth_dnscname_value",
	} {
		assert.False(t, panellog.IsSecretField(name), name)
	}
}

func TestRedactFormMasksSecretFields(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"seller's call", "ApiUser=u&ApiKey=0123456789abcdef&UserName=u&Command=namecheap.ssl.create&Years=1",
			"ApiUser=u&ApiKey=***&UserName=u&Command=namecheap.ssl.create&Years=1"},
		{"encoding of the rest is kept", "a=%7e+%2B&password=x&b=%zz", "a=%7e+%2B&password=***&b=%zz"},
		{"encoded name", "pass%77ord=x%26y", "pass%77ord=***"},
		{"value with equals signs", "authinfo=u:p=q=r&out=xml", "authinfo=***&out=xml"},
		{"empty value", "password=&a=1", "password=&a=1"},
		{"name without value", "password&a=1", "password&a=1"},
		{"same name twice", "password=x&password=y", "password=***&password=***"},
		{"behind a URL", "https://host/billmgr?authinfo=u:p&func=whoami", "https://host/billmgr?authinfo=***&func=whoami"},
		{"first in a quoted request", "Request [x][root] 'auth=x&func=y'", "Request [x][root] 'auth=***&func=y'"},
		{"saveparam, first form", "elid=7&name=password&value=x&sok=ok", "elid=7&name=password&value=***&sok=ok"},
		{"saveparam, value before name", "value=x&name=api%5Fkey", "value=***&name=api%5Fkey"},
		{"saveparam, first form crypted", "crypted=on&name=whatever&value=x", "crypted=on&name=whatever&value=***"},
		{"saveparam, second form crypted", "crypted=on&elid=7&func=service.saveparam&whatever=x", "crypted=on&elid=7&func=service.saveparam&whatever=***"},
		{"saveparam, not crypted", "crypted=off&name=ns_update_error&value=x", "crypted=off&name=ns_update_error&value=x"},
		{"document in a value", "elid=1&errorxml=" + url.QueryEscape("<doc><password>x</password></doc>"),
			"elid=1&errorxml=" + url.QueryEscape("<doc><password>***</password></doc>")},
		{"URL in a value", "url=" + url.QueryEscape("https://h/?authinfo=u:p"), "url=" + url.QueryEscape("https://h/?authinfo=***")},
		{"XML instead of a form", " <doc><password>x</password></doc>", " <doc><password>***</password></doc>"},
		{"JSON instead of a form", `{"password": "x&y=z", "a": "b"}`, `{"password": "***", "a": "b"}`},
		{"text before an ampersand", "password: x&a=1", "password: ***&a=1"},
		{"certificate request is not secret", "csr=-----BEGIN+CERTIFICATE+REQUEST-----", "csr=-----BEGIN+CERTIFICATE+REQUEST-----"},
		{"empty", "", ""},
	} {
		assert.Equal(t, c.want, panellog.RedactForm(c.in), c.name)
	}
}

func TestRedactXMLMasksSecretElements(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing secret stays byte for byte", "<?xml version=\"1.0\"?>\n<doc a='1' ><b/>x &amp; y<!-- c --><![CDATA[<d>]]>\r\n</doc >", "<?xml version=\"1.0\"?>\n<doc a='1' ><b/>x &amp; y<!-- c --><![CDATA[<d>]]>\r\n</doc >"},
		{"element", "<doc><url>h</url><password>x</password></doc>", "<doc><url>h</url><password>***</password></doc>"},
		{"empty element", "<password/><password></password><a>b</a>", "<password/><password></password><a>b</a>"},
		{"case and namespace", "<N:ApiKey>x</N:ApiKey>", "<N:ApiKey>***</N:ApiKey>"},
		{"CDATA", "<password><![CDATA[a</password>b]]></password>", "<password>***</password>"},
		{"children", "<auth><id>x</id></auth>", "<auth>***</auth>"},
		{"nested of the same name", "<key><key>x</key>y</key><a>z</a>", "<key>***</key><a>z</a>"},
		{"attributes of a secret element", `<auth id="sess" level="30">sess</auth>`, `<auth id="***" level="30">***</auth>`},
		{"attribute", `<doc password="x" a="1">`, `<doc password="***" a="1">`},
		{"attribute in single quotes", `<doc password = 'x"y' a="1">`, `<doc password = '***' a="1">`},
		{"attribute of an end tag", `<doc></doc password="x">`, `<doc></doc password="***">`},
		{"param with value attribute", `<param name="password" value="x"/><param name="url" value="y"/>`, `<param name="password" value="***"/><param name="url" value="y"/>`},
		{"param with text", `<param name="api_key" crypted="yes">x</param>`, `<param name="api_key" crypted="yes">***</param>`},
		{"param with an escaped name", `<param name="pass&#119;ord" value="x"/>`, `<param name="pass&#119;ord" value="***"/>`},
		{"crypted param of any name", `<param name="pw_" crypted="yes" value="x"/>`, `<param name="pw_" crypted="yes" value="***"/>`},
		{"features answer", `<params><param name="api_key" crypted="yes" /><param name="sandbox" /></params>`, `<params><param name="api_key" crypted="yes" /><param name="sandbox" /></params>`},
		{"name beside value", `<elem><intname>password</intname><value>x</value></elem><elem><intname>url</intname><value>y</value></elem>`,
			`<elem><intname>password</intname><value>***</value></elem><elem><intname>url</intname><value>y</value></elem>`},
		{"value before name", `<elem><value>x</value><name><![CDATA[ password ]]></name></elem>`, `<elem><value>***</value><name><![CDATA[ password ]]></name></elem>`},
		{"saveparam echoed", `<tparams><name>n</name><value>x</value><crypted>on</crypted><elid>7</elid></tparams>`, `<tparams><name>n</name><value>***</value><crypted>on</crypted><elid>7</elid></tparams>`},
		{"error about a secret", `<error type="value" object="password"><param name="object" type="msg">password</param><param name="value">planted</param><msg>wrong value planted</msg></error>`,
			`<error type="value" object="password"><param name="object" type="msg">password</param><param name="value">***</param><msg>wrong value ***</msg></error>`},
		{"echo elsewhere", `<doc q="a planted b"><auth>planted</auth><tparams><x>cGxhbnRlZA==</x></tparams></doc>`, `<doc q="a *** b"><auth>***</auth><tparams><x>***A==</x></tparams></doc>`},
		{"echo of a secret with tags", `<doc><password>r@ss&lt;w&gt;5o</password><msg>bad r@ss&lt;w&gt;5o, &amp;lt;, r@ss5o</msg></doc>`, `<doc><password>***</password><msg>bad ***, &amp;lt;, ***</msg></doc>`},
		{"echo of a secret with tags that nobody escaped", `<doc><password>r@ss<w>5ord</password><msg>bad r@ss&lt;w&gt;5ord</msg></doc>`, `<doc><password>***</password><msg>bad ***</msg></doc>`},
		{"echo of CDATA", `<doc><password><![CDATA[r@ss<w>5]]>o</password><msg>bad r@ss&lt;w&gt;5o</msg></doc>`, `<doc><password>***</password><msg>bad ***</msg></doc>`},
		{"echo of an attribute with tags", `<doc password="r@ss&lt;w&gt;5o"><msg>bad r@ss&lt;w&gt;5o</msg></doc>`, `<doc password="***"><msg>bad ***</msg></doc>`},
		{"echo of a child", `<doc><auth><id>planted12</id><lang>en</lang></auth><msg>planted12, lang en</msg></doc>`, `<doc><auth>***</auth><msg>***, lang en</msg></doc>`},
		{"elements without a text are no secret", `<doc><keys><key/></keys><key/></doc>`, `<doc><keys>***</keys><key/></doc>`},
		{"select of tune_connection", `<slist name="client_ip"><val key="192.0.2.1">192.0.2.1</val></slist>`, `<slist name="client_ip"><val key="192.0.2.1">192.0.2.1</val></slist>`},
		{"comment", `<!-- <password>x</password> -->`, `<!-- <password>***</password> -->`},
		{"document in a text", `<e>&lt;password&gt;x&lt;/password&gt;</e>`, `<e>&lt;password&gt;***&lt;/password&gt;</e>`},
		{"document in CDATA", `<log><![CDATA[<password>x</password>]]></log>`, `<log><![CDATA[<password>***</password>]]></log>`},
		{"query in a text", `<url>https://h/?authinfo=u:p&amp;out=xml</url>`, `<url>https://h/?authinfo=***&amp;out=xml</url>`},
		{"login of a URL", `<url>https://user:x@h/</url>`, `<url>https://user:***@h/</url>`},
		{"entities of a DTD", `<!DOCTYPE d [<!ENTITY a "]>x">]><d>&a;</d>`, `<!***`},
		{"doctype without entities", `<!DOCTYPE html><p>x</p>`, `<!***><p>x</p>`},
		{"element not closed", `<doc><password>x`, `<doc><password>***`},
		{"wrong end tag", `<doc><password>x</passwd></doc>`, `<doc><password>***`},
		{"tag not closed", `<doc><password x`, `<doc><password x`},
		{"attribute not closed", `<doc password="x`, `<doc password="***`},
		{"attribute without quotes", `<doc password=x>y</doc>`, `<doc password=***`},
		{"tag in an attribute", `<doc a="<password>x</password>">`, `<doc a="<password>***</password>">`},
		{"blank before the name", `< password >x</ password >`, `< password >***</ password >`},
		{"UTF-16", "<\x00p\x00a\x00s\x00s\x00>\x00x\x00<\x00/\x00p\x00a\x00s\x00s\x00>\x00", "<pass>***</pass>"},
		{"JSON", `{"password": "x\"y", "a": "b"}`, `{"password": "***", "a": "b"}`},
		{"HTML", `<input type="password" name="password" value="x"><p>a < b`, `<input type="password" name="password" value="***">***`},
		{"empty", "", ""},
	} {
		assert.Equal(t, c.want, panellog.RedactXML([]byte(c.in)), c.name)
	}
}

func TestRedactXMLLimitsSizeDepthAndNesting(t *testing.T) {
	assert.Less(t, len(panellog.RedactXML([]byte(strings.Repeat("<a>x", 1<<20)))), 1<<20+100)
	deep := panellog.RedactXML([]byte(strings.Repeat("<a>", 300) + "planted" + strings.Repeat("</a>", 300)))
	assert.NotContains(t, deep, "planted", "what is too deep is not shown")
	nested := "<password>planted</password>"
	for range 8 {
		nested = "<a>" + html.EscapeString(nested) + "</a>"
	}
	assert.NotContains(t, panellog.RedactXML([]byte(nested)), "planted")
}

// A seller's answer must not be able to stop the module: a search that is quadratic in one of these runs into the deadline of the
// tests.
func TestHostileDocumentsAreRedactedInLinearTime(t *testing.T) {
	const size = 2 * hostileSize
	long := strings.Repeat("a", 1000)
	for name, doc := range map[string]string{
		"echoes of echoes":   strings.Repeat("<key>"+long+"</key>", 64) + strings.Repeat("a", size),
		"stray end tags":     strings.Repeat("<a>", 199) + strings.Repeat("</b>", size/4),
		"nested names":       strings.Repeat("<name>", 199) + strings.Repeat("&amp;", size/5),
		"backslashes":        `<key>` + strings.Repeat(`\`, 40) + `x</key>` + strings.Repeat(`\`, size),
		"begins of keys":     strings.Repeat("-----BEGIN ", size/11),
		"assignments":        strings.Repeat(`key="`, size/5),
		"open comments":      strings.Repeat("<!--", size/4),
		"references":         strings.Repeat("&amp;lt;", size/8),
		"encoded tag starts": strings.Repeat("%3C", size/3),
	} {
		assert.LessOrEqual(t, len(panellog.RedactXML([]byte(doc))), 6*size, name)
	}
}

func TestRedactArgsMasksSecretValues(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want []string
	}{
		{"panel's options", []string{"--command", "open", "--item", "7", "--password", "x", "--lang", "en"}, []string{"--command", "open", "--item", "7", "--password", "***", "--lang", "en"}},
		{"after =", []string{"--password=x=y", "--item=7"}, []string{"--password=***", "--item=7"}},
		{"value like an option", []string{"--password", "--x", "--item", "7"}, []string{"--password", "***", "--item", "7"}},
		{"check_param", []string{"--param", "password", "--value", "x"}, []string{"--param", "password", "--value", "***"}},
		{"check_param, the other way round", []string{"--value", "x", "--param=api_key"}, []string{"--value", "***", "--param=api_key"}},
		{"check_param of another field", []string{"--param", "csr", "--value", "x"}, []string{"--param", "csr", "--value", "x"}},
		{"mgrctl", []string{"-m", "billmgr", "-o", "xml", "processing.edit", "password=x", "url=y"}, []string{"-m", "billmgr", "-o", "xml", "processing.edit", "password=***", "url=y"}},
		{"saveparam", []string{"service.saveparam", "sok=ok", "elid=7", "name=password", "value=x"}, []string{"service.saveparam", "sok=ok", "elid=7", "name=password", "value=***"}},
		{"saveparam crypted", []string{"-m", "billmgr", "service.saveparam", "elid=7", "anything=x", "crypted=on"}, []string{"-m", "billmgr", "service.saveparam", "elid=7", "anything=***", "crypted=on"}},
		{"saveparam not crypted", []string{"service.saveparam", "name=lineage", "value=1 2", "crypted=off"}, []string{"service.saveparam", "name=lineage", "value=1 2", "crypted=off"}},
		{"document", []string{"errorxml=<doc><password>x</password></doc>"}, []string{"errorxml=<doc><password>***</password></doc>"}},
		{"query as value", []string{"params=a=1&password=x&b=2"}, []string{"params=a=1&password=***&b=2"}},
		{"URL", []string{"https://u:x@h/?auth=y"}, []string{"https://u:***@h/?auth=***"}},
		{"none", []string{}, []string{}},
	} {
		in := append([]string{}, c.in...)
		assert.Equal(t, c.want, panellog.RedactArgs(in), c.name)
		assert.Equal(t, c.in, in, "%s: the words given are not changed", c.name)
	}
}

const keyBody = "MIIEvPlantedKeyMaterialThatNobodyMaySee"

func TestPrivateKeysAreMaskedAnywhere(t *testing.T) {
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"} {
		pem := "-----BEGIN " + kind + "-----\n" + keyBody + "\n-----END " + kind + "-----\n"
		for name, write := range encodings() {
			text := "before " + write(pem) + " after"
			l := panellog.Discard()
			l.Debugf("%s", text)
			got := strings.Join(l.Tail(1), "")
			assert.NotContains(t, got, "Planted", "%s %s", kind, name)
			assert.NotContains(t, got, base64.StdEncoding.EncodeToString([]byte(keyBody))[4:40], "%s %s", kind, name)
			assert.Contains(t, got, "before ***", "%s %s", kind, name)
			if !strings.HasPrefix(name, "base64") {
				assert.Contains(t, got, " after", "%s %s", kind, name)
			}
			for _, clean := range []string{panellog.RedactForm("a=" + text), panellog.RedactXML([]byte("<a>" + text + "</a>")), panellog.RedactArgs([]string{text})[0]} {
				assert.NotContains(t, clean, "Planted", "%s %s", kind, name)
			}
		}
	}
}

func TestPrivateKeyWithoutItsEndIsMaskedToTheEnd(t *testing.T) {
	l := panellog.Discard()
	l.Errorf("a -----BEGIN PRIVATE KEY-----\n%s", keyBody)
	assert.Equal(t, []string{"Jan  1 00:00:00 [0:1] main ERROR a ***"}, l.Tail(1))
}

func TestCertificatesAndRequestsStayReadable(t *testing.T) {
	for _, kind := range []string{"CERTIFICATE", "CERTIFICATE REQUEST", "PUBLIC KEY"} {
		pem := "-----BEGIN " + kind + "-----\nMIIC\n-----END " + kind + "-----"
		l := panellog.Discard()
		l.Infof("%s then a key: -----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY----- %s", pem, pem)
		shown := strings.ReplaceAll(pem, "\n", "\n    ")
		assert.Equal(t, []string{"Jan  1 00:00:00 [0:1] main INFO " + shown + " then a key: *** " + shown}, l.Tail(1))
	}
}

// encodings returns the ways in which a value reaches a text.
func encodings() map[string]func(string) string {
	everyByte := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&b, format, s[i])
			}
			return b.String()
		}
	}
	inJSON := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(b[1 : len(b)-1])
	}
	inXML := func(s string) string {
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			panic(err)
		}
		return b.String()
	}
	everyRune := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, r := range s {
				fmt.Fprintf(&b, format, r)
			}
			return b.String()
		}
	}
	quoted := func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] }
	return map[string]func(string) string{
		"plain":                func(s string) string { return s },
		"query":                url.QueryEscape,
		"path":                 url.PathEscape,
		"percent":              everyByte("%%%02X"),
		"percent, lower case":  everyByte("%%%02x"),
		"XML":                  inXML,
		"HTML":                 html.EscapeString,
		"character references": everyRune("&#%d;"),
		"hex references":       everyRune("&#x%X;"),
		"JSON":                 inJSON,
		"Go":                   quoted,
		"XML in a form":        func(s string) string { return url.QueryEscape(inXML(s)) },
		"JSON in a form":       func(s string) string { return url.QueryEscape(inJSON(s)) },
		"HTML in a form":       func(s string) string { return url.QueryEscape(html.EscapeString(s)) },
		"base64":               func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 for URLs":      func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	}
}

// planted are secrets as they occur: an API key, passwords with every kind of
// special character, a session, a login.
var planted = []string{
	"0123456789abcdef0123456789abcdef", "p&ss<w>\"o'r;d=+%/\\", "пароль", "two words", "user@example.com:pl@nted", "tab\tand\nnewline", "a+b%20c", `back\slash`, "1234",
}

// A registered value is masked in the log and the tail, in each of these encodings.
func TestRegisteredSecretsAreMasked(t *testing.T) {
	for _, secret := range planted {
		for name, write := range encodings() {
			h := newHost(t).debugConf("* 9\n")
			l := h.open()
			l.Secret(secret)
			l.Named("r").Debugf("before %s after", write(secret))
			require.NoError(t, l.Close())
			text := h.log() + strings.Join(l.Tail(1), "")
			assert.NotContains(t, text, write(secret), "%q %s", secret, name)
			assert.NotContains(t, text, secret, "%q %s", secret, name)
			assert.Contains(t, text, "before ***", "%q %s", secret, name)
		}
	}
}

func TestSecretWithinABase64LoginNeverShows(t *testing.T) {
	for _, user := range []string{"u", "us", "use", "user"} {
		l := panellog.Discard()
		l.Secret("pl@nted-password")
		login := base64.StdEncoding.EncodeToString([]byte(user + ":pl@nted-password:x"))
		l.Infof("Basic %s", login)
		got := l.Tail(1)[0]
		assert.Contains(t, got, "***")
		for i := 0; i+8 <= len("pl@nted-password"); i++ {
			for before := range 3 {
				b := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + "pl@nted-password"[i:i+8]))
				assert.NotContains(t, got, b[2:len(b)-2])
			}
		}
	}
}

func TestOverlappingSecretsLeaveNothing(t *testing.T) {
	l := panellog.Discard()
	l.Secret("abcdef", "defghi", "abcdefghij-longer")
	l.Infof("xabcdefghix abcdefghij-longer")
	assert.Equal(t, "Jan  1 00:00:00 [0:1] main INFO x***x ***", l.Tail(1)[0])
}

func TestShortValuesAreNoSecrets(t *testing.T) {
	l := panellog.Discard()
	l.Secret("", "on", "abc", "  x  ")
	l.Infof("turned on abc x")
	assert.Equal(t, "Jan  1 00:00:00 [0:1] main INFO turned on abc x", l.Tail(1)[0])
}

// At level 9, through every function, with each secret in each kind of field.
func TestPlantedSecretsAtLevelNine(t *testing.T) {
	h := newHost(t).debugConf("* 9\n")
	l := h.open().Named("r")
	log := []func(string, ...any){l.Notef, l.Criticalf, l.Errorf, l.Warningf, l.Infof, l.ExtInfof, l.Extf, l.Tracef, l.Debugf}
	for i, field := range []string{"ApiKey", "api_key", "password", "DBPassword", "pkey", "key", "authinfo", "auth", "billmgrses5", "token"} {
		secret := fmt.Sprintf("pl&nted<%d>secret", i)
		for _, f := range log {
			f("%s", panellog.RedactForm("a=b&"+field+"="+url.QueryEscape(secret)))
			f("%s", panellog.RedactForm("elid=1&name="+field+"&value="+url.QueryEscape(secret)))
			f("%s", panellog.RedactXML([]byte("<doc><"+field+">"+html.EscapeString(secret)+"</"+field+"></doc>")))
			f("%s", panellog.RedactXML([]byte("<doc><param name='"+field+"' value='"+html.EscapeString(secret)+"'/></doc>")))
			f("%v", panellog.RedactArgs([]string{"--" + field, secret, "--" + field + "=" + secret, field + "=" + secret}))
			f("%v", panellog.RedactArgs([]string{"service.saveparam", "name=" + field, "value=" + secret}))
		}
	}
	require.NoError(t, l.Close())
	assert.Equal(t, 10*9*6, strings.Count(h.log(), "\n"))
	for _, trace := range []string{"pl&nted", "pl%26nted", "pl&amp;nted", "secret"} {
		assert.NotContains(t, h.log(), trace)
		assert.NotContains(t, strings.Join(l.Tail(100), ""), trace)
	}
}

const canary = "Planted7Canary"

// FuzzRedactForm checks that the value of a secret field is masked, whatever is around it.
func FuzzRedactForm(f *testing.F) {
	f.Add("a=b&", "&c=d", "password")
	f.Add("name=x&value=%3Cdoc%3E&", "", "api_key")
	f.Add("https://h/?", "&crypted=on", "auth")
	f.Fuzz(func(t *testing.T, before, after, field string) {
		panellog.RedactForm(before)
		if !panellog.IsSecretField(field) || strings.ContainsAny(field, "=&?%+ '\"\t\r\n<") || strings.Contains(before+after+field, canary) {
			return
		}
		if before != "" && !strings.HasSuffix(before, "&") {
			before += "&"
		}
		if strings.HasPrefix(strings.TrimLeft(before, " \t\r\n\ufeff"), "<") {
			return // that is XML
		}
		if after != "" && !strings.HasPrefix(after, "&") {
			after = "&" + after
		}
		if got := panellog.RedactForm(before + field + "=" + canary + after); strings.Contains(got, canary) {
			t.Fatalf("%q", got)
		}
	})
}

func FuzzRedactXML(f *testing.F) {
	f.Add("<doc>", "</doc>", "password")
	f.Add("<doc a='<b' ><!-- x --><![CDATA[", "]]></doc>", "ApiKey")
	f.Add("<password", "", "key")
	f.Add("<a b=c><d>&lt;", "&gt;", "token")
	f.Fuzz(func(t *testing.T, before, after, field string) {
		out := panellog.RedactXML([]byte(before + after))
		if len(out) > 8*len(before+after)+1000 {
			t.Fatalf("%d bytes of %d", len(out), len(before+after))
		}
		if strings.Trim(field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || !panellog.IsSecretField(field) || strings.Contains(before+after+field, canary) {
			return
		}
		// As far as the document before is whole, its secrets never show; and what
		// it breaks is cut off here by closing what may be open.
		doc := before + `-->]]>?>"'>` + "<" + field + ">" + canary + "</" + field + ">" + after
		if got := panellog.RedactXML([]byte(doc)); strings.Contains(got, canary) {
			t.Fatalf("%q", got)
		}
		doc = before + `-->]]>?>"'>` + `<param name="` + field + `" value="` + canary + `"/>` + after
		if got := panellog.RedactXML([]byte(doc)); strings.Contains(got, canary) {
			t.Fatalf("%q", got)
		}
	})
}

func FuzzRedactArgs(f *testing.F) {
	f.Add("--command\x00open", "--item\x007", "password")
	f.Add("crypted=on\x00--param", "--value\x00x", "api_key")
	f.Fuzz(func(t *testing.T, before, after, field string) {
		if !panellog.IsSecretField(field) || strings.ContainsAny(field, "=\x00<&%? '\"\t\r\n-") || strings.Contains(before+after+field, canary) {
			return
		}
		for _, words := range [][]string{{field + "=" + canary}, {"--" + field + "=" + canary}, {"--param", field, "--value", canary}, {"name=" + field, "value=" + canary}} {
			args := append(append(strings.Split(before, "\x00"), words...), strings.Split(after, "\x00")...)
			if got := strings.Join(panellog.RedactArgs(args), " "); strings.Contains(got, canary) {
				t.Fatalf("%q", got)
			}
		}
	})
}

// FuzzSecret checks that a registered secret is masked in any text.
func FuzzSecret(f *testing.F) {
	for _, s := range planted {
		f.Add("before ", s, " after")
	}
	f.Add("%2", "%25%25", "5")
	f.Add("<a ", "p<a>ss&lt;b&gt;word", " b='<!-- ")
	f.Add("-----BEGIN PRIVATE KEY-----", "a b+c", "-----END ")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		secret = strings.TrimSpace(secret)
		if len(secret) < 4 || strings.Contains("***", secret) || strings.Contains("Jan  1 00:00:00 [0:1] main INFO ", secret) {
			return
		}
		l := panellog.Discard()
		l.Secret(secret)
		masks := utf8.ValidString(secret) && !strings.Contains(secret, "*") // a text of stars is not shown, but may be read
		for name, write := range encodings() {
			l.Infof("%s%s%s", before, write(secret), after)
			got := strings.TrimPrefix(l.Tail(1)[0], "Jan  1 00:00:00 [0:1] main INFO ")
			// Masking may put new neighbours beside ***; only the secret as a whole counts.
			if strings.Contains(strings.ReplaceAll(got, "***", "\x00"), secret) {
				t.Fatalf("%q in %q", secret, got)
			}
			if again := l.Mask(got); again != got {
				t.Fatalf("%q becomes %q", got, again)
			}
			if got := l.Mask(before + " " + write(secret) + " " + after); masks && strings.Contains(got, " "+write(secret)+" ") {
				t.Fatalf("%s: %q in %q", name, secret, got)
			}
		}
		if !masks || letterCount(secret) < 8 {
			return
		}
		for name, write := range splitForms() {
			got := l.Mask(before + " " + write(secret) + " " + after)
			if strings.Contains(onlyWord(strings.ReplaceAll(got, "***", "\x80")), onlyWord(write(secret))) {
				t.Fatalf("%s: %q in %q", name, secret, got)
			}
		}
		for _, steps := range []string{before, after} {
			checkSpelling(t, l.Mask, secret, []byte(steps)[:min(len(steps), 12)])
		}
	})
}

func BenchmarkLine(b *testing.B) {
	h := newHost(b)
	l := h.open().Named("r")
	l.Secret("0123456789abcdef0123456789abcdef", "planted-password")
	for b.Loop() {
		l.Infof("command %s item %d: %s", "sync_item", 42, "waiting for the domain validation of example.com")
	}
	require.NoError(b, l.Close())
}

func BenchmarkLineThatIsOff(b *testing.B) {
	l := newHost(b).open().Named("r")
	for b.Loop() {
		l.Debugf("command %s item %d", "sync_item", 42)
	}
}

func BenchmarkOpenAndClose(b *testing.B) {
	h := newHost(b).debugConf("* 6\n*.db 6\n*.core 4\n*.conn 4\npmnamecheap.* 9\n")
	for b.Loop() {
		require.NoError(b, panellog.Open(panellog.Options{Name: "pmx", Root: h.root, Now: time.Now}).Close())
	}
}
