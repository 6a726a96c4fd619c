package cabforum_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
)

// documentedCheck returns the check of an item of the documented example whose certificate is due on 2026-10-08.
func documentedCheck(t *testing.T) cabforum.ReissueCheck {
	return cabforum.ReissueCheck{
		Settings: cabforum.Settings{Lead: 10}, Active: true, PaidUntil: day(t, "2031-04-02"),
		Held: held(t, "2026-04-02 00:00:00", "2026-10-18 23:59:59"),
	}
}

// docs/reference/validity.md §B3.6: a certificate is due only if all conditions hold.
func TestB36AllConditionsMustHold(t *testing.T) {
	for name, row := range map[string]struct {
		now    string
		change func(*cabforum.ReissueCheck)
		reason cabforum.Reason
	}{
		"on the day":             {"2026-10-08 00:00:00", func(*cabforum.ReissueCheck) {}, ""},
		"a second before":        {"2026-10-07 23:59:59", func(*cabforum.ReissueCheck) {}, cabforum.ReasonEarly},
		"a day late":             {"2026-10-09 12:00:00", func(*cabforum.ReissueCheck) {}, ""},
		"on the last day":        {"2026-10-18 23:59:59", func(*cabforum.ReissueCheck) {}, ""},
		"B3.8 expired":           {"2026-12-24 12:00:00", func(*cabforum.ReissueCheck) {}, ""},
		"policy manual":          {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Settings.Policy = cabforum.PolicyManual }, ""},
		"policy none":            {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Settings.Policy = cabforum.PolicyNone }, cabforum.ReasonPolicy},
		"inactive":               {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Active = false }, cabforum.ReasonInactive},
		"nothing stored":         {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Held = nil }, cabforum.ReasonNoCertificate},
		"last day of the term":   {"2031-04-01 23:59:59", func(*cabforum.ReissueCheck) {}, ""},
		"the term is over":       {"2031-04-02 00:00:00", func(*cabforum.ReissueCheck) {}, cabforum.ReasonTermOver},
		"B3.9 ends with it":      {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.PaidUntil = day(t, "2026-10-18") }, cabforum.ReasonPaidEnd},
		"a paid day is left":     {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.PaidUntil = day(t, "2026-10-19") }, ""},
		"the seller's term":      {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.SellerEnd = day(t, "2026-10-18") }, cabforum.ReasonNoGain},
		"a day of it is left":    {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.SellerEnd = day(t, "2026-10-19") }, ""},
		"SWEEP-3 four days left": {"2026-10-14 23:59:59", func(c *cabforum.ReissueCheck) { c.SellerEnd = day(t, "2026-10-18") }, cabforum.ReasonNoGain},
		"SWEEP-3 three left":     {"2026-10-15 00:00:00", func(c *cabforum.ReissueCheck) { c.SellerEnd = day(t, "2026-10-18") }, ""},
		"SWEEP-3 tried before": {"2026-10-15 12:00:00", func(c *cabforum.ReissueCheck) {
			c.SellerEnd, c.Tried = day(t, "2026-10-18"), instant(t, "2026-10-14 11:00:00")
		}, ""},
		"SWEEP-3 tried in them": {"2026-10-17 12:00:00", func(c *cabforum.ReissueCheck) {
			c.SellerEnd, c.Tried = day(t, "2026-10-18"), instant(t, "2026-10-15 09:00:00")
		}, cabforum.ReasonNoGain},
		"SWEEP-3 not the panel's": {"2026-10-17 12:00:00", func(c *cabforum.ReissueCheck) {
			c.SellerEnd, c.PaidUntil = day(t, "2026-10-18"), day(t, "2026-10-18")
		}, cabforum.ReasonPaidEnd},
		"no term known":          {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.PaidUntil = cabforum.Date{} }, ""},
		"under way":              {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.UnderWay = true }, cabforum.ReasonUnderWay},
		"tried four times":       {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Tries = 4 }, ""},
		"tried five times":       {"2026-10-08 00:00:00", func(c *cabforum.ReissueCheck) { c.Tries = 5 }, cabforum.ReasonTries},
		"tried within 24 h":      {"2026-10-08 12:00:00", func(c *cabforum.ReissueCheck) { c.Tried = instant(t, "2026-10-07 12:00:01") }, cabforum.ReasonRecent},
		"tried 24 h ago":         {"2026-10-08 12:00:00", func(c *cabforum.ReissueCheck) { c.Tried = instant(t, "2026-10-07 12:00:00") }, ""},
		"tried in the future":    {"2026-10-08 12:00:00", func(c *cabforum.ReissueCheck) { c.Tried = instant(t, "2026-10-08 12:00:01") }, cabforum.ReasonRecent},
		"lead 0, the day before": {"2026-10-17 23:59:59", func(c *cabforum.ReissueCheck) { c.Settings.Lead = 0 }, cabforum.ReasonEarly},
		"lead 0, its last day":   {"2026-10-18 00:00:00", func(c *cabforum.ReissueCheck) { c.Settings.Lead = 0 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := documentedCheck(t)
			row.change(&s)
			v := s.Decide(instant(t, row.now))
			assert.Equal(t, row.reason, v.Reason)
			assert.Equal(t, row.reason == "", v.Due)
		})
	}
}

func TestDecisionHasDueDateAndEffectiveLead(t *testing.T) {
	s := documentedCheck(t)
	v := s.Decide(instant(t, "2026-06-01 00:00:00"))
	assert.Equal(t, cabforum.Decision{Reason: cabforum.ReasonEarly, DueOn: day(t, "2026-10-08"), Lead: 10}, v)
	s.Settings.Lead = 200
	v = s.Decide(instant(t, "2026-06-01 00:00:00"))
	assert.Equal(t, cabforum.Decision{Reason: cabforum.ReasonEarly, DueOn: day(t, "2026-07-10"), Lead: 100, LeadCut: true}, v)
	assert.True(t, s.Decide(instant(t, "2026-10-19 00:00:00")).Expired)
	assert.False(t, s.Decide(instant(t, "2026-10-18 23:59:59")).Expired)
	s.Held = nil
	assert.Equal(t, cabforum.Decision{Reason: cabforum.ReasonNoCertificate}, s.Decide(instant(t, "2026-10-19 00:00:00")))
}

// Rules SWEEP-3 at the step of 2027-03-15: a new certificate of 100 days would end on the same day as the old one of 200.
func TestSWEEP3AReissueGainsAtLeastADay(t *testing.T) {
	s := cabforum.ReissueCheck{Settings: cabforum.Settings{Lead: 200}, Active: true, PaidUntil: day(t, "2029-03-14"),
		Held: held(t, "2027-03-14 00:00:00", "2027-09-29 23:59:59")}
	for now, want := range map[string]cabforum.Reason{
		"2027-06-20 12:00:00": cabforum.ReasonEarly, // the lead of 100 is reached on 06-21
		"2027-06-21 12:00:00": cabforum.ReasonNoGain,
		"2027-06-22 12:00:00": "",
	} {
		assert.Equal(t, want, s.Decide(instant(t, now)).Reason, now)
	}
}

// docs/reference/validity.md §B3.7: five years with a lead of 200, checked every hour as the timer does. Each certificate is
// reissued once; none is due on the day on which it was issued. The CA takes a minute, so that its dates are the nominal
// ones.
func TestB37NoLoopUnderALeadOf200(t *testing.T) {
	until := day(t, "2031-04-02")
	now := instant(t, "2026-04-02 10:00:00")
	issue := func(at time.Time) *cabforum.Validity {
		at = at.Add(time.Minute)
		last := cabforum.LastNotAfter(at)
		if cabforum.DateOf(last).After(until) {
			last = until.Midnight()
		}
		return &cabforum.Validity{NotBefore: at, NotAfter: last}
	}
	s := cabforum.ReissueCheck{Settings: cabforum.Settings{Lead: 200}, Active: true, PaidUntil: until, Held: issue(now)}
	reissues := 0
	for ; cabforum.DateOf(now).Before(until); now = now.Add(time.Hour) {
		v := s.Decide(now)
		assert.False(t, v.Expired, "%s: the certificate has expired", now)
		if v.Due {
			before := s.Held
			s.Held = issue(now)
			reissues++
			assert.True(t, s.Held.NotAfter.After(before.NotAfter), "%s gained nothing", now)
		}
	}
	plan := planned(t, cabforum.PlanInput{Term: cabforum.Term{Start: day(t, "2026-04-02"), Months: 60}, Lead: 200})
	assert.Equal(t, plan.Reissues(), reissues, "as planned")
	assert.Equal(t, 47, reissues)
}

// The plan reissues a certificate on the day on which the sweep finds it due.
func TestPlanReissuesOnTheDayOfTheSweep(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	for range 200 {
		p := cabforum.PlanInput{Term: cabforum.Term{Start: day(t, "2026-01-01").AddDays(rng.IntN(1500)), Months: 12 + rng.IntN(24)}, Lead: rng.IntN(201)}
		plan := planned(t, p)
		for _, c := range plan.Certificates[:plan.Reissues()] {
			s := cabforum.ReissueCheck{Settings: cabforum.Settings{Lead: p.Lead}, Active: true, PaidUntil: plan.PaidUntil,
				// Noon to noon: as many days as the plan says, ending on the planned date.
				Held: &cabforum.Validity{NotBefore: c.Issued.Midnight().Add(12 * time.Hour), NotAfter: c.Expires.Midnight().Add(12*time.Hour - time.Second)}}
			assert.True(t, s.Decide(c.ReissueOn.Midnight()).Due, "%+v", c)
			assert.False(t, s.Decide(c.ReissueOn.Midnight().Add(-time.Second)).Due, "%+v", c)
		}
	}
}
