package lifecycle

import (
	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

const (
	// leafReach is the number of days by which a certificate may end after its term: the Forum's longest validity, with some days
	// for what CAs add. An end that is later than that is the end of a term.
	leafReach = 210
	// dateTolerance is the tolerance of a seller's bare date, in days (rules TIME-2).
	dateTolerance = 2
	// maxMonths bounds how long after its first day a term of an order can begin, and how long it can be, in months.
	maxMonths = 360
	// firstYear is the first year in which an order can have been made: sellers write a date that is not set as one long ago.
	firstYear = 2000
)

// term is a paid term: its first day and its months.
type term struct {
	start  cabforum.Date
	months int
}

// end returns the first day that is not paid for.
func (t term) end() cabforum.Date { return t.start.AddMonths(t.months) }

// paidTerm returns the term that an order is paid for now (rules MIGRATE-5): it begins on the day of the order, and with each
// renewal in place at the end of the term before. A renewal shows in a certificate that begins after the term, or in an end that
// only another term explains: the seller's, or until, the item's expiration date, which the panel moves with each renewal. leaf is the
// certificate at the seller, stored that in the panel. Without the seller's months period counts, that of the item; false if
// neither is known.
func paidTerm(l seller.ListedCertificate, period int, until cabforum.Date, leaf, stored *pki.Chain) (term, bool) {
	t := term{start: l.Created, months: l.Months}
	if t.months <= 0 {
		t.months = period
	}
	if t.start.Year < firstYear {
		t.start = cabforum.Date{}
		if leaf != nil {
			t.start = cabforum.DateOf(leaf.Leaf.NotBefore)
		}
	}
	if t.start.IsZero() || t.months <= 0 || t.months > maxMonths {
		return term{}, false
	}
	first, last := t.start, t.start.AddMonths(maxMonths)
	for !t.start.After(last) {
		end := t.end()
		renewed := leaf != nil && !cabforum.DateOf(leaf.Leaf.NotBefore).Before(end.AddDays(dateTolerance))
		if !renewed && !t.beyond(l.Expires, leaf, stored) && !t.beyond(until, leaf, stored) {
			return t, true
		}
		t.start = end
	}
	return term{start: first, months: t.months}, true // an end that no number of terms explains
}

// beyond reports whether only a later term explains an end: no certificate lasts so long, or it is the end of a later term and not that
// of a certificate.
func (t term) beyond(shown cabforum.Date, certificates ...*pki.Chain) bool {
	end := t.end()
	if shown.IsZero() || end.DaysUntil(shown) > leafReach {
		return !shown.IsZero()
	}
	for _, certificate := range certificates {
		if certificate != nil && sameDay(certificate.Ends(), shown) {
			return false
		}
	}
	for later := end.AddMonths(t.months); !later.After(shown.AddDays(dateTolerance)); later = later.AddMonths(t.months) {
		if sameDay(later, shown) {
			return true
		}
	}
	return false
}

// sameDay reports whether two dates may be the same bare date of a seller.
func sameDay(a, b cabforum.Date) bool {
	days := a.DaysUntil(b)
	return days >= -dateTolerance && days <= dateTolerance
}

// renewalWindow is the number of days before the end of a term in which sellers renew it (docs/reference/namecheap.md §3.7), with the
// tolerance of two bare dates.
const renewalWindow = 90 + 2*dateTolerance

// renews reports whether an order is the renewal of a term that ends on the day: it was made in the days before, or when it had ended.
func renews(l seller.ListedCertificate, end cabforum.Date) bool {
	days := l.Created.DaysUntil(end)
	return !l.Created.IsZero() && days >= -dateTolerance && days <= renewalWindow
}
