package panellog_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

// hostile returns texts that are made to be expensive: many beginnings of what the redaction searches for, without an end.
func hostile() map[string]string {
	fill := func(piece string) string { return strings.Repeat(piece, hostileSize/len(piece)) }
	return map[string]string{
		"assignments in a row":      "<doc>" + fill("password=") + "</doc>",
		"assignments, no document":  fill("password="),
		"quoted assignments":        "<doc>" + fill(`password="a`),
		"open quote in a row":       fill(`password='"`),
		"escaped quotes":            `password="` + fill(`\"`),
		"names and colons":          fill("password: "),
		"words and colons":          fill("key:"),
		"lists of JSON":             "[" + fill(`"password=x",`) + `""]`,
		"objects of JSON":           "[" + fill(`{"password":"x"},`) + "{}]",
		"JSON in JSON in text":      fill(`{"a":"{\"b\":`),
		"bearers":                   fill("bearer "),
		"web tokens":                fill("eyJ."),
		"ends of keys":              fill("-----END PRIVATE KEY-----"),
		"ends of keys, in lines":    fill("AAAAAAAAAAAAAAAAAAAAAAAA\n"),
		"key signatures":            fill("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC "),
		"certificates":              fill("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
		"double percent":            fill("%252D"),
		"tags between letters":      fill("a<b>"),
		"open angles and letters":   fill("<aaaaaaaaaa"),
		"JSON names":                fill(`"password":`),
		"logins of URLs":            fill("://a:b"),
		"login without its host":    "://a:" + fill("password=x@"),
		"blanks before equals":      fill("password" + strings.Repeat(" ", 500) + "="),
		"one long name":             fill("a") + "password=x",
		"long names":                fill(strings.Repeat("a", 200) + "key="),
		"angles and blanks":         fill("< "),
		"open secret elements":      fill("<password>"),
		"stray end tags":            strings.Repeat("<a>", 199) + fill("</b>"),
		"attributes":                "<a " + fill(`b="password=`),
		"comments":                  fill("<!--"),
		"declarations":              fill("<!"),
		"references of references":  "<a>" + fill("&amp;amp;amp;lt;password&amp;amp;amp;gt;"),
		"pairs of a form":           fill("password=x&"),
		"begins of keys":            fill("-----BEGIN "),
		"private keys":              fill("-----BEGIN PRIVATE KEY-----"),
		"private keys in base64":    fill("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"),
		"percent":                   fill("%2D"),
		"backslashes":               fill(`\`),
		"backslashes in hex":        fill(`\x5c`),
		"long names of references":  fill("&" + strings.Repeat("a", 31)),
		"references in references":  fill("&#x26;#x26;"),
		"percent of percent":        fill("%25"),
		"percent of digits":         fill("%2532%35"),
		"first halves of pairs":     fill(`\ud83d`),
		"first bytes of runes":      fill("\xf0%9f"),
		"tags with an open quote":   fill(`<a "`),
		"tags with two quotes":      fill(`<"` + strings.Repeat("<'x", 100)),
		"tags in a row":             fill("<aaa><aab>"),
		"other tags in a row":       fill("<password=password><aaaaa a='>'/>"),
		"escaped tags in a row":     fill("&lt;aaa&gt;%3Caab%3E"),
		"comments before their end": fill("<!--") + "-->",
		"cuts":                      fill("aaaaaaaaaaaaaaaaaaaa&a…"),
		"cuts in tags":              fill("<a…"),
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

// With hundreds of secrets the limit of the search is not reached in an ordinary text.
func TestManySecretsDoNotMaskAnOrdinaryText(t *testing.T) {
	hash := func(i int) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint("row ", i)))) }
	var secrets []string
	for i := range 256 {
		secrets = append(secrets, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)})), fmt.Sprintf("Pass-%d<&>%x", i, sha256.Sum256([]byte{byte(i), 1})))
	}
	mask := panellog.Masker(secrets...)
	for name, row := range map[string]func(i int) string{
		"elements": func(i int) string {
			return fmt.Sprintf("<elem><id>%d</id><hash>%s</hash><text>a%%20b &amp;amp; \"c\" \\n</text></elem>\n", i, hash(i))
		},
		"tags alone": func(i int) string { return fmt.Sprintf("<val key=\"%04d\"/>", i) },
		"escaped tags": func(i int) string {
			return fmt.Sprintf("&lt;td&gt;&lt;b n=&quot;%d&quot;&gt;&lt;/b&gt;&lt;/td&gt;\n", i)
		},
		"form": func(i int) string {
			return fmt.Sprintf("%%3Celem%%3E%%3Cid%%3E%d%%3C%%2Fid%%3E%%0D%%0A%%D0%%BF%%D1%%80&hash=%s", i, hash(i))
		},
		"JSON in JSON": func(i int) string {
			return fmt.Sprintf(`{\"id\":%d,\"text\":\"a\\n\\n\\n\\tb\",\"hash\":\"%s\"},`, i, hash(i))
		},
		"base64": func(i int) string { return base64.StdEncoding.EncodeToString([]byte(hash(i))) + "\n" },
	} {
		var b strings.Builder
		for i := 0; b.Len() < 1<<18; i++ {
			b.WriteString(row(i))
		}
		text := b.String()
		assert.True(t, mask(text) == text, "%s: nothing is masked", name)
		assert.True(t, mask(text+" "+secrets[77]) == text+" ***", "%s: only the secret at its end is masked", name)
	}
}
