package cabforum_test

import (
	"slices"
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
)

// BR 6.3.2 and 4.2.1: every border of the tables, the last second before it and the first of it.
func TestBR632BR421TablesByTheDateOfIssuance(t *testing.T) {
	for _, row := range []struct {
		issued                            string
		limit, should, reuse, ovReuse, ev int
	}{
		{"2018-03-01 00:00:00", 825, 825, 398, 825, 398},
		{"2020-08-31 23:59:59", 825, 825, 398, 825, 398},
		{"2020-09-01 00:00:00", 398, 397, 398, 825, 398},
		{"2026-03-14 23:59:59", 398, 397, 398, 825, 398},
		{"2026-03-15 00:00:00", 200, 199, 200, 398, 398},
		{"2027-03-14 23:59:59", 200, 199, 200, 398, 398},
		{"2027-03-15 00:00:00", 100, 99, 100, 398, 398},
		{"2029-03-14 23:59:59", 100, 99, 100, 398, 398},
		{"2029-03-15 00:00:00", 47, 46, 10, 398, 398},
		{"2040-01-01 00:00:00", 47, 46, 10, 398, 398},
	} {
		t.Run(row.issued, func(t *testing.T) {
			at := instant(t, row.issued)
			assert.Equal(t, row.limit, cabforum.Cap(at))
			assert.Equal(t, row.should, cabforum.ShouldCap(at))
			assert.Equal(t, row.reuse, cabforum.ReuseLimit(at))
			assert.Equal(t, row.ovReuse, cabforum.SubjectReuseLimit(cabforum.OV, at))
			assert.Equal(t, row.ev, cabforum.SubjectReuseLimit(cabforum.EV, at), "EVG 3.2.2.14.3")
			assert.Zero(t, cabforum.SubjectReuseLimit(cabforum.DV, at), "DV carries no data about the subject")
		})
	}
}

// BR 1.6.4: dates mean midnight UTC, whatever the time zone of the instant.
func TestBR164StepsAreInUTC(t *testing.T) {
	west := time.FixedZone("UTC-12", -12*3600)
	assert.Equal(t, 200, cabforum.Cap(time.Date(2026, 3, 14, 12, 0, 0, 0, west)))
	assert.Equal(t, 398, cabforum.Cap(time.Date(2026, 3, 14, 11, 59, 59, 0, west)))
}

func TestScheduleIsSortedAndNamesItsSources(t *testing.T) {
	all := cabforum.Current()
	assert.True(t, slices.IsSortedFunc(all, func(a, b cabforum.Step) int { return a.From.Compare(b.From) }))
	for _, step := range all {
		assert.NotEmpty(t, step.Note)
		assert.Equal(t, time.UTC, step.From.Location())
		assert.Less(t, step.Should, step.Cap)
	}
}

// A new decision of the Forum is one more row: nothing else has to change.
func TestScheduleTakesOneMoreRow(t *testing.T) {
	grown := append(cabforum.Current(), cabforum.Step{From: instant(t, "2031-03-15 00:00:00"), Cap: 20, Should: 19, Reuse: 5, SubjectReuse: 200, Note: "a test"})
	assert.Equal(t, 47, grown.At(instant(t, "2031-03-14 23:59:59")).Cap)
	assert.Equal(t, 20, grown.At(instant(t, "2031-03-15 00:00:00")).Cap)
	plan, err := cabforum.PlanInput{Term: cabforum.Term{Start: day(t, "2031-02-01"), Months: 12}, Schedule: grown, Level: cabforum.OV}.Plan()
	assert.NoError(t, err)
	assert.Equal(t, 47, plan.Certificates[0].Cap)
	assert.Equal(t, "2031-03-20", plan.Certificates[0].Expires.String())
	assert.Equal(t, 20, plan.Certificates[1].Cap)
	assert.Equal(t, "2031-04-09", plan.Certificates[1].Expires.String())
	assert.Equal(t, 47, cabforum.Cap(instant(t, "2031-03-15 00:00:00")), "the schedule of Current is unchanged")
}

func TestEmptyScheduleHasNoLimits(t *testing.T) {
	assert.Equal(t, cabforum.Step{}, cabforum.Schedule{}.At(instant(t, "2026-03-15 00:00:00")))
}

// BR 6.3.2: the cap of the next step; after the last step the cap of that step.
func TestNextCap(t *testing.T) {
	for at, want := range map[string]int{
		"2026-03-14 23:59:59": 200, "2026-03-15 00:00:00": 100, "2027-03-14 23:59:59": 100,
		"2027-03-15 00:00:00": 47, "2029-03-14 23:59:59": 47, "2029-03-15 00:00:00": 47, "2040-01-01 00:00:00": 47,
	} {
		assert.Equal(t, want, cabforum.NextCap(instant(t, at)), at)
	}
}
