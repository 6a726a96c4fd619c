package panellog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxEscapes is the number of levels of escapes that are decoded, such as percent-encoding of percent-encoding of XML.
	maxEscapes = 4
	// barrier is a byte that no pattern contains. It stands for ***, so that the texts before and behind it are not joined.
	barrier = 0
)

// layer is a text with some levels of escapes decoded. For each byte it has the position in the original that the byte came from.
type layer struct {
	text     string
	from, to []int32 // nil for the original itself
}

// at returns the position in the original of the bytes [start, end) of the layer.
func (l layer) at(start, end int) span {
	if l.from == nil || start >= end {
		return span{start, end}
	}
	return span{int(l.from[start]), int(l.to[end-1])}
}

// next returns the layer with one more level of escapes decoded; false if there are no escapes.
func (l layer) next() (layer, bool) {
	if !strings.ContainsAny(l.text, `%&\`) {
		return l, false
	}
	var b strings.Builder
	b.Grow(len(l.text))
	out := layer{from: make([]int32, 0, len(l.text)), to: make([]int32, 0, len(l.text))}
	changed := false
	for i := 0; i < len(l.text); {
		piece, width := l.text[i:i+1], 1
		if decodable(l.text[i]) {
			if decoded, w := decodeEscape(l.text[i:]); w > 0 {
				piece, width, changed = decoded, w, true
			}
		}
		where := l.at(i, i+width)
		b.WriteString(piece)
		for range len(piece) {
			out.from, out.to = append(out.from, int32(where.start)), append(out.to, int32(where.end))
		}
		i += width
	}
	out.text = b.String()
	return out, changed
}

// decodable reports whether an escape that a layer decodes can begin with the byte. The plus sign of forms is not decoded: it
// separates letters as the blank does that it stands for.
func decodable(c byte) bool { return c == '%' || c == '&' || c == '\\' }

// layers returns the text, followed by the text with one, two, … levels of escapes decoded.
func layers(text string) []layer {
	all := []layer{{text: text}}
	for len(all) <= maxEscapes {
		next, changed := all[len(all)-1].next()
		if !changed {
			break
		}
		all = append(all, next)
	}
	return all
}

// folded returns the letters and digits of a text, without letter case, so that letter case, line ends, quotes and other
// separators inside a value do not hide it. It has a barrier for each ***.
func folded(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		if c := text[0]; asciiLetterOrDigit(c) {
			b.WriteByte(c | 0x20) // a letter in lower case; a digit has the bit already
			text = text[1:]
			continue
		}
		letters, width := foldedNext(text)
		b.WriteString(letters)
		text = text[width:]
	}
	return b.String()
}

// foldedNext returns the first character of the text as folded writes it, and its width in bytes.
func foldedNext(text string) (letters string, width int) {
	switch c := text[0]; {
	case c >= utf8.RuneSelf:
		return foldedRune(text)
	case asciiLetterOrDigit(c):
		return lowered(c), 1
	case c == '*' && strings.HasPrefix(text, masked):
		return string(rune(barrier)), len(masked)
	}
	return "", 1
}

func asciiLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// lowered returns an ASCII letter in lower case, or the digit.
func lowered(c byte) string {
	const ascii = "0123456789abcdefghijklmnopqrstuvwxyz"
	at := int(c - '0')
	if c > '9' {
		at = int(c|0x20-'a') + 10
	}
	return ascii[at : at+1]
}

// foldedRune returns the first rune of the text without letter case and its width in bytes; empty if it is neither letter nor
// digit. A byte that is not UTF-8 is returned unchanged.
func foldedRune(text string) (string, int) {
	r, width := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && width == 1:
		return text[:1], width
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		// Upper case first: ı, ſ and ς share their upper case with i, s and σ.
		return string(unicode.ToLower(unicode.ToUpper(r))), width
	}
	return "", width
}

// foldings returns the folded forms of a value: with its own escapes decoded or not, and with its own tags and without.
func foldings(value string) []string {
	var forms []string
	for _, l := range layers(value) {
		forms = append(forms, folded(l.text))
		if strings.Contains(l.text, "<") {
			for _, text := range withoutTags(l.text) {
				forms = append(forms, folded(text))
			}
		}
	}
	return forms
}
