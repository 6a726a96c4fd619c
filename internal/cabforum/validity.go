package cabforum

import "time"

// Days returns the length of a validity period as the Forum counts it: from notBefore through notAfter inclusive, a day
// being 86,400 seconds and any fraction an additional day (BR 6.3.2; RFC 5280 4.1.2.5). It is 0 or less if notAfter is
// before notBefore.
func Days(notBefore, notAfter time.Time) int {
	const day = 24 * time.Hour
	length := notAfter.Sub(notBefore) + time.Second
	days := int(length / day)
	if length%day > 0 {
		days++
	}
	return days
}

// LastNotAfter returns the latest allowed notAfter of a certificate with this notBefore: cap days later, less one second,
// because the last second counts as well (BR 6.3.2). The date of issuance decides the cap, and notBefore may differ from it
// by 48 hours (BR 7.1.2.7). Near a step of the schedule the result is therefore what linters check, not certain.
func LastNotAfter(notBefore time.Time) time.Time {
	return notBefore.Add(time.Duration(Cap(notBefore))*24*time.Hour - time.Second)
}

// Nominal returns the expected expiration date of a certificate issued on the date: that date plus the cap, but not after the
// end of the paid term (docs/reference/validity.md §A4, §B3.3). It is shown until the certificate's own date is known. It is
// an upper bound: a certificate issued at midnight exactly must end a second before this date begins. A zero end means no
// limit.
func Nominal(issued, end Date) Date { return Current().nominal(issued, end) }

func (s Schedule) nominal(issued, end Date) Date {
	return Earlier(issued.AddDays(s.on(issued).Cap), end)
}
