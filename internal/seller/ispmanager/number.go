package ispmanager

import (
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
)

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// monthsOf reads a period in months. Trials and daily periods are negative (docs/reference/ispmanager.md §3); for them
// it returns 0.
func monthsOf(text string) int {
	if n, _ := seller.ParseCount(text); n <= 120 {
		return n
	}
	return 0
}

// dateOf reads a date and ignores a time of day after it. It returns the zero date if the text is a phrase
// (docs/reference/ispmanager.md §1.5).
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
