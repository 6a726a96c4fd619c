package cabforum

import "fmt"

// Types of a plan's warnings.
const (
	WarnLeadCut    = "lead_cut"          // the configured lead is longer than half of a certificate's validity
	WarnMethod     = "proof_method_ends" // the validation method is not allowed on a day of issuance
	WarnVetting    = "vetting_due"       // the organisation must be vetted again
	WarnUnusedDays = "days_given_away"   // days of validity that the lead leaves unused
	WarnExpired    = "expired"           // the certificate in place has expired inside the term
	WarnSellerTerm = "seller_term"       // the seller's term ends before the paid one
)

// Warning tells the reader of a plan about a problem.
type Warning struct {
	Type string
	Text string
	// N is the number of the first certificate concerned; 0 if the warning concerns the whole term.
	N int
}

func (p PlanInput) warnings(plan Plan) []Warning {
	var all []Warning
	all = append(all, p.expired(plan)...)
	all = append(all, leadCut(plan)...)
	all = append(all, p.methodEnds(plan)...)
	all = append(all, vettings(plan, p)...)
	all = append(all, p.unusedDays(plan)...)
	return append(all, p.sellerTerm(plan)...)
}

func (p PlanInput) expired(plan Plan) []Warning {
	c := plan.Certificates[0]
	if !c.Held || !c.Expires.Before(p.Today) || c.ReissueOn.IsZero() {
		return nil
	}
	return []Warning{{WarnExpired, fmt.Sprintf(
		"the certificate in place expired on %s, inside the paid term: a reissue is due at once", c.Expires), c.N}}
}

// leadCut returns one warning for each run of certificates whose lead is cut to the same number of days.
func leadCut(plan Plan) []Warning {
	var all []Warning
	before := plan.Lead
	for _, c := range plan.Certificates {
		if c.ReissueOn.IsZero() {
			break
		}
		if c.Lead < plan.Lead && c.Lead != before {
			all = append(all, Warning{WarnLeadCut, fmt.Sprintf(
				"a lead of %d days is more than half of a certificate's validity: from %s (%d days) on it is %d", plan.Lead, plan.Name(c), c.Days, c.Lead), c.N})
		}
		before = c.Lead
	}
	return all
}

func (p PlanInput) methodEnds(plan Plan) []Warning {
	for _, c := range plan.Certificates {
		if c.Held || p.Method.Allowed(c.Issued, p.Wildcard) {
			continue
		}
		if p.Method == MethodFile {
			return []Warning{{WarnMethod, fmt.Sprintf(
				"a file cannot validate a wildcard name: %s, issued on %s, needs validation by DNS", plan.Name(c), c.Issued), c.N}}
		}
		ends, _ := p.Method.Sunset()
		return []Warning{{WarnMethod, fmt.Sprintf(
			"validation by %s is not allowed from %s on: %s, issued on %s, needs another method, such as DNS", p.Method, ends.MustNot, plan.Name(c), c.Issued), c.N}}
	}
	return nil
}

func vettings(plan Plan, p PlanInput) []Warning {
	var all []Warning
	for _, c := range plan.Certificates[1:] {
		if c.SubjectValidation == ValidationNeeded {
			limit := orCurrent(p.Schedule).on(c.Issued).subjectReuse(p.Level)
			all = append(all, Warning{WarnVetting, fmt.Sprintf(
				"the organisation's data is older than %d days on %s: it must be vetted again for %s", limit, c.Issued, plan.Name(c)), c.N})
		}
	}
	return all
}

// unusedDays compares the plan with one whose certificates are reissued on their last day.
func (p PlanInput) unusedDays(plan Plan) []Warning {
	days := plan.UnusedDays()
	if days == 0 {
		return nil
	}
	text := fmt.Sprintf("reissuing before the end leaves %s of validity unused", counted(days, "day"))
	p.Lead = 0
	if least := p.certificates(); len(least) < len(plan.Certificates) {
		text += fmt.Sprintf(": %s instead of %d", counted(len(plan.Certificates), "certificate"), len(least))
	}
	return []Warning{{WarnUnusedDays, text, 0}}
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (p PlanInput) sellerTerm(plan Plan) []Warning {
	last := plan.Certificates[len(plan.Certificates)-1]
	short := last.Expires.DaysUntil(plan.PaidUntil)
	if p.SellerEnd.IsZero() || short <= 0 {
		return nil
	}
	return []Warning{{WarnSellerTerm, fmt.Sprintf(
		"the seller's term ends on %s: no certificate covers the last %s until %s, which are paid", p.SellerEnd, counted(short, "day"), plan.PaidUntil), 0}}
}
