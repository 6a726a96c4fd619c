package cabforum

import "time"

const (
	// RetryAfter is how long a reissue is not asked for again after an attempt (docs/reference/validity.md §B3.6, rules
	// SWEEP-3).
	RetryAfter = 24 * time.Hour
	// LastAttempt is how many days before its end a certificate is asked for once more although the seller's term seems to
	// end with it (rules SWEEP-3).
	LastAttempt = 3
	// MaxTries is how often a reissue of one certificate is asked for at the most (same places).
	MaxTries = 5
)

// ReissueCheck is what decides whether a certificate is due: the item, its certificate and what was tried for it.
type ReissueCheck struct {
	Settings Settings
	// Active: the item is active, or suspended by the panel itself inside its term (rules SWEEP-2).
	Active bool
	// Held is the life of the stored certificate; nil if none is stored.
	Held *Validity
	// PaidUntil is the end of the panel's term, SellerEnd that of the seller's where it is known; zero is no limit.
	PaidUntil, SellerEnd Date
	// UnderWay: a reissue of the item runs already (service status 3 or 4, an open running operation, an unanswered
	// request).
	UnderWay bool
	// Tried is the time of the last attempt for this certificate, Tries their number.
	Tried time.Time
	Tries int
	// Schedule is the Forum's; empty means Current.
	Schedule Schedule
}

// Reason says why a certificate is not due; empty if it is.
type Reason string

// The reasons, one for each condition of docs/reference/validity.md §B3.6, §B3.9 and rules SWEEP-3, in the order in which
// they are looked at.
const (
	ReasonPolicy   Reason = "policy"     // the policy is none
	ReasonInactive Reason = "inactive"   // the item is neither active nor suspended by the panel
	ReasonNothing  Reason = "nothing"    // no certificate is stored
	ReasonTermOver Reason = "term_over"  // the paid term has ended
	ReasonPaidEnd  Reason = "paid_until" // the certificate reaches paid until: the panel's prolong is next
	ReasonEarly    Reason = "early"      // its end is further away than the lead
	ReasonNoGain   Reason = "no_gain"    // a reissue would not end a day later
	ReasonUnderWay Reason = "under_way"  // a reissue runs already
	ReasonTries    Reason = "tries"      // it was tried MaxTries times
	ReasonRecent   Reason = "recent"     // it was tried less than RetryAfter ago
)

// Decision is the answer to the question whether a certificate is due.
type Decision struct {
	Due    bool
	Reason Reason // why not
	// On is the day on which the lead is reached; zero if no certificate is stored.
	On Date
	// Lead is the lead in effect, Cut tells that it is shorter than the settings ask for (docs/reference/validity.md
	// §B3.7).
	Lead int
	Cut  bool
	// Expired: the certificate's end has passed. Inside the paid term it is due at once, with a warning
	// (docs/reference/validity.md §B3.8).
	Expired bool
}

// Judge reports whether the certificate is due at the instant: reissued where the policy is auto, the client told where it
// is manual. All of docs/reference/validity.md §B3.6, §B3.7, B3.9 and rules SWEEP-3 must hold.
func (s ReissueCheck) Judge(now time.Time) Decision {
	today := DateOf(now)
	v := s.timing()
	v.Reason = s.objection(now, today, v)
	v.Due = v.Reason == ""
	v.Expired = s.Held != nil && now.After(s.Held.NotAfter)
	return v
}

// timing returns the part of the verdict that depends on the certificate only.
func (s ReissueCheck) timing() Decision {
	if s.Held == nil {
		return Decision{}
	}
	lead := EffectiveLead(s.Settings.Lead, s.Held.Days())
	return Decision{On: s.Held.Expires().AddDays(-lead), Lead: lead, Cut: lead < s.Settings.Lead}
}

func (s ReissueCheck) objection(now time.Time, today Date, v Decision) Reason {
	switch {
	case s.Settings.Policy == PolicyNone:
		return ReasonPolicy
	case !s.Active:
		return ReasonInactive
	case s.Held == nil:
		return ReasonNothing
	case !s.PaidUntil.IsZero() && !today.Before(s.PaidUntil):
		return ReasonTermOver
	case !s.PaidUntil.IsZero() && !s.Held.Expires().Before(s.PaidUntil):
		return ReasonPaidEnd
	case today.Before(v.On):
		return ReasonEarly
	case !s.gains(today):
		return ReasonNoGain
	}
	return s.attemptObjection(now)
}

// attemptObjection returns why no other attempt is made now; empty if one may be.
func (s ReissueCheck) attemptObjection(now time.Time) Reason {
	switch {
	case s.UnderWay:
		return ReasonUnderWay
	case s.Tries >= MaxTries:
		return ReasonTries
	case !s.Tried.IsZero() && now.Before(s.Tried.Add(RetryAfter)):
		return ReasonRecent
	}
	return ""
}

// gains reports whether a reissue would end at least a day later. The seller's end may be wrong, because it was concluded
// from one certificate: in the last days before the end it holds one attempt back no longer (rules SWEEP-3).
func (s ReissueCheck) gains(today Date) bool {
	end := Earlier(s.PaidUntil, s.SellerEnd)
	if last := s.Held.Expires().AddDays(-LastAttempt); !today.Before(last) && (s.Tried.IsZero() || DateOf(s.Tried).Before(last)) {
		end = s.PaidUntil
	}
	return orCurrent(s.Schedule).gains(today, s.Held.Expires(), end)
}

func orCurrent(s Schedule) Schedule {
	if len(s) == 0 {
		return Current()
	}
	return s
}
