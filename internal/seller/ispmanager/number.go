package ispmanager

import (
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// monthsOf reads a period: months where it is positive; trials and daily periods are negative (docs/reference/ispmanager.md
// §3), 0 for all of those.
func monthsOf(text string) int {
	if n, _ := seller.ParseCount(text); n <= 120 {
		return n
	}
	return 0
}

// dateOf reads a date, a time of day behind it is ignored; zero if the text is a phrase (docs/reference/ispmanager.md
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
