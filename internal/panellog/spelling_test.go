package panellog_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/panellog"
)

// spelled is a value as a text spells it, character by character, so that it can be split and escaped in any order.
type spelled struct {
	units   []string
	letters []bool // the unit is a letter or a digit of the value
}

func spell(value string) spelled {
	var s spelled
	for _, r := range value {
		s.units = append(s.units, string(r))
		s.letters = append(s.letters, unicode.IsLetter(r) || unicode.IsDigit(r))
	}
	return s
}

// split puts a separator between two characters.
func (s spelled) split(at int, separator string) spelled {
	at = 1 + at%max(1, len(s.units)-1)
	out := spelled{units: append(append(append([]string{}, s.units[:at]...), separator), s.units[at:]...)}
	out.letters = append(append(append([]bool{}, s.letters[:at]...), false), s.letters[at:]...)
	return out
}

// escape escapes each character.
func (s spelled) escape(write func(string) string) spelled {
	out := spelled{letters: s.letters}
	for _, unit := range s.units {
		out.units = append(out.units, write(unit))
	}
	return out
}

// parts returns the text before the first letter, from it to the last letter, and behind it.
func (s spelled) parts() (head, body, tail string) {
	first, last := len(s.units), -1
	for i, letter := range s.letters {
		if letter {
			first, last = min(first, i), i
		}
	}
	return strings.Join(s.units[:first], ""), strings.Join(s.units[first:last+1], ""), strings.Join(s.units[last+1:], "")
}

var separators = []string{
	"\n", "\r\n        ", "\t", " ", `<br class="x"/>`, "<b></b>", "</td>\n<td>", "<!-- x -->", "<!-- <b>y</b> -->", "]]><![CDATA[", `" + "`,
	`<a title="x>y">`, "\u200b", "\u00ad", "<b>", "%", "&", `\`, "'", "<", ">", "<!-- ", " -->", "\\\n",
}

// escapers are functions that a layer of escapes is made with.
var escapers = []func(string) string{
	url.QueryEscape, url.PathEscape, html.EscapeString,
	func(s string) string {
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(s)); err != nil {
			panic(err)
		}
		return b.String()
	},
	func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(b[1 : len(b)-1])
	},
	func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
	func(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] },
	everyByteOf("%%%02x"), everyByteOf(`\x%02X`), everyByteOf(`\%03o`), everyRuneOf("&#%d;"), everyRuneOf("&#x%X;"),
	func(s string) string {
		return strings.NewReplacer("\\", "\\\\", "'", "\\'", "\n", "\\n", "&", "\\&", " ", "\\ ", "<", "\\<").Replace(s)
	},
}

func everyByteOf(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
}

func everyRuneOf(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
}

// spellBy splits and escapes a value as the bytes say: two for a separator and its place, one for an escape, at most four escapes.
func spellBy(value string, steps []byte) spelled {
	s := spell(value)
	escapes := 0
	for len(steps) > 1 && len(s.units) < 200 {
		if int(steps[0])%2 == 0 {
			s = s.split(int(steps[1]), separators[int(steps[0]/2)%len(separators)])
			steps = steps[2:]
			continue
		}
		if escapes++; escapes > 4 {
			break
		}
		s = s.escape(escapers[int(steps[0]/2)%len(escapers)])
		steps = steps[1:]
	}
	return s
}

// letterCount returns the number of letters and digits.
func letterCount(text string) int {
	n := 0
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// FuzzSpelling checks that a value of eight letters and digits is masked from its first to its last one, whatever splits it and
// however that is escaped.
func FuzzSpelling(f *testing.F) {
	for _, secret := range append([]string{"r@ss<w>5o'p\x00d%/\\", "ab&lt;c&gt;def&amp;gh", "100%25%41bcdefgh", "a<b>c<!--d-->efgh12"}, planted...) {
		for _, steps := range []string{"", "\x08\x05\x05", "\x05\x08\x05\x01\x01", "\x0a\x03\x09\x12\x04\x01", "\x0e\x02\x10\x06\x14\x04\x03\x05\x01"} {
			f.Add(secret, []byte(steps))
		}
	}
	f.Fuzz(func(t *testing.T, secret string, steps []byte) {
		secret = strings.TrimSpace(secret)
		if !utf8.ValidString(secret) || letterCount(secret) < 8 || len(secret) > 80 || strings.Contains(secret, "***") {
			return
		}
		checkSpelling(t, panellog.Masker(secret), secret, steps)
	})
}

// checkSpelling spells a secret and checks that it is masked from its first letter to its last one.
func checkSpelling(t *testing.T, mask func(string) string, secret string, steps []byte) {
	t.Helper()
	head, body, tail := spellBy(secret, steps).parts()
	text := "x " + head + body + tail + " y"
	got := mask(text)
	first, last := strings.Index(got, "***"), strings.LastIndex(got, "***")+len("***")
	if first < 0 || onlyWord(strings.ReplaceAll(got[first:last], "***", "")) != "" ||
		!strings.HasPrefix("x "+head, got[:first]) || !strings.HasSuffix(tail+" y", got[last:]) {
		t.Fatalf("%q spelled by %q becomes %s: %s", secret, steps, clipped(got), clipped(text))
	}
}

// A short value, or one with few letters and digits, is masked in every escape too, unless something splits it.
func TestValuesWithFewLettersAreMaskedInEveryEscape(t *testing.T) {
	for _, secret := range []string{"it's1", `a"b'c`, "a&b c", "$$$%%%&&&###@@@!!!", "<w>5<x>", "((((((((((((((((((1", "p&amp;1", "%41%42", "ключ", "€£¥€", "—————x", "Pa***word1234567", strings.Repeat("long***", 50), `\\n\\n\\n\\n\\n\\n\\n`} {
		mask := panellog.Masker(secret)
		for i, first := range escapers {
			for k, second := range escapers {
				text := first(secret)
				assert.NotContains(t, mask("x "+text+" y"), text, "%q, escape %d", secret, i)
				text = second(text)
				assert.NotContains(t, mask("x "+text+" y"), text, "%q, escapes %d and %d", secret, i, k)
			}
		}
		for name, text := range map[string]string{
			"shell":          "'" + strings.ReplaceAll(secret, "'", `'\''`) + "'",
			"shell, quotes":  "'" + strings.ReplaceAll(secret, "'", `'"'"'`) + "'",
			"SQL":            "'" + strings.ReplaceAll(secret, "'", "''") + "'",
			"SQL, backslash": "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, `"`, `\"`).Replace(secret) + "'",
			"CSV":            `"` + strings.ReplaceAll(secret, `"`, `""`) + `"`,
		} {
			assert.NotContains(t, mask("x "+text+" y"), text[1:len(text)-1], "%q for %s", secret, name)
		}
	}
}

// clipped returns the beginning and the end of a long text.
func clipped(text string) string {
	if len(text) <= 400 {
		return strconv.Quote(text)
	}
	return strconv.Quote(text[:200]) + " … " + strconv.Quote(text[len(text)-200:])
}
