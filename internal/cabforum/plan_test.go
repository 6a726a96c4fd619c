package cabforum_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func planned(t *testing.T, p cabforum.PlanInput) cabforum.Plan {
	t.Helper()
	plan, err := p.Plan()
	require.NoError(t, err)
	return plan
}

func term(t *testing.T, start string, months int) cabforum.Term {
	t.Helper()
	return cabforum.Term{Start: day(t, start), Months: months}
}

// docs/reference/validity.md §A5: the published numbers of reissues for 1 to 5 years, by policy.
func TestA5NumbersOfReissuesInTheModel(t *testing.T) {
	for _, row := range []struct {
		policy string
		model
		reissues [5]int
	}{
		{"A full cap, at expiry", model{0, fixedLead(0), nil, nil, nil}, [5]int{1, 5, 8, 16, 24}},
		{"B cap-1, at expiry", model{1, fixedLead(0), nil, nil, nil}, [5]int{1, 5, 9, 17, 24}},
		{"C cap-1, 7 days early", model{1, fixedLead(7), nil, nil, nil}, [5]int{1, 5, 9, 18, 27}},
		{"D cap-1, 14 days early", model{1, fixedLead(14), nil, nil, nil}, [5]int{1, 6, 10, 20, 32}},
		{"E cap-1, 30 days early", model{1, fixedLead(30), nil, nil, nil}, [5]int{1, 5, 11, 30, 53}},
		{"F cap-1, at a third of life left", model{1, func(life int) int { return life / 3 }, nil, nil, nil}, [5]int{2, 7, 13, 24, 36}},
	} {
		for i, want := range row.reissues {
			t.Run(fmt.Sprintf("%s, %d y", row.policy, i+1), func(t *testing.T) {
				paid := term(t, "2026-04-02", 12*(i+1))
				chain := row.walk(dayNumber(paid.Start), dayNumber(paid.End()))
				assert.Equal(t, want, len(chain)-1, "the second model")
			})
		}
	}
}

// The same numbers from the planner, for the policies that it can have: a fixed lead up to half of the validity.
func TestA5NumbersOfReissuesInThePlan(t *testing.T) {
	for _, row := range []struct {
		policy     string
		less, lead int
		reissues   [5]int
	}{
		{"A", 0, 0, [5]int{1, 5, 8, 16, 24}},
		{"B", 1, 0, [5]int{1, 5, 9, 17, 24}},
		{"C", 1, 7, [5]int{1, 5, 9, 18, 27}},
		{"D", 1, 14, [5]int{1, 6, 10, 20, 32}},
	} {
		for i, want := range row.reissues {
			plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12*(i+1)), Lead: row.lead, Schedule: withLowerCaps(row.less)})
			assert.Equal(t, want, plan.Reissues(), "%s, %d y", row.policy, i+1)
		}
	}
}

// docs/reference/validity.md §A5: the same for the other start dates under policy A; B differs by at most one.
func TestA5OtherStartDates(t *testing.T) {
	for start, want := range map[string][5]int{
		"2026-04-02": {1, 5, 8, 16, 24},
		"2026-03-15": {1, 5, 8, 16, 24},
		"2027-03-14": {2, 6, 13, 21, 28},
		"2027-03-15": {3, 7, 14, 22, 29},
		"2028-02-29": {3, 11, 18, 26, 34},
		"2029-03-15": {7, 15, 23, 31, 38},
	} {
		for i, reissues := range want {
			full := planned(t, cabforum.PlanInput{Term: term(t, start, 12*(i+1))})
			assert.Equal(t, reissues, full.Reissues(), "%s, %d y", start, i+1)
			usual := planned(t, cabforum.PlanInput{Term: term(t, start, 12*(i+1)), Schedule: withLowerCaps(1)})
			assert.InDelta(t, reissues, usual.Reissues(), 1, "%s, %d y under B", start, i+1)
		}
	}
	for lead, want := range map[int]int{0: 39, 30: 112} {
		paid := term(t, "2029-03-15", 60)
		chain := model{less: 1, lead: fixedLead(lead)}.walk(dayNumber(paid.Start), dayNumber(paid.End()))
		assert.Equal(t, want, len(chain)-1, "5 y from 2029-03-15, %d days early", lead)
	}
}

// docs/reference/validity.md §A5, last column: the number of domain validations under policy A.
func TestA5NumbersOfDomainValidations(t *testing.T) {
	for i, want := range []int{1, 3, 5, 13, 21} {
		paid := term(t, "2026-04-02", 12*(i+1))
		assert.Equal(t, want, planned(t, cabforum.PlanInput{Term: paid}).DomainValidations(), "%d y", i+1)
		assert.Equal(t, want, domainValidations(model{lead: fixedLead(0)}.walk(dayNumber(paid.Start), dayNumber(paid.End()))), "%d y, the model", i+1)
	}
}

// docs/reference/validity.md §A5: the chain under A is 200, 200, 7 × 100, 15 × 47 and a last one of 21 days.
func TestA5ChainOfTheDocumentedExample(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 60)})
	var lives []int
	for _, c := range plan.Certificates {
		lives = append(lives, c.Days)
	}
	want := []int{200, 200}
	for range 7 {
		want = append(want, 100)
	}
	for range 15 {
		want = append(want, 47)
	}
	assert.Equal(t, append(want, 21), lives)
	assert.Equal(t, "2027-05-07", plan.Certificates[2].Issued.String())
	assert.Equal(t, "2029-04-06", plan.Certificates[8].Expires.String())
	assert.Equal(t, "2031-03-12", plan.Certificates[24].Issued.String())
	assert.Equal(t, "2031-04-02", plan.Certificates[24].Expires.String())
}

// docs/reference/validity.md §A5: a year from 199-day certificates has 33 days to spare; a lead beyond that costs a third
// certificate.
func TestA5SlackInAYear(t *testing.T) {
	for lead, certificates := range map[int]int{0: 2, 30: 2, 33: 2, 34: 3} {
		plan := planned(t, cabforum.PlanInput{Term: cabforum.Term{Start: day(t, "2026-03-16"), Months: 12}, Lead: lead,
			Schedule: constant(199, 198)})
		assert.Len(t, plan.Certificates, certificates, "lead %d", lead)
	}
}

// docs/reference/validity.md §A5: the day of each reissue decides its cap, not the day of the order.
func TestA5EachReissueHasTheCapOfItsDay(t *testing.T) {
	for start, want := range map[string]int{"2026-08-26": 200, "2026-08-27": 100} { // 200 days later: 2027-03-14, 2027-03-15
		assert.Equal(t, want, planned(t, cabforum.PlanInput{Term: term(t, start, 24)}).Certificates[1].Cap, start)
	}
}

// docs/reference/validity.md §A4 and §B2: ordered 2026-04-02 for five years.
func TestB2DocumentedExample(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 60), Lead: cabforum.DefaultLead})
	first, last := plan.Certificates[0], plan.Certificates[len(plan.Certificates)-1]
	assert.Equal(t, cabforum.Certificate{
		N: 1, Issued: day(t, "2026-04-02"), Expires: day(t, "2026-10-19"), Days: 200, Cap: 200, Lead: 10,
		ReissueOn: day(t, "2026-10-09"), DomainValidation: cabforum.ValidationNeeded, SubjectValidation: cabforum.ValidationNone,
	}, first)
	assert.Equal(t, "2031-04-02", plan.PaidUntil.String())
	assert.Equal(t, plan.PaidUntil, last.Expires)
	assert.Equal(t, 1826, plan.Term.Start.DaysUntil(plan.PaidUntil))
	assert.True(t, last.ReissueOn.IsZero(), "B3.9: a certificate that reaches paid until is not reissued")
	assert.Zero(t, last.Lead)
	assert.Equal(t, "2026-10-19", cabforum.Nominal(day(t, "2026-04-02"), plan.PaidUntil).String())
}

// docs/reference/validity.md §A4: the nominal date as an instant.
func TestA4NominalDateIsAnUpperBound(t *testing.T) {
	assert.Equal(t, 201, cabforum.Days(instant(t, "2026-04-02 00:00:00"), instant(t, "2026-10-19 00:00:00")), "midnight to midnight is a second too long")
	assert.Equal(t, 201, cabforum.Days(instant(t, "2026-04-02 00:00:00"), instant(t, "2026-10-19 23:59:59")))
	assert.Equal(t, instant(t, "2026-10-18 23:59:59"), cabforum.LastNotAfter(instant(t, "2026-04-02 00:00:00")))
	assert.Equal(t, instant(t, "2026-10-19 14:07:32"), cabforum.LastNotAfter(instant(t, "2026-04-02 14:07:33")))
	assert.Equal(t, 199, cabforum.Days(instant(t, "2026-04-02 00:00:00"), instant(t, "2026-10-17 23:59:59")), "what Sectigo issues")
}

func TestB2AYearStillNeedsAReissue(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12), Lead: 10})
	assert.Equal(t, 1, plan.Reissues())
	assert.Equal(t, "2027-04-02", plan.PaidUntil.String())
}

// docs/reference/validity.md §B3.3: never past paid until.
func TestB33NominalEndsWithTheTerm(t *testing.T) {
	assert.Equal(t, "2026-07-02", cabforum.Nominal(day(t, "2026-04-02"), day(t, "2026-07-02")).String())
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 3), Lead: 10})
	require.Len(t, plan.Certificates, 1)
	assert.Equal(t, 91, plan.Certificates[0].Days)
}

// docs/reference/validity.md §B3.7: a lead of 200 on 47-day certificates is cut to 23: one reissue each 24 days, and no
// loop.
func TestB37ALeadIsCutToHalfOfTheValidity(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2029-03-15", 12), Lead: 200})
	for i, c := range plan.Certificates[:plan.Reissues()] {
		assert.Equal(t, 23, c.Lead)
		assert.Equal(t, 24, c.Issued.DaysUntil(plan.Certificates[i+1].Issued))
	}
	assert.Equal(t, 14, plan.Reissues(), "the last one begins on day 336 and reaches day 365")
	assert.Equal(t, []cabforum.Warning{
		{Type: cabforum.WarnLeadCut, N: 1, Text: "a lead of 200 days is more than half of a certificate's validity: from certificate 1 (47 days) on it is 23"},
		{Type: cabforum.WarnUnusedDays, Text: "reissuing before the end leaves 322 days of validity unused: 15 certificates instead of 8"},
	}, plan.Warnings)
}

func TestB37EffectiveLead(t *testing.T) {
	for _, row := range []struct{ lead, life, want int }{
		{10, 200, 10}, {100, 200, 100}, {101, 200, 100}, {200, 199, 99}, {200, 100, 50}, {200, 47, 23}, {23, 47, 23}, {24, 47, 23},
		{0, 47, 0}, {10, 1, 0}, {10, 0, 0}, {10, -5, 0}, {-5, 100, 0},
	} {
		assert.Equal(t, row.want, cabforum.EffectiveLead(row.lead, row.life), "%+v", row)
	}
}

// Rules SWEEP-3: right after a step a new certificate may not end later than the old one; the plan waits until it does.
func TestSWEEP3ThePlanWaitsUntilAReissueGainsADay(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2027-03-14", 24), Lead: 200})
	first, second := plan.Certificates[0], plan.Certificates[1]
	assert.Equal(t, "2027-09-30", first.Expires.String())
	assert.Equal(t, "2027-06-23", first.ReissueOn.String(), "the lead is reached on 06-22, when 100 days end on 09-30 too")
	assert.Equal(t, "2027-10-01", second.Expires.String())
}

func held(t *testing.T, from, to string) *cabforum.Validity {
	t.Helper()
	return &cabforum.Validity{NotBefore: instant(t, from), NotAfter: instant(t, to)}
}

func TestPlanContinuesFromTheCertificateInPlace(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{
		Term: term(t, "2026-04-02", 24), Lead: 10, Today: day(t, "2026-11-22"), DomainValidated: day(t, "2026-10-09"),
		Held: held(t, "2026-10-09 00:00:00", "2027-04-25 23:59:59"),
	})
	first := plan.Certificates[0]
	assert.True(t, first.Held)
	assert.Equal(t, "2026-10-09", first.Issued.String())
	assert.Equal(t, "2027-04-25", first.Expires.String(), "the seller's own date, not the nominal one")
	assert.Equal(t, 199, first.Days)
	assert.Equal(t, 200, first.Cap)
	assert.Equal(t, cabforum.ValidationNeeded, first.DomainValidation)
	assert.Equal(t, "2027-04-15", first.ReissueOn.String())
	assert.Equal(t, 100, plan.Certificates[1].Cap)
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[1].DomainValidation, "188 days old, 100 allowed since 2027-03-15")
}

// docs/reference/validity.md §B3.8: an expired certificate inside a running term is due at once, with a warning.
func TestB38AnExpiredCertificateIsDueAtOnce(t *testing.T) {
	p := cabforum.PlanInput{
		Term: term(t, "2026-04-02", 24), Lead: 10, Today: day(t, "2026-11-22"), Held: held(t, "2026-04-02 10:00:00", "2026-10-19 09:59:59"),
	}
	plan := planned(t, p)
	assert.Equal(t, "2026-11-22", plan.Certificates[0].ReissueOn.String())
	assert.Equal(t, "2026-11-22", plan.Certificates[1].Issued.String())
	require.NotEmpty(t, plan.Warnings)
	assert.Equal(t, cabforum.Warning{Type: cabforum.WarnExpired, N: 1,
		Text: "the certificate in place expired on 2026-10-19, inside the paid term: a reissue is due at once"}, plan.Warnings[0])
	p.Today = day(t, "2026-10-19")
	assert.Equal(t, cabforum.WarnUnusedDays, planned(t, p).Warnings[0].Type, "on its last day it has not expired yet")
	p.Today = day(t, "2028-04-02")
	after := planned(t, p)
	assert.Len(t, after.Certificates, 1, "the term is over")
	assert.Empty(t, after.Warnings)
}

// docs/reference/validity.md §B3.3: a certificate that is valid too long is shown as issued, but not past the end of the term.
func TestB33ACertificateOverItsCapIsPlanned(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{
		Term: term(t, "2026-04-02", 12), Today: day(t, "2026-04-03"), Held: held(t, "2026-04-02 00:00:00", "2027-05-04 23:59:59"),
	})
	require.Len(t, plan.Certificates, 1)
	assert.Equal(t, 398, plan.Certificates[0].Days)
	assert.Equal(t, "2027-04-02", plan.Certificates[0].Expires.String())
}

func TestSellerTermMayEndBeforeThePaidTerm(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12), SellerEnd: day(t, "2027-03-30")})
	assert.Equal(t, "2027-03-30", plan.Certificates[plan.Reissues()].Expires.String())
	assert.Equal(t, []cabforum.Warning{{Type: cabforum.WarnSellerTerm,
		Text: "the seller's term ends on 2027-03-30: no certificate covers the last 3 days until 2027-04-02, which are paid"}}, plan.Warnings)
}

// BR 4.2.1, docs/reference/validity.md §A1.2: the limit of the day of issuance counts; an age equal to it is still good.
func TestBR421AgeOfADomainValidation(t *testing.T) {
	for _, row := range []struct {
		issued, validated string // dates of the second certificate and of the last domain validation
		want              cabforum.Validation
	}{
		{"2029-03-14", "2028-12-04", cabforum.ValidationReused},
		{"2029-03-15", "2029-03-05", cabforum.ValidationReused},
		{"2029-03-15", "2029-03-04", cabforum.ValidationNeeded},
		{"2029-03-14", "2028-12-03", cabforum.ValidationNeeded},
		{"2027-03-14", "2026-08-26", cabforum.ValidationReused},
		{"2027-03-15", "2026-08-26", cabforum.ValidationNeeded},
	} {
		issued := day(t, row.issued)
		plan := planned(t, cabforum.PlanInput{
			Term: cabforum.Term{Start: issued.AddDays(-60), Months: 24}, Today: issued, DomainValidated: day(t, row.validated),
			Held: &cabforum.Validity{NotBefore: issued.AddDays(-60).Midnight(), NotAfter: issued.Midnight()},
		})
		assert.Equal(t, issued, plan.Certificates[1].Issued)
		assert.Equal(t, row.want, plan.Certificates[1].DomainValidation, "%+v", row)
	}
}

// docs/reference/validity.md §A1.2: from 2029-03-15 on every certificate that is issued more than 10 days after the last
// one needs its own domain validation.
func TestBR421EveryReissueOf2029NeedsADomainValidation(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2029-03-15", 60), Lead: 30})
	assert.Equal(t, len(plan.Certificates), plan.DomainValidations())
}

// BR 1.2.2: validation by e-mail ends on 2028-03-15, and earlier validations by e-mail cannot be reused either.
func TestBR122PlanWarnsThatTheMethodEnds(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2027-12-25", 24), Lead: 50, Method: cabforum.MethodEmail})
	assert.Equal(t, "2028-02-13", plan.Certificates[1].Issued.String())
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[1].DomainValidation)
	assert.Equal(t, "2028-04-03", plan.Certificates[2].Issued.String())
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[2].DomainValidation, "100 days old, but by e-mail")
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[3].DomainValidation, "validated by another method by then")
	assert.Contains(t, plan.Warnings, cabforum.Warning{Type: cabforum.WarnMethod, N: 3,
		Text: "validation by e-mail is not allowed from 2028-03-15 on: certificate 3, issued on 2028-04-03, needs another method, such as DNS"})
	for _, m := range []cabforum.Method{cabforum.MethodDNS, cabforum.MethodFile, cabforum.MethodUnknown} {
		for _, w := range planned(t, cabforum.PlanInput{Term: term(t, "2027-12-20", 24), Method: m}).Warnings {
			assert.NotEqual(t, cabforum.WarnMethod, w.Type)
		}
	}
}

// A certificate in place was issued: the plan does not warn about its validation method.
func TestBR122NoWarningAboutTheCertificateInPlace(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2028-06-01", 12), Today: day(t, "2028-06-02"), Lead: 40,
		Method: cabforum.MethodEmail, Held: held(t, "2028-06-01 00:00:00", "2028-09-07 23:59:59")})
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[1].DomainValidation, "59 days old, and by e-mail")
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[2].DomainValidation)
	assert.Contains(t, plan.Warnings, cabforum.Warning{Type: cabforum.WarnMethod, N: 2,
		Text: "validation by e-mail is not allowed from 2028-03-15 on: reissue 1, issued on 2028-07-29, needs another method, such as DNS"})
	plan = planned(t, cabforum.PlanInput{Term: term(t, "2026-10-09", 12), Today: day(t, "2026-10-10"), DomainValidated: day(t, "2025-10-01"),
		Held: held(t, "2026-10-09 00:00:00", "2027-04-25 23:59:59")})
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[0].DomainValidation, "373 days old, but the certificate was issued")
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[1].DomainValidation)
}

// BR 3.2.2.4.18, 3.2.2.4.19: a file is not allowed for a wildcard name.
func TestBR3224AFileNeverValidatesAWildcard(t *testing.T) {
	plan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 24), Method: cabforum.MethodFile, Wildcard: true})
	assert.Equal(t, []cabforum.Warning{{Type: cabforum.WarnMethod, N: 1,
		Text: "a file cannot validate a wildcard name: certificate 1, issued on 2026-04-02, needs validation by DNS"}}, plan.Warnings)
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[1].DomainValidation, "the first validation can be reused for 200 days")
}

// BR 4.2.1, EVG 3.2.2.14.3: data about the organisation.
func TestBR421AgeOfTheOrganisationsData(t *testing.T) {
	p := cabforum.PlanInput{Term: term(t, "2026-04-02", 36), Level: cabforum.OV}
	plan := planned(t, p)
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[0].SubjectValidation)
	assert.Equal(t, cabforum.ValidationReused, plan.Certificates[1].SubjectValidation)
	assert.Equal(t, "2027-05-07", plan.Certificates[2].Issued.String())
	assert.Equal(t, cabforum.ValidationNeeded, plan.Certificates[2].SubjectValidation, "400 days old, 398 allowed")
	assert.Equal(t, cabforum.Warning{Type: cabforum.WarnVetting, N: 3,
		Text: "the organisation's data is older than 398 days on 2027-05-07: it must be vetted again for certificate 3"}, plan.Warnings[0])
	assert.Equal(t, 3, plan.Vettings())
	// Vetted before the first step, when 825 days were allowed: the limit of 398 days applies after it.
	p.Vetted = day(t, "2025-02-28")
	assert.Equal(t, cabforum.ValidationReused, planned(t, p).Certificates[0].SubjectValidation, "398 days")
	p.Vetted = day(t, "2025-02-27")
	assert.Equal(t, cabforum.ValidationNeeded, planned(t, p).Certificates[0].SubjectValidation, "399 days")
	old := cabforum.PlanInput{Term: term(t, "2026-03-01", 12), Vetted: day(t, "2024-03-01"), Level: cabforum.OV}
	assert.Equal(t, cabforum.ValidationReused, planned(t, old).Certificates[0].SubjectValidation)
	old.Level = cabforum.EV
	assert.Equal(t, cabforum.ValidationNeeded, planned(t, old).Certificates[0].SubjectValidation)
	p.Level = cabforum.DV
	assert.Zero(t, planned(t, p).Vettings())
}

func TestPlanErrors(t *testing.T) {
	good := cabforum.PlanInput{Term: term(t, "2026-04-02", 12), Lead: 10}
	for name, change := range map[string]func(*cabforum.PlanInput){
		"no start":             func(p *cabforum.PlanInput) { p.Term.Start = cabforum.Date{} },
		"a trial":              func(p *cabforum.PlanInput) { p.Term.Months = -100 },
		"no months":            func(p *cabforum.PlanInput) { p.Term.Months = 0 },
		"too long":             func(p *cabforum.PlanInput) { p.Term.Months = cabforum.MaxMonths + 1 },
		"before any cap":       func(p *cabforum.PlanInput) { p.Term.Start = day(t, "2018-02-28") },
		"a negative lead":      func(p *cabforum.PlanInput) { p.Lead = -1 },
		"a lead too long":      func(p *cabforum.PlanInput) { p.Lead = 201 },
		"no today":             func(p *cabforum.PlanInput) { p.Held = held(t, "2026-04-02 00:00:00", "2026-10-18 23:59:59") },
		"over, no certificate": func(p *cabforum.PlanInput) { p.Today = day(t, "2027-04-02") },
		"over at the seller":   func(p *cabforum.PlanInput) { p.SellerEnd = day(t, "2026-04-02") },
		"ends before it begins": func(p *cabforum.PlanInput) {
			p.Today, p.Held = day(t, "2026-05-01"), held(t, "2026-04-02 00:00:00", "2026-04-01 00:00:00")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			change(&p)
			_, err := p.Plan()
			assert.ErrorIs(t, err, cabforum.ErrTerm)
		})
	}
	planned(t, good)
}

// Random starts from 2025 to 2032, leads and terms with a fixed seed: the planner and the second model give the same dates,
// and every plan keeps the rules.
func TestPlannerAgreesWithTheModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(2026, 4))
	first := day(t, "2025-01-01")
	for range 500 {
		less := rng.IntN(2)
		p := cabforum.PlanInput{
			Term: cabforum.Term{Start: first.AddDays(rng.IntN(2800)), Months: 1 + rng.IntN(60)},
			Lead: rng.IntN(cabforum.MaxLead + 1), Schedule: withLowerCaps(less),
		}
		label := fmt.Sprintf("%s + %d months, lead %d, cap-%d", p.Term.Start, p.Term.Months, p.Lead, less)
		plan := planned(t, p)
		second := model{less: less, lead: halfLead(p.Lead), due: func(today, ends, limit, until int) bool { return min(today+limit, until) > ends }}
		chain := second.walk(dayNumber(p.Term.Start), dayNumber(plan.PaidUntil))
		require.Len(t, plan.Certificates, len(chain), label)
		for i, want := range chain {
			got := plan.Certificates[i]
			require.Equal(t, civil(want.issued), got.Issued.String(), label)
			require.Equal(t, civil(want.ends), got.Expires.String(), label)
			require.Equal(t, want.validated, got.DomainValidation == cabforum.ValidationNeeded, label)
		}
		requireWhole(t, plan, p.Term.Start, label)
	}
}

// requireWhole holds a plan against what every plan must be: no gap, nothing over its cap or past the end, an end.
func requireWhole(t *testing.T, plan cabforum.Plan, start cabforum.Date, label string) {
	t.Helper()
	last := len(plan.Certificates) - 1
	require.Equal(t, start, plan.Certificates[0].Issued, label)
	require.Equal(t, plan.PaidUntil, plan.Certificates[last].Expires, label)
	for i, c := range plan.Certificates {
		require.Equal(t, i+1, c.N, label)
		require.LessOrEqual(t, c.Days, c.Cap, "%s: certificate %d is over its cap", label, c.N)
		require.Equal(t, c.Days, c.Issued.DaysUntil(c.Expires), label)
		require.False(t, c.Expires.After(plan.PaidUntil), "%s: certificate %d goes past paid until", label, c.N)
		require.Equal(t, i == last, c.ReissueOn.IsZero(), label)
		if i < last {
			next := plan.Certificates[i+1]
			require.Equal(t, c.ReissueOn, next.Issued, label)
			require.False(t, next.Issued.After(c.Expires), "%s: a gap before certificate %d", label, next.N)
			require.True(t, next.Expires.After(c.Expires), "%s: certificate %d gains nothing", label, next.N)
			require.LessOrEqual(t, c.Lead, c.Days/2, label)
		}
	}
}

// Under one constant cap the number of certificates never falls when the lead grows (across a step it may).
func TestMoreLeadNeverSavesACertificateUnderOneCap(t *testing.T) {
	rng := rand.New(rand.NewPCG(47, 100))
	for range 25 {
		limit := 1 + rng.IntN(400)
		paid := cabforum.Term{Start: day(t, "2026-01-01").AddDays(rng.IntN(1000)), Months: 1 + rng.IntN(36)}
		fewest := 0
		for lead := 0; lead <= cabforum.MaxLead; lead++ {
			n := len(planned(t, cabforum.PlanInput{Term: paid, Lead: lead, Schedule: constant(limit, 10)}).Certificates)
			require.GreaterOrEqual(t, n, fewest, "cap %d, %s + %d months, lead %d", limit, paid.Start, paid.Months, lead)
			fewest = n
		}
	}
}

// With a certificate in place, whatever it looks like, the plan still has no gap from today on and reaches the end.
func TestThePlanFromAnyCertificateInPlaceIsWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(398, 825))
	for range 500 {
		start := day(t, "2025-06-01").AddDays(rng.IntN(2000))
		paid := cabforum.Term{Start: start, Months: 1 + rng.IntN(60)}
		from := start.AddDays(rng.IntN(400)).Midnight().Add(time.Duration(rng.IntN(86400)) * time.Second)
		life := time.Duration(1+rng.IntN(450*86400)) * time.Second
		today := cabforum.DateOf(from).AddDays(rng.IntN(500))
		p := cabforum.PlanInput{Term: paid, Lead: rng.IntN(201), Today: today,
			Held: &cabforum.Validity{NotBefore: from, NotAfter: from.Add(life)}}
		plan := planned(t, p)
		label := fmt.Sprintf("%s + %d months, lead %d, held %s + %s, today %s", start, paid.Months, p.Lead, from, life, today)
		last := plan.Certificates[len(plan.Certificates)-1]
		if today.Before(plan.PaidUntil) {
			require.Equal(t, plan.PaidUntil, last.Expires, label)
		}
		for i, c := range plan.Certificates[1:] {
			before := plan.Certificates[i]
			require.False(t, c.Issued.Before(today), label)
			require.True(t, !c.Issued.After(before.Expires) || c.Issued == today, "%s: a gap before certificate %d", label, c.N)
			require.LessOrEqual(t, c.Days, c.Cap, label)
			require.True(t, c.Expires.After(before.Expires), label)
		}
	}
}
