package panellog

import (
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// secretForms returns the texts to search for a secret value: the value, the value escaped for XML and JSON (matchEscaped
// then finds a second escaping), and the part of its base64 that does not depend on the bytes before and behind it
// ("user:password" in one base64 text).
func secretForms(value string) []string {
	trimmed := strings.TrimSpace(value)
	if len(trimmed) < minSecret {
		return nil
	}
	var forms []string
	for _, cased := range []string{trimmed, strings.ToLower(trimmed), strings.ToUpper(trimmed)} {
		forms = append(forms, cased, html.EscapeString(cased), escapeXML(cased))
		if quoted, err := json.Marshal(cased); err == nil {
			forms = append(forms, string(quoted[1:len(quoted)-1]))
		}
	}
	if len(trimmed) >= 2*minFolded {
		return forms // foldedSet finds its encodings
	}
	forms = append(forms, base64Forms(trimmed)...)
	for _, text := range base64Forms(trimmed) {
		forms = append(forms, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return append(forms, hex.EncodeToString([]byte(trimmed)))
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

// decodeEscape decodes one escape at the start of s: %2B or + of forms, &amp; or &#38; of XML, \n, \", \x26 or \u0026 of JSON and
// Go. width is the length of the escape in bytes, 0 if there is none.
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

// longestReference is the length in bytes of &#x10FFFF; with some leading zeros.
const longestReference = 14

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
		return "", 0
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

// decodeBackslash decodes one escape of JSON or Go at the start of s.
func decodeBackslash(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	switch s[1] {
	case 'n':
		return "\n", 2
	case 'r':
		return "\r", 2
	case 't':
		return "\t", 2
	case 'b':
		return "\b", 2
	case 'f':
		return "\f", 2
	case 'v':
		return "\v", 2
	case 'a':
		return "\a", 2
	case '"', '\'', '\\', '/':
		return s[1:2], 2
	case 'x':
		return decodeHex(s, 2, 4)
	case 'u':
		return decodeUTF16(s)
	}
	return "", 0
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
