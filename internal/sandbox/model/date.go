package model

import "time"

// day is 86,400 seconds (docs/reference/validity.md §A1.6).
const day = 24 * time.Hour

// Date is a civil date without a zone, counted in days since 1970-01-01 (rules TIME-1). NoDate means that there is none.
type Date int

// NoDate is the absent date.
const NoDate Date = 0

// DateOf returns the date of an instant in UTC.
func DateOf(t time.Time) Date { return Date(t.Unix() / int64(day/time.Second)) }

// ParseDate reads YYYY-MM-DD, and returns NoDate for anything else.
func ParseDate(text string) Date {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return NoDate
	}
	return DateOf(t)
}

// String returns YYYY-MM-DD, or "" for NoDate.
func (d Date) String() string {
	if d == NoDate {
		return ""
	}
	return d.midnight().Format(time.DateOnly)
}

// AddMonths adds months and stays within the target month (rules TIME-3).
func (d Date) AddMonths(months int) Date {
	t := d.midnight()
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return DateOf(first) + Date(min(t.Day(), last)-1)
}

func (d Date) midnight() time.Time { return time.Unix(int64(d)*int64(day/time.Second), 0).UTC() }

// lastSecond returns the last second of the date in UTC.
func (d Date) lastSecond() time.Time { return d.midnight().Add(day - time.Second) }

// limits are the tables of docs/reference/validity.md §A1.1 and §A1.2, in days.
type limits struct {
	from      Date
	longest   int // validity of a certificate
	reuseable int // age of a validation
}

// limitsOn returns the limits for a certificate that is issued on a date.
func limitsOn(d Date) limits {
	current := limits{longest: 398, reuseable: 398}
	for _, step := range []limits{
		{ParseDate("2026-03-15"), 200, 200}, {ParseDate("2027-03-15"), 100, 100}, {ParseDate("2029-03-15"), 47, 10},
	} {
		if d >= step.from {
			current = step
		}
	}
	return current
}
