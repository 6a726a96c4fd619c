package cabforum

import (
	"errors"
	"fmt"
)

// ErrTerm is wrapped by the errors of Prospect.Plan: the term, or what is said of its certificate, cannot be planned.
var ErrTerm = errors.New("the term cannot be planned")

// MaxMonths is the longest term that is planned.
const MaxMonths = 120

// PlanInput is what the plan of a term starts from.
type PlanInput struct {
	Term Term
	Lead int // wanted days before the end, 0 to MaxLead
	// Held is the life of the certificate in place; nil if the first one is still to be issued.
	Held *Validity
	// Today is the earliest day on which anything can still happen; needed with Held, zero for a plan on paper, whose
	// first certificate is issued on the first day of the term.
	Today Date
	// SellerEnd is the end of the seller's term where it is known and earlier than the panel's; zero if not.
	SellerEnd Date

	Method   Method // how control over the names is proved
	Wildcard bool   // one of the names is a wildcard
	// Proved is the day of the last proof; zero where only the first certificate tells.
	Proved Date
	Level  Level
	// Vetted is the day on which the organisation's data was last validated; zero where only the first certificate tells.
	Vetted Date
	// Schedule is the Forum's; empty means Current.
	Schedule Schedule
}

// Evidence says what a certificate's issuance leans on.
type Evidence string

// The three kinds, spelled as in the plan's document (rules SWEEP-7).
const (
	EvidenceNone   Evidence = "no"     // none is asked for
	EvidenceReused Evidence = "reused" // an earlier validation is still fresh enough
	EvidenceNeeded Evidence = "needed" // a new validation is needed
)

// Certificate is one certificate of a plan.
type Certificate struct {
	N       int // from 1
	Issued  Date
	Expires Date // nominal date, never past the end of the term (docs/reference/validity.md §A4, §B3.3)
	// Days is the length of its life: of a certificate in place as the Forum counts it, otherwise from Issued to Expires.
	Days int
	Cap  int // days that it must not exceed
	// Lead is the lead in effect; 0 if the certificate is not reissued.
	Lead int
	// Act is the day on which the policy reissues it; zero if it reaches the end of the term (docs/reference/validity.md
	// §B3.9).
	Act Date
	// Proof is needed or reused, never no.
	Proof Evidence
	// Subject is no for DV.
	Subject Evidence
	// Held: this certificate is in place already.
	Held bool
}

// Plan is the certificates of a term (docs/reference/validity.md §B3.11).
type Plan struct {
	Term      Term
	PaidUntil Date
	Lead      int // as wanted
	// Certificates are at least one, in order of time.
	Certificates []Certificate
	Warnings     []Warning
}

// Reissues returns how many certificates follow the first one.
func (p Plan) Reissues() int { return len(p.Certificates) - 1 }

// Challenges returns how many times control over the names has to be proved, the first time included.
func (p Plan) Challenges() int {
	return p.count(func(c Certificate) bool { return c.Proof == EvidenceNeeded })
}

// Vettings returns how many times the organisation has to be vetted, the first time included.
func (p Plan) Vettings() int {
	return p.count(func(c Certificate) bool { return c.Subject == EvidenceNeeded })
}

func (p Plan) count(counts func(Certificate) bool) int {
	n := 0
	for _, c := range p.Certificates {
		if counts(c) {
			n++
		}
	}
	return n
}

// DaysGiven returns how many days of validity are given away because certificates are replaced before their end.
func (p Plan) DaysGiven() int {
	days := 0
	for i := 1; i < len(p.Certificates); i++ {
		days += max(0, p.Certificates[i].Issued.DaysUntil(p.Certificates[i-1].Expires))
	}
	return days
}

// Plan computes the certificates of the term, as if every one were issued on the day on which the policy acts and lived
// as long as it may. Errors wrap ErrTerm.
func (p PlanInput) Plan() (Plan, error) {
	if err := p.check(); err != nil {
		return Plan{}, err
	}
	thePlan := Plan{Term: p.Term, PaidUntil: p.Term.End(), Lead: p.Lead, Certificates: p.certificates()}
	thePlan.Warnings = p.warnings(thePlan)
	return thePlan, nil
}

// certificates returns the chain from the first certificate to the one that reaches the end. Every step moves at least a
// day on, see EffectiveLead and act.
func (p PlanInput) certificates() []Certificate {
	var chain []Certificate
	ledger := evidence{PlanInput: p}
	for next := p.first(); ; next = p.issue(next.Act) {
		next.N = len(chain) + 1
		next.Proof, next.Subject = ledger.enter(next)
		next.Act, next.Lead = p.act(next)
		chain = append(chain, next)
		if next.Act.IsZero() {
			return chain
		}
	}
}

func (p PlanInput) check() error {
	switch end := p.end(); {
	case p.Term.Start.IsZero():
		return fmt.Errorf("%w: it has no first day", ErrTerm)
	case p.Term.Months < 1 || p.Term.Months > MaxMonths:
		return fmt.Errorf("%w: a period of %d months is not between 1 and %d", ErrTerm, p.Term.Months, MaxMonths)
	case p.Term.Start.Before(p.earliest()):
		return fmt.Errorf("%w: it starts on %s, the schedule of caps on %s", ErrTerm, p.Term.Start, p.earliest())
	case p.Lead < 0 || p.Lead > MaxLead:
		return fmt.Errorf("%w: a lead of %d days is not between 0 and %d", ErrTerm, p.Lead, MaxLead)
	case p.Held != nil:
		return p.checkHeld()
	case !later(p.Term.Start, p.Today).Before(end):
		return fmt.Errorf("%w: it ended on %s and no certificate was issued", ErrTerm, end)
	}
	return nil
}

// checkHeld refuses a certificate in place that nothing can be planned from.
func (p PlanInput) checkHeld() error {
	if p.Today.IsZero() {
		return fmt.Errorf("%w: with a certificate in place, today must be known", ErrTerm)
	}
	if p.Held.Days() < 1 || p.Held.NotBefore.Before(p.earliest().Midnight()) {
		return fmt.Errorf("%w: the certificate in place is valid from %s to %s", ErrTerm, DateOf(p.Held.NotBefore), p.Held.Expires())
	}
	return nil
}

// earliest returns the first day that the schedule knows.
func (p PlanInput) earliest() Date { return DateOf(orCurrent(p.Schedule)[0].From) }

// end returns the last day that a certificate of the term can reach.
func (p PlanInput) end() Date { return Earlier(p.Term.End(), p.SellerEnd) }

func (p PlanInput) first() Certificate {
	if p.Held == nil {
		return p.issue(later(p.Term.Start, p.Today))
	}
	return Certificate{
		Issued: DateOf(p.Held.NotBefore), Expires: Earlier(p.Held.Expires(), p.Term.End()), Days: p.Held.Days(),
		Cap: orCurrent(p.Schedule).At(p.Held.NotBefore).Cap, Held: true,
	}
}

func (p PlanInput) issue(on Date) Certificate {
	schedule := orCurrent(p.Schedule)
	expires := schedule.nominal(on, p.end())
	return Certificate{Issued: on, Expires: expires, Days: on.DaysUntil(expires), Cap: schedule.on(on).Cap}
}

// act returns the day on which the certificate is reissued: the lead before its end, or the first day after that on which a
// reissue gains a day (rules SWEEP-3), or today where both have passed.
func (p PlanInput) act(c Certificate) (on Date, lead int) {
	end := p.end()
	if !c.Expires.Before(end) {
		return Date{}, 0
	}
	lead = EffectiveLead(p.Lead, c.Days)
	on = later(c.Expires.AddDays(-lead), p.Today)
	for !orCurrent(p.Schedule).gains(on, c.Expires, end) {
		on = on.AddDays(1)
	}
	if !on.Before(end) {
		return Date{}, 0 // the term is over
	}
	return on, lead
}

// later returns the later of two dates; the zero Date is before all others.
func later(a, b Date) Date {
	if a.Before(b) {
		return b
	}
	return a
}

// evidence remembers along the plan when control over the names was last proved and the organisation last vetted.
type evidence struct {
	PlanInput
	barred bool // the last proof was made in a way that has come to its end since
}

// enter sets what the certificate leans on, and notes what is validated anew for it.
func (e *evidence) enter(c Certificate) (proof, subject Evidence) {
	step := orCurrent(e.Schedule).on(c.Issued)
	subject = EvidenceNone
	if e.Level == OV || e.Level == EV {
		subject = renew(&e.Vetted, c, step.subjectReuse(e.Level))
	}
	return e.control(c, step), subject
}

// control returns the proof of control over the names (BR 4.2.1). A proof made in a way that is not allowed any more cannot
// be leaned on (BR 1.2.2); from the next one on another way is assumed.
func (e *evidence) control(c Certificate, step Step) Evidence {
	if !e.barred && !c.Held && !e.Method.Allowed(c.Issued, e.Wildcard) {
		e.barred = true
		e.Proved = c.Issued
		return EvidenceNeeded
	}
	return renew(&e.Proved, c, step.Reuse)
}

// renew judges a validation made on the day *last for a certificate: its age may equal the limit. A certificate in place
// was validated, whatever the age now seems to be.
func renew(last *Date, c Certificate, limit int) Evidence {
	switch {
	case last.IsZero():
		*last = c.Issued
		return EvidenceNeeded
	case c.Held && !last.Before(c.Issued):
		return EvidenceNeeded
	case c.Held, last.DaysUntil(c.Issued) <= limit:
		return EvidenceReused
	}
	*last = c.Issued
	return EvidenceNeeded
}
