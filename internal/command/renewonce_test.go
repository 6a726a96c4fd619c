package command_test

import (
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
	"pmssl/internal/command"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A month's term is shorter than the days before its end in which a renewal is bought: the last renewal is not the next one, and
// the same one is not bought twice.
func TestShortTermsAreRenewedOncePerTerm(t *testing.T) {
	for _, months := range []int{1, 3, 6} {
		s := remoteStage(t)
		require.NoError(t, s.run(command.Open))
		s.panel.order.Period = months
		s.remote.ends[500] = cabforum.DateOf(now()).AddMonths(months)
		s.remote.issue(t, 500, s.pair, now(), 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		s.args.Command = "prolong"
		prolong := func() error {
			run := s.world()
			run.Trade.Terms = []int{1, 3, 6}
			_, err := command.Prolong(t.Context(), run)
			return err
		}
		for n := 1; n <= 3; n++ {
			s.args.Operation = int64(10 + n)
			s.at = now().AddDate(0, n*months, -5)
			require.NoError(t, prolong())
			assert.Equal(t, n, s.remote.prolongs, "%d months, renewal %d", months, n)
			start := s.param(cert.ParamTermStart)
			require.NoError(t, prolong(), "the same operation again")
			s.args.Operation = 0
			assert.Equal(t, cert.FaultRunning, faultType(t, prolong()), "once more by hand")
			assert.Equal(t, n, s.remote.prolongs)
			assert.Equal(t, start, s.param(cert.ParamTermStart), "the term moves once")
		}
	}
}

// A panel that was restored from before a renewal finds it in the journal, under whatever operation it asks anew.
func TestARestoredPanelDoesNotPayTheRenewalAgain(t *testing.T) {
	s := endingStage(t)
	backup := map[string]string{}
	for name, value := range s.panel.order.Params {
		backup[name] = value
	}
	require.NoError(t, s.run(command.Prolong))
	require.Equal(t, 2, s.seller.buys)
	s.panel.order.Params = backup
	s.args.Operation = 3
	s.at = s.at.AddDate(0, 0, 2)
	require.NoError(t, s.run(command.Prolong))
	assert.Equal(t, 2, s.seller.buys, "the order and its one renewal")
	assert.Equal(t, "101 102", s.param(cert.ParamLineage))
	assert.Equal(t, "2027-04-02", s.param(cert.ParamTermStart))
}

// Rows that are not activated show no name; whether those of renewals show the old certificate's is not known.
func TestALostRenewalThatShowsTheNameIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		host string
		buys int
	}{"the item's": {"Example.com", 2}, "none": {"", 2}, "another one": {"other.example", 3}} {
		t.Run(name, func(t *testing.T) {
			s := endingStage(t)
			s.seller.buyErr, s.seller.buyAnyway = lost(), true
			require.Error(t, s.run(command.Prolong))
			s.seller.buyErr = nil
			s.seller.change(102, func(r *cert.Report) { r.CommonName = row.host })
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, row.buys, s.seller.buys)
		})
	}
}
