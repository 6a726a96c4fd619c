package seller

import (
	"strconv"
	"strings"
)

// ParseID returns the id that a seller's text writes as decimal digits; 0 if the text is absent, no number or negative.
func ParseID(text string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// ParseCount returns a count, such as names or months, that a seller's text writes as decimal digits. The result is false
// if the text is absent, no number, negative or beyond 32 bits: what is missing is not taken for zero by mistake.
func ParseCount(text string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return 0, false
	}
	return int(n), true
}
