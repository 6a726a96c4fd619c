package cabforum

import "time"

const (
	// RetryAfter is how long after an attempt the next reissue of the same certificate is requested (docs/reference/validity.md
	// §B3.6, rules SWEEP-3).
	RetryAfter = 24 * time.Hour
	// LastAttempt is how many days before a certificate's end one more reissue is requested although the seller's term seems
	// to end with the certificate (rules SWEEP-3).
	LastAttempt = 3
	// MaxTries is how many reissues of one certificate are requested at most (docs/reference/validity.md §B3.6, rules
	// SWEEP-3).
	MaxTries = 5
)

// ReissueCheck is the input of the decision whether a certificate is due: the state of the item, its certificate and the
// earlier attempts.
type ReissueCheck struct {
	Settings Settings
	// Active says that the item is active, or suspended by the panel itself inside its term (rules SWEEP-2).
	Active bool
	// Held is the validity of the stored certificate; nil if none is stored.
	Held *Validity
	// PaidUntil is the end of the panel's term, SellerEnd the end of the seller's term if it is known. Zero means no limit.
	PaidUntil, SellerEnd Date
	// UnderWay says that a reissue of the item is in progress: service status 3 or 4, an open running operation, or a request
	// without an answer.
	UnderWay bool
	// Tried is the time of the last attempt for this certificate, Tries the number of attempts.
	Tried time.Time
	Tries int
	// Schedule is the Forum's; empty means Current.
	Schedule Schedule
}

// Reason says why a certificate is not due; empty if it is.
type Reason string

// The reasons, one for each condition of docs/reference/validity.md §B3.6, §B3.9 and rules SWEEP-3, in the order in which
// they are checked.
const (
	ReasonPolicy        Reason = "policy"     // the policy is none
	ReasonInactive      Reason = "inactive"   // the item is neither active nor suspended by the panel
	ReasonNoCertificate Reason = "nothing"    // no certificate is stored
	ReasonTermOver      Reason = "term_over"  // the paid term has ended
	ReasonPaidEnd       Reason = "paid_until" // the certificate lasts until the paid term ends: the panel's prolong is next
	ReasonEarly         Reason = "early"      // more days than the lead remain until its end
	ReasonNoGain        Reason = "no_gain"    // a new certificate would not end a day later
	ReasonUnderWay      Reason = "under_way"  // a reissue is in progress
	ReasonTries         Reason = "tries"      // MaxTries attempts were made
	ReasonRecent        Reason = "recent"     // the last attempt was less than RetryAfter ago
)

// Decision says whether a certificate is due.
type Decision struct {
	Due    bool
	Reason Reason // why it is not due
	// DueOn is the day on which the lead begins; zero if no certificate is stored.
	DueOn Date
	// Lead is the lead in effect, in days. LeadCut says that it is shorter than the configured one
	// (docs/reference/validity.md §B3.7).
	Lead    int
	LeadCut bool
	// Expired says that the certificate's end has passed. Inside the paid term it is due at once, with a warning
	// (docs/reference/validity.md §B3.8).
	Expired bool
}

// Decide reports whether the certificate is due at the instant. A due certificate is reissued under the policy auto; under
// manual its client is notified. All conditions of docs/reference/validity.md §B3.6, §B3.7, §B3.9 and rules SWEEP-3 must
// hold.
func (c ReissueCheck) Decide(now time.Time) Decision {
	today := DateOf(now)
	d := c.timing()
	d.Reason = c.reason(now, today, d.DueOn)
	d.Due = d.Reason == ""
	d.Expired = c.Held != nil && now.After(c.Held.NotAfter)
	return d
}

// timing returns the part of the decision that depends on the certificate only.
func (c ReissueCheck) timing() Decision {
	if c.Held == nil {
		return Decision{}
	}
	lead := EffectiveLead(c.Settings.Lead, c.Held.Days())
	return Decision{DueOn: c.Held.Expires().AddDays(-lead), Lead: lead, LeadCut: lead < c.Settings.Lead}
}

// reason returns why the certificate is not due; empty if it is.
func (c ReissueCheck) reason(now time.Time, today, dueOn Date) Reason {
	switch {
	case c.Settings.Policy == PolicyNone:
		return ReasonPolicy
	case !c.Active:
		return ReasonInactive
	case c.Held == nil:
		return ReasonNoCertificate
	case !c.PaidUntil.IsZero() && !today.Before(c.PaidUntil):
		return ReasonTermOver
	case !c.PaidUntil.IsZero() && !c.Held.Expires().Before(c.PaidUntil):
		return ReasonPaidEnd
	case today.Before(dueOn):
		return ReasonEarly
	case !c.gains(today):
		return ReasonNoGain
	}
	return c.attemptReason(now)
}

// attemptReason returns why no further attempt is made now; empty if one may be made.
func (c ReissueCheck) attemptReason(now time.Time) Reason {
	switch {
	case c.UnderWay:
		return ReasonUnderWay
	case c.Tries >= MaxTries:
		return ReasonTries
	case !c.Tried.IsZero() && now.Before(c.Tried.Add(RetryAfter)):
		return ReasonRecent
	}
	return ""
}

// gains reports whether a new certificate would end at least a day later than the stored one. SellerEnd is inferred from one
// certificate and may be wrong: it is ignored for one attempt in the last LastAttempt days (rules SWEEP-3).
func (c ReissueCheck) gains(today Date) bool {
	end := Earlier(c.PaidUntil, c.SellerEnd)
	last := c.Held.Expires().AddDays(-LastAttempt)
	if triedInLastDays := !c.Tried.IsZero() && !DateOf(c.Tried).Before(last); !today.Before(last) && !triedInLastDays {
		end = c.PaidUntil
	}
	return orCurrent(c.Schedule).gains(today, c.Held.Expires(), end)
}

// orCurrent returns the schedule, or Current if it is empty.
func orCurrent(s Schedule) Schedule {
	if len(s) == 0 {
		return Current()
	}
	return s
}

// NextDue returns the first instant from now on at which the certificate is due if nothing changes until then; false if it never is.
// Whatever is in progress counts as over: it is asked what follows if that brings nothing.
func (c ReissueCheck) NextDue(now time.Time) (time.Time, bool) {
	if c.Held == nil {
		return time.Time{}, false
	}
	c.UnderWay = false
	at, last := now, c.Held.Expires().AddDays(1)
	for range nextDueSteps {
		d := c.Decide(at)
		switch d.Reason {
		case "":
			return at, true
		case ReasonEarly:
			at = d.DueOn.Midnight()
		case ReasonRecent:
			at = c.Tried.Add(RetryAfter)
		case ReasonNoGain: // a later certificate may end later, and other conditions hold in the last days
			if at = DateOf(at).AddDays(1).Midnight(); DateOf(at).After(last) {
				return time.Time{}, false
			}
		default:
			return time.Time{}, false
		}
	}
	return time.Time{}, false
}

// nextDueSteps is more than the days of the longest lead, for each of which NextDue decides once.
const nextDueSteps = 2 * MaxLead
