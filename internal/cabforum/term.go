package cabforum

import "time"

// Term is what the client paid for: a number of months from its first day. It ends on the panel's "paid until" date, which is
// the first day that is not paid (docs/reference/validity.md §B1).
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

// Validity is the validity period of an issued certificate, as the certificate has it.
type Validity struct{ NotBefore, NotAfter time.Time }

// Days returns the length of the validity period in days, as the function Days counts it.
func (v Validity) Days() int { return Days(v.NotBefore, v.NotAfter) }

// Expires returns the date of notAfter in UTC, which people see as the expiration date (docs/reference/validity.md §B3.3).
func (v Validity) Expires() Date { return DateOf(v.NotAfter) }

// EffectiveLead returns how many days before its end a certificate that is valid for so many days is reissued: the configured
// lead, but at most half of the validity. With a longer lead, a short certificate would be due again on the day on which it
// is issued (docs/reference/validity.md §B3.7).
func EffectiveLead(lead, days int) int { return max(0, min(lead, days/2)) }

// gains reports whether a certificate issued on the date would end at least a day later than the present one, which ends on
// expires (rules SWEEP-3). end is the end of the term; zero means no limit.
func (s Schedule) gains(on, expires, end Date) bool { return s.nominal(on, end).After(expires) }
