package cabforum

import (
	"errors"
	"fmt"
)

// ErrTerm is wrapped by every error of PlanInput.Plan: no plan can be made for the term or for the certificate in place.
var ErrTerm = errors.New("the term cannot be planned")

// MaxMonths is the longest term that can be planned, in months.
const MaxMonths = 120

// PlanInput is what the plan of a term is computed from.
type PlanInput struct {
	Term Term
	Lead int // configured days before the end, 0 to MaxLead
	// Held is the validity of the certificate in place; nil if no certificate has been issued yet.
	Held *Validity
	// Today is the first day on which a certificate can be issued. It must be set if Held is. If it is zero, the first
	// certificate is issued on the first day of the term.
	Today Date
	// SellerEnd is the end of the seller's term; zero if it is unknown or not earlier than the end of the panel's term.
	SellerEnd Date

	Method   Method // of domain validation
	Wildcard bool   // one of the names is a wildcard
	// DomainValidated is the day of the last domain validation. If it is zero, the plan takes the day on which the first
	// certificate is issued.
	DomainValidated Date
	Level           Level
	// Vetted is the day on which the organisation's data was last validated. If it is zero, the plan takes the day on which
	// the first certificate is issued.
	Vetted Date
	// Schedule is the Forum's; empty means Current.
	Schedule Schedule
}

// Validation says whether a certificate needs a new validation.
type Validation string

// The three kinds, spelled as in the plan's document (rules SWEEP-7).
const (
	ValidationNone   Validation = "no"     // the level requires none
	ValidationReused Validation = "reused" // an earlier validation is recent enough
	ValidationNeeded Validation = "needed" // a new validation is needed
)

// Certificate is one certificate of a plan.
type Certificate struct {
	N       int // from 1; the certificate in place has 1 too
	Issued  Date
	Expires Date // nominal date, never past the end of the term (docs/reference/validity.md §A4, §B3.3)
	// Days is the length of the validity: as the function Days counts it for a certificate in place, otherwise from Issued
	// to Expires.
	Days int
	Cap  int // maximum of Days (BR 6.3.2)
	// Lead is the lead in effect, in days; 0 if the certificate is not reissued.
	Lead int
	// ReissueOn is the day on which the policy reissues it; zero if it reaches the end of the term (docs/reference/validity.md
	// §B3.9).
	ReissueOn Date
	// DomainValidation is ValidationNeeded or ValidationReused.
	DomainValidation Validation
	// SubjectValidation is ValidationNone for DV.
	SubjectValidation Validation
	// Held says that this is the certificate in place.
	Held bool
}

// Plan lists the certificates of a term (docs/reference/validity.md §B3.11).
type Plan struct {
	Term      Term
	PaidUntil Date
	Lead      int // as configured, in days
	// Certificates has at least one certificate. They are in order of time.
	Certificates []Certificate
	Warnings     []Warning
}

// Name returns what texts call a certificate of the plan. A plan that begins with the certificate in place does not know how many
// the term had before it, so it counts the reissues from there on.
func (p Plan) Name(c Certificate) string {
	switch {
	case c.Held:
		return "the certificate in place"
	case p.Certificates[0].Held:
		return fmt.Sprintf("reissue %d", c.N-1)
	}
	return fmt.Sprintf("certificate %d", c.N)
}

// Reissues returns how many certificates follow the first one.
func (p Plan) Reissues() int { return len(p.Certificates) - 1 }

// DomainValidations returns how many domain validations the term needs, including the first one.
func (p Plan) DomainValidations() int {
	return p.count(func(c Certificate) bool { return c.DomainValidation == ValidationNeeded })
}

// Vettings returns how many times the organisation has to be vetted, including the first time.
func (p Plan) Vettings() int {
	return p.count(func(c Certificate) bool { return c.SubjectValidation == ValidationNeeded })
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

// UnusedDays returns how many days of validity are unused because certificates are replaced before their end.
func (p Plan) UnusedDays() int {
	days := 0
	for i := 1; i < len(p.Certificates); i++ {
		days += max(0, p.Certificates[i].Issued.DaysUntil(p.Certificates[i-1].Expires))
	}
	return days
}

// Plan computes the certificates of the term. It assumes that each one is issued on the day on which the policy reissues the
// one before, and that each is valid as long as the Forum allows. Errors wrap ErrTerm.
func (p PlanInput) Plan() (Plan, error) {
	if err := p.check(); err != nil {
		return Plan{}, err
	}
	plan := Plan{Term: p.Term, PaidUntil: p.Term.End(), Lead: p.Lead, Certificates: p.certificates()}
	plan.Warnings = p.warnings(plan)
	return plan, nil
}

// certificates returns all certificates of the term, up to the one that ends with it. Each is issued at least a day after
// the one before (see EffectiveLead and reissueDay), so that the loop ends.
func (p PlanInput) certificates() []Certificate {
	var all []Certificate
	last := validations{PlanInput: p}
	for next := p.first(); ; next = p.issue(next.ReissueOn) {
		next.N = len(all) + 1
		next.DomainValidation, next.SubjectValidation = last.update(next)
		next.ReissueOn, next.Lead = p.reissueDay(next)
		all = append(all, next)
		if next.ReissueOn.IsZero() {
			return all
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

// checkHeld refuses a certificate in place from which no plan can be computed.
func (p PlanInput) checkHeld() error {
	if p.Today.IsZero() {
		return fmt.Errorf("%w: with a certificate in place, today must be known", ErrTerm)
	}
	if p.Held.Days() < 1 || p.Held.NotBefore.Before(p.earliest().Midnight()) {
		return fmt.Errorf("%w: the certificate in place is valid from %s to %s", ErrTerm, DateOf(p.Held.NotBefore), p.Held.Expires())
	}
	return nil
}

// earliest returns the first day of the schedule.
func (p PlanInput) earliest() Date { return DateOf(orCurrent(p.Schedule)[0].From) }

// end returns the day on which the last certificate of the term ends.
func (p PlanInput) end() Date { return Earlier(p.Term.End(), p.SellerEnd) }

// first returns the certificate in place or, if none is, the first one to be issued.
func (p PlanInput) first() Certificate {
	if p.Held == nil {
		return p.issue(later(p.Term.Start, p.Today))
	}
	return Certificate{
		Issued: DateOf(p.Held.NotBefore), Expires: Earlier(p.Held.Expires(), p.Term.End()), Days: p.Held.Days(),
		Cap: orCurrent(p.Schedule).At(p.Held.NotBefore).Cap, Held: true,
	}
}

// issue returns a certificate that is issued on the date.
func (p PlanInput) issue(on Date) Certificate {
	schedule := orCurrent(p.Schedule)
	expires := schedule.nominal(on, p.end())
	return Certificate{Issued: on, Expires: expires, Days: on.DaysUntil(expires), Cap: schedule.on(on).Cap}
}

// reissueDay returns the day on which the certificate is reissued and the lead in effect. The day is lead days before the
// certificate's end but not before today, moved to the first day on which a new certificate ends later than this one (rules
// SWEEP-3). It is zero if the certificate reaches the end of the term.
func (p PlanInput) reissueDay(c Certificate) (on Date, lead int) {
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

// validations holds the days of the last domain validation and vetting while the certificates of a plan are computed.
type validations struct {
	PlanInput
	methodEnded bool // the configured method has ended; another one has been used since
}

// update returns which validations the certificate needs and stores the day of each new one.
func (v *validations) update(c Certificate) (domain, subject Validation) {
	step := orCurrent(v.Schedule).on(c.Issued)
	subject = ValidationNone
	if v.Level == OV || v.Level == EV {
		subject = validate(&v.Vetted, c, step.subjectReuse(v.Level))
	}
	return v.domain(c, step), subject
}

// domain returns whether the certificate needs a new domain validation (BR 4.2.1). A validation by a method that is no longer
// allowed cannot be reused (BR 1.2.2); from the next validation on, the plan assumes another method.
func (v *validations) domain(c Certificate, step Step) Validation {
	if !v.methodEnded && !c.Held && !v.Method.Allowed(c.Issued, v.Wildcard) {
		v.methodEnded = true
		v.DomainValidated = c.Issued
		return ValidationNeeded
	}
	return validate(&v.DomainValidated, c, step.Reuse)
}

// validate returns whether the certificate needs a new validation after the one of the day *last, which may be at most limit
// days old on the day of issuance. It sets *last if the validation is new. A certificate in place was issued, so its
// validation counts as reused even if *last is older.
func validate(last *Date, c Certificate, limit int) Validation {
	switch {
	case last.IsZero():
		*last = c.Issued
		return ValidationNeeded
	case c.Held && !last.Before(c.Issued):
		return ValidationNeeded
	case c.Held, last.DaysUntil(c.Issued) <= limit:
		return ValidationReused
	}
	*last = c.Issued
	return ValidationNeeded
}
