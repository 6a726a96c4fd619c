package cabforum

import "time"

// Step is one line of the Forum's schedule: from the instant From on, a certificate may live at most Cap days and
// may lean on a validation of control over its names that is at most Reuse days old.
type Step struct {
	From  time.Time // UTC, inclusive; compared with the instant of issuance
	Cap   int       // days of validity that must not be exceeded (BR 6.3.2)
	Reuse int       // days that a validation of a domain name may be old on the day of issuance (BR 4.2.1)
	Note  string    // where the line comes from
}

// Schedule is the table of BR 6.3.2 and BR 4.2.1 in order of time; a new decision of the Forum is one more line at its
// end. The first line's reuse limit held for the whole time before 2026-03-15.
func Schedule() []Step {
	return []Step{
		{date(2018, 3, 1), 825, 398, "BR 6.3.2 before ballot SC-031"},
		{date(2020, 9, 1), 398, 398, "BR 6.3.2; Apple's programme from 2020-09-01"},
		{date(2026, 3, 15), 200, 200, "BR 6.3.2, 4.2.1; ballot SC-081v3, first step"},
		{date(2027, 3, 15), 100, 100, "BR 6.3.2, 4.2.1; ballot SC-081v3, second step"},
		{date(2029, 3, 15), 47, 10, "BR 6.3.2, 4.2.1; ballot SC-081v3, third step"},
	}
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// StepAt is the line of the schedule that binds a certificate issued at the given instant.
func StepAt(issued time.Time) Step {
	table := Schedule()
	found := table[0]
	for _, step := range table {
		if !issued.Before(step.From) {
			found = step
		}
	}
	return found
}

// Cap is the number of days that a certificate issued at the instant must not exceed (BR 6.3.2). DV, OV and EV alike.
func Cap(issued time.Time) int { return StepAt(issued).Cap }

// ReuseLimit is the number of days that a validation of control over a name may be old when a certificate is issued at
// the instant (BR 4.2.1). The limit is chosen by the date of issuance, not by that of the validation.
func ReuseLimit(issued time.Time) int { return StepAt(issued).Reuse }

// Days is the length of a validity period as the Forum counts it: from notBefore through notAfter inclusive, a day being
// 86,400 seconds and any fraction an additional day (BR 6.3.2; RFC 5280 4.1.2.5).
func Days(notBefore, notAfter time.Time) int {
	const day = 24 * time.Hour
	life := notAfter.Sub(notBefore) + time.Second
	days := int(life / day)
	if life%day > 0 {
		days++
	}
	return days
}

// LastNotAfter is the latest legal notAfter of a certificate whose validity begins at notBefore: cap days less the one
// second that counts itself (BR 6.3.2).
func LastNotAfter(notBefore time.Time) time.Time {
	return notBefore.Add(time.Duration(Cap(notBefore))*24*time.Hour - time.Second)
}
