package cabforum_test

import (
	"time"

	"pmssl/internal/cabforum"
)

// model is a second, independent implementation of the rules: it walks through a term day by day on day numbers, while the
// planner jumps from certificate to certificate.
type model struct {
	less    int                                    // days below the cap that the CA issues (1: what CAs do)
	lead    func(days int) int                     // days before the end on which the certificate is reissued
	capOf   func(day int) int                      // nil: the Forum's
	reuseOf func(day int) int                      // nil: the Forum's
	due     func(today, ends, cap, until int) bool // nil: the lead alone decides
}

// walked is one certificate of the model.
type walked struct {
	issued, ends int
	validated    bool // by a new domain validation
}

func dayNumber(d cabforum.Date) int { return int(d.Midnight().Unix() / 86400) }

func civil(number int) string { return time.Unix(int64(number)*86400, 0).UTC().Format(time.DateOnly) }

// forumCap and forumReuse compare dates as text, because ISO dates sort like strings.
func forumCap(number int) int {
	switch on := civil(number); {
	case on >= "2029-03-15":
		return 47
	case on >= "2027-03-15":
		return 100
	case on >= "2026-03-15":
		return 200
	}
	return 398
}

func forumReuse(number int) int {
	if civil(number) >= "2029-03-15" {
		return 10
	}
	return forumCap(number)
}

func (m model) walk(start, until int) []walked {
	capOf, reuseOf := m.capOf, m.reuseOf
	if capOf == nil {
		capOf, reuseOf = forumCap, forumReuse
	}
	var chain []walked
	validated := start
	for today := start; today < until; today++ {
		if n := len(chain); n > 0 {
			now := chain[n-1]
			if now.ends >= until || today < now.ends-m.lead(now.ends-now.issued) {
				continue
			}
			if m.due != nil && !m.due(today, now.ends, capOf(today)-m.less, until) {
				continue
			}
		}
		fresh := len(chain) > 0 && today-validated <= reuseOf(today)
		if !fresh {
			validated = today
		}
		chain = append(chain, walked{today, min(today+capOf(today)-m.less, until), !fresh})
	}
	return chain
}

// domainValidations returns how many certificates needed a new domain validation.
func domainValidations(chain []walked) int {
	n := 0
	for _, c := range chain {
		if c.validated {
			n++
		}
	}
	return n
}

// fixedLead reissues so many days before the end, halfLead never before half of the certificate's validity.
func fixedLead(days int) func(int) int { return func(int) int { return days } }

func halfLead(days int) func(int) int {
	return func(validity int) int { return min(days, validity/2) }
}

// withLowerCaps returns the Forum's schedule with each cap some days lower, as CAs use it.
func withLowerCaps(by int) cabforum.Schedule {
	all := cabforum.Current()
	for i := range all {
		all[i].Cap -= by
	}
	return all
}

// constant returns a schedule of one line.
func constant(limit, reuse int) cabforum.Schedule {
	return cabforum.Schedule{{From: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Cap: limit, Reuse: reuse, SubjectReuse: 398}}
}
