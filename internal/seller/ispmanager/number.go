package ispmanager

import (
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
)

// idOf reads an id; 0 where there is none or it is not a positive number.
func idOf(text string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// monthsOf reads a period: months where it is positive; trials and daily periods are negative (docs/reference/ispmanager.md
// §3), 0 for all of those.
func monthsOf(text string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 0 || n > 120 {
		return 0
	}
	return int(n)
}

// dateOf reads a date, a time of day behind it is ignored; zero where the text is a phrase (docs/reference/ispmanager.md
// §1.5).
func dateOf(text string) cabforum.Date {
	text = strings.TrimSpace(text)
	if len(text) > 10 {
		text = text[:10]
	}
	date, err := cabforum.ParseDate(text)
	if err != nil {
		return cabforum.Date{}
	}
	return date
}
