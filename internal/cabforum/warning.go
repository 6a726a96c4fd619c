package cabforum

import "fmt"

// Types of a plan's warnings.
const (
	WarnLeadCut     = "lead_cut"          // the wanted lead is longer than half of a certificate's life
	WarnProof       = "proof_method_ends" // the validation method is not allowed, or not any more
	WarnVetting     = "vetting_due"       // the organisation must be vetted again
	WarnDaysGiven   = "days_given_away"   // what the lead costs
	WarnExpired     = "expired"           // the certificate in place has expired inside the term
	WarnSellersTerm = "seller_term"       // the seller's term ends before the paid one
)

// Warning is something that a reader of a plan has to know.
type Warning struct {
	Type string
	Text string
	// N is the certificate that it begins with; 0 if it concerns the whole term.
	N int
}

func (p PlanInput) warnings(thePlan Plan) []Warning {
	var all []Warning
	all = append(all, p.expired(thePlan)...)
	all = append(all, leadCut(thePlan)...)
	all = append(all, p.proofEnds(thePlan)...)
	all = append(all, vettings(thePlan, p)...)
	all = append(all, p.daysGiven(thePlan)...)
	return append(all, p.sellersTerm(thePlan)...)
}

func (p PlanInput) expired(thePlan Plan) []Warning {
	c := thePlan.Certificates[0]
	if !c.Held || !c.Expires.Before(p.Today) || c.Act.IsZero() {
		return nil
	}
	return []Warning{{WarnExpired, fmt.Sprintf(
		"the certificate in place expired on %s, inside the paid term: a reissue is due at once", c.Expires), c.N}}
}

// leadCut has one warning for each run of certificates whose lead is cut to the same number of days.
func leadCut(thePlan Plan) []Warning {
	var all []Warning
	before := thePlan.Lead
	for _, c := range thePlan.Certificates {
		if c.Act.IsZero() {
			break
		}
		if c.Lead < thePlan.Lead && c.Lead != before {
			all = append(all, Warning{WarnLeadCut, fmt.Sprintf(
				"a lead of %d days is more than half of a certificate's life: from certificate %d (%d days) on it is %d", thePlan.Lead, c.N, c.Days, c.Lead), c.N})
		}
		before = c.Lead
	}
	return all
}

func (p PlanInput) proofEnds(thePlan Plan) []Warning {
	for _, c := range thePlan.Certificates {
		if c.Held || p.Method.Allowed(c.Issued, p.Wildcard) {
			continue
		}
		if p.Method == MethodFile {
			return []Warning{{WarnProof, fmt.Sprintf(
				"a file does not prove control over a wildcard name: certificate %d, issued on %s, needs proof by DNS", c.N, c.Issued), c.N}}
		}
		ends, _ := p.Method.Sunset()
		return []Warning{{WarnProof, fmt.Sprintf(
			"proof by %s is not allowed from %s on: certificate %d, issued on %s, needs another way, such as DNS", p.Method, ends.MustNot, c.N, c.Issued), c.N}}
	}
	return nil
}

func vettings(thePlan Plan, p PlanInput) []Warning {
	var all []Warning
	for _, c := range thePlan.Certificates[1:] {
		if c.Subject == EvidenceNeeded {
			limit := orCurrent(p.Schedule).on(c.Issued).subjectReuse(p.Level)
			all = append(all, Warning{WarnVetting, fmt.Sprintf(
				"the organisation's data is older than %d days on %s: it must be vetted again for certificate %d", limit, c.Issued, c.N), c.N})
		}
	}
	return all
}

// daysGiven compares with the same term reissued at each certificate's very end.
func (p PlanInput) daysGiven(thePlan Plan) []Warning {
	days := thePlan.DaysGiven()
	if days == 0 {
		return nil
	}
	text := fmt.Sprintf("reissuing ahead of the end gives %s of validity away", counted(days, "day"))
	p.Lead = 0
	if least := p.certificates(); len(least) < len(thePlan.Certificates) {
		text += fmt.Sprintf(": %s instead of %d", counted(len(thePlan.Certificates), "certificate"), len(least))
	}
	return []Warning{{WarnDaysGiven, text, 0}}
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (p PlanInput) sellersTerm(thePlan Plan) []Warning {
	last := thePlan.Certificates[len(thePlan.Certificates)-1]
	short := last.Expires.DaysUntil(thePlan.PaidUntil)
	if p.SellerEnd.IsZero() || short <= 0 {
		return nil
	}
	return []Warning{{WarnSellersTerm, fmt.Sprintf(
		"the seller's term ends on %s: %s before %s are paid and without a certificate", p.SellerEnd, counted(short, "day"), thePlan.PaidUntil), 0}}
}
