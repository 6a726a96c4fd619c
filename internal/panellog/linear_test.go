package panellog_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

// hostile returns texts that are made to be expensive: many beginnings of what the redaction searches for, without an end.
func hostile() map[string]string {
	const size = 1 << 20
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	return map[string]string{
		"assignments in a row":     "<doc>" + fill("password=") + "</doc>",
		"assignments, no document": fill("password="),
		"quoted assignments":       "<doc>" + fill(`password="a`),
		"open quote in a row":      fill(`password='"`),
		"escaped quotes":           `password="` + fill(`\"`),
		"names and colons":         fill("password: "),
		"words and colons":         fill("key:"),
		"lists of JSON":            "[" + fill(`"password=x",`) + `""]`,
		"objects of JSON":          "[" + fill(`{"password":"x"},`) + "{}]",
		"JSON in JSON in text":     fill(`{"a":"{\"b\":`),
		"bearers":                  fill("bearer "),
		"web tokens":               fill("eyJ."),
		"ends of keys":             fill("-----END PRIVATE KEY-----"),
		"ends of keys, in lines":   fill("AAAAAAAAAAAAAAAAAAAAAAAA\n"),
		"key signatures":           fill("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC "),
		"certificates":             fill("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
		"double percent":           fill("%252D"),
		"tags between letters":     fill("a<b>"),
		"open angles and letters":  fill("<aaaaaaaaaa"),
		"JSON names":               fill(`"password":`),
		"logins of URLs":           fill("://a:b"),
		"login without its host":   "://a:" + fill("password=x@"),
		"blanks before equals":     fill("password" + strings.Repeat(" ", 500) + "="),
		"one long name":            fill("a") + "password=x",
		"long names":               fill(strings.Repeat("a", 200) + "key="),
		"angles and blanks":        fill("< "),
		"open secret elements":     fill("<password>"),
		"stray end tags":           strings.Repeat("<a>", 199) + fill("</b>"),
		"attributes":               "<a " + fill(`b="password=`),
		"comments":                 fill("<!--"),
		"declarations":             fill("<!"),
		"references of references": "<a>" + fill("&amp;amp;amp;lt;password&amp;amp;amp;gt;"),
		"pairs of a form":          fill("password=x&"),
		"begins of keys":           fill("-----BEGIN "),
		"private keys":             fill("-----BEGIN PRIVATE KEY-----"),
		"private keys in base64":   fill("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"),
		"percent":                  fill("%2D"),
		"backslashes":              fill(`\`),
		"nested documents": fill("<a>" + strings.Repeat("&lt;key&gt;"+strings.Repeat("a", 120)+"&lt;/key&gt;", 60) +
			strings.Repeat("a", 8000) + "</a>"),
	}
}

// The author of a logged text must not be able to stop the module: a search that is quadratic in one of these takes hours and
// runs into the deadline of the tests.
func TestHostileTextsAreRedactedInLinearTime(t *testing.T) {
	log := panellog.Discard()
	log.Secret("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "password=password=password=x", `\\\\\\\\\\\\\\\\\\\\x`)
	for name, text := range hostile() {
		// What is escaped may grow, but not by more than the longest escape.
		limit := 16 * len(text)
		assert.LessOrEqual(t, len(panellog.RedactXML([]byte(text))), limit, "%s: XML", name)
		assert.LessOrEqual(t, len(panellog.RedactForm("a="+text)), limit, "%s: form", name)
		assert.LessOrEqual(t, len(panellog.RedactArgs([]string{text})[0]), limit, "%s: words", name)
		assert.LessOrEqual(t, len(log.Mask(text)), limit, "%s: mask", name)
	}
}

// With hundreds of secrets the limit of the search is not reached in an ordinary text of a megabyte.
func TestManySecretsDoNotMaskAnOrdinaryText(t *testing.T) {
	var secrets []string
	for i := range 256 {
		secrets = append(secrets, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)})), fmt.Sprintf("Pass-%d<&>%x", i, sha256.Sum256([]byte{byte(i), 1})))
	}
	var b strings.Builder
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, "<elem><id>%d</id><hash>%x</hash><text>a%%20b &amp;amp; \"c\" \\n</text></elem>\n", i, sha256.Sum256([]byte(fmt.Sprint("row ", i))))
	}
	text := b.String()
	mask := panellog.Masker(secrets...)
	assert.True(t, mask(text) == text, "nothing is masked")
	assert.True(t, mask(text+secrets[77]) == text+"***", "only the secret at its end is masked")
}
