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

// A term of one month is shorter than the period before its end in which a renewal is bought. The previous renewal does not count
// as the next one, and no renewal is bought twice.
func TestShortTermsAreRenewedOncePerTerm(t *testing.T) {
	for _, months := range []int{1, 3, 6} {
		s := remoteFixture(t)
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
			assert.Equal(t, start, s.param(itemparam.TermStart), "the term advances once")
		}
	}
}

// A term that is renewed so late that the new one is near its own end already: the renewal that brought the new term is not the next one,
// and the term does not move without a payment.
func TestALateRenewalIsNotTakenForTheNextOne(t *testing.T) {
	s := endingRemote(t)
	s.at = time.Date(2028, 2, 1, 9, 0, 0, 0, time.UTC) // the term ended on 2027-04-02, the next one ends on 2028-04-02
	require.NoError(t, s.run(command.Prolong))
	require.Equal(t, 1, s.remote.prolongs)
	require.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
	require.NoError(t, s.run(command.Prolong), "the same operation again")
	assert.Equal(t, 1, s.remote.prolongs)
	assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
	s.args.Operation++
	require.NoError(t, s.run(command.Prolong), "the client renews once more")
	assert.Equal(t, 2, s.remote.prolongs)
	assert.Equal(t, "2028-04-02", s.param(itemparam.TermStart))
}

// A panel that was restored from before a renewal finds it in the journal, whatever the number of the new operation.
func TestARestoredPanelDoesNotPayTheRenewalAgain(t *testing.T) {
	s := endingFixture(t)
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

// Orders that are not activated have no name; whether renewals have the old certificate's name is not known.
func TestALostRenewalThatShowsTheNameIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		host string
		buys int
	}{"the item's": {"Example.com", 2}, "none": {"", 2}, "another one": {"other.example", 3}} {
		t.Run(name, func(t *testing.T) {
			s := endingFixture(t)
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

// A purchase of names whose outcome is unknown is resolved by the seller's count of names, without an administrator.
func TestALostPurchaseOfNamesDoesNotPreventTheRenewal(t *testing.T) {
	for name, happened := range map[string]bool{"it happened": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			s := namesFixture(t)
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
			assert.Equal(t, map[bool]int{true: bought + 1, false: bought + 2}[happened], s.seller.buys, "the renewal, and the names if they are missing")
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

// A renewal has an id of its own: the id of the renewed order does not resolve it.
func TestResolveDoesNotTakeTheOldOrderForItsRenewal(t *testing.T) {
	s := endingFixture(t)
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

// The panel probably saves the renewal's period on the item before it starts prolong. The paid term keeps its own length: a
// renewal for another period is neither refused nor bought too early.
func TestARenewalForAnotherPeriodBeginsAtTheEndOfThePaidTerm(t *testing.T) {
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
		for theSeller, begin := range map[string]func(*testing.T) *fixture{"with a new id": endingFixture, "in place": endingRemote} {
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
