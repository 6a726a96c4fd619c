package command_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A month's term is shorter than the days before its end in which a renewal is bought: the last renewal is not the next
// one, and the same one is not bought twice.
func TestShortTermsAreRenewedOncePerTerm(t *testing.T) {
	for _, months := range []int{1, 3, 6} {
		s := remoteStage(t)
		require.NoError(t, s.run(command.Open))
		s.period(months)
		s.remote.ends[500] = cabforum.DateOf(now()).AddMonths(months)
		s.remote.issue(t, 500, s.pair, now(), 199)
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		s.args.Command = "prolong"
		prolong := func() error {
			run := s.env()
			run.Info.Terms = []int{1, 3, 6}
			_, err := command.Prolong(t.Context(), run)
			return err
		}
		for n := 1; n <= 3; n++ {
			s.args.Operation = int64(10 + n)
			s.at = now().AddDate(0, n*months, -5)
			require.NoError(t, prolong())
			assert.Equal(t, n, s.remote.prolongs, "%d months, renewal %d", months, n)
			start := s.param(itemparam.TermStart)
			require.NoError(t, prolong(), "the same operation again")
			s.args.Operation = 0
			assert.Equal(t, fault.Running, faultType(t, prolong()), "once more by hand")
			assert.Equal(t, n, s.remote.prolongs)
			assert.Equal(t, start, s.param(itemparam.TermStart), "the term moves once")
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
	assert.Equal(t, "101 102", s.param(itemparam.Lineage))
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
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
			s.seller.change(102, func(r *seller.OrderStatus) { r.CommonName = row.host })
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Prolong))
			assert.Equal(t, row.buys, s.seller.buys)
		})
	}
}

// A purchase of names without an answer is resolved by what the seller counts, not by an administrator at the end of the
// term.
func TestALostPurchaseOfNamesDoesNotHoldTheRenewalBack(t *testing.T) {
	for name, happened := range map[string]bool{"it happened": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			s := namesStage(t)
			s.panel.order.SANs = 4
			s.panel.order.Params[itemparam.SANsBought] = "0"
			s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
			s.seller.buyErr, s.seller.buyAnyway = lost(), happened
			require.Error(t, s.run(command.Reopen))
			s.seller.buyErr = nil
			bought := s.seller.buys
			s.args = item.Args{Command: "prolong", Item: 42, Operation: 12}
			s.at = now().AddDate(0, 59, 0)
			s.seller.issueNames(t, 101, s.pair, s.at.AddDate(0, 0, -100), 199, "a.example.com", "b.example.com")
			err := s.run(command.Prolong)
			require.NoError(t, err)
			assert.Equal(t, 2, s.seller.names)
			assert.Equal(t, map[bool]int{true: bought + 1, false: bought + 2}[happened], s.seller.buys, "the renewal, and the names where they are missing")
			assert.Equal(t, "2", s.param(itemparam.SANsBought))
			assert.Empty(t, s.panel.tasks)
			assert.Equal(t, "2031-04-02", s.param(itemparam.TermStart))
			for _, call := range s.panel.calls {
				if strings.Contains(call, `"kind":"renew"`) {
					assert.NotContains(t, call, `"again"`, "it was the names that were tried before")
				}
			}
		})
	}
}

// A renewal has an id of its own: the one that it renews does not resolve it.
func TestResolveDoesNotTakeTheOldOrderForItsRenewal(t *testing.T) {
	s := endingStage(t)
	s.seller.buyErr, s.seller.buyAnyway = lost(), true
	require.Error(t, s.run(command.Prolong))
	s.args = item.Args{Command: "resolve", Item: 42, ID: "101", Yes: true}
	require.ErrorContains(t, s.run(command.Resolve), "an id of its own")
	assert.NotEmpty(t, s.param(itemparam.Intent))
	s.args.ID = "102"
	require.NoError(t, s.run(command.Resolve))
	s.seller.buyErr = nil
	s.args = item.Args{Command: "prolong", Item: 42, Operation: 11}
	require.NoError(t, s.run(command.Prolong))
	assert.Equal(t, 2, s.seller.buys)
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
}

// The panel writes the period of a renewal on the item before it starts prolong, as far as anybody knows. The term that is
// paid keeps its own length: a renewal for another time is neither refused nor bought a year early.
func TestARenewalForAnotherTimeBeginsWhereThePaidTermEnds(t *testing.T) {
	for name, row := range map[string]struct {
		months int
		at     string
		kind   string
		until  string
	}{
		"twelve months and then twenty-four": {24, "2027-03-02", "", "2029-04-02"},
		"twelve months and then one":         {1, "2027-03-02", "", "2027-05-02"},
		"not before the window of the first": {1, "2026-12-01", fault.Running, "2027-04-02"},
	} {
		for theSeller, begin := range map[string]func(*testing.T) *stage{"with a new id": endingStage, "in place": endingRemote} {
			t.Run(name+", "+theSeller, func(t *testing.T) {
				s := begin(t)
				s.panel.order.Period = row.months
				day, err := cabforum.ParseDate(row.at)
				require.NoError(t, err)
				s.at = day.Midnight()
				prolong := func() error {
					run := s.env()
					run.Info.Terms = []int{1, 12, 24}
					_, err := command.Prolong(t.Context(), run)
					return err
				}
				paid := s.seller.buys
				if s.remote != nil {
					paid = s.remote.prolongs
				}
				if err := prolong(); row.kind != "" {
					assert.Equal(t, row.kind, faultType(t, err))
				} else {
					require.NoError(t, err)
					_ = prolong()
					paid++
				}
				if s.remote != nil {
					assert.Equal(t, paid, s.remote.prolongs, "once")
				} else {
					assert.Equal(t, paid, s.seller.buys, "once")
				}
				start, months := s.param(itemparam.TermStart), s.param(itemparam.TermMonths)
				from, err := cabforum.ParseDate(start)
				require.NoError(t, err)
				n, err := strconv.Atoi(months)
				require.NoError(t, err)
				assert.Equal(t, row.until, from.AddMonths(n).String())
			})
		}
	}
}
