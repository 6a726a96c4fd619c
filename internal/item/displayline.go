package item

import (
	"strings"
	"unicode"

	"pmssl/internal/plaintext"
)

// Brief returns a word of the command line, shortened to 64 bytes for a message.
func Brief(word string) string {
	return plaintext.Clip(word, 64)
}

// DisplayLine returns a text from outside as one printable line of at most limit characters, for terminals and pictures. An
// ellipsis marks a cut.
func DisplayLine(text string, limit int) string {
	split := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	words := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), split), " ")
	if runes := []rune(words); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return words
}

// MaxWarning is the number of characters of a warning that are shown.
const MaxWarning = 300

// MaxName is the number of characters of an item's name that are shown.
const MaxName = 48
