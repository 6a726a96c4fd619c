package command_test

import (
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endingFixture returns an item whose one-year term ends in 30 days.
func endingFixture(t *testing.T) *fixture {
	t.Helper()
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now(), 199)
	require.NoError(t, s.run(command.SyncItem))
	s.panel.calls = nil
	s.args.Command = "prolong"
	s.at = now().AddDate(0, 11, 0)
	return s
}

func TestProlongBeginsTheTermWhereTheOldOneEnds(t *testing.T) {
	s := endingFixture(t)
	require.NoError(t, s.run(command.Prolong))
	assert.Equal(t, 2, s.seller.buys, "the order and its renewal")
	p := s.panel.order.Params
	assert.Equal(t, "2027-04-02", p[itemparam.TermStart])
	assert.Equal(t, "101 102", p[itemparam.Lineage])
	assert.Equal(t, []int64{101, 102}, s.seller.activated)
	assert.Contains(t, s.panel.calls, "postprolong")
	assert.NotContains(t, p, itemparam.Intent)
	assert.Equal(t, "4", p[itemparam.ServiceStatus])
}

// rules MIGRATE-8: the term of another module's order is not known before its migration. It would count from the opening date, years ago,
// and a term that is paid would be bought again.
func TestOrderOfAnotherModuleIsNotTouchedBeforeItsMigration(t *testing.T) {
	for rule, change := range map[string]func(params map[string]string){
		"another module's id":   func(map[string]string) {},
		"interrupted migration": func(p map[string]string) { p[itemparam.Lineage], p[itemparam.Migration] = "101", `{"id":101}` },
	} {
		t.Run(rule, func(t *testing.T) {
			s := endingFixture(t)
			for _, name := range itemparam.Own() {
				delete(s.panel.order.Params, name)
			}
			change(s.panel.order.Params)
			s.panel.journal = nil
			s.panel.order.OpenDate = cabforum.Date{Year: 2024, Month: time.April, Day: 2}
			s.at = now().AddDate(0, 2, 0)       // ten months before the end of the term
			s.args.ID, s.args.Yes = "101", true // for resolve
			for _, c := range []struct {
				name string
				run  item.Func
			}{{"sync_item", command.SyncItem}, {"reopen", command.Reopen}, {"prolong", command.Prolong}, {"resolve", command.Resolve}} {
				s.args.Command = c.name
				err := s.run(c.run)
				assert.Equal(t, fault.Missed, faultType(t, err), c.name)
				assert.Contains(t, err.Error(), "--command migrate")
			}
			assert.Equal(t, 1, s.seller.buys)
			assert.Empty(t, s.panel.calls, "nothing is written that would keep it from being migrated")
		})
	}
}

// rules MIGRATE-8: an id that the journal has for the item is the item's own, though its other parameters were lost.
func TestLostParametersAreNoOrderOfAnotherModule(t *testing.T) {
	s := endingFixture(t)
	for _, name := range itemparam.Own() {
		delete(s.panel.order.Params, name)
	}
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "101", s.panel.order.Params[itemparam.Lineage])
}

// rules BUY-7: a panel that bills at the certificate's end must not pay for a running term again.
func TestProlongIsRefusedWhileTheTermRuns(t *testing.T) {
	for name, row := range map[string]struct {
		at   time.Time
		kind string
	}{
		"91 days before": {time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC), fault.Running},
		"90 days before": {time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), ""},
		"after the end":  {time.Date(2027, 5, 2, 0, 0, 0, 0, time.UTC), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := endingFixture(t)
			s.at = row.at
			err := s.run(command.Prolong)
			if row.kind == "" {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, row.kind, faultType(t, err))
			assert.Contains(t, err.Error(), "SSLSubscriptionExpireDate")
			assert.Equal(t, 1, s.seller.buys)
			assert.Empty(t, s.panel.calls)
		})
	}
}

// After an interruption at any step of prolong there is one renewal and one new term.
func TestProlongContinuesAfterAnInterruptionAtEveryStep(t *testing.T) {
	clean := endingFixture(t)
	require.NoError(t, clean.run(command.Prolong))
	for _, call := range clean.panel.calls {
		prefix := strings.SplitN(call, "=", 2)[0]
		t.Run(prefix, func(t *testing.T) {
			s := endingFixture(t)
			s.panel.fail[prefix] = fault.Errorf(fault.Panel, "", "the panel broke down").Retryable()
			if first := s.run(command.Prolong); first != nil { // where it succeeds all the same the operation is gone
				s.at = s.at.Add(time.Hour)
				require.NoError(t, s.run(command.Prolong), "after %v", first)
			}
			assert.Equal(t, 2, s.seller.buys)
			assert.Equal(t, "2027-04-02", s.panel.order.Params[itemparam.TermStart])
			assert.Equal(t, "101 102", s.panel.order.Params[itemparam.Lineage])
			assert.Len(t, s.seller.activated, 2)
		})
	}
}

func TestProlongInTheTermModeKeepsThePanelsDateAtTheEndOfTheTerm(t *testing.T) {
	s := endingFixture(t)
	s.panel.settings["SSLSubscriptionExpireDate"] = "term"
	require.NoError(t, s.run(command.Prolong))
	assert.Contains(t, s.panel.calls, "setexpiredate 2028-04-02")
}
