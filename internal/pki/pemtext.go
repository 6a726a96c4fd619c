package pki

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
)

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
	// maxLabel is the longest accepted label of a PEM block, in bytes; TRUSTED CERTIFICATE has 19.
	maxLabel = 64
)

// pemBlock is one PEM block of a text (RFC 7468), decodable or not.
type pemBlock struct {
	label string // between "BEGIN " and the dashes
	text  string // the block's text up to its END line or the next BEGIN line
	after string // the text between its END line and the next BEGIN line
	der   []byte // nil if flaw says why
	flaw  string // why it cannot be decoded; empty if it can
}

// size returns the length of the block's content in bytes, or of its text if it cannot be decoded.
func (b pemBlock) size() int {
	if b.flaw == "" {
		return len(b.der)
	}
	return len(b.text)
}

// pemBlocks returns every block that begins in the text. encoding/pem is not used, because it skips a damaged block
// together with the good one after it. Line ends of every kind, blanks, a byte order mark, blocks without a line break
// between them and blocks without line breaks are accepted: none of these characters is part of base64.
func pemBlocks(text string) []pemBlock {
	text = lineBreaks(text)
	var blocks []pemBlock
	at := strings.Index(text, pemBegin)
	for at >= 0 {
		segment, next := text[at:], -1
		if found := strings.Index(segment[len(pemBegin):], pemBegin); found >= 0 {
			next = at + len(pemBegin) + found
			segment = text[at:next]
		}
		blocks = append(blocks, readPEM(segment))
		at = next
	}
	return blocks
}

// lineBreaks returns the text with \n line ends, instead of those of Windows and old Macintosh and of \n written as two
// characters, as in values copied from JSON.
func lineBreaks(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", `\r\n`, "\n", `\n`, "\n", `\r`, "\n").Replace(text)
}

// readPEM reads the block at the beginning of the segment.
func readPEM(segment string) pemBlock {
	rest := segment[len(pemBegin):]
	line := rest[:min(len(rest), maxLabel+len(pemDash))]
	label, _, complete := strings.Cut(line, pemDash)
	if stop := strings.IndexAny(label, "\n-"); stop >= 0 {
		label, complete = label[:stop], false
	}
	b := pemBlock{label: strings.TrimSpace(label), text: segment}
	if !complete {
		b.flaw = "its BEGIN line is damaged"
		return b
	}
	body := rest[len(label)+len(pemDash):]
	body, end, ended := strings.Cut(body, pemEnd)
	if !ended {
		b.flaw = "it has no END line"
		return b
	}
	endLabel, after, complete := strings.Cut(end, pemDash)
	if !complete || strings.TrimSpace(endLabel) != b.label {
		b.flaw = "its END line is damaged or of another type"
		return b
	}
	b.after, b.text = after, strings.TrimSuffix(segment, after)
	b.der, b.flaw = decodeBase64(withoutHeaders(body))
	return b
}

// withoutHeaders removes the encapsulated headers of RFC 1421 4.6.1: lines "Name: value" up to an empty line.
func withoutHeaders(body string) string {
	headers, rest, found := strings.Cut(strings.TrimLeft(body, "\n"), "\n\n")
	if found && strings.Contains(headers, ":") {
		return rest
	}
	return body
}

// decodeBase64 decodes base64. flaw names the first invalid character. Padding may be missing.
func decodeBase64(body string) (der []byte, flaw string) {
	body = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || invisible(r) {
			return -1
		}
		return r
	}, body)
	for i, r := range strings.TrimRight(body, "=") {
		if !alphanumeric(r) && r != '+' && r != '/' {
			return nil, fmt.Sprintf("it holds %s after %d characters, which is not base64", Character(r), i)
		}
	}
	data := strings.TrimRight(body, "=")
	der, err := base64.RawStdEncoding.DecodeString(data)
	if err != nil || len(body)-len(data) > 2 {
		return nil, "its base64 is cut off"
	}
	return der, ""
}

// invisible reports whether a character has no width: byte order mark, zero-width space and joiners, word joiner, soft
// hyphen.
func invisible(r rune) bool {
	switch r {
	case '\ufeff', '\u200b', '\u200c', '\u200d', '\u2060', '\u00ad':
		return true
	}
	return false
}

// Character returns a character's code point and, if it is visible, the character: U+00FC "ü".
func Character(r rune) string {
	if unicode.IsGraphic(r) && !unicode.IsSpace(r) {
		return fmt.Sprintf("the character U+%04X %q", r, string(r))
	}
	return fmt.Sprintf("the character U+%04X", r)
}
