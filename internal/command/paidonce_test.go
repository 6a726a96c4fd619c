package command_test

import (
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The end of the order changes only when the certification authority has processed an accepted renewal. Until then an unchanged
// end does not show that the renewal failed.
func TestARenewalInProgressIsNotPaidAgain(t *testing.T) {
	for name, lose := range map[string]func(*fixture){
		"it said that it took it": func(s *fixture) {
			s.remote.err = &fault.Error{Type: fault.Unclear, Message: "its end is as before", Retry: true, OutcomeUnknown: true, Accepted: true}
		},
		"the order is under way": func(s *fixture) {
			s.remote.err = lost()
			s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateWaiting })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := endingRemote(t)
			s.remote.anyway, s.remote.noRenewal = true, true
			lose(s)
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Prolong)))
			s.remote.err = nil
			s.at = s.at.Add(time.Hour)
			err := s.run(command.Prolong)
			assert.Equal(t, fault.Waiting, faultType(t, err))
			assert.True(t, fault.From(err).Retry)
			assert.Equal(t, 1, s.remote.prolongs)
			s.remote.ends[500] = s.remote.ends[500].AddMonths(12)
			require.NoError(t, s.run(command.Prolong), "until its end has moved")
			assert.Equal(t, 1, s.remote.prolongs)
			assert.Equal(t, "2027-04-02", s.param(itemparam.TermStart))
			assert.Empty(t, s.param(itemparam.Intent))
		})
	}
}

// If an accepted renewal has no result after a day, a task is opened.
func TestAnAcceptedRenewalWithoutResultOpensATask(t *testing.T) {
	s := endingRemote(t)
	s.remote.noRenewal, s.remote.anyway = true, true
	s.remote.err = &fault.Error{Type: fault.Unclear, Message: "its end is as before", Retry: true, OutcomeUnknown: true, Accepted: true}
	require.Error(t, s.run(command.Prolong))
	s.remote.err = nil
	s.at = s.at.Add(25 * time.Hour)
	err := s.run(command.Prolong)
	assert.Equal(t, fault.Unclear, faultType(t, err))
	assert.Contains(t, err.Error(), "resolve --item 42 --id 500")
	assert.NotEmpty(t, s.panel.tasks)
	assert.Equal(t, 1, s.remote.prolongs)
}

// An accepted order that the list does not show yet is searched for and not bought again.
func TestAnAcceptedOrderIsNotBoughtAgain(t *testing.T) {
	s := remoteFixture(t)
	s.remote.err = &fault.Error{Type: fault.Unclear, Message: "taken, and not in the list", Retry: true, OutcomeUnknown: true, Accepted: true}
	require.Error(t, s.run(command.Open))
	s.remote.err = nil
	s.at = s.at.Add(time.Hour)
	assert.Equal(t, fault.Waiting, faultType(t, s.run(command.Open)))
	s.at = s.at.Add(24 * time.Hour)
	err := s.run(command.Open)
	assert.Equal(t, fault.Unclear, faultType(t, err))
	assert.Contains(t, err.Error(), "--none")
	assert.NotEmpty(t, s.panel.tasks)
	assert.Zero(t, s.remote.orders)
	t.Run("until the list shows it", func(t *testing.T) {
		s.remote.add("example.com", itemRef, 12, s.panel.order.OpenDate)
		require.NoError(t, s.run(command.Open))
		assert.Equal(t, "500", s.param(itemparam.OrderID))
		assert.Zero(t, s.remote.orders)
	})
}

// If the seller does not report the number of an order's names, the outcome of a purchase of names stays unknown.
func TestAPurchaseOfNamesWithoutACountOpensATask(t *testing.T) {
	s := namesFixture(t)
	s.panel.order.SANs = 3
	s.panel.order.Params[itemparam.SANsBought] = "0"
	s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com"
	s.seller.change(101, func(r *seller.OrderStatus) { r.SANs = -1 })
	s.seller.buyErr = lost()
	require.Error(t, s.run(command.Reopen))
	s.seller.buyErr = nil
	s.at = s.at.Add(time.Hour)
	bought := s.seller.buys
	assert.Equal(t, fault.Unclear, faultType(t, s.run(command.Reopen)))
	assert.Equal(t, bought, s.seller.buys)
	assert.NotEmpty(t, s.panel.tasks)
}

// rules BUY-4: a purchase that is not found is repeated once. If the second one is not found either, a task is opened.
func TestASecondPurchaseThatIsNotFoundOpensATask(t *testing.T) {
	for name, remote := range map[string]bool{"a seller that sells first": false, "a seller that takes the CSR with the order": true} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t)
			lose := func(err error) { s.seller.buyErr = err }
			if remote {
				s.remote = newRemote()
				lose = func(err error) { s.remote.err = err }
			}
			lose(lost())
			require.Error(t, s.run(command.Open))
			s.at = s.at.Add(time.Hour)
			require.Equal(t, fault.Unclear, faultType(t, s.run(command.Open)), "bought once more")
			require.Empty(t, s.panel.tasks)
			lose(nil)
			s.at = s.at.Add(time.Hour)
			err := s.run(command.Open)
			assert.Equal(t, fault.Unclear, faultType(t, err))
			assert.Contains(t, err.Error(), "--none")
			assert.NotEmpty(t, s.panel.tasks)
			assert.Zero(t, len(s.remoteOrders())+len(s.seller.statuses))
		})
	}
}

func (s *fixture) remoteOrders() []seller.OrderSummary {
	if s.remote == nil {
		return nil
	}
	return s.remote.records
}
