package cabforum

import "time"

// Step is one row of the Forum's schedule: the limits for certificates that are issued at or after From and before the next
// row's From. All limits are in days of 86,400 seconds.
type Step struct {
	From time.Time // UTC, inclusive; compared with the instant of issuance (BR 1.6.4)
	// Cap is the maximum validity (BR 6.3.2).
	Cap int
	// Should is the recommended maximum validity (BR 6.3.2); 0 if BR recommends nothing below Cap.
	Should int
	// Reuse is how old a domain validation may be on the day of issuance (BR 4.2.1).
	Reuse int
	// SubjectReuse is how old validated data about the organisation may be on the day of issuance (BR 4.2.1).
	SubjectReuse int
	Note         string // the source of the row
}

// Schedule lists the Forum's decisions in order of time. For a new decision, add a row at the end of Current.
type Schedule []Step

// Current returns the schedule of BR 6.3.2 and BR 4.2.1 as of BR 2.2.6 (2026-03-31). These Requirements no longer say when
// the 398 days began; the date is from Apple's programme and from the Requirements before ballot SC-081v3.
func Current() Schedule {
	return Schedule{
		{utc(2018, 3, 1), 825, 0, 398, 825, "BR 6.3.2 as it was before 2020-09-01"},
		{utc(2020, 9, 1), 398, 397, 398, 825, "BR 6.3.2, 4.2.1; Apple's programme from 2020-09-01"},
		{utc(2026, 3, 15), 200, 199, 200, 398, "BR 6.3.2, 4.2.1; ballot SC-081v3, first step"},
		{utc(2027, 3, 15), 100, 99, 100, 398, "BR 6.3.2, 4.2.1; ballot SC-081v3, second step"},
		{utc(2029, 3, 15), 47, 46, 10, 398, "BR 6.3.2, 4.2.1; ballot SC-081v3, third step"},
	}
}

func utc(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// At returns the row for a certificate issued at the instant: the last one whose From is not later. For an instant before
// the first row it returns the first row, for an empty schedule a Step without limits.
func (s Schedule) At(issued time.Time) Step {
	var found Step
	for i, step := range s {
		if i == 0 || !issued.Before(step.From) {
			found = step
		}
	}
	return found
}

// on returns the row for a certificate issued on the date. The first instant of the date decides (BR 1.6.4).
func (s Schedule) on(issued Date) Step { return s.At(issued.Midnight()) }

// Cap returns the maximum validity of a certificate issued at the instant, in days (BR 6.3.2). It is the same for DV, OV and
// EV: EVG 6.3.2 allows 398 days, but EVG incorporates the Requirements, whose limit is lower.
func Cap(issued time.Time) int { return Current().At(issued).Cap }

// NextCap returns the cap, in days, of the step after the one for a certificate issued at the instant (BR 6.3.2). After the
// last step it returns the cap of the last step.
func NextCap(issued time.Time) int {
	for _, step := range Current() {
		if issued.Before(step.From) {
			return step.Cap
		}
	}
	return Cap(issued)
}

// ShouldCap returns the recommended maximum validity of a certificate issued at the instant, in days (BR 6.3.2). It equals
// Cap if BR recommends nothing lower. CAs keep to it, because a single second over a day counts as a whole day.
func ShouldCap(issued time.Time) int {
	step := Current().At(issued)
	if step.Should == 0 {
		return step.Cap
	}
	return step.Should
}

// ReuseLimit returns how many days old a domain validation may be when a certificate is issued at the instant (BR 4.2.1). The
// date of issuance decides which limit applies, not the date of the validation.
func ReuseLimit(issued time.Time) int { return Current().At(issued).Reuse }

// SubjectReuseLimit returns how many days old validated data about the organisation may be when a certificate of the level is
// issued at the instant (BR 4.2.1; for EV at most 398 days, EVG 3.2.2.14.3). It is 0 for DV, which carries no such data.
func SubjectReuseLimit(level Level, issued time.Time) int {
	return Current().At(issued).subjectReuse(level)
}

// Level is how thoroughly the subject of a certificate is validated. The zero value is an unknown level, which has the
// reuse limits of DV.
type Level int

// The levels of BR 7.1.2.7.
const (
	DV Level = iota + 1 // control over the domain names only
	OV                  // an organisation or a person too
	EV                  // an organisation after extended validation
)

// String returns DV, OV or EV.
func (l Level) String() string {
	switch l {
	case DV:
		return "DV"
	case OV:
		return "OV"
	case EV:
		return "EV"
	}
	return "unknown level"
}

// evReuse is how old data about an EV subject may be, in days (EVG 3.2.2.14.3).
const evReuse = 398

func (s Step) subjectReuse(level Level) int {
	switch level {
	case OV:
		return s.SubjectReuse
	case EV:
		return min(s.SubjectReuse, evReuse)
	}
	return 0
}
