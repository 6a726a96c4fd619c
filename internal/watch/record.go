package watch

import (
	"encoding/json"
	"slices"
	"time"

	"pmssl/internal/cabforum"
)

const (
	// oldFor is how long a site may serve an old certificate before its client is notified: certificates are installed by hand.
	oldFor = 48 * time.Hour
	// soonDays is how many days before the end of what is served, or of what is in place, the client is notified at once;
	// lastDays is when the client is notified once more.
	soonDays = 7
	lastDays = 3
	// maxMailed is how often the client is notified about one certificate.
	maxMailed = 2
	// maxRecord is the longest item parameter that is read, in bytes.
	maxRecord = 8 << 10
)

// Record is the content of the item parameter site_watch (rules PARAM-42): what the sites of the item serve, as far as it was last
// news.
type Record struct {
	Outcome Outcome `json:"outcome"`
	// Since is when the outcome was first seen, with this certificate in place.
	Since  time.Time `json:"since"`
	Serial string    `json:"serial"`           // of the certificate in place
	Served string    `json:"served,omitempty"` // serial of another one that is served
	// Name, Address and Why are those of the worst place when the record was written.
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	Why     string `json:"why,omitempty"`
	// OldSince is when a site was first seen with an old certificate while this one is in place; zero if it was seen with this
	// one since then.
	OldSince time.Time `json:"old_since,omitzero"`
	// First is Serial if that certificate was in place when the sites of the item were first looked at, and no site was seen
	// with it: such a state is older than the watch.
	First string `json:"first,omitempty"`
	// Offered says that a delivery of the certificate was begun because a site was seen with an old one, and that no look saw it
	// everywhere since.
	Offered bool `json:"offered,omitempty"`
	// Mailed are the UTC dates on which the client was notified about this certificate, YYYY-MM-DD.
	Mailed []string `json:"mailed,omitempty"`
}

// ParseRecord reads the item parameter. It returns false for one that is absent or cannot be read: the next look then counts as
// the first one.
func ParseRecord(text string) (Record, bool) {
	var r Record
	if text == "" || len(text) > maxRecord || json.Unmarshal([]byte(text), &r) != nil || !r.Outcome.Known() || r.Serial == "" {
		return Record{}, false
	}
	r.Mailed = r.Mailed[:min(len(r.Mailed), maxMailed)]
	return r, true
}

// AddMail notes a mail of this UTC date.
func (r *Record) AddMail(day string) {
	if len(r.Mailed) == maxMailed { // an administrator had it sent again
		r.Mailed = r.Mailed[:maxMailed-1]
	}
	r.Mailed = append(slices.Clone(r.Mailed), day)
}

// Text returns the item parameter.
func (r Record) Text() (string, error) {
	raw, err := json.Marshal(r)
	return string(raw), err
}

// Next returns the record after a look at a certificate with this serial. known is false if r is not a record of an earlier look;
// then fresh says that the certificate was issued after sites were first watched.
func (r Record) Next(look Look, serial string, now time.Time, known, fresh bool) Record {
	worst := look.Worst()
	now = now.UTC().Truncate(time.Second)
	next := Record{Outcome: worst.Outcome, Since: now, Serial: serial, Name: worst.Name, Address: worst.Address, Why: worst.Why}
	if worst.Outcome == Old || worst.Outcome == Other {
		next.Served = worst.Serial
	}
	if known && r.Serial == serial {
		next.OldSince, next.First, next.Offered, next.Mailed = r.OldSince, r.First, r.Offered, r.Mailed
		if next.OldSince.After(now) { // the clock was ahead when it was written
			next.OldSince = now
		}
		if r.Outcome == next.Outcome {
			next.Since = r.Since
		}
	}
	if !known && !fresh {
		next.First = serial
	}
	switch {
	case worst.Outcome == Current:
		next.OldSince, next.First, next.Offered = time.Time{}, "", false
	case worst.Outcome == Old && next.OldSince.IsZero():
		next.OldSince = now
	}
	return next
}

// News reports whether the record must be saved in place of the earlier one: which name or address is the worst one is no news
// (rules ARCH-11).
func (r Record) News(earlier Record) bool {
	if r.Outcome == Old && r.Served != earlier.Served { // those of a CDN change often
		return true
	}
	return r.Outcome != earlier.Outcome || r.Serial != earlier.Serial || r.First != earlier.First || r.Offered != earlier.Offered ||
		!r.OldSince.Equal(earlier.OldSince) || !slices.Equal(r.Mailed, earlier.Mailed)
}

// MailDue reports whether the client is to be notified that the site serves an old certificate: after two days, or at once if what
// is served or in place ends within a week, and once more in the last three days (rules WATCH-6). ends is the end of the
// certificate in place.
func (r Record) MailDue(look Look, ends, now time.Time) bool {
	if r.Outcome != Old || r.First == r.Serial || !ends.After(now) {
		return false
	}
	left := daysLeft(look, ends, now)
	switch today := cabforum.DateOf(now).String(); len(r.Mailed) {
	case 0:
		return left < soonDays || !now.Before(r.OldSince.Add(oldFor))
	case 1:
		return left < lastDays && r.Mailed[0] != today
	}
	return false
}

// NextMail returns the first instant from now on at which MailDue is true, if the site goes on to serve the old certificate; false
// if there is none. What the site serves is not known, only that what is in place ends then.
func (r Record) NextMail(ends, now time.Time) (time.Time, bool) {
	days := func(n int) time.Time { return cabforum.DateOf(ends).AddDays(1 - n).Midnight() }
	next := time.Time{}
	for _, at := range []time.Time{now, r.OldSince.Add(oldFor), days(soonDays), days(lastDays)} {
		if at.Before(now) {
			at = now
		}
		if r.MailDue(Look{}, ends, at) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, !next.IsZero()
}

// LastDays reports whether what is in place, or what an old place serves, ends in the last days, in which the client is notified once
// more.
func (r Record) LastDays(look Look, ends, now time.Time) bool {
	return daysLeft(look, ends, now) < lastDays
}

// daysLeft returns the days to the end of what is in place or served by an old place, whichever is first; negative after it.
func daysLeft(look Look, ends, now time.Time) int {
	for _, p := range look.Old() {
		if p.Expires.Before(ends) {
			ends = p.Expires
		}
	}
	return cabforum.DateOf(now).DaysUntil(cabforum.DateOf(ends))
}
