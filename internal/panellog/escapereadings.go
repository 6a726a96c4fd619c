package panellog

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapeScan reads every escape of a text, from its end to its start: an escape is made of characters that may be escapes
// themselves, in any mixture. So a secret is found that contains what looks like an escape, at any level at which it is escaped.
type escapeScan struct {
	text  string
	found []reading // in descending order of their start
	first []int32   // for each offset 1 + the index of the first reading that begins there; 0 for none
	row   span      // the backslashes in a row that the scan is in
	steps int       // the steps that are left
}

// escapeReadings returns the readings of all escapes in order of their start. done is false for a text that was made to be
// expensive.
func escapeReadings(text string) (all []reading, done bool) {
	if !strings.ContainsAny(text, `%&\`) {
		return nil, true
	}
	s := &escapeScan{text: text, first: make([]int32, len(text)), row: span{len(text), len(text)}, steps: stepsAtLeast + stepsPerByte*len(text)}
	for at := len(text) - 1; at >= 0 && s.steps >= 0; at-- {
		if text[at] == '\\' && at < s.row.start {
			s.row = span{len(strings.TrimRight(text[:at], `\`)), at + 1}
		}
		if decodable(text[at]) || brokenRune(text[at:]) {
			s.readAt(at)
		}
	}
	slices.Reverse(s.found)
	return s.found, s.steps >= 0
}

// brokenRune reports whether the text begins with the first byte of a character whose other bytes are not there.
func brokenRune(text string) bool {
	if text[0] < utf8.RuneSelf {
		return false
	}
	_, width := utf8.DecodeRuneInString(text)
	return width == 1
}

// readAt finds the readings that begin at the offset.
func (s *escapeScan) readAt(at int) {
	from := len(s.found)
	s.extend(s.plain(at), s.text[at:at+1])
	for i := from; i < len(s.found); i++ {
		s.extend(s.found[i], s.found[i].chars)
	}
	if len(s.found) > from {
		s.first[at] = int32(from + 1)
	}
}

// plain returns the reading of the byte at the offset as itself.
func (s *escapeScan) plain(at int) reading {
	return reading{start: int32(at), end: int32(at + 1), chars: s.text[at : at+1]}
}

// extend adds the readings that begin with the one given, whose characters are head, and go on behind it.
func (s *escapeScan) extend(r reading, head string) {
	if s.steps--; s.steps < 0 {
		return
	}
	if r.chars != head { // more than one character was read
		if decoded, level, whole := decodeWhole(head); whole {
			s.add(reading{start: r.start, end: r.end, chars: decoded, level: r.level + level})
		}
	}
	if int(r.end) == len(s.text) || !unfinished(head) {
		return
	}
	s.extendBy(r, head, s.plain(int(r.end)))
	if i := s.first[r.end]; i > 0 {
		for k := int(i) - 1; k < len(s.found) && s.found[k].start == r.end; k++ {
			s.extendBy(r, head, s.found[k])
		}
	}
}

// extendBy goes on with one more character.
func (s *escapeScan) extendBy(r reading, head string, next reading) {
	if head == `\` && next.chars == `\` && !s.pair(r, next) {
		return
	}
	joined := reading{start: r.start, end: next.end, level: max(r.level, next.level)}
	if joined.level == maxEscapes && head[0] < utf8.RuneSelf {
		return
	}
	if whole := s.text[r.start:next.end]; len(whole) == len(head)+len(next.chars) {
		s.extend(joined, whole) // the bytes themselves
		return
	}
	s.extend(joined, head+next.chars)
}

// pair reports whether two backslashes are one that was escaped. Backslashes in a row can be read in very many ways; they are
// read in pairs from the first one on, and in pairs up to the last one, because another text may end before them or begin behind.
func (s *escapeScan) pair(a, b reading) bool {
	size := int(b.end - b.start)
	if a.level != b.level || int(a.end-a.start) != size {
		return false
	}
	inRow := int(a.start) >= s.row.start && int(b.end) <= s.row.end
	return !inRow || (int(a.start)-s.row.start)%(2*size) == 0 || (s.row.end-int(b.end))%(2*size) == 0
}

// add adds a reading, unless there is the same one of no more levels already.
func (s *escapeScan) add(r reading) {
	for i := len(s.found) - 1; i >= 0 && s.found[i].start == r.start; i-- {
		if s.found[i].same(r) && s.found[i].level <= r.level {
			return
		}
	}
	s.found = append(s.found, r)
}

// decodeWhole decodes a text that is one escape and nothing more, or the bytes of one character, which are no level of escapes.
func decodeWhole(text string) (decoded string, level int8, whole bool) {
	if text[0] >= utf8.RuneSelf {
		_, width := utf8.DecodeRuneInString(text)
		return text, 0, width == len(text)
	}
	decoded, width := decodeEscape(text)
	return decoded, 1, width == len(text)
}

// unfinished reports whether the text is the beginning of an escape, or of the bytes of a character.
func unfinished(text string) bool {
	switch c := text[0]; {
	case c == '%':
		return len(text) < 3 && allIn(text[1:], hexDigits)
	case c == '&':
		return len(text) < longestReference && allIn(strings.TrimPrefix(text[1:], "#"), asciiNames)
	case c == '\\':
		return len(text) == 1 || unfinishedBackslash(text)
	case c >= utf8.RuneSelf:
		return !utf8.FullRuneInString(text)
	}
	return false
}

// unfinishedBackslash reports whether a backslash and what follows it is the beginning of an escape.
func unfinishedBackslash(text string) bool {
	switch c := text[1]; {
	case c == 'x':
		return len(text) < 4 && allIn(text[2:], hexDigits)
	case c == 'U':
		return len(text) < 10 && allIn(text[2:], hexDigits)
	case c == 'u' && len(text) >= 6:
		return unfinishedPair(text)
	case c == 'u':
		return allIn(text[2:], hexDigits)
	}
	return len(text) < 4 && allIn(text[1:], "01234567")
}

// unfinishedPair reports whether the text is the first escape of a surrogate pair and the beginning of the second one.
func unfinishedPair(text string) bool {
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	if err != nil || !utf16.IsSurrogate(rune(n)) || len(text) >= 12 {
		return false
	}
	second := text[6:]
	return strings.HasPrefix(`\u`, second) || strings.HasPrefix(second, `\u`) && allIn(second[2:], hexDigits)
}

const hexDigits = "0123456789abcdefABCDEF"

// allIn reports whether the text consists of characters of the set.
func allIn(text, set string) bool { return strings.Trim(text, set) == "" }
