package standin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Looker looks at published challenges as a certification authority does. An error says what it saw instead.
type Looker interface {
	Look(ctx context.Context, c Challenge) error
}

// Kinds of challenges that a Looker can look at.
const (
	ChallengeCNAME = "CNAME"
	ChallengeTXT   = "TXT"
	ChallengeFile  = "file"
)

// Challenge is what a customer publishes for one domain.
type Challenge struct {
	Kind   string
	Domain string
	Name   string // of the record
	URL    string // of the file
	Value  string // the record's value, the file's content
	// Parents accepts a record below a domain above this one too, up to the registrable one.
	Parents bool
}

// LookSettings are a seller's settings of its authority's looks. They matter only if the stand-in has a Looker.
type LookSettings struct {
	// LookEverySeconds: the authority looks by itself this often, beside the look at the submission and those that it is asked
	// for; 0 means never.
	LookEverySeconds int `json:"look_every_seconds"`
	// IssueDelaySeconds: the authority issues this long after it has seen every challenge, and looks once more then. A challenge
	// that is gone by then fails the order.
	IssueDelaySeconds int `json:"issue_delay_seconds"`
	// NewValuesWhenAsked: who asks for another look gets new values to publish.
	NewValuesWhenAsked bool `json:"new_values_when_asked"`
}

// DefaultLookSettings returns an authority that looks every four hours by itself. The paces of real ones are not published.
func DefaultLookSettings() LookSettings { return LookSettings{LookEverySeconds: 4 * 3600} }

// Check refuses settings that make no sense.
func (s LookSettings) Check() error {
	if s.LookEverySeconds < 0 || s.IssueDelaySeconds < 0 {
		return errors.New("look_every_seconds and issue_delay_seconds must not be negative")
	}
	return nil
}

// Looks is what the authority has seen of one order.
type Looks struct {
	Last  time.Time `json:"last,omitzero"`   // of the latest look
	Asked bool      `json:"asked,omitempty"` // another look was asked for
	Seen  time.Time `json:"seen,omitzero"`   // when the last missing challenge was seen
	Why   string    `json:"why,omitempty"`   // what the latest look saw instead
	Count int       `json:"count,omitempty"`
	// Used are the challenges with which certificates were issued: they prove nothing a second time.
	Used []string `json:"used,omitempty"`
}

// Next begins the looks of another order, with what the earlier ones used up.
func (l Looks) Next() Looks { return Looks{Used: l.Used} }

// LookOrder is an order that waits for its challenges.
type LookOrder struct {
	Domains    []Domain
	Challenges []Challenge // those that a Looker can look at
	Looks      *Looks
	Used       func(challenge string) bool // whether another order has used it up
	Prove      func(domains []Domain, at time.Time)
}

// lookTime bounds the looks at one order.
const lookTime = 20 * time.Second

// Watch looks at the challenges of an order where that is due, and reports whether it may be issued now. An error ends the
// order.
func (s LookSettings) Watch(looker Looker, o LookOrder, now time.Time) (ready bool, err error) {
	if len(o.Challenges) == 0 || o.Looks.Seen.IsZero() && AllProved(o.Domains) { // by e-mail, or an earlier validation is reused
		return AllProved(o.Domains), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	if !AllProved(o.Domains) {
		if err := s.look(ctx, looker, o, now); err != nil {
			return false, err
		}
	}
	if o.Looks.Seen.IsZero() || now.Before(o.Looks.Seen.Add(time.Duration(s.IssueDelaySeconds)*time.Second)) {
		return false, nil
	}
	if now.After(o.Looks.Seen) {
		for _, c := range o.Challenges {
			if err := looker.Look(ctx, c); err != nil {
				return false, fmt.Errorf("the challenge was removed before the certificate was issued: %w", err)
			}
		}
	}
	for _, c := range o.Challenges {
		o.Looks.Used = append(o.Looks.Used, c.id())
	}
	return true, nil
}

// look looks at each challenge that is not proved yet, if a look is due.
func (s LookSettings) look(ctx context.Context, looker Looker, o LookOrder, now time.Time) error {
	every := time.Duration(s.LookEverySeconds) * time.Second
	l := o.Looks
	if !l.Last.IsZero() && !l.Asked && (every == 0 || now.Before(l.Last.Add(every))) {
		return nil
	}
	l.Last, l.Asked, l.Why = now, false, ""
	l.Count++
	for _, c := range o.Challenges {
		if slices.Contains(l.Used, c.id()) || o.Used(c.id()) {
			return fmt.Errorf("%s was used for another certificate", c.id())
		}
		named, err := SelectDomains(o.Domains, c.Domain)
		if err != nil {
			return err
		}
		if AllProved(named) {
			continue
		}
		if err := looker.Look(ctx, c); err != nil {
			l.Why = err.Error()
			continue
		}
		o.Prove(named, now)
	}
	if AllProved(o.Domains) {
		l.Seen = now
	}
	return nil
}

// id is the challenge in one line, in lower case.
func (c Challenge) id() string { return strings.ToLower(c.Domain + " " + c.Kind + " " + c.Value) }
