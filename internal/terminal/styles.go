package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Styles adds colours and weights to texts by the control sequences of ECMA-48 (SGR). The zero value adds nothing.
type Styles struct{ colour bool }

// NewStyles returns styles that add control sequences if colour is true.
func NewStyles(colour bool) Styles { return Styles{colour} }

// The control sequences that Styles writes.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

// Bold returns the text in bold.
func (s Styles) Bold(text string) string { return s.wrap(bold, text) }

// Dim returns the text in a faint colour.
func (s Styles) Dim(text string) string { return s.wrap(dim, text) }

// Red returns the text in red, for what failed.
func (s Styles) Red(text string) string { return s.wrap(red, text) }

// Green returns the text in green, for what is in order.
func (s Styles) Green(text string) string { return s.wrap(green, text) }

// Yellow returns the text in yellow, for what needs attention.
func (s Styles) Yellow(text string) string { return s.wrap(yellow, text) }

func (s Styles) wrap(sequence, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return sequence + text + reset
}

// Clean returns the text with U+FFFD instead of each character that does not print, other than line ends: control characters and
// those that change the direction of writing could rewrite what the terminal shows. The sequences of Styles stay if s adds colours.
func (s Styles) Clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	var b strings.Builder
	for text != "" {
		if n := s.sequence(text); n > 0 {
			b.WriteString(text[:n])
			text = text[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		b.WriteRune(printable(r))
	}
	return b.String()
}

// sequence returns the length of the sequence of Styles that the text begins with; 0 if there is none or s adds none.
func (s Styles) sequence(text string) int {
	if !s.colour || text[0] != '\x1b' {
		return 0
	}
	for _, known := range []string{reset, bold, dim, red, green, yellow} {
		if strings.HasPrefix(text, known) {
			return len(known)
		}
	}
	return 0
}

func printable(r rune) rune {
	if r == '\n' || unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}
