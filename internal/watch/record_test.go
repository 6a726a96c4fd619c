package watch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

// lookAt returns a look that saw one place.
func lookOf(o watch.Outcome, serial string) watch.Look {
	p := watch.Place{Name: "example.com", Address: "192.0.2.80", Outcome: o, Serial: serial, Why: "why"}
	if serial != "" {
		p.Expires = now().AddDate(0, 0, 30)
	}
	return watch.Look{Places: []watch.Place{p}}
}

// step is one look in the life of a record.
type step struct {
	after  time.Duration // since the look before
	look   watch.Look
	serial string
	// want of the record then
	since    time.Duration // since the first look
	oldSince time.Duration // -1: not set
	first    string
	news     bool
}

func TestARecordFollowsTheLooks(t *testing.T) {
	const day = 24 * time.Hour
	old, older, current, other := lookOf(watch.Old, "b2"), lookOf(watch.Old, "b3"), lookOf(watch.Current, "a1"), lookOf(watch.Other, "c3")
	dead := lookOf(watch.Unreachable, "")
	for name, row := range map[string]struct {
		fresh bool
		steps []step
	}{
		"a site that was old before it was watched": {false, []step{
			{0, old, "a1", 0, 0, "a1", true}, {day, old, "a1", 0, 0, "a1", false}, {day, dead, "a1", 2 * day, 0, "a1", true}, {day, old, "a1", 3 * day, 0, "a1", true},
		}},
		"until it is seen with its certificate": {false, []step{
			{0, old, "a1", 0, 0, "a1", true}, {day, current, "a1", day, -1, "", true}, {day, old, "a1", 2 * day, 2 * day, "", true},
		}},
		"until there is a new certificate": {false, []step{
			{0, old, "a1", 0, 0, "a1", true}, {day, old, "a2", day, day, "", true},
		}},
		"a certificate that was issued after the watch began": {true, []step{
			{0, old, "a1", 0, 0, "", true}, {day, old, "a1", 0, 0, "", false},
		}},
		"a site that does not answer now and then is old all the time": {true, []step{
			{0, old, "a1", 0, 0, "", true}, {day, dead, "a1", day, 0, "", true}, {day, old, "a1", 2 * day, 0, "", true},
		}},
		"another old certificate is news": {true, []step{
			{0, old, "a1", 0, 0, "", true}, {day, older, "a1", 0, 0, "", true},
		}},
		"another certificate of a CDN is none": {true, []step{
			{0, other, "a1", 0, -1, "", true}, {day, lookOf(watch.Other, "c4"), "a1", 0, -1, "", false},
		}},
		"current stays current": {false, []step{
			{0, current, "a1", 0, -1, "", true}, {day, current, "a1", 0, -1, "", false}, {day, current, "a2", 2 * day, -1, "", true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			at, start := now(), now()
			var record watch.Record
			known := false
			for n, s := range row.steps {
				at = at.Add(s.after)
				next := record.Next(s.look, s.serial, at, known, row.fresh)
				assert.Equal(t, s.look.Outcome(), next.Outcome, n)
				assert.Equal(t, s.serial, next.Serial, n)
				assert.Equal(t, start.Add(s.since), next.Since, n)
				assert.Equal(t, s.first, next.First, n)
				if s.oldSince < 0 {
					assert.True(t, next.OldSince.IsZero(), n)
				} else {
					assert.Equal(t, start.Add(s.oldSince), next.OldSince, n)
				}
				assert.Equal(t, s.news, next.News(record), n)
				text, err := next.Text()
				require.NoError(t, err)
				record, known = watch.ParseRecord(text)
				require.True(t, known)
				assert.Equal(t, next, record, "read as written")
			}
		})
	}
}

// A clock that was ahead must not put the mail off until that time comes.
func TestAnOldCertificateIsNotSeenInTheFuture(t *testing.T) {
	ahead := watch.Record{}.Next(lookOf(watch.Old, "b2"), "a1", now().AddDate(1, 0, 0), false, true)
	next := ahead.Next(lookOf(watch.Old, "b2"), "a1", now(), true, true)
	assert.True(t, next.OldSince.Equal(now()), next.OldSince)
	assert.True(t, next.News(ahead))
}

func TestARecordNamesWhatIsServedInstead(t *testing.T) {
	for outcome, served := range map[watch.Outcome]string{watch.Old: "b2", watch.Other: "b2", watch.Current: "", watch.None: "", watch.Unreachable: ""} {
		r := watch.Record{}.Next(lookOf(outcome, "b2"), "a1", now(), false, true)
		assert.Equal(t, served, r.Served, outcome)
		assert.Equal(t, "example.com", r.Name)
		assert.Equal(t, "192.0.2.80", r.Address)
		assert.Equal(t, "why", r.Why)
	}
}

func TestClientsAreNotifiedWhenTheirSiteStaysOld(t *testing.T) {
	const day = 24 * time.Hour
	for name, row := range map[string]struct {
		old     time.Duration // how long the site was seen old
		inPlace int           // days to the end of the certificate in place
		served  int           // days to the end of the old one
		outcome watch.Outcome
		first   bool
		mailed  []int // days ago
		want    bool
	}{
		"at first it is the client's to install it": {old: 47 * time.Hour, inPlace: 190, served: 8, want: false},
		"after two days": {old: 48 * time.Hour, inPlace: 190, served: 30, want: true},
		"at once if the old one ends within a week": {old: 0, inPlace: 190, served: 6, want: true},
		"not a day before that":                     {old: 0, inPlace: 190, served: 7, want: false},
		"at once if the old one has ended":          {old: 0, inPlace: 190, served: -20, want: true},
		"at once if the new one ends within a week": {old: 0, inPlace: 6, served: 30, want: true},
		"not if the new one has ended":              {old: 30 * day, inPlace: -1, served: -90, want: false},
		"once":                                      {old: 3 * day, inPlace: 190, served: 10, mailed: []int{1}, want: false},
		"not again in the last week":                {old: 9 * day, inPlace: 190, served: 3, mailed: []int{7}, want: false},
		"once more in the last three days":          {old: 9 * day, inPlace: 190, served: 2, mailed: []int{8}, want: true},
		"on another day":                            {old: 9 * day, inPlace: 190, served: 2, mailed: []int{0}, want: false},
		"not a third time":                          {old: 9 * day, inPlace: 190, served: 0, mailed: []int{10, 2}, want: false},
		"not about what was so before the watch":    {old: 9 * day, inPlace: 190, served: 2, first: true, want: false},
		"not about other certificates":              {old: 9 * day, inPlace: 190, served: 2, outcome: watch.Other, want: false},
		"not about sites without certificates":      {old: 9 * day, inPlace: 190, served: 2, outcome: watch.None, want: false},
		"not about dead ones":                       {old: 9 * day, inPlace: 190, served: 2, outcome: watch.Unreachable, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			if row.outcome == "" {
				row.outcome = watch.Old
			}
			look := lookOf(row.outcome, "b2")
			look.Places[0].Expires = now().AddDate(0, 0, row.served)
			look.Places = append(look.Places, watch.Place{Outcome: watch.Other, Expires: now().AddDate(0, 0, -1)})
			r := watch.Record{Outcome: row.outcome, Serial: "a1", OldSince: now().Add(-row.old)}
			if row.first {
				r.First = "a1"
			}
			for _, ago := range row.mailed {
				r.Mailed = append(r.Mailed, now().AddDate(0, 0, -ago).Format(time.DateOnly))
			}
			assert.Equal(t, row.want, r.MailDue(look, now().AddDate(0, 0, row.inPlace), now()))
		})
	}
}

func TestMailsBelongToOneCertificate(t *testing.T) {
	r := watch.Record{Outcome: watch.Old, Serial: "a1", OldSince: now(), Mailed: []string{"2026-10-01"}}
	assert.Equal(t, r.Mailed, r.Next(lookOf(watch.Old, "b2"), "a1", now(), true, false).Mailed)
	assert.Empty(t, r.Next(lookOf(watch.Old, "a1"), "a2", now(), true, false).Mailed)
	more := r
	more.Mailed = append(more.Mailed[:1:1], "2026-10-09")
	assert.True(t, more.News(r))
}

func TestAParameterThatCannotBeReadIsNoRecord(t *testing.T) {
	for name, text := range map[string]string{
		"absent": "", "not JSON": "old", "another shape": `["old"]`, "without outcome": `{"serial":"a1"}`, "unknown outcome": `{"outcome":"nice","serial":"a1"}`,
		"without serial": `{"outcome":"old"}`, "a wrong time": `{"outcome":"old","serial":"a1","since":"yesterday"}`,
		"too long": `{"outcome":"old","serial":"a1","why":"` + strings.Repeat("x", 10_000) + `"}`,
	} {
		_, known := watch.ParseRecord(text)
		assert.False(t, known, name)
	}
	r, known := watch.ParseRecord(`{"outcome":"old","serial":"a1","mailed":["a","b","c","d"]}`)
	assert.True(t, known)
	assert.Len(t, r.Mailed, 2)
}

func TestSwitches(t *testing.T) {
	for value, want := range map[string]bool{"": true, "on": true, " ON ": true, "off": false, "Off": false} {
		got, err := watch.ParseSwitch(watch.SettingWatch, value, true)
		require.NoError(t, err, value)
		assert.Equal(t, want, got, value)
	}
	got, err := watch.ParseSwitch(watch.SettingPrivate, "", false)
	require.NoError(t, err)
	assert.False(t, got)
	for _, byDefault := range []bool{true, false} {
		got, err = watch.ParseSwitch(watch.SettingWatch, "yes", byDefault)
		require.ErrorContains(t, err, `SSLSubscriptionWatch is "yes": possible are on and off; taken as o`)
		assert.Equal(t, byDefault, got)
	}
}

// Whatever the item parameter holds, reading it ends, and a record is written in a form that is read again.
func FuzzParseRecord(f *testing.F) {
	f.Add(`{"outcome":"old","since":"2026-10-09T06:30:00Z","serial":"a1","served":"b2","mailed":["2026-10-09"]}`)
	f.Add(`{"outcome":"current","serial":"\u0000"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, known := watch.ParseRecord(text)
		if !known {
			return
		}
		out, err := r.Text()
		if err != nil {
			return // a year beyond 9999
		}
		again, known := watch.ParseRecord(out)
		if len(out) < 8<<10 {
			require.True(t, known, out)
			assert.False(t, again.News(r))
		}
		r.MailDue(lookOf(watch.Old, "b2"), now(), now())
		r.Next(lookOf(watch.Old, "b2"), "a1", now(), true, false)
	})
}
