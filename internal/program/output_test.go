package program_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/program"
)

// FuzzOutputIsShortAndPrintable checks what is shown of a program's output, whatever it wrote.
func FuzzOutputIsShortAndPrintable(f *testing.F) {
	f.Add("first\nlast\n", "\x1b[2J\xff", uint16(1))
	f.Add("a=b", "\n", uint16(5000))
	f.Fuzz(func(t *testing.T, first, second string, times uint16) {
		logged, last := program.OutputText(first, strings.Repeat(second, int(times)%2000), first)
		for _, text := range []string{logged, last} {
			assert.NotEmpty(t, text)
			assert.LessOrEqual(t, len(text), 1010)
			assert.NotContains(t, text, "\n")
			assert.Equal(t, text, strings.Map(func(r rune) rune {
				if unicode.IsPrint(r) {
					return r
				}
				return -1
			}, text))
		}
	})
}
