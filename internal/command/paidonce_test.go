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

// A renewal that the seller took moves the end of the order when its authority has worked on it: an end that has not moved
// proves nothing then, however long that takes.
func TestARenewalThatTheSellerWorksOnIsNotPaidAgain(t *testing.T) {
	for name, lose := range map[string]func(*stage){
		"it said that it took it": func(s *stage) {
			s.remote.err = &fault.Error{Type: fault.Unclear, Message: "its end is as before", Retry: true, OutcomeUnknown: true, Accepted: true}
		},
		"the order is under way": func(s *stage) {
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

// One that the seller took and of which nothing came in a day is for people to look at.
func TestARenewalThatTheSellerTookAndNeverMadeIsATask(t *testing.T) {
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

// An order that the seller took and does not show yet is looked for, and not made again.
func TestAnOrderThatTheSellerTookIsNotMadeAgain(t *testing.T) {
	s := remoteStage(t)
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

// Where the seller does not say how many names an order holds, nothing shows whether a purchase of names has happened.
func TestNamesWithoutAnAnswerAndWithoutACountAreATask(t *testing.T) {
	s := namesStage(t)
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

// rules BUY-4: one new purchase. Two that leave no trace are no chance.
func TestAPurchaseThatLeavesNoTraceTwiceIsATask(t *testing.T) {
	for name, remote := range map[string]bool{"a seller that sells first": false, "a seller that takes the CSR with the order": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
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

func (s *stage) remoteOrders() []seller.OrderSummary {
	if s.remote == nil {
		return nil
	}
	return s.remote.records
}
