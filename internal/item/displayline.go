package item

import (
	"strings"
	"unicode"

	"pmssl/internal/plaintext"
)

// Brief shortens a word of the command line for a text.
func Brief(word string) string {
	return plaintext.Clip(word, 64)
}

// DisplayLine makes a text from outside fit for a terminal and a picture: one line, printable, at most so many characters.
func DisplayLine(text string, limit int) string {
	split := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	words := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), split), " ")
	if runes := []rune(words); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return words
}

// MaxWarning is how much of a warning is shown, in characters.
const MaxWarning = 300

// MaxName is how much of an item's name is shown, in characters: a headline has room for so many wide ones.
const MaxName = 48
