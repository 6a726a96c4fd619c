package panellog

import (
	"encoding/base64"
	"strings"
)

const (
	pemBegin   = "-----BEGIN "
	pemEnd     = "-----END "
	pemKeyWord = "PRIVATE KEY"
	pemDashes  = "-----"

	lowerBegin, lowerEnd, lowerKeyWord = "-----begin ", "-----end ", "private key"

	pemBegin64  = "LS0tLS1CRUdJTi" // base64 of pemBegin, as far as it is fixed
	pemSteps    = 1000             // limit of matchEscaped for one of these words
	pemLabelMax = 160              // bytes from BEGIN to PRIVATE KEY, percent-encoding allowed for
)

// privateKeySpans finds PEM private keys of every kind, escaped or inside base64. A block without an END line reaches to the
// end of the text.
func privateKeySpans(text string) []span {
	encoded := base64KeySpans(text)
	text = lowerASCII(text)
	if !strings.Contains(text, "key") && !strings.ContainsAny(text, `%&\`) {
		return encoded
	}
	var found []span
	for at := 0; ; {
		start, end := findEscaped(text, lowerBegin, at)
		if start < 0 {
			break
		}
		at = end
		label := text[:min(len(text), end+pemLabelMax)]
		_, key := findEscaped(label, lowerKeyWord, end)
		if key < 0 || dashesBefore(label[:key], end) {
			continue // a certificate, a CSR
		}
		at = blockEnd(text, key)
		found = append(found, span{start, at})
	}
	return append(found, encoded...)
}

// dashesBefore reports whether the BEGIN line ends before the end of label.
func dashesBefore(label string, from int) bool {
	at, _ := findEscaped(label, pemDashes, from)
	return at >= 0
}

// blockEnd returns the end of the END line behind from; the end of the text if there is none.
func blockEnd(text string, from int) int {
	_, end := findEscaped(text, lowerEnd, from)
	if end < 0 {
		return len(text)
	}
	_, dashes := findEscaped(text, pemDashes, end)
	if dashes < 0 {
		return len(text)
	}
	return dashes
}

// findEscaped finds the pattern in the text from an offset on, escaped or not; -1 if absent. Both are in lower case.
func findEscaped(text, pattern string, from int) (start, end int) {
	for i := from; i < len(text); i++ {
		if text[i] != pattern[0] && !escapeStart(text[i]) {
			continue
		}
		steps := pemSteps // far more than one word takes
		if n := matchEscaped(text[i:], pattern, &steps); n > 0 {
			return i, i + n
		}
	}
	return -1, -1
}

// base64KeySpans finds the base64 of PEM private keys.
func base64KeySpans(text string) []span {
	var found []span
	for at := 0; ; {
		i := strings.Index(text[at:], pemBegin64)
		if i < 0 {
			return found
		}
		start := at + i
		head := text[start:min(len(text), start+64)]
		plain, _ := base64.RawStdEncoding.DecodeString(head[:len(head)/4*4])
		at = start + len(pemBegin64)
		if strings.Contains(string(plain), pemKeyWord) {
			for at < len(text) && base64Byte(text[at]) {
				at++
			}
			found = append(found, span{start, at})
		}
	}
}

func base64Byte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("+/=-_%\r\n\\", c) >= 0
}
