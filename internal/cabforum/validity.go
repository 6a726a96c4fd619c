package cabforum

import "time"

// Days returns the length of a validity period as the Forum counts it: from notBefore through notAfter inclusive, a day
// being 86,400 seconds and any fraction an additional day (BR 6.3.2; RFC 5280 4.1.2.5). It is 0 or less where notAfter lies
// before notBefore.
func Days(notBefore, notAfter time.Time) int {
	const day = 24 * time.Hour
	life := notAfter.Sub(notBefore) + time.Second
	days := int(life / day)
	if life%day > 0 {
		days++
	}
	return days
}

// LastNotAfter returns the latest legal notAfter of a certificate whose validity begins at notBefore: cap days less the one
// second that counts itself (BR 6.3.2). The Requirements choose the cap by issuance and allow a notBefore up to 48 hours
// off it (BR 7.1.2.7), so across a step of the schedule the answer is the linters', not a proof.
func LastNotAfter(notBefore time.Time) time.Time {
	return notBefore.Add(time.Duration(Cap(notBefore))*24*time.Hour - time.Second)
}

// Nominal returns the expiration date that is expected of a certificate issued on the date: that date plus the cap, and
// never past the end of the paid term (docs/reference/validity.md §A4, §B3.3). It is an upper bound, shown until the
// certificate's own date is known: issued at midnight exactly, a certificate must end a second before it. A zero end is no
// limit.
func Nominal(issued, end Date) Date { return Current().nominal(issued, end) }

func (s Schedule) nominal(issued, end Date) Date {
	return Earlier(issued.AddDays(s.on(issued).Cap), end)
}
