package panellog

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"pmssl/internal/sorting"
)

// reading is a part of a text that can be read in another way than byte by byte: an escape as the character that it stands
// for, a tag as nothing. Which way is right depends on who wrote the text: "<w>" may be a tag between the halves of a secret, or
// three characters of the secret.
type reading struct {
	start, end int32  // in the original text, end exclusive
	chars      string // what is read instead of it; empty for nothing
	tag        bool   // it is a tag or a comment
	level      int8   // number of escapes inside each other
}

// same reports whether two readings are the same but for their level.
func (r reading) same(other reading) bool {
	return r.start == other.start && r.end == other.end && r.chars == other.chars
}

// readings are a text and all its readings, in order of their start.
type readings struct {
	text   string
	all    []reading
	folded bool // only letters and digits are read
}

// exactReadings returns the readings of a text character by character: of its escapes in lower case, and of plus signs as the
// blanks of a form.
func exactReadings(text string, escapes []reading) readings {
	all := make([]reading, 0, len(escapes))
	for _, r := range escapes {
		r.chars = lowerASCII(r.chars)
		all = append(all, r)
		if r.chars == "+" {
			all = append(all, reading{start: r.start, end: r.end, chars: " "})
		}
	}
	return readings{text: lowerASCII(text), all: merged(all, pluses(text))}
}

// pluses returns the readings of plus signs as blanks.
func pluses(text string) []reading {
	var found []reading
	for at := range len(text) {
		if text[at] == '+' {
			found = append(found, reading{start: int32(at), end: int32(at + 1), chars: " "})
		}
	}
	return found
}

// foldedReadings returns the readings of a text of which only letters and digits count: escapes of other characters, and tags,
// are read as nothing. With cut, the text may end inside an escape or a tag.
func foldedReadings(all []layer, escapes []reading, cut bool) readings {
	r := readings{text: all[0].text, folded: true}
	for _, e := range escapes {
		letters := ""
		if e.chars != "*" {
			letters = folded(e.chars)
		}
		if letters != "" || !r.separators(e) {
			r.all = append(r.all, reading{start: e.start, end: e.end, chars: letters})
		}
	}
	for _, l := range all {
		r.all = merged(r.all, l.tags())
		if cut {
			r.all = merged(r.all, l.beforeCuts())
		}
	}
	return r
}

// separators reports whether a reading is of a few separators, which are read as nothing anyway.
func (r readings) separators(e reading) bool {
	return e.end-e.start <= 1<<maxEscapes && strings.IndexFunc(r.text[e.start:e.end], notSeparator) < 0
}

// notSeparator reports whether a character can be read as a letter or digit, or belongs to a barrier.
func notSeparator(c rune) bool {
	return c >= utf8.RuneSelf || c == '*' || asciiLetterOrDigit(byte(c))
}

// merged merges two lists that are in order of their start.
func merged(a, b []reading) []reading {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	out := make([]reading, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].start < a[0].start {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// skipped returns the reading of the bytes [start, end) of the layer as nothing.
func (l layer) skipped(start, end int) reading {
	where := l.at(start, end)
	return reading{start: int32(where.start), end: int32(where.end), tag: true}
}

// maxTag is the number of bytes of a tag that are searched for its end if a ">" or "<" is inside quotes.
const maxTag = 512

// tags returns the readings of the tags, comments and beginnings of CDATA sections of the layer as nothing. A tag ends at the
// first ">", and if that is inside quotes, also at the first one behind the quotes.
func (l layer) tags() []reading {
	var found []reading
	comment := 0 // behind the next end of a comment, as far as it was searched
	for at := 0; ; at++ {
		next := strings.IndexByte(l.text[at:], '<')
		if next < 0 {
			return found
		}
		at += next
		switch rest := l.text[at:]; {
		case strings.HasPrefix(rest, "<![CDATA["):
			found = append(found, l.skipped(at, at+len("<![CDATA[")))
			continue
		case strings.HasPrefix(rest, "<!--"):
			if comment < at+len("<!---->") {
				comment = endOf(l.text, "-->", at+len("<!--"))
			}
			if comment <= len(l.text) {
				found = append(found, l.skipped(at, comment))
			}
		}
		plain, quoted := tagEnds(l.text[at:])
		if plain > 0 {
			found = append(found, l.skipped(at, at+plain))
		}
		if quoted > 0 {
			found = append(found, l.skipped(at, at+quoted))
		}
	}
}

// endOf returns the offset behind the next such word from an offset on, more than the length of the text if there is none.
func endOf(text, word string, from int) int {
	if i := strings.Index(text[from:], word); i >= 0 {
		return from + i + len(word)
	}
	return len(text) + 1
}

// tagEnds returns the lengths of the tag at the start of s: to the first ">", and to the first one outside quotes if that is
// another one; 0 if there is none before the next "<".
func tagEnds(s string) (plain, quoted int) {
	quote, first, limit := byte(0), true, len(s)
	for i := 1; i < limit; i++ {
		if s[i] == '<' || s[i] == '>' {
			if first && s[i] == '>' {
				plain = i + 1
			}
			if first {
				first, limit = false, min(len(s), i+maxTag)
			}
			switch {
			case quote != 0:
			case s[i] == '>' && plain != i+1:
				return plain, i + 1
			default:
				return plain, 0
			}
		}
		quote = quoteBehind(quote, s[i])
	}
	return plain, 0
}

// quoteBehind returns the quote that is open behind the byte, 0 for none.
func quoteBehind(open, c byte) byte {
	switch {
	case open == 0 && (c == '"' || c == '\''):
		return c
	case open == c:
		return 0
	}
	return open
}

// withoutTags returns the text without its tags, in both ways to read comments and tags with quotes: to their own end, and to the
// first ">".
func withoutTags(text string) []string {
	return []string{removeTags(text, true), removeTags(text, false)}
}

// removeTags returns the text without its tags. Of the readings of one tag the longest is used, or the shortest.
func removeTags(text string, longest bool) string {
	all := layer{text: text}.tags()
	sorting.Stable(all, func(a, b reading) int {
		if a.start != b.start || longest {
			return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
		}
		return cmp.Compare(a.end, b.end)
	})
	var b strings.Builder
	at := 0
	for _, tag := range all {
		if int(tag.start) >= at {
			b.WriteString(text[at:tag.start])
			at = int(tag.end)
		}
	}
	return b.String() + text[at:]
}

// ellipsis is written where a text was cut.
const ellipsis = "…"

// beforeCuts returns the readings of escapes and tags that a cut left without their ends, as nothing. A text may be cut at its
// end and before an ellipsis.
func (l layer) beforeCuts() []reading {
	var found []reading
	for from := 0; from <= len(l.text); {
		end := len(l.text)
		if i := strings.Index(l.text[from:], ellipsis); i >= 0 {
			end = from + i
		}
		found = append(found, l.beforeCut(from, end)...)
		from = end + len(ellipsis)
	}
	return found
}

// beforeCut returns the readings of escapes and of a tag that the cut at end left without their ends.
func (l layer) beforeCut(from, end int) []reading {
	var found []reading
	from = max(from, end-maxTag)
	if i := strings.LastIndex(l.text[from:end], masked); i >= 0 {
		from += i + len(masked)
	}
	whole := false
	for i := end - 1; i >= from; i-- {
		switch c := l.text[i]; {
		case c == '>':
			whole = true
		case c == '<' && !whole:
			found = append(found, l.skipped(i, end))
			whole = true
		case decodable(c) && unfinished(l.text[i:end]):
			found = append(found, l.skipped(i, end))
		}
	}
	slices.Reverse(found)
	return found
}
