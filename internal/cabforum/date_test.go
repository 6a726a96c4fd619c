package cabforum_test

import (
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func day(t *testing.T, text string) cabforum.Date {
	t.Helper()
	d, err := cabforum.ParseDate(text)
	require.NoError(t, err)
	return d
}

// Adding months clamps to the last day of a shorter month, as MariaDB's DATE_ADD does.
func TestMonthsClamp(t *testing.T) {
	for _, row := range []struct {
		from   string
		months int
		to     string
	}{
		{"2028-02-29", 12, "2029-02-28"},
		{"2026-08-31", 6, "2027-02-28"},
		{"2026-04-02", 60, "2031-04-02"},
		{"2027-12-31", 2, "2028-02-29"},
		{"2026-01-31", -2, "2025-11-30"},
		{"2026-12-15", 1, "2027-01-15"},
	} {
		assert.Equal(t, row.to, day(t, row.from).AddMonths(row.months).String(), "%s + %d", row.from, row.months)
	}
}

// The documented example: ordered 2026-04-02 for five years.
func TestDocumentedExample(t *testing.T) {
	ordered := day(t, "2026-04-02")
	assert.Equal(t, "2026-10-19", ordered.AddDays(cabforum.Cap(ordered.Midnight())).String())
	assert.Equal(t, "2031-04-02", ordered.AddMonths(60).String())
	assert.Equal(t, 1826, ordered.DaysUntil(ordered.AddMonths(60)))
}

func TestDatesAreReadInUTC(t *testing.T) {
	zone := time.FixedZone("UTC+14", 14*3600)
	assert.Equal(t, "2026-03-14", cabforum.DateOf(time.Date(2026, 3, 15, 1, 0, 0, 0, zone)).String())
}

func TestParseDate(t *testing.T) {
	for _, empty := range []string{"", "0000-00-00"} {
		d, err := cabforum.ParseDate(empty)
		require.NoError(t, err)
		assert.True(t, d.IsZero())
		assert.Equal(t, "", d.String())
	}
	for _, bad := range []string{"2026-02-30", "26-02-03", "2026-2-3", "2026-02-03 00:00:00", "x"} {
		_, err := cabforum.ParseDate(bad)
		assert.ErrorIs(t, err, cabforum.ErrDate, bad)
	}
}

func TestEarlierTakesAZeroDateAsNoLimit(t *testing.T) {
	a, b := day(t, "2026-04-02"), day(t, "2026-04-03")
	assert.Equal(t, a, cabforum.Earlier(a, b))
	assert.Equal(t, a, cabforum.Earlier(b, a))
	assert.Equal(t, a, cabforum.Earlier(a, cabforum.Date{}))
	assert.Equal(t, b, cabforum.Earlier(cabforum.Date{}, b))
	assert.True(t, b.After(a))
}
