package panellog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"pmssl/internal/plaintext"
)

// maxEntry is the limit of one entry's text in bytes, so that a huge answer at level 9 neither fills the disk nor takes seconds to
// write.
const maxEntry = 1 << 20

// entry is one log entry, with its text masked and escaped.
type entry struct {
	time      time.Time
	pid       int
	component string
	level     Level
	where     string // "file.go:12" for DEBUG, else empty
	text      string
}

// line returns the native line of docs/reference/billmanager.md §8.1, with a newline:
//
//	May  7 15:07:16 [157101:1] component ESC[1;32mINFO textESC[0m
//
// The thread number of a module is always 1. A text with newlines stays one entry; its further lines have no prefix and are
// indented.
func (e entry) line(colour bool) []byte {
	b := make([]byte, 0, len(e.text)+96)
	b = e.time.AppendFormat(b, "Jan _2 15:04:05")
	b = append(b, " ["...)
	b = strconv.AppendInt(b, int64(e.pid), 10)
	b = append(b, ":1] "...)
	b = append(b, e.component...)
	b = append(b, ' ')
	if colour {
		b = append(b, e.level.colour()...)
	}
	b = append(b, e.level.String()...)
	b = append(b, ' ')
	if e.where != "" {
		b = append(b, e.where...)
		b = append(b, ' ')
	}
	b = append(b, e.text...)
	if colour {
		b = append(b, colourReset...)
	}
	return append(b, '\n')
}

// visible escapes characters that could control a terminal or imitate lines of the log: control characters other than newline and
// tab (ESC above all), C1 controls, Unicode line separators, direction overrides and other invisible characters (category Cf), and
// bytes that are not UTF-8. The texts come from sellers, clients and databases.
func visible(s string) string {
	at := strings.IndexFunc(s, needsEscape)
	if at < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:at])
	for s = s[at:]; s != ""; {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\r':
			b.WriteString(`\r`)
		case needsEscape(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case needsEscape(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case needsEscape(r) && r != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

func needsEscape(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r == 0x2028, r == 0x2029, unicode.Is(unicode.Cf, r):
		return true
	}
	// A byte that is not UTF-8 arrives here as U+FFFD; visible distinguishes it from a real U+FFFD.
	return r == utf8.RuneError
}

// cut shortens s to at most limit bytes, without splitting a character, and appends the original length.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return plaintext.Head(s, limit) + fmt.Sprintf(" … (cut, %d bytes in all)", len(s))
}
