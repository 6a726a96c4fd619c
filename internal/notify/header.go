package notify

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
)

// Lengths of a header's lines without CRLF.
const (
	maxHeaderLine = 76 // lines with encoded words (RFC 2047 2); others are folded there too, RFC 5322 2.1.1 recommends 78
	encodedStart  = "=?UTF-8?q?"
	encodedEnd    = "?="
	// minEncoded is the length of an encoded word with one character of four bytes.
	minEncoded = len(encodedStart) + 4*len("=XX") + len(encodedEnd)
)

// header collects the header of a message.
type header struct{ text bytes.Buffer }

// add writes a field and folds it between its words. The first word is always on the field's first line: a line with
// nothing but white space after the colon is obsolete (RFC 5322 4.2), and some mail programs show it as a blank. A word that
// is longer than a line gets a line of its own.
func (h *header) add(name string, words ...string) {
	line := name + ":"
	for i, word := range words {
		if i > 0 && len(line)+1+len(word) > maxHeaderLine {
			fmt.Fprintf(&h.text, "%s\r\n", line)
			line = ""
		}
		line += " " + word
	}
	fmt.Fprintf(&h.text, "%s\r\n", line)
}

// addText writes a field of free text (unstructured, RFC 5322 2.2.1).
func (h *header) addText(name, text string) {
	if isASCII(text) {
		h.add(name, strings.Fields(text)...)
		return
	}
	h.add(name, encodedWords(text, maxHeaderLine-len(name)-len(": "))...)
}

// addAddress writes a field with one address.
func (h *header) addAddress(name string, address mail.Address) {
	angle := "<" + address.Address + ">"
	switch {
	case address.Name == "":
		h.add(name, angle)
	case isASCII(address.Name):
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(address.Name) + `"`
		h.add(name, append(strings.Fields(quoted), angle)...)
	default:
		h.add(name, append(encodedWords(address.Name, maxHeaderLine-len(name)-len(": ")), angle)...)
	}
}

// isASCII reports whether the text consists of printable ASCII, so that it needs no encoding in a header.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// encodedWords returns the text as encoded words (RFC 2047 4.2) of whole characters. The first word has at most first bytes,
// because it shares its line with the field's name; each further one fills a line after a blank. Only letters, digits and
// !*+-/ are not encoded, as RFC 2047 5 (3) requires for a person's name.
func encodedWords(text string, first int) []string {
	limit := max(first, minEncoded)
	var words []string
	word := encodedStart
	for _, r := range text {
		piece := encodedRune(r)
		if len(word)+len(piece)+len(encodedEnd) > limit {
			words = append(words, word+encodedEnd)
			word, limit = encodedStart, maxHeaderLine-len(" ")
		}
		word += piece
	}
	return append(words, word+encodedEnd)
}

func encodedRune(r rune) string {
	switch {
	case r == ' ':
		return "_"
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r < 0x80 && strings.ContainsRune("!*+-/", r):
		return string(r)
	}
	var encoded strings.Builder
	for _, b := range []byte(string(r)) {
		fmt.Fprintf(&encoded, "=%02X", b)
	}
	return encoded.String()
}
