// Package issuance holds the rules of public authorities that the stand-in
// sellers share: which requests are valid, how long a leaf may be valid, who may
// approve a domain. Like the stand-ins it shares no code with the product.
package issuance

import (
	"crypto/x509"
	"time"
)

// Day is 86,400 seconds (BR 6.3.2).
const Day = 24 * time.Hour

// Limits is one row of the tables in docs/reference/validity.md §A1.1 and §A1.2, in days.
type Limits struct {
	LeafDays  int // longest validity of a leaf
	ReuseDays int // greatest age of a validation that may be reused
}

// LimitsAt returns the limits for a leaf that is issued at an instant.
func LimitsAt(issued time.Time) Limits {
	steps := []struct {
		from time.Time
		Limits
	}{
		{date(2020, 9, 1), Limits{398, 398}},
		// The sellers and their authorities switched three days before the Forum (docs/reference/validity.md §A3).
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

// Validity returns the first and the last second of a leaf that is issued at an instant and valid
// for this number of days. It begins at the instant, or at the midnight (UTC) before it. Both ends
// are inclusive: RFC 5280 4.1.2.5, BR 1.6.1 "Validity Period".
func Validity(issued time.Time, days int, fromMidnight bool) (notBefore, notAfter time.Time) {
	notBefore = issued.UTC().Truncate(time.Second)
	if fromMidnight {
		notBefore = notBefore.Truncate(Day)
	}
	return notBefore, notBefore.Add(time.Duration(days)*Day - time.Second)
}

// AddMonths adds months to an instant. If the target month is shorter, it returns the last day of
// that month: February 29 plus 12 months is February 28.
func AddMonths(t time.Time, months int) time.Time {
	moved := t.AddDate(0, months, 0)
	if moved.Day() != t.Day() {
		return moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

// EndOfDay returns the last second of the day (UTC).
func EndOfDay(t time.Time) time.Time { return t.UTC().Truncate(Day).Add(Day - time.Second) }

// Policies returns the reserved identifiers of BR 7.1.6.1 and of the EV Guidelines
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
