package model

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// rules TIME-3, docs/reference/validity.md §B3.2: months are added within the target month.
func TestMonthsAreAddedWithinTheMonth(t *testing.T) {
	for _, row := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-04-02", 60, "2031-04-02"}, {"2026-04-02", 12, "2027-04-02"}, {"2028-02-29", 12, "2029-02-28"}, {"2028-02-29", 48, "2032-02-29"},
		{"2026-08-31", 6, "2027-02-28"}, {"2026-12-31", 2, "2027-02-28"},
	} {
		assert.Equal(t, row.want, ParseDate(row.from).AddMonths(row.months).String(), "%+v", row)
	}
	assert.Equal(t, NoDate, ParseDate("2026-13-01"))
	assert.Empty(t, NoDate.String())
}

// docs/reference/validity.md §A2.1: the rows with the certificate that authorities issue, a day shorter than the limit.
func TestCertificatesAreADayShorterThanTheLimit(t *testing.T) {
	for _, row := range []struct {
		issued, ends string
		reuse        int
	}{
		{"2026-03-15", "2026-09-29", 200}, {"2027-03-14", "2027-09-28", 200}, {"2027-03-15", "2027-06-21", 100}, {"2029-03-14", "2029-06-20", 100},
		{"2029-03-15", "2029-04-29", 10}, {"2027-11-22", "2028-02-28", 100}, {"2028-02-28", "2028-06-05", 100}, {"2032-02-01", "2032-03-17", 10},
	} {
		m := New(Config{Start: at(row.issued, "14:07"), Policy: "auto", Before: 10, FirstOrder: 1})
		m.Order(1, "example.com", 60)
		m.Prove("example.com")
		m.Sync(1)
		leaf, stored := m.LeafOf(m.Item(1))
		assert.True(t, stored, row.issued)
		assert.Equal(t, row.issued+" 00:00:00", leaf.From.Format(time.DateTime))
		assert.Equal(t, row.ends+" 23:59:59", leaf.Until.Format(time.DateTime), row.issued)
		assert.Equal(t, row.reuse, limitsOn(ParseDate(row.issued)).reuseable)
	}
}

// at returns a time of a day.
func at(date, clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", date+" "+clock)
	if err != nil {
		panic(err)
	}
	return t
}
