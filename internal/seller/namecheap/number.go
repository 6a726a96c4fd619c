package namecheap

import (
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

// noID reports whether an attribute has no number: it is empty or zero.
func noID(text string) bool {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return strings.TrimSpace(text) == "" || err == nil && id == 0
}

// intOf reads a small number; 0 if absent.
func intOf(text string) int {
	number, _ := seller.ParseCount(text)
	return number
}

// countOf reads a count; -1 if it is absent or unreadable.
func countOf(text string) int {
	if number, ok := seller.ParseCount(text); ok {
		return number
	}
	return -1
}

// monthsOf turns the attribute Years into months; 0 if it is not a paid term.
func monthsOf(years string) int {
	if n := intOf(years); n <= 10 {
		return 12 * n
	}
	return 0
}

// dateOf reads M/D/YYYY with or without zero padding (docs/reference/namecheap.md §0.6); a time of day behind it is
// ignored. The empty text is no date; false if the text is not a date.
func dateOf(text string) (cabforum.Date, bool) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return cabforum.Date{}, true
	}
	parts := strings.Split(fields[0], "/")
	if len(parts) != 3 || len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 {
		return cabforum.Date{}, false
	}
	pad := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	date, err := cabforum.ParseDate(parts[2] + "-" + pad(parts[0]) + "-" + pad(parts[1]))
	return date, err == nil && !date.IsZero()
}
