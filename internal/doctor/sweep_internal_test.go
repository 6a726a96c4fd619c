package doctor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// noon is the time of the checks in this file.
var noon = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)

func atNoon() *examination {
	return &examination{o: Options{Binary: "pmtest", Now: func() time.Time { return noon }, Diagnosis: item.Diagnosis{Root: "/panel"}}}
}

// sweptPanel is a panel with a record of the last sweep.
type sweptPanel struct {
	item.DiagnosticPanel
	record item.SweepRecord
	none   bool
	err    error
}

func (p sweptPanel) LastSweep(context.Context) (item.SweepRecord, bool, error) {
	return p.record, !p.none && p.err == nil, p.err
}

// rules SWEEP-12
func TestWhatCountsIsTheLastSweepThatHasWorkedOnEveryItem(t *testing.T) {
	ago := func(hours float64) time.Time { return noon.Add(-time.Duration(hours * float64(time.Hour))) }
	for _, row := range []struct {
		name       string
		panel      sweptPanel
		want       Outcome
		text, mend string
	}{
		{name: "complete", panel: sweptPanel{record: item.SweepRecord{Ended: ago(1), Completed: ago(1), Result: item.SweepOK, Items: 7}},
			want: Passed, text: "ended 2026-04-02 11:00 UTC (1h0m0s ago): ok, 7 items, 0 failed"},
		{name: "items failed", panel: sweptPanel{record: item.SweepRecord{Ended: ago(1), Completed: ago(1), Result: item.SweepPartial, Items: 7, Failed: 2}},
			want: Warned, text: "partial, 7 items, 2 failed", mend: "var/pmtest.log"},
		{name: "every sweep of the day was interrupted", panel: sweptPanel{record: item.SweepRecord{Ended: ago(0.5), Completed: ago(26), Result: item.SweepInterrupted}},
			want: Failed, text: "ended 2026-04-02 11:30 UTC (30m0s ago): interrupted; the last one that has worked on every item ended 2026-04-01 10:00 UTC (26h0m0s ago)", mend: "var/pmtest.log"},
		{name: "every sweep of the day failed", panel: sweptPanel{record: item.SweepRecord{Ended: ago(0.5), Completed: ago(26), Result: item.SweepFailed, Error: "no database"}},
			want: Failed, text: "failed: no database; the last one", mend: "var/pmtest.log"},
		{name: "one was interrupted", panel: sweptPanel{record: item.SweepRecord{Ended: ago(0.5), Completed: ago(1.5), Result: item.SweepInterrupted}},
			want: Warned, text: "interrupted; the last one"},
		{name: "none was complete yet", panel: sweptPanel{record: item.SweepRecord{Ended: ago(0.5), Result: item.SweepInterrupted}},
			want: Warned, text: "interrupted; none has worked on every item yet"},
		{name: "none was complete, and none runs any more", panel: sweptPanel{record: item.SweepRecord{Ended: ago(4), Result: item.SweepInterrupted}},
			want: Failed, text: "(4h0m0s ago)", mend: "systemctl status"},
		{name: "overdue", panel: sweptPanel{record: item.SweepRecord{Ended: ago(4), Completed: ago(4), Result: item.SweepOK}},
			want: Failed, text: "(4h0m0s ago)", mend: "systemctl status"},
		{name: "in the future", panel: sweptPanel{record: item.SweepRecord{Ended: ago(-1), Completed: ago(-1), Result: item.SweepOK}},
			want: Failed, text: "that is in the future", mend: "clock"},
		{name: "the complete one in the future", panel: sweptPanel{record: item.SweepRecord{Ended: ago(0.5), Completed: ago(-100), Result: item.SweepInterrupted}},
			want: Failed, text: "that is in the future", mend: "clock"},
		{name: "none", panel: sweptPanel{none: true}, want: Warned, text: "/panel/var/pmtest.sweep is missing", mend: "systemctl start"},
		{name: "damaged", panel: sweptPanel{err: fault.Errorf(fault.Panel, "sweep", "it has no times")}, want: Warned, text: "it has no times", mend: "remove /panel/var/pmtest.sweep"},
	} {
		t.Run(row.name, func(t *testing.T) {
			found := checkLastSweep(t.Context(), atNoon(), row.panel)
			require.Len(t, found, 1)
			assert.Equal(t, row.want, found[0].Outcome, found[0].Text)
			assert.Contains(t, found[0].Text, row.text)
			assert.Contains(t, found[0].Mend, row.mend)
		})
	}
}

// journaled is a panel with a purchase journal.
type journaled struct {
	item.DiagnosticPanel
	good   int
	damage []error
	err    error
}

func (journaled) FlaggedItems(context.Context, []string, int) ([]item.FlaggedItem, error) {
	return nil, nil
}

func (p journaled) DamagedJournal(context.Context) (int, []error, error) {
	return p.good, p.damage, p.err
}

// A line that is being written is not to be mended.
func TestAJournalThatIsWrittenNowIsNotChecked(t *testing.T) {
	found := checkPurchases(t.Context(), atNoon(), journaled{err: fault.Errorf(fault.Locked, "purchases", "another process holds it")})
	assert.Equal(t, Unchecked, Worst(found))
	assert.Equal(t, Failed, Worst(checkPurchases(t.Context(), atNoon(), journaled{err: errors.New("it cannot be read")})))
	assert.Equal(t, Passed, Worst(checkPurchases(t.Context(), atNoon(), journaled{good: 3})))
}

func TestDamagedLinesOfTheJournalAreCounted(t *testing.T) {
	var damage []error
	for line := range 12 {
		damage = append(damage, fmt.Errorf("line %d is no purchase", line))
	}
	found := checkPurchases(t.Context(), atNoon(), journaled{damage: damage})
	require.Len(t, found, maxShown+1)
	assert.Equal(t, Warned, Worst(found))
	assert.Contains(t, found[maxShown].Text, "7 or more further lines")
}
