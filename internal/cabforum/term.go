package cabforum

import "time"

// Term is what the client paid for: a number of months from its first day. It ends on "paid until", on which day nothing
// is owed any more (docs/reference/validity.md §B1).
type Term struct {
	Start  Date
	Months int
}

// End returns the day until which the term is paid: its start plus its months, clamped to the end of a shorter month as the
// panel's database does. It is zero if the term has no start or no months (a trial).
func (t Term) End() Date {
	if t.Start.IsZero() || t.Months <= 0 {
		return Date{}
	}
	return t.Start.AddMonths(t.Months)
}

// Validity is the life of an issued certificate, as written in it.
type Validity struct{ NotBefore, NotAfter time.Time }

// Days returns the length of the life as the Forum counts it, see the function Days.
func (v Validity) Days() int { return Days(v.NotBefore, v.NotAfter) }

// Expires returns the civil date of the end, which is the expiration date that people see (docs/reference/validity.md
// §B3.3).
func (v Validity) Expires() Date { return DateOf(v.NotAfter) }

// EffectiveLead returns how many days before its end a certificate that lives so many days is reissued: the wanted lead,
// but never more than half of the certificate's own life, or a short certificate would be due on the day of its birth, for
// ever (docs/reference/validity.md §B3.7).
func EffectiveLead(lead, life int) int { return max(0, min(lead, life/2)) }

// gains reports whether a certificate issued on the date would end at least a day later than the present one, which ends on
// expires (rules SWEEP-3). A zero end is no limit.
func (s Schedule) gains(on, expires, end Date) bool { return s.nominal(on, end).After(expires) }
