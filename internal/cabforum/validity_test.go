package cabforum_test

import (
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	require.NoError(t, err)
	return at
}

// BR 6.3.2 at every border: the worked examples, second by second.
func TestBR632LastLegalNotAfter(t *testing.T) {
	for _, row := range []struct {
		notBefore    string
		limit, reuse int
		last, should string
		nominal      string // of the date alone
	}{
		{"2026-03-14 23:59:59", 398, 398, "2027-04-16 23:59:58", "2027-04-15 23:59:58", "2027-04-16"},
		{"2026-03-15 00:00:00", 200, 200, "2026-09-30 23:59:59", "2026-09-29 23:59:59", "2026-10-01"},
		{"2027-03-14 00:00:00", 200, 200, "2027-09-29 23:59:59", "2027-09-28 23:59:59", "2027-09-30"},
		{"2027-03-14 23:59:59", 200, 200, "2027-09-30 23:59:58", "2027-09-29 23:59:58", "2027-09-30"},
		{"2027-03-15 00:00:00", 100, 100, "2027-06-22 23:59:59", "2027-06-21 23:59:59", "2027-06-23"},
		{"2029-03-14 00:00:00", 100, 100, "2029-06-21 23:59:59", "2029-06-20 23:59:59", "2029-06-22"},
		{"2029-03-14 23:59:59", 100, 100, "2029-06-22 23:59:58", "2029-06-21 23:59:58", "2029-06-22"},
		{"2029-03-15 00:00:00", 47, 10, "2029-04-30 23:59:59", "2029-04-29 23:59:59", "2029-05-01"},
		{"2027-11-22 00:00:00", 100, 100, "2028-02-29 23:59:59", "2028-02-28 23:59:59", "2028-03-01"},
		{"2028-02-28 00:00:00", 100, 100, "2028-06-06 23:59:59", "2028-06-05 23:59:59", "2028-06-07"},
		{"2028-02-29 00:00:00", 100, 100, "2028-06-07 23:59:59", "2028-06-06 23:59:59", "2028-06-08"},
		{"2032-02-01 00:00:00", 47, 10, "2032-03-18 23:59:59", "2032-03-17 23:59:59", "2032-03-19"},
	} {
		t.Run(row.notBefore, func(t *testing.T) {
			from, last, should := instant(t, row.notBefore), instant(t, row.last), instant(t, row.should)
			assert.Equal(t, row.limit, cabforum.Cap(from))
			assert.Equal(t, row.reuse, cabforum.ReuseLimit(from))
			assert.Equal(t, last, cabforum.LastNotAfter(from))
			assert.Equal(t, row.limit, cabforum.Days(from, last), "the last legal second")
			assert.Equal(t, row.limit+1, cabforum.Days(from, last.Add(time.Second)), "one second more is one day more")
			assert.Equal(t, cabforum.ShouldCap(from), cabforum.Days(from, should))
			assert.Equal(t, row.limit-1, cabforum.ShouldCap(from))
			assert.Equal(t, day(t, row.nominal), cabforum.Nominal(cabforum.DateOf(from), cabforum.Date{}))
		})
	}
}

// BR 6.3.2: any amount of time over a day is a whole day more, and both ends count.
func TestBR632DaysCountTheInclusiveSecond(t *testing.T) {
	from := instant(t, "2026-03-15 00:00:00")
	for _, row := range []struct {
		length time.Duration // notAfter - notBefore
		days   int
	}{
		{0, 1}, {24*time.Hour - time.Second, 1}, {24 * time.Hour, 2}, {24*time.Hour - time.Second + time.Nanosecond, 2},
		{-time.Second, 0}, {-48 * time.Hour, -1},
	} {
		assert.Equal(t, row.days, cabforum.Days(from, from.Add(row.length)), row.length)
	}
	zone := time.FixedZone("UTC-5", -5*3600)
	assert.Equal(t, 200, cabforum.Days(from.In(zone), instant(t, "2026-09-30 23:59:59").In(zone)), "zones do not matter")
}

// The dates of zlint's published certificates (v3/testdata, lints/cabf_br/*_days_test.go).
func TestBR632PublishedVectors(t *testing.T) {
	for _, row := range []struct {
		name, from, to string
		days           int
		legal          bool
	}{
		{"justBeforeFirstMilestone", "2026-03-14 23:59:59", "2027-03-15 00:00:00", 366, true},
		{"exactlyOnFirstMilestoneExactly199days", "2026-03-15 00:00:00", "2026-09-29 23:59:59", 199, true},
		{"exactlyOnFirstMilestoneExactly200days", "2026-03-15 00:00:00", "2026-09-30 23:59:59", 200, true},
		{"exactlyOnFirstMilestoneLongerThan200days", "2026-03-15 00:00:00", "2026-10-01 00:00:00", 201, false},
		{"justBeforeSecondMilestoneExactly200days", "2027-03-14 23:59:59", "2027-09-30 23:59:58", 200, true},
		{"exactlyOnSecondMilestoneExactly99days", "2027-03-15 00:00:00", "2027-06-21 23:59:59", 99, true},
		{"exactlyOnSecondMilestoneExactly100days", "2027-03-15 00:00:00", "2027-06-22 23:59:59", 100, true},
		{"exactlyOnSecondMilestoneLongerThan100days", "2027-03-15 00:00:00", "2027-06-23 00:00:00", 101, false},
		{"justBeforeThirdMilestoneExactly100days", "2029-03-14 23:59:59", "2029-06-22 23:59:58", 100, true},
		{"exactlyOnThirdMilestoneExactly46days", "2029-03-15 00:00:00", "2029-04-29 23:59:59", 46, true},
		{"exactlyOnThirdMilestoneExactly47days", "2029-03-15 00:00:00", "2029-04-30 23:59:59", 47, true},
		{"exactlyOnThirdMilestoneLongerThan47days", "2029-03-15 00:00:00", "2029-05-01 00:00:00", 48, false},
		{"withinThirdMilestoneLeapYear", "2032-02-01 00:00:00", "2032-03-18 23:59:59", 47, true},
		{"eeServerCertValidEqual398", "2020-09-01 00:00:00", "2021-10-03 23:59:59", 398, true},
		{"eeServerCertValidOver398", "2020-09-01 00:00:00", "2021-10-04 01:00:00", 399, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			from, to := instant(t, row.from), instant(t, row.to)
			assert.Equal(t, row.days, cabforum.Days(from, to))
			assert.Equal(t, row.legal, cabforum.Days(from, to) <= cabforum.Cap(from))
		})
	}
}
