// Package issuance holds the rules that every public authority follows and that
// the stand-in sellers share: what a request must be, how long a leaf may live,
// who may approve a domain. Like the stand-ins it shares no code with the product.
package issuance

import (
	"crypto/x509"
	"time"
)

// Day is 86,400 seconds (BR 6.3.2).
const Day = 24 * time.Hour

// Limits are a row of validity-and-subscription.md 1.1 and 1.2, in days.
type Limits struct {
	LeafDays  int // longest validity of a leaf
	ReuseDays int // oldest proof of control that may be used
}

// LimitsAt are those for a leaf that is issued at an instant.
func LimitsAt(issued time.Time) Limits {
	steps := []struct {
		from time.Time
		Limits
	}{
		{date(2020, 9, 1), Limits{398, 398}},
		// The sellers and their authorities switched three days before the Forum (validity 3).
		{date(2026, 3, 12), Limits{200, 200}},
		{date(2027, 3, 15), Limits{100, 100}},
		{date(2029, 3, 15), Limits{47, 10}},
	}
	current := steps[0].Limits
	for _, step := range steps {
		if !issued.Before(step.from) {
			current = step.Limits
		}
	}
	return current
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Validity is the first and the last second of a leaf of so many days that is
// issued at an instant and begins there or at the midnight (UTC) before it.
// Both ends are inclusive: RFC 5280 4.1.2.5, BR 1.6.1 "Validity Period".
func Validity(issued time.Time, days int, fromMidnight bool) (notBefore, notAfter time.Time) {
	notBefore = issued.UTC().Truncate(time.Second)
	if fromMidnight {
		notBefore = notBefore.Truncate(Day)
	}
	return notBefore, notBefore.Add(time.Duration(days)*Day - time.Second)
}

// AddMonths moves an instant by months and stays in the month that it comes to:
// the 29th of February becomes the 28th.
func AddMonths(t time.Time, months int) time.Time {
	moved := t.AddDate(0, months, 0)
	if moved.Day() != t.Day() {
		return moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

// EndOfDay is the last second of the day (UTC).
func EndOfDay(t time.Time) time.Time { return t.UTC().Truncate(Day).Add(Day - time.Second) }

// Policies are the reserved identifiers of BR 7.1.6.1 and of the EV Guidelines
// for "dv", "ov" and "ev".
func Policies(level string) []x509.OID {
	arcs := map[string][]uint64{
		"dv": {2, 23, 140, 1, 2, 1},
		"ov": {2, 23, 140, 1, 2, 2},
		"ev": {2, 23, 140, 1, 1},
	}[level]
	oid, err := x509.OIDFromInts(arcs)
	if err != nil {
		return nil
	}
	return []x509.OID{oid}
}
