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
	thePlan, err := p.Plan()
	require.NoError(t, err)
	return thePlan
}

func term(t *testing.T, start string, months int) cabforum.Term {
	t.Helper()
	return cabforum.Term{Start: day(t, start), Months: months}
}

// docs/reference/validity.md §A5: the printed numbers of reissues for 1 to 5 years, by policy.
func TestA5PrintedNumbersOfReissues(t *testing.T) {
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

// The planner against the printed numbers, for the policies that it can have: a fixed lead up to half of the life.
func TestA5ThePlannerCountsTheSame(t *testing.T) {
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
			thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12*(i+1)), Lead: row.lead, Schedule: lessened(row.less)})
			assert.Equal(t, want, thePlan.Reissues(), "%s, %d y", row.policy, i+1)
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
			usual := planned(t, cabforum.PlanInput{Term: term(t, start, 12*(i+1)), Schedule: lessened(1)})
			assert.InDelta(t, reissues, usual.Reissues(), 1, "%s, %d y under B", start, i+1)
		}
	}
	for lead, want := range map[int]int{0: 39, 30: 112} {
		paid := term(t, "2029-03-15", 60)
		chain := model{less: 1, lead: fixedLead(lead)}.walk(dayNumber(paid.Start), dayNumber(paid.End()))
		assert.Equal(t, want, len(chain)-1, "5 y from 2029-03-15, %d days early", lead)
	}
}

// docs/reference/validity.md §A5, last column: how often control has to be proved under policy A.
func TestA5NumbersOfProofs(t *testing.T) {
	for i, want := range []int{1, 3, 5, 13, 21} {
		paid := term(t, "2026-04-02", 12*(i+1))
		assert.Equal(t, want, planned(t, cabforum.PlanInput{Term: paid}).Challenges(), "%d y", i+1)
		assert.Equal(t, want, proofsOf(model{lead: fixedLead(0)}.walk(dayNumber(paid.Start), dayNumber(paid.End()))), "%d y, the model", i+1)
	}
}

// docs/reference/validity.md §A5: the chain under A is 200, 200, 7 × 100, 15 × 47 and a stub of 21 days.
func TestA5ChainOfTheDocumentedExample(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 60)})
	var lives []int
	for _, c := range thePlan.Certificates {
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
	assert.Equal(t, "2027-05-07", thePlan.Certificates[2].Issued.String())
	assert.Equal(t, "2029-04-06", thePlan.Certificates[8].Expires.String())
	assert.Equal(t, "2031-03-12", thePlan.Certificates[24].Issued.String())
	assert.Equal(t, "2031-04-02", thePlan.Certificates[24].Expires.String())
}

// docs/reference/validity.md §A5: a year from 199-day certificates has 33 days to spare; a lead beyond that costs a third
// certificate.
func TestA5SlackInAYear(t *testing.T) {
	for lead, certificates := range map[int]int{0: 2, 30: 2, 33: 2, 34: 3} {
		thePlan := planned(t, cabforum.PlanInput{Term: cabforum.Term{Start: day(t, "2026-03-16"), Months: 12}, Lead: lead,
			Schedule: constant(199, 198)})
		assert.Len(t, thePlan.Certificates, certificates, "lead %d", lead)
	}
}

// docs/reference/validity.md §A5: the cap is taken at each reissue, not at the order.
func TestA5TheCapIsTakenAtEachReissue(t *testing.T) {
	for start, want := range map[string]int{"2026-08-26": 200, "2026-08-27": 100} { // 200 days later: 2027-03-14, 2027-03-15
		assert.Equal(t, want, planned(t, cabforum.PlanInput{Term: term(t, start, 24)}).Certificates[1].Cap, start)
	}
}

// docs/reference/validity.md §A4 and §B2: ordered 2026-04-02 for five years.
func TestB2DocumentedExample(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 60), Lead: cabforum.DefaultLead})
	first, last := thePlan.Certificates[0], thePlan.Certificates[len(thePlan.Certificates)-1]
	assert.Equal(t, cabforum.Certificate{
		N: 1, Issued: day(t, "2026-04-02"), Expires: day(t, "2026-10-19"), Days: 200, Cap: 200, Lead: 10,
		Act: day(t, "2026-10-09"), Proof: cabforum.EvidenceNeeded, Subject: cabforum.EvidenceNone,
	}, first)
	assert.Equal(t, "2031-04-02", thePlan.PaidUntil.String())
	assert.Equal(t, thePlan.PaidUntil, last.Expires)
	assert.Equal(t, 1826, thePlan.Term.Start.DaysUntil(thePlan.PaidUntil))
	assert.True(t, last.Act.IsZero(), "B3.9: what reaches paid until is not reissued")
	assert.Zero(t, last.Lead)
	assert.Equal(t, "2026-10-19", cabforum.Nominal(day(t, "2026-04-02"), thePlan.PaidUntil).String())
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
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12), Lead: 10})
	assert.Equal(t, 1, thePlan.Reissues())
	assert.Equal(t, "2027-04-02", thePlan.PaidUntil.String())
}

// docs/reference/validity.md §B3.3: never past paid until.
func TestB33NominalEndsWithTheTerm(t *testing.T) {
	assert.Equal(t, "2026-07-02", cabforum.Nominal(day(t, "2026-04-02"), day(t, "2026-07-02")).String())
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 3), Lead: 10})
	require.Len(t, thePlan.Certificates, 1)
	assert.Equal(t, 91, thePlan.Certificates[0].Days)
}

// docs/reference/validity.md §B3.7: a lead of 200 on 47-day certificates is cut to 23: one reissue each 24 days, and no
// loop.
func TestB37ALeadIsCutToHalfOfTheLife(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2029-03-15", 12), Lead: 200})
	for i, c := range thePlan.Certificates[:thePlan.Reissues()] {
		assert.Equal(t, 23, c.Lead)
		assert.Equal(t, 24, c.Issued.DaysUntil(thePlan.Certificates[i+1].Issued))
	}
	assert.Equal(t, 14, thePlan.Reissues(), "the last one begins on day 336 and reaches day 365")
	assert.Equal(t, []cabforum.Warning{
		{Type: cabforum.WarnLeadCut, N: 1, Text: "a lead of 200 days is more than half of a certificate's life: from certificate 1 (47 days) on it is 23"},
		{Type: cabforum.WarnDaysGiven, Text: "reissuing ahead of the end gives 322 days of validity away: 15 certificates instead of 8"},
	}, thePlan.Warnings)
}

func TestB37EffectiveLead(t *testing.T) {
	for _, row := range []struct{ lead, life, want int }{
		{10, 200, 10}, {100, 200, 100}, {101, 200, 100}, {200, 199, 99}, {200, 100, 50}, {200, 47, 23}, {23, 47, 23}, {24, 47, 23},
		{0, 47, 0}, {10, 1, 0}, {10, 0, 0}, {10, -5, 0}, {-5, 100, 0},
	} {
		assert.Equal(t, row.want, cabforum.EffectiveLead(row.lead, row.life), "%+v", row)
	}
}

// rules SWEEP-3: right before a step the old certificate ends later than a new one could; the plan waits until a reissue
// gains a day.
func TestContract53ThePlanWaitsForAGain(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2027-03-14", 24), Lead: 200})
	first, second := thePlan.Certificates[0], thePlan.Certificates[1]
	assert.Equal(t, "2027-09-30", first.Expires.String())
	assert.Equal(t, "2027-06-23", first.Act.String(), "the lead is reached on 06-22, when 100 days end on 09-30 too")
	assert.Equal(t, "2027-10-01", second.Expires.String())
}

func held(t *testing.T, from, to string) *cabforum.Validity {
	t.Helper()
	return &cabforum.Validity{NotBefore: instant(t, from), NotAfter: instant(t, to)}
}

func TestThePlanGoesOnFromTheCertificateInPlace(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{
		Term: term(t, "2026-04-02", 24), Lead: 10, Today: day(t, "2026-11-22"), Proved: day(t, "2026-10-09"),
		Held: held(t, "2026-10-09 00:00:00", "2027-04-25 23:59:59"),
	})
	first := thePlan.Certificates[0]
	assert.True(t, first.Held)
	assert.Equal(t, "2026-10-09", first.Issued.String())
	assert.Equal(t, "2027-04-25", first.Expires.String(), "the seller's own date, not the nominal one")
	assert.Equal(t, 199, first.Days)
	assert.Equal(t, 200, first.Cap)
	assert.Equal(t, cabforum.EvidenceNeeded, first.Proof)
	assert.Equal(t, "2027-04-15", first.Act.String())
	assert.Equal(t, 100, thePlan.Certificates[1].Cap)
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[1].Proof, "188 days old, 100 allowed since 2027-03-15")
}

// docs/reference/validity.md §B3.8: an expired certificate inside a running term is due at once, with a warning.
func TestB38AnExpiredCertificateIsDueAtOnce(t *testing.T) {
	p := cabforum.PlanInput{
		Term: term(t, "2026-04-02", 24), Lead: 10, Today: day(t, "2026-11-22"), Held: held(t, "2026-04-02 10:00:00", "2026-10-19 09:59:59"),
	}
	thePlan := planned(t, p)
	assert.Equal(t, "2026-11-22", thePlan.Certificates[0].Act.String())
	assert.Equal(t, "2026-11-22", thePlan.Certificates[1].Issued.String())
	require.NotEmpty(t, thePlan.Warnings)
	assert.Equal(t, cabforum.Warning{Type: cabforum.WarnExpired, N: 1,
		Text: "the certificate in place expired on 2026-10-19, inside the paid term: a reissue is due at once"}, thePlan.Warnings[0])
	p.Today = day(t, "2026-10-19")
	assert.Equal(t, cabforum.WarnDaysGiven, planned(t, p).Warnings[0].Type, "on its last day it has not expired yet")
	p.Today = day(t, "2028-04-02")
	after := planned(t, p)
	assert.Len(t, after.Certificates, 1, "the term is over")
	assert.Empty(t, after.Warnings)
}

// docs/reference/validity.md §B3.3: what the seller issued is shown whatever it breaks; the term still bounds the date.
func TestB33ACertificateOverItsCapIsPlanned(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{
		Term: term(t, "2026-04-02", 12), Today: day(t, "2026-04-03"), Held: held(t, "2026-04-02 00:00:00", "2027-05-04 23:59:59"),
	})
	require.Len(t, thePlan.Certificates, 1)
	assert.Equal(t, 398, thePlan.Certificates[0].Days)
	assert.Equal(t, "2027-04-02", thePlan.Certificates[0].Expires.String())
}

func TestTheSellersTermMayEndBeforeThePaidOne(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 12), SellerEnd: day(t, "2027-03-30")})
	assert.Equal(t, "2027-03-30", thePlan.Certificates[thePlan.Reissues()].Expires.String())
	assert.Equal(t, []cabforum.Warning{{Type: cabforum.WarnSellersTerm,
		Text: "the seller's term ends on 2027-03-30: 3 days before 2027-04-02 are paid and without a certificate"}}, thePlan.Warnings)
}

// BR 4.2.1, docs/reference/validity.md §A1.2: the limit of the day of issuance counts; an age equal to it is still good.
func TestBR421AgeOfAProof(t *testing.T) {
	for _, row := range []struct {
		issued, proved string // the second certificate's issuance; its first was proved on the other day
		want           cabforum.Evidence
	}{
		{"2029-03-14", "2028-12-04", cabforum.EvidenceReused},
		{"2029-03-15", "2029-03-05", cabforum.EvidenceReused},
		{"2029-03-15", "2029-03-04", cabforum.EvidenceNeeded},
		{"2029-03-14", "2028-12-03", cabforum.EvidenceNeeded},
		{"2027-03-14", "2026-08-26", cabforum.EvidenceReused},
		{"2027-03-15", "2026-08-26", cabforum.EvidenceNeeded},
	} {
		issued := day(t, row.issued)
		thePlan := planned(t, cabforum.PlanInput{
			Term: cabforum.Term{Start: issued.AddDays(-60), Months: 24}, Today: issued, Proved: day(t, row.proved),
			Held: &cabforum.Validity{NotBefore: issued.AddDays(-60).Midnight(), NotAfter: issued.Midnight()},
		})
		assert.Equal(t, issued, thePlan.Certificates[1].Issued)
		assert.Equal(t, row.want, thePlan.Certificates[1].Proof, "%+v", row)
	}
}

// docs/reference/validity.md §A1.2: from 2029-03-15 on every certificate needs its own proof, as long as one lives more
// than 10 days.
func TestBR421EveryReissueOf2029NeedsAProof(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2029-03-15", 60), Lead: 30})
	assert.Equal(t, len(thePlan.Certificates), thePlan.Challenges())
}

// BR 1.2.2: proof by e-mail ends on 2028-03-15, and what was proved so before may not be used either.
func TestBR122ThePlanWarnsWhereTheWayOfProofEnds(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2027-12-25", 24), Lead: 50, Method: cabforum.MethodEmail})
	assert.Equal(t, "2028-02-13", thePlan.Certificates[1].Issued.String())
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[1].Proof)
	assert.Equal(t, "2028-04-03", thePlan.Certificates[2].Issued.String())
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[2].Proof, "100 days old is good, by e-mail is not")
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[3].Proof, "proved in another way by then")
	assert.Contains(t, thePlan.Warnings, cabforum.Warning{Type: cabforum.WarnProof, N: 3,
		Text: "proof by e-mail is not allowed from 2028-03-15 on: certificate 3, issued on 2028-04-03, needs another way, such as DNS"})
	for _, m := range []cabforum.Method{cabforum.MethodDNS, cabforum.MethodFile, cabforum.MethodUnknown} {
		for _, w := range planned(t, cabforum.PlanInput{Term: term(t, "2027-12-20", 24), Method: m}).Warnings {
			assert.NotEqual(t, cabforum.WarnProof, w.Type)
		}
	}
}

// A certificate in place is as it is: nothing is said against the way in which it was proved, and nothing leaned on.
func TestBR122ACertificateInPlaceIsNotObjectedTo(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2028-06-01", 12), Today: day(t, "2028-06-02"), Lead: 40,
		Method: cabforum.MethodEmail, Held: held(t, "2028-06-01 00:00:00", "2028-09-07 23:59:59")})
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[1].Proof, "59 days old, and by e-mail")
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[2].Proof)
	assert.Contains(t, thePlan.Warnings, cabforum.Warning{Type: cabforum.WarnProof, N: 2,
		Text: "proof by e-mail is not allowed from 2028-03-15 on: certificate 2, issued on 2028-07-29, needs another way, such as DNS"})
	thePlan = planned(t, cabforum.PlanInput{Term: term(t, "2026-10-09", 12), Today: day(t, "2026-10-10"), Proved: day(t, "2025-10-01"),
		Held: held(t, "2026-10-09 00:00:00", "2027-04-25 23:59:59")})
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[0].Proof, "373 days old, yet it was issued")
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[1].Proof)
}

// BR 3.2.2.4.18, 3.2.2.4.19: a file never proves a wildcard name.
func TestBR32244FileNeverProvesAWildcard(t *testing.T) {
	thePlan := planned(t, cabforum.PlanInput{Term: term(t, "2026-04-02", 24), Method: cabforum.MethodFile, Wildcard: true})
	assert.Equal(t, []cabforum.Warning{{Type: cabforum.WarnProof, N: 1,
		Text: "a file does not prove control over a wildcard name: certificate 1, issued on 2026-04-02, needs proof by DNS"}}, thePlan.Warnings)
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[1].Proof, "what the first one leaned on is good for 200 days")
}

// BR 4.2.1, EVG 3.2.2.14.3: data about the organisation.
func TestBR421AgeOfTheOrganisationsData(t *testing.T) {
	p := cabforum.PlanInput{Term: term(t, "2026-04-02", 36), Level: cabforum.OV}
	thePlan := planned(t, p)
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[0].Subject)
	assert.Equal(t, cabforum.EvidenceReused, thePlan.Certificates[1].Subject)
	assert.Equal(t, "2027-05-07", thePlan.Certificates[2].Issued.String())
	assert.Equal(t, cabforum.EvidenceNeeded, thePlan.Certificates[2].Subject, "400 days old, 398 allowed")
	assert.Equal(t, cabforum.Warning{Type: cabforum.WarnVetting, N: 3,
		Text: "the organisation's data is older than 398 days on 2027-05-07: it must be vetted again for certificate 3"}, thePlan.Warnings[0])
	assert.Equal(t, 3, thePlan.Vettings())
	// Vetted before the first step, when 825 days were allowed: 398 days count all the same once it is past.
	p.Vetted = day(t, "2025-02-28")
	assert.Equal(t, cabforum.EvidenceReused, planned(t, p).Certificates[0].Subject, "398 days")
	p.Vetted = day(t, "2025-02-27")
	assert.Equal(t, cabforum.EvidenceNeeded, planned(t, p).Certificates[0].Subject, "399 days")
	old := cabforum.PlanInput{Term: term(t, "2026-03-01", 12), Vetted: day(t, "2024-03-01"), Level: cabforum.OV}
	assert.Equal(t, cabforum.EvidenceReused, planned(t, old).Certificates[0].Subject)
	old.Level = cabforum.EV
	assert.Equal(t, cabforum.EvidenceNeeded, planned(t, old).Certificates[0].Subject)
	p.Level = cabforum.DV
	assert.Zero(t, planned(t, p).Vettings())
}

func TestWhatCannotBePlanned(t *testing.T) {
	good := cabforum.PlanInput{Term: term(t, "2026-04-02", 12), Lead: 10}
	for name, change := range map[string]func(*cabforum.PlanInput){
		"no start":           func(p *cabforum.PlanInput) { p.Term.Start = cabforum.Date{} },
		"a trial":            func(p *cabforum.PlanInput) { p.Term.Months = -100 },
		"no months":          func(p *cabforum.PlanInput) { p.Term.Months = 0 },
		"too long":           func(p *cabforum.PlanInput) { p.Term.Months = cabforum.MaxMonths + 1 },
		"before any cap":     func(p *cabforum.PlanInput) { p.Term.Start = day(t, "2018-02-28") },
		"a negative lead":    func(p *cabforum.PlanInput) { p.Lead = -1 },
		"a lead too long":    func(p *cabforum.PlanInput) { p.Lead = 201 },
		"no today":           func(p *cabforum.PlanInput) { p.Held = held(t, "2026-04-02 00:00:00", "2026-10-18 23:59:59") },
		"over, nothing held": func(p *cabforum.PlanInput) { p.Today = day(t, "2027-04-02") },
		"over at the seller": func(p *cabforum.PlanInput) { p.SellerEnd = day(t, "2026-04-02") },
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

// Every start from 2025 to 2032, leads and terms at random with a fixed seed: the planner agrees with the second model
// day for day, and the properties hold that make a plan one.
func TestThePlannerAgreesWithTheModelEverywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(2026, 4))
	first := day(t, "2025-01-01")
	for range 500 {
		less := rng.IntN(2)
		p := cabforum.PlanInput{
			Term: cabforum.Term{Start: first.AddDays(rng.IntN(2800)), Months: 1 + rng.IntN(60)},
			Lead: rng.IntN(cabforum.MaxLead + 1), Schedule: lessened(less),
		}
		label := fmt.Sprintf("%s + %d months, lead %d, cap-%d", p.Term.Start, p.Term.Months, p.Lead, less)
		thePlan := planned(t, p)
		second := model{less: less, lead: halfLead(p.Lead), due: func(today, ends, limit, until int) bool { return min(today+limit, until) > ends }}
		chain := second.walk(dayNumber(p.Term.Start), dayNumber(thePlan.PaidUntil))
		require.Len(t, thePlan.Certificates, len(chain), label)
		for i, want := range chain {
			got := thePlan.Certificates[i]
			require.Equal(t, civil(want.issued), got.Issued.String(), label)
			require.Equal(t, civil(want.ends), got.Expires.String(), label)
			require.Equal(t, want.proved, got.Proof == cabforum.EvidenceNeeded, label)
		}
		requireWhole(t, thePlan, p.Term.Start, label)
	}
}

// requireWhole holds a plan against what every plan must be: no gap, nothing over its cap or past the end, an end.
func requireWhole(t *testing.T, thePlan cabforum.Plan, start cabforum.Date, label string) {
	t.Helper()
	last := len(thePlan.Certificates) - 1
	require.Equal(t, start, thePlan.Certificates[0].Issued, label)
	require.Equal(t, thePlan.PaidUntil, thePlan.Certificates[last].Expires, label)
	for i, c := range thePlan.Certificates {
		require.Equal(t, i+1, c.N, label)
		require.LessOrEqual(t, c.Days, c.Cap, "%s: certificate %d is over its cap", label, c.N)
		require.Equal(t, c.Days, c.Issued.DaysUntil(c.Expires), label)
		require.False(t, c.Expires.After(thePlan.PaidUntil), "%s: certificate %d goes past paid until", label, c.N)
		require.Equal(t, i == last, c.Act.IsZero(), label)
		if i < last {
			next := thePlan.Certificates[i+1]
			require.Equal(t, c.Act, next.Issued, label)
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
		thePlan := planned(t, p)
		label := fmt.Sprintf("%s + %d months, lead %d, held %s + %s, today %s", start, paid.Months, p.Lead, from, life, today)
		last := thePlan.Certificates[len(thePlan.Certificates)-1]
		if today.Before(thePlan.PaidUntil) {
			require.Equal(t, thePlan.PaidUntil, last.Expires, label)
		}
		for i, c := range thePlan.Certificates[1:] {
			before := thePlan.Certificates[i]
			require.False(t, c.Issued.Before(today), label)
			require.True(t, !c.Issued.After(before.Expires) || c.Issued == today, "%s: a gap before certificate %d", label, c.N)
			require.LessOrEqual(t, c.Days, c.Cap, label)
			require.True(t, c.Expires.After(before.Expires), label)
		}
	}
}
