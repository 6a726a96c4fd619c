package ispmanager

import (
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// Values of item_status (docs/reference/ispmanager.md §5, proven) and of service_status (docs/reference/ispmanager.md §5;
// whether a client sees it is not known).
const (
	itemUnpaid     = 1
	itemActive     = 2
	itemSuspended  = 3
	itemDeleted    = 4
	itemProcessing = 5

	serviceRequested = 3
	serviceWaiting   = 4
	serviceIssued    = 5
	serviceFailed    = 6
)

// itemStatus is the status of a service of the remote.
type itemStatus struct {
	number int    // 0 if it cannot be read
	task   string // what the remote is doing: reopen of item_status_5_reopen; empty if not shown
	words  string // as the remote wrote it
}

// itemStatusOf reads all encodings of docs/reference/ispmanager.md §5: the attribute orig, else the text, else
// item_real_status, else status. The first run of digits is the number: 5 in `item_status_5_reopen`.
func itemStatusOf(row *sellerhttp.Element) itemStatus {
	var s itemStatus
	for _, e := range []*sellerhttp.Element{row.Child("item_status"), row.Child("item_real_status"), row.Child("status"), row.Child("real_status")} {
		if s.words == "" {
			s.words = redacted(e.Text())
		}
		for _, text := range []string{e.Attr("orig"), e.Text()} {
			number, rest := firstNumber(text)
			if number == 0 {
				continue
			}
			if s.number == 0 {
				s.number = number
			}
			if task, is := strings.CutPrefix(rest, "_"); is && number == s.number && s.task == "" {
				s.task = plaintext.Clip(words(task), 40)
			}
		}
	}
	return s
}

// firstNumber returns the first run of digits of a text and the text after it; 0 if there is none or it is not a
// status.
func firstNumber(text string) (int, string) {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	start := strings.IndexFunc(text, digit)
	if start < 0 {
		return 0, ""
	}
	rest := strings.TrimLeftFunc(text[start:], digit)
	number := seller.ParseID(text[start : len(text)-len(rest)])
	if number > 100 {
		return 0, ""
	}
	return int(number), rest
}

// serviceStatusOf reads a service_status; 0 if it is not shown.
func serviceStatusOf(text string) int {
	number, _ := firstNumber(text)
	if number > serviceFailed {
		return 0
	}
	return number
}

// stateOf returns the state of a service from its statuses alone; whether there is a certificate can say more
// (docs/reference/ispmanager.md §5).
func stateOf(it itemStatus, service int) seller.State {
	switch {
	case it.number == itemDeleted:
		return seller.StateCancelled
	case it.number == itemUnpaid:
		return seller.StateUnpaid
	case service == serviceFailed:
		return seller.StateRefused
	case service == serviceRequested, service == serviceWaiting, it.number == itemProcessing && it.task != "":
		return seller.StateWaiting
	case service == serviceIssued:
		return seller.StateIssued
	case it.number == 0:
		return seller.StateUnknown
	}
	return seller.StateWaiting // that an order is active or suspended does not prove that it has a certificate (docs/reference/ispmanager.md §5)
}

// stateWords returns the statuses as the remote wrote them.
func stateWords(it itemStatus, service int) string {
	text := it.words
	if text == "" && it.number != 0 {
		text = "item_status " + idText(int64(it.number))
	}
	if it.task != "" && !strings.Contains(text, it.task) {
		text += " (" + it.task + ")"
	}
	if service != 0 {
		text = strings.TrimSpace(text + ", service_status " + idText(int64(service)))
	}
	return strings.TrimPrefix(text, ", ")
}
