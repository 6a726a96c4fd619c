package panellog

import (
	"encoding/hex"
	"encoding/xml"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// secretForms returns the texts to search for a secret value: the value, and what is left of it if somebody decodes its escapes
// or removes its tags, in each letter case, as XML and JSON change characters that they cannot hold, and with doubled quotes; and
// the part of its base64 that does not depend on the bytes before and behind it ("user:password" in one base64 text).
func secretForms(value string) []string {
	trimmed := strings.TrimSpace(value)
	var forms []string
	for _, read := range valueReadings(trimmed) {
		for _, cased := range []string{read, strings.ToLower(read), strings.ToUpper(read)} {
			forms = append(forms, cased, html.UnescapeString(escapeXML(cased)), strings.ToValidUTF8(cased, "\ufffd"))
			forms = append(forms, quotedForms(cased)...)
		}
	}
	if len(trimmed) >= 2*minFolded {
		return forms // foldedSet finds its encodings
	}
	for _, text := range base64Forms(trimmed) {
		forms = append(forms, text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return append(forms, hex.EncodeToString([]byte(trimmed)))
}

// valueReadings returns the value, and the value with its own escapes decoded and without its own tags. What is less than half
// of it is left out: it could be an ordinary word.
func valueReadings(value string) []string {
	var all []string
	for _, l := range layers(value) {
		all = append(all, strings.TrimSpace(l.text))
		for _, bare := range withoutTags(l.text) {
			if bare = strings.TrimSpace(bare); 2*len(bare) >= len(l.text) {
				all = append(all, bare)
			}
		}
	}
	return all
}

// quotedForms returns the text with its quotes as a shell, SQL and tables write them.
func quotedForms(text string) []string {
	var forms []string
	for _, quotes := range [][]string{{"'", `'\''`}, {"'", `'"'"'`}, {"'", "''"}, {`"`, `""`}} {
		if strings.Contains(text, quotes[0]) {
			forms = append(forms, strings.ReplaceAll(text, quotes[0], quotes[1]))
		}
	}
	return forms
}

// escapeXML writes a text as character data.
func escapeXML(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return text
	}
	return b.String()
}

// lowerASCII returns the text with A to Z in lower case and every other byte in its place.
func lowerASCII(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
		return text
	}
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// matchEscaped returns how many bytes at the start of text match pattern, 0 for no match. Each character may be plain,
// percent-encoded, an XML reference or a JSON escape, in any mixture. text and pattern are in lower case. Each comparison uses one
// of the steps, and the search ends when none is left: backslashes against backslashes can be read in very many ways.
func matchEscaped(text, pattern string, steps *int) int {
	at := 0
	for pattern != "" {
		if *steps--; *steps < 0 || at >= len(text) {
			return 0
		}
		plain := text[at] == pattern[0]
		if escapeStart(text[at]) {
			dec, w := decodeEscape(text[at:])
			if dec = lowerASCII(dec); w > 0 && strings.HasPrefix(pattern, dec) {
				rest := pattern[len(dec):]
				if rest == "" {
					return at + w
				}
				if end := matchEscaped(text[at+w:], rest, steps); end > 0 {
					return at + w + end
				}
			}
		}
		if !plain {
			return 0
		}
		at++
		pattern = pattern[1:]
	}
	return at
}

// escapeStart reports whether an escape can begin with the byte.
func escapeStart(c byte) bool { return c == '%' || c == '&' || c == '\\' || c == '+' }

// decodeEscape decodes one escape at the start of s: %2B or + of forms, &amp; or &#38; of XML, \n, \", \x26, \046 or \u0026 of JSON, Go
// and shells. width is the length of the escape in bytes, 0 if there is none.
func decodeEscape(s string) (decoded string, width int) {
	switch s[0] {
	case '+':
		return " ", 1
	case '%':
		return decodeHex(s, 1, 3)
	case '&':
		return decodeReference(s)
	case '\\':
		return decodeBackslash(s)
	}
	return "", 0
}

// decodeHex decodes s[from:to] as one byte (two digits) or character in hexadecimal. It returns to as the width.
func decodeHex(s string, from, to int) (string, int) {
	if len(s) < to {
		return "", 0
	}
	n, err := strconv.ParseUint(s[from:to], 16, 32)
	if err != nil {
		return "", 0
	}
	if to-from == 2 {
		return string([]byte{byte(n)}), to
	}
	return string(rune(n)), to
}

// longestReference is the length in bytes of the longest name of HTML (&CounterClockwiseContourIntegral;) and of &#x10FFFF; with
// leading zeros.
const longestReference = 33

// decodeReference decodes one XML reference at the start of s.
func decodeReference(s string) (string, int) {
	end := strings.IndexByte(s[:min(len(s), longestReference)], ';')
	if end < 2 {
		return "", 0
	}
	name := s[1:end]
	switch name {
	case "amp":
		return "&", end + 1
	case "lt":
		return "<", end + 1
	case "gt":
		return ">", end + 1
	case "quot":
		return `"`, end + 1
	case "apos":
		return "'", end + 1
	}
	if name[0] != '#' {
		return decodeName(s[:end+1])
	}
	digits, base := name[1:], 10
	if rest, ok := strings.CutPrefix(strings.ToLower(digits), "x"); ok {
		digits, base = rest, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return "", 0
	}
	return string(rune(n)), end + 1
}

// decodeName decodes a reference by one of the names of HTML, such as &uuml;.
func decodeName(reference string) (string, int) {
	if strings.Trim(reference[1:len(reference)-1], asciiNames) != "" {
		return "", 0
	}
	text := html.UnescapeString(reference)
	if strings.HasSuffix(text, ";") && reference != "&semi;" {
		return "", 0 // unknown, or the beginning of it is a name that needs no semicolon
	}
	return text, len(reference)
}

// asciiNames are the characters of the names of HTML.
const asciiNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// decodeBackslash decodes one escape of JSON, Go or a shell at the start of s.
func decodeBackslash(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	const letters, controls = "nrtbfva", "\n\r\t\b\f\v\a"
	if i := strings.IndexByte(letters, s[1]); i >= 0 {
		return controls[i : i+1], 2
	}
	switch s[1] {
	case 'x':
		return decodeHex(s, 2, 4)
	case 'u':
		return decodeUTF16(s)
	case 'U':
		return decodeHex(s, 2, 10)
	}
	if s[1] >= '0' && s[1] <= '7' {
		return decodeOctal(s)
	}
	if s[1] >= ' ' && s[1] < 0x7f && !asciiLetterOrDigit(s[1]) {
		return s[1:2], 2
	}
	return "", 0
}

// decodeOctal decodes the backslash and three octal digits of one byte.
func decodeOctal(s string) (string, int) {
	if len(s) < 4 {
		return "", 0
	}
	n, err := strconv.ParseUint(s[1:4], 8, 8)
	if err != nil {
		return "", 0
	}
	return string([]byte{byte(n)}), 4
}

// decodeUTF16 decodes \uXXXX, or two of them if the first is the first half of a surrogate pair.
func decodeUTF16(s string) (string, int) {
	if len(s) < 6 {
		return "", 0
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	if err != nil {
		return "", 0
	}
	r := rune(n)
	if utf16.IsSurrogate(r) && len(s) >= 12 && s[6:8] == `\u` {
		if low, err := strconv.ParseUint(s[8:12], 16, 16); err == nil {
			return string(utf16.DecodeRune(r, rune(low))), 12
		}
	}
	return string(r), 6
}
