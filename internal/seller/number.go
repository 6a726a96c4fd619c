package seller

import (
	"strconv"
	"strings"
)

// ParseID reads an id in decimal digits. It returns 0 if the text is empty, not a number or negative.
func ParseID(text string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// ParseCount reads a count, such as names or months, in decimal digits. It returns false if the text is empty, not a number,
// negative or beyond 32 bits, so that the caller can distinguish a missing count from 0.
func ParseCount(text string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 {
		return 0, false
	}
	return int(n), true
}
