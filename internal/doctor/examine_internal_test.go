package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/terminal"
)

// fixed returns a check with these findings.
func fixed(id string, findings ...Finding) Check {
	return Check{ID: id, Group: "Group", Title: "title of " + id, Limit: time.Minute, run: func(context.Context, *examination) []Finding { return findings }}
}

func run(t *testing.T, checks ...Check) Report {
	t.Helper()
	o := Options{Binary: "pmtest", Now: func() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }}
	o.Version, o.Root, o.Mask = "1.0", "/root", func(text string) string { return strings.ReplaceAll(text, "secret", "***") }
	return examine(t.Context(), o, checks)
}

func outcomes(r Report) map[string]Outcome {
	all := map[string]Outcome{}
	for _, result := range r.Results {
		all[result.Check.ID] = result.Outcome
	}
	return all
}

func TestACheckThatPanicsOrHangsStopsNoOther(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	hangs, panics := fixed("hangs"), fixed("panics")
	hangs.Limit = 10 * time.Millisecond
	hangs.run = func(context.Context, *examination) []Finding { <-never; return nil } // it does not look at its context
	panics.run = func(context.Context, *examination) []Finding { panic("no") }
	r := run(t, hangs, panics, fixed("good", passed("fine")))
	assert.Equal(t, map[string]Outcome{"hangs": Failed, "panics": Failed, "good": Passed}, outcomes(r))
	assert.Equal(t, "no result within 10ms", r.Results[0].Findings[0].Text)
	assert.NotEmpty(t, r.Results[0].Findings[0].Mend)
	assert.Equal(t, "a fault of this program in the check panics: no", r.Results[1].Findings[0].Text)
	assert.True(t, r.Failed())
}

// A folder may have any number of files that are wrong.
func TestManyFindingsOfOneCheckAreCounted(t *testing.T) {
	var many []Finding
	for range maxFindings {
		many = append(many, warned("mend it", "a file"))
	}
	more := slices.Concat(many, []Finding{failed("mend it", "the worst"), passed("one")})
	r := run(t, fixed("full", many...), fixed("more", more...))
	assert.Len(t, r.Results[0].Findings, maxFindings)
	require.Len(t, r.Results[1].Findings, maxFindings+1)
	last := r.Results[1].Findings[maxFindings]
	assert.Equal(t, "2 more findings", last.Text)
	assert.Equal(t, Failed, last.Outcome)
	assert.NotEmpty(t, last.Mend)
	assert.Equal(t, Failed, r.Results[1].Outcome)
}

// After a signal or the deadline the checks that are left are not made, and nothing is said about what they would have found.
func TestARunThatWasEndedMakesNoFurtherChecks(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	hangs := fixed("hangs")
	hangs.grace = time.Millisecond
	hangs.run = func(context.Context, *examination) []Finding { end(); <-never; return nil }
	after := fixed("after", passed("fine"))
	after.After = []string{"hangs"}
	r := examine(ctx, Options{Now: func() time.Time { return noon }}, []Check{hangs, after})
	assert.Equal(t, map[string]Outcome{"hangs": Unchecked, "after": Unchecked}, outcomes(r))
	assert.Equal(t, "the run was ended before", r.Results[1].Findings[0].Text)
}

func TestTheOrderIsThatOfTheTableWhateverEndsFirst(t *testing.T) {
	second := make(chan struct{})
	first := fixed("first")
	first.run = func(context.Context, *examination) []Finding { <-second; return []Finding{passed("late")} }
	last := fixed("last")
	last.run = func(context.Context, *examination) []Finding { close(second); return []Finding{passed("early")} }
	r := run(t, first, last)
	require.Len(t, r.Results, 2)
	assert.Equal(t, []string{"late", "early"}, []string{r.Results[0].Findings[0].Text, r.Results[1].Findings[0].Text})
}

func TestACheckIsNotMadeWithoutWhatItNeeds(t *testing.T) {
	needs := func(id string, ids ...string) Check {
		c := fixed(id, passed("fine"))
		c.Needs = ids
		return c
	}
	r := run(t, fixed("bad", failed("mend it", "broken")), fixed("weak", warned("soon", "low")), needs("a", "bad"), needs("b", "a"), needs("c", "weak"), needs("d", "absent"))
	assert.Equal(t, map[string]Outcome{"bad": Failed, "weak": Warned, "a": Unchecked, "b": Unchecked, "c": Passed, "d": Passed}, outcomes(r))
	assert.Equal(t, `needs "title of bad", which did not succeed`, r.Results[2].Findings[0].Text)
}

func TestChecksThatDoNotApplyAreLeftOut(t *testing.T) {
	c := fixed("item", passed("fine"))
	c.Applies = withItem
	assert.Empty(t, run(t, c).Results)
}

func TestTextsAreOneLineAndHoldNoSecret(t *testing.T) {
	r := run(t, fixed("x", failed("use \x1b[31m", "a secret\nline")))
	f := r.Results[0].Findings[0]
	assert.NotContains(t, f.Text+f.Mend, "secret")
	assert.NotContains(t, f.Text+f.Mend, "\n")
	assert.NotContains(t, f.Text+f.Mend, "\x1b")
}

// A panel that a hanging check keeps is not lent to another one.
func TestAPanelIsUsedByOneCheckAtATime(t *testing.T) {
	opened := 0
	p := pool{open: func() item.DiagnosticPanel { opened++; return closing{} }}
	kept := p.take()
	given := p.take()
	p.give(given)
	assert.NotNil(t, p.take())
	assert.Equal(t, 2, opened)
	p.give(kept)
	p.close()
	assert.Empty(t, p.free)
}

type closing struct{ item.DiagnosticPanel }

func (closing) Close() error { return nil }

func TestTheTableOfChecks(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		assert.False(t, seen[c.ID], c.ID)
		assert.Regexp(t, `^[a-z_]+$`, c.ID)
		for _, id := range append(c.Needs, c.After...) {
			assert.True(t, seen[id], "%s needs %s, which comes before it", c.ID, id)
		}
		seen[c.ID] = true
		assert.NotEmpty(t, c.Group)
		assert.LessOrEqual(t, terminal.Width(c.Title), titleWidth, c.ID)
		assert.True(t, strings.HasSuffix(c.About, "."), c.ID)
		assert.NotContains(t, c.About, "|", c.ID)
		assert.Positive(t, c.Limit, c.ID)
		assert.NotNil(t, c.run, c.ID)
	}
	assert.Greater(t, len(seen), 30)
}

// What stands in the file of a probe may be written by others: only test records are removed.
func FuzzProbeFile(f *testing.F) {
	f.Add([]byte(`[{"order":{"Item":1},"placement":{"Publisher":"ns1","Zone":"example.com","Record":{"type":"CNAME","name":"_pmssl-test0.example.com"}}}]`))
	f.Add([]byte(`[{"placement":{"Record":{"type":"file","path":"/.well-known/pki-validation/_pmssl-test0.txt"}}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		left, err := parseProbe(text)
		if err != nil {
			return
		}
		assert.LessOrEqual(t, len(left), maxProbed)
		for _, one := range left {
			if isTest(one.Placement.Record) {
				assert.Contains(t, one.Placement.Record.Name+one.Placement.Record.Path, testLabel)
			}
		}
	})
}
