// Package cabforum holds the rules of the CA/Browser Forum on the validity of certificates: civil dates, maximum validity,
// reuse limits of validations, validation methods that end, and the plan of a paid term. It reads no clock, computes in UTC
// and imports the standard library only.
//
// BR in the comments is the Baseline Requirements for TLS Server Certificates 2.2.6 (2026-03-31).
package cabforum

import (
	"errors"
	"fmt"
	"time"
)

// DateFormat is the layout of dates in the panel's columns, parameters and call-backs: YYYY-MM-DD.
const DateFormat = "2006-01-02"

// ErrDate is wrapped by every error of ParseDate.
var ErrDate = errors.New("not a date of the form YYYY-MM-DD")

// Date is a civil date: year, month and day without time of day or zone. The zero value means "no date". Dates are
// comparable with ==.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the civil date of the instant in UTC: every date decision of the product is made in UTC (BR 1.6.4).
func DateOf(at time.Time) Date {
	y, m, d := at.UTC().Date()
	return Date{y, m, d}
}

// ParseDate reads YYYY-MM-DD. The empty string and the database's 0000-00-00 are the zero Date without error; a date
// that does not exist (2026-02-30) is an error that wraps ErrDate.
func ParseDate(text string) (Date, error) {
	if text == "" || text == "0000-00-00" {
		return Date{}, nil
	}
	at, err := time.Parse(DateFormat, text)
	if err != nil || at.Year() < 1 {
		return Date{}, fmt.Errorf("%w: %q", ErrDate, text)
	}
	return DateOf(at), nil
}

// String returns YYYY-MM-DD, or the empty string for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// IsZero reports whether d is the zero Date.
func (d Date) IsZero() bool { return d == Date{} }

// Midnight returns the first instant of the date, 00:00:00 UTC.
func (d Date) Midnight() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// Before reports whether d is an earlier day than other.
func (d Date) Before(other Date) bool { return d.Midnight().Before(other.Midnight()) }

// After reports whether d is a later day than other.
func (d Date) After(other Date) bool { return other.Before(d) }

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 0, 0, 0, 0, time.UTC))
}

// AddMonths returns the date n months later, clamped to the last day of a shorter month as the panel's database does:
// 2028-02-29 + 12 months = 2029-02-28, 2026-08-31 + 6 months = 2027-02-28.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// DaysUntil returns the number of days from d to other; negative if other is earlier.
func (d Date) DaysUntil(other Date) int {
	return int(other.Midnight().Sub(d.Midnight()) / (24 * time.Hour))
}

// Earlier returns the earlier of two dates; a zero Date means no limit.
func Earlier(a, b Date) Date {
	switch {
	case a.IsZero():
		return b
	case b.IsZero(), a.Before(b):
		return a
	}
	return b
}
