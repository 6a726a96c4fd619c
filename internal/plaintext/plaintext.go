// Package plaintext makes texts from outside short and printable, for messages, log lines and settings that people read.
package plaintext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clip returns the text, cut to at most limit bytes and then followed by an ellipsis. A text that was cut is valid UTF-8: other
// bytes, such as a part of a character at the cut, are left out.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// Head returns the longest beginning of the text that has at most limit bytes and does not end inside a character. Bytes
// that are not UTF-8 are kept, so that a log line can show them quoted.
func Head(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// Line returns the text as one printable line: each run of white space becomes one blank; characters that do not print and bytes
// that are not UTF-8 are left out.
func Line(text string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
	return CollapseSpace(printable)
}

// CollapseSpace returns the text with each run of white space, line ends included, replaced by one blank; none is left at
// its ends.
func CollapseSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// Error returns an error whose text is that of the given one as one printable line of at most limit bytes and an ellipsis. It
// wraps the given one. What a peer sends becomes part of errors of the standard library, as long as it is.
func Error(err error, limit int) error {
	if err == nil {
		return nil
	}
	return clippedError{Clip(Line(err.Error()), limit), err}
}

type clippedError struct {
	text string
	err  error
}

func (e clippedError) Error() string { return e.text }

func (e clippedError) Unwrap() error { return e.err }
