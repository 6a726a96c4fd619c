package panellog

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLayers is the number of levels of escapes that are decoded, such as percent-encoding of percent-encoding of XML.
	maxLayers = 5
	// maxTag is the longest tag in bytes that is skipped inside a value.
	maxTag = 512
	// barrier is a byte that no secret contains. It replaces ***, so that the texts before and behind it are not joined.
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
		if c := l.text[i]; c == '%' || c == '&' || c == '\\' {
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

// layers returns the text, followed by the text with one, two, … levels of escapes decoded.
func layers(text string) []layer {
	all := []layer{{text: text}}
	for len(all) < maxLayers {
		next, changed := all[len(all)-1].next()
		if !changed {
			break
		}
		all = append(all, next)
	}
	return all
}

// folded returns the letters and digits of a layer in lower case, so that letter case, line ends, quotes and other separators
// inside a value do not hide it. With skipTags, tags are skipped too.
func (l layer) folded(skipTags bool) layer {
	var b strings.Builder
	b.Grow(len(l.text))
	out := layer{from: make([]int32, 0, len(l.text)), to: make([]int32, 0, len(l.text))}
	put := func(piece string, start, end int) {
		where := l.at(start, end)
		b.WriteString(piece)
		for range len(piece) {
			out.from, out.to = append(out.from, int32(where.start)), append(out.to, int32(where.end))
		}
	}
	for i := 0; i < len(l.text); {
		switch c := l.text[i]; {
		case c == '*' && strings.HasPrefix(l.text[i:], masked):
			put(string(rune(barrier)), i, i+len(masked))
			i += len(masked)
		case c == '<' && skipTags:
			i += tagWidth(l.text[i:])
		case c < utf8.RuneSelf:
			if asciiLetterOrDigit(c) {
				put(string(rune(c|0x20)), i, i+1) // makes a letter lower case and keeps a digit
			}
			i++
		default:
			piece, width := foldedRune(l.text[i:])
			if piece != "" {
				put(piece, i, i+width)
			}
			i += width
		}
	}
	out.text = b.String()
	return out
}

func asciiLetterOrDigit(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// foldedRune returns the first rune of the text in lower case and its width in bytes; empty if it is neither letter nor
// digit. A byte that is not UTF-8 is returned unchanged.
func foldedRune(text string) (string, int) {
	r, width := utf8.DecodeRuneInString(text)
	switch {
	case r == utf8.RuneError && width == 1:
		return text[:1], width
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return string(unicode.ToLower(r)), width
	}
	return "", width
}

// tagWidth returns the length in bytes of the tag at the start of s; 1 if no tag begins there.
func tagWidth(s string) int {
	if strings.HasPrefix(s, "<![CDATA[") {
		return len("<![CDATA[")
	}
	end := strings.IndexAny(s[1:min(len(s), maxTag)], "<>")
	if end < 0 || s[1+end] == '<' {
		return 1
	}
	return end + 2
}

// foldedViews returns the folded forms of the layers in which secrets are searched: with tags and without.
func foldedViews(all []layer) []layer {
	var views []layer
	for _, l := range all {
		views = append(views, l.folded(false))
		if strings.Contains(l.text, "<") {
			views = append(views, l.folded(true))
		}
	}
	return views
}
