package command_test

import (
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
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
