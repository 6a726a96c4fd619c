package panellog_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/panellog"
)

// wrapped breaks a text into lines.
func wrapped(text string, width int, end string) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + end)
		text = text[width:]
	}
	return b.String() + text
}

// splitForms returns forms of a value that only the search in letters and digits finds: split, in another case, encoded twice.
func splitForms() map[string]func(string) string {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	every := func(sep string) func(string) string {
		return func(s string) string {
			var words []string
			for _, c := range []byte(s) {
				words = append(words, fmt.Sprintf("%02X", c))
			}
			return strings.Join(words, sep)
		}
	}
	halves := func(between string) func(string) string {
		return func(s string) string {
			runes := []rune(s)
			return string(runes[:len(runes)/2]) + between + string(runes[len(runes)/2:])
		}
	}
	return map[string]func(string) string{
		"upper case":                   strings.ToUpper,
		"lower case":                   strings.ToLower,
		"upper case in a form":         func(s string) string { return url.QueryEscape(strings.ToUpper(s)) },
		"hex":                          func(s string) string { return hex.EncodeToString([]byte(s)) },
		"hex, upper case":              func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"hex with colons":              every(":"),
		"hex with blanks":              every(" "),
		"hex over lines":               func(s string) string { return wrapped(hex.EncodeToString([]byte(s)), 8, "\n") },
		"hex of upper case":            func(s string) string { return hex.EncodeToString([]byte(strings.ToUpper(s))) },
		"bytes in decimal":             func(s string) string { return fmt.Sprint([]byte(s)) },
		"double percent":               func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		"triple percent":               func(s string) string { return url.QueryEscape(url.QueryEscape(url.QueryEscape(s))) },
		"double percent, all":          func(s string) string { return "%25" + every("%25")(s) },
		"XML in XML":                   func(s string) string { return html.EscapeString(html.EscapeString(s)) },
		"XML in a form in a form":      func(s string) string { return url.QueryEscape(url.QueryEscape(html.EscapeString(s))) },
		"quoted twice":                 func(s string) string { return strconv.Quote(strconv.Quote(s)) },
		"for a shell":                  func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
		"for SQL":                      func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
		"split by a line end":          halves("\n"),
		"split by CRLF and blanks":     halves("\r\n        "),
		"split by an escaped line end": halves(`\n`),
		"split by a percent line end":  halves("%0D%0A"),
		"split by a reference":         halves("&#10;"),
		"split by a tag":               halves(`<br class="x"/>`),
		"split by escaped tags":        halves("&lt;b&gt;&lt;/b&gt;"),
		"split by percent tags":        halves("%3Cb%3E%3C/b%3E"),
		"split by tags of JSON":        halves(`\u003cb\u003e\u003c/b\u003e`),
		"split by tags escaped twice":  halves("&amp;lt;b&amp;gt;%253Ci%253E"),
		"split by a tag with an angle": halves(`<a title="x>y" b='"'>`),
		"split by a comment":           halves("<!-- x -->"),
		"split by a commented tag":     halves("<!-- <b>x</b> -->"),
		"split by an escaped comment":  halves("&lt;!-- x --&gt;"),
		"split by escaped CDATA":       halves("]]&gt;&lt;![CDATA["),
		"split by a named reference":   halves("&shy;&nbsp;"),
		"split by a zero width space":  halves("\u200b"),
		"split by CDATA":               halves("]]><![CDATA["),
		"split by quotes":              halves(`" + "`),
		"base64 over lines":            func(s string) string { return wrapped(b64(s), 5, "\n") },
		"base64 over CRLF":             func(s string) string { return wrapped(b64(s), 4, "\r\n  ") },
		"base64 over escaped lines":    func(s string) string { return wrapped(b64(s), 4, "\\n") },
		"base64 in a form":             func(s string) string { return url.QueryEscape(wrapped(b64(s), 6, "\n")) },
		"base64 in base64":             func(s string) string { return b64(b64(s)) },
		"base64 of a document":         func(s string) string { return b64("<doc><x>" + html.EscapeString(s) + "</x></doc>") },
		"base64 of a form":             func(s string) string { return b64("a=b&x=" + url.QueryEscape(s) + "&c=d") },
		"base64 of upper case":         func(s string) string { return b64("user:" + strings.ToUpper(s) + ":") },
		"base64 for URLs, of a document": func(s string) string {
			return base64.URLEncoding.EncodeToString([]byte("{\"a\":" + strconv.Quote(s) + "}"))
		},
	}
}

// onlyWord returns the letters and digits of a text in lower case, and U+FFFD for each byte that is not UTF-8.
func onlyWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, s)
}

// rules LOG-6: a registered value of eight letters and digits is masked in all these forms.
func TestSplitAndEncodedSecretsAreMasked(t *testing.T) {
	for _, secret := range []string{
		"0123456789abcdef0123456789abcdef", "p&ss<w>\"o'r;d=+%/\\12", "парольпароль", "two words more", "user@example.com:pl@nted", "Tr0ub4dor&3%41",
		"correct horse\tbattery\nstaple", "a+b%20c+defgh", "Nimbus/2000+key==",
		`{"json": "in json"}`, "ÄÖÜäöüßÀÉ", "r@ss<w>5o'p\x00\x00\x00d%/\\", "<b>bolder</b><i>", "pass<!-- x -->word", "a<b c=\"d>e\">fghij", "ab&lt;c&gt;def&amp;gh",
		"100%25%41bcdefgh", `quo\"te\u0041\nd`, "YTpi<Yw==>/+d8", "<![CDATA[secret]]>", "&#115;ecr&eacute;t%", "ıſς-ıſς-ıſς",
	} {
		l := panellog.Discard()
		l.Secret(secret)
		for name, write := range splitForms() {
			for _, around := range [][2]string{{"", ""}, {"x", "y"}, {"before ", " after"}, {"a=%41&b=", "&c=d"}, {"<a b='", "'>\n"}, {`{"x":"\n`, `"}`}} {
				text := around[0] + write(secret) + around[1]
				got := l.Mask(text)
				require.Contains(t, got, "***", "%q %s: %s", secret, name, text)
				assert.NotContains(t, onlyWord(strings.ReplaceAll(got, "***", "\x80")), onlyWord(write(secret)), "%q %s", secret, name)
				left := strings.Replace(strings.Replace(got, around[0], "", 1), around[1], "", 1)
				assert.LessOrEqual(t, len(onlyWord(left)), len(onlyWord(text))-len(onlyWord(secret))+5, "%q %s: little is left: %s of %s", secret, name, got, text)
				assert.Equal(t, got, l.Mask(got), "%q %s: masking again changes nothing", secret, name)
			}
		}
	}
}

// What was masked where a text was cut does not make the text before it the next cut.
func TestOneCutMasksOneSecret(t *testing.T) {
	l := panellog.Discard()
	l.Secret("0123456789abcdef0123456789abcdef")
	for piece, want := range map[string]string{
		"&0123456789abcd": strings.Repeat("&0123456789abcd", 8) + "&***", // the last one may be half of a reference
		"%0123456789abcd": strings.Repeat("%0123456789abcd", 9) + "%***",
		"0123456789abcd%": strings.Repeat("0123456789abcd%", 9) + "***%",
		"0123456789abcd…": strings.Repeat("***…", 10),
	} {
		assert.Equal(t, want, l.Mask(strings.Repeat(piece, 10)), piece)
	}
}

// A secret with tags is also masked in what is left of it when somebody removes them, unless that is an ordinary word.
func TestSecretWithoutItsTagsIsMasked(t *testing.T) {
	l := panellog.Discard()
	l.Secret("r@ss<w>5o'p", "<description>open</description>", "pass<!-- <b> -->word12", `ab<i t="x>y">cdefgh`)
	assert.Equal(t, "*** *** ***", l.Mask("r@ss5o'p r@ss5o&#39;p R@SS5O'P"))
	assert.Equal(t, "we open a file", l.Mask("we open a file"))
	assert.Equal(t, "*** *** ***", l.Mask("password12 pass&lt;i&gt;word12 abcdefgh"))
}

// Short values are found in any case and escape, but not if they are split: that would mask parts of ordinary words.
func TestShortSecretsAreNotFoundInPieces(t *testing.T) {
	l := panellog.Discard()
	l.Secret("open1", "ab1")
	assert.Equal(t, "to *** *** *** *** ab1 AB1", l.Mask("to open1 OPEN1 %6Fpen1 %254Fpen1 ab1 AB1"))
	assert.Equal(t, "we open 1 file", l.Mask("we open 1 file"))
	assert.Equal(t, "reopen (1 try), op-en1", l.Mask("reopen (1 try), op-en1"))
}

// A text that was cut inside a secret shows nothing of it, wherever the cut is: at the end, before an ellipsis, inside an escape
// or a tag. The account in user:password is not masked.
func TestBeginningOfACutSecretIsMasked(t *testing.T) {
	const secret, short, odd = "0123456789abcdef0123456789abcdef", "Tr0ub4dor3x", "p&ss<word>0123\"456789"
	l := panellog.Discard()
	l.Secret(secret, short, odd, "user@example.com:password1")
	for _, c := range []struct{ name, in, want string }{
		{"at the end", "the key is " + secret[:20], "the key is ***"},
		{"before an ellipsis", "the key is " + secret[:20] + "…", "the key is ***…"},
		{"in the middle", "value=" + secret[:20] + "…(512 bytes, SHA-256 0a1b)&elid=1", "value=***…(512 bytes, SHA-256 0a1b)&elid=1"},
		{"short secret", "the password is " + short[:9], "the password is ***"},
		{"too short to tell", "the password is " + short[:7], "the password is " + short[:7]},
		{"inside a reference", "a p&amp;ss&lt;word&gt;0123&qu", "a ***&qu"},
		{"inside percent-encoding", "a p%26ss%3Cword%3E0123%2", "a ***%2"},
		{"inside an escape of JSON", `a p\u0026ss\u003cword\u003e0123\u00`, `a ***\u00`},
		{"inside an escape before an ellipsis", "a p&amp;ss&lt;word&gt;0123&q… b", "a ***&q… b"},
		{"inside a tag", `a p&amp;ss&lt;word&gt;0<br class="x`, `a ***<br class="x`},
		{"account", "the account user@example.com", "the account user@example.com"},
	} {
		assert.Equal(t, c.want, l.Mask(c.in), c.name)
	}
	assert.Equal(t, "x."+secret[:20], panellog.Masker(secret)("x."+secret[:20]))
}

// privateKeys are keys of every kind in PEM.
func privateKeys(t testing.TB) map[string]string {
	t.Helper()
	toPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return toPEM("PRIVATE KEY", der)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	e384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(e)
	require.NoError(t, err)
	return map[string]string{
		"PKCS 8, RSA": pkcs8(r), "PKCS 8, P-256": pkcs8(e), "PKCS 8, P-384": pkcs8(e384), "PKCS 8, Ed25519": pkcs8(ed),
		"PKCS 1": toPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), "SEC 1": toPEM("EC PRIVATE KEY", sec1),
	}
}

// A private key is also masked without its first line, without its dashes, and in base64 at any offset.
func TestPrivateKeysWithoutTheirFirstLineAreMasked(t *testing.T) {
	for kind, key := range privateKeys(t) {
		lines := strings.Split(strings.TrimSpace(key), "\n")
		body := strings.Join(lines[1:len(lines)-1], "\n")
		bare := strings.ReplaceAll(body, "\n", "")
		der, err := base64.StdEncoding.DecodeString(bare)
		require.NoError(t, err)
		cases := map[string]string{
			"without BEGIN":               strings.Join(lines[1:], "\n"),
			"cut in BEGIN":                key[8:],
			"cut in its first line":       key[strings.Index(key, "\n")+20:],
			"without BEGIN, escaped":      strings.Join(lines[1:], `\n`),
			"without BEGIN, in a form":    url.QueryEscape(strings.Join(lines[1:], "\n")),
			"without BEGIN and END":       body,
			"on one line":                 bare,
			"hex":                         hex.EncodeToString(der),
			"base64 of DER, for URLs":     base64.RawURLEncoding.EncodeToString(der),
			"base64 of DER, over lines":   wrapped(bare, 16, "\n"),
			"JSON":                        strconv.Quote(body),
			"base64 of PEM, over lines":   wrapped(base64.StdEncoding.EncodeToString([]byte(key)), 64, "\r\n"),
			"base64 of PEM, short lines":  wrapped(base64.StdEncoding.EncodeToString([]byte(key)), 20, "\n"),
			"base64 of PEM without BEGIN": base64.StdEncoding.EncodeToString([]byte(strings.Join(lines[1:], "\n"))),
		}
		for before := range 3 {
			cases[fmt.Sprintf("base64 of PEM behind %d bytes", before)] = base64.StdEncoding.EncodeToString([]byte("xyz"[:before] + key))
			cases[fmt.Sprintf("base64 of DER behind %d bytes", before)] = base64.StdEncoding.EncodeToString(append([]byte("xyz"[:before]), der...))
		}
		for name, text := range cases {
			for _, clean := range []string{panellog.Discard().Mask("found: " + text + ", 12 bytes"), panellog.RedactForm("a=" + text + "&b=c"),
				panellog.RedactXML([]byte("<a>" + text + "</a>")), panellog.RedactArgs([]string{text})[0]} {
				require.Contains(t, clean, "***", "%s %s: %s", kind, name, clean)
				assert.Less(t, len(clean), 60, "%s %s: %s of %s", kind, name, clean, text)
			}
		}
	}
}

// Requests, certificates and public keys have no signature of a private key.
func TestRequestsAndPublicKeysAreNotMasked(t *testing.T) {
	der := request(t, "example.com", "www.example.com")
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(&r.PublicKey)
	require.NoError(t, err)
	asked, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"example.com"}}, r)
	require.NoError(t, err)
	for name, bytes := range map[string][]byte{
		"request, P-256": der, "request, RSA": asked, "public key": public, "public key of PKCS 1": x509.MarshalPKCS1PublicKey(&r.PublicKey),
	} {
		for _, text := range []string{base64.StdEncoding.EncodeToString(bytes), hex.EncodeToString(bytes), wrapped(base64.StdEncoding.EncodeToString(bytes), 64, "\n")} {
			assert.Equal(t, text, panellog.Discard().Mask(text), name)
		}
	}
}

// BenchmarkMask measures many secrets in a long text, which should take a fraction of a second (rules LOG-6).
func BenchmarkMask(b *testing.B) {
	for _, secrets := range []int{1, 16, 256} {
		b.Run(strconv.Itoa(secrets)+" secrets", func(b *testing.B) {
			var values []string
			for i := range secrets {
				values = append(values, fmt.Sprintf("%x", []byte(fmt.Sprintf("secret value %d", i*7919))))
			}
			mask := panellog.Masker(values...)
			text := strings.Repeat("<elem><id>1234</id><name>example.com &amp; more</name><value>a%20b%2Fc</value></elem>\n", (1<<20)/87)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				mask(text)
			}
		})
	}
}
