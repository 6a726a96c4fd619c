package command_test

import (
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// If the sweep cannot reissue a certificate within its paid term, a task is opened in its last week and not before.
func TestCertificatesThatAreNotReissuedAreEscalatedInTheLastWeek(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*fixture)
		says   string
	}{
		"an operation that stays open":   {func(s *fixture) { s.panel.operations = 1 }, "an operation of the item is open"},
		"the seller's term ends earlier": {func(s *fixture) { s.panel.order.Params[itemparam.TermEnd] = "2026-10-18" }, "because the seller's own term ends then"},
	} {
		days := map[int]bool{8: false, 5: true, -3: true}
		if strings.Contains(name, "seller's term") { // with less left it is asked for once more, rules SWEEP-3
			days = map[int]bool{8: false, 5: true, 4: true}
		}
		for before, escalated := range days {
			t.Run(name, func(t *testing.T) {
				s := sweepFixture(t, before)
				row.change(s)
				s.sweep(t)
				s.sweep(t)
				assert.Zero(t, s.seller.reissues)
				if !escalated {
					assert.Empty(t, s.panel.tasks)
					return
				}
				assert.Len(t, s.panel.tasks, 1)
				assert.Contains(t, strings.Join(s.log.lines, "\n"), row.says)
			})
		}
		t.Run(name+", under the policy none", func(t *testing.T) {
			s := sweepFixture(t, 5)
			row.change(s)
			s.panel.settings["SSLSubscriptionPolicy"] = "none"
			s.sweep(t)
			assert.Empty(t, s.panel.tasks)
		})
		t.Run(name+", in a dry run", func(t *testing.T) {
			s := sweepFixture(t, 5)
			row.change(s)
			s.args.DryRun = true
			s.sweep(t)
			assert.Empty(t, s.panel.tasks)
		})
	}
}

// rules BUY-5: resolve refuses an id that the seller does not know or reports as deleted.
func TestResolveRefusesAnIDThatTheSellerDoesNotKnow(t *testing.T) {
	s := remoteFixture(t)
	s.remote.err = lost()
	require.Error(t, s.run(command.Open))
	s.args = item.Args{Command: "resolve", Item: 42, ID: "50", Yes: true}
	require.ErrorContains(t, s.run(command.Resolve), "knows no id 50")
	assert.Empty(t, s.param(itemparam.OrderID))
	assert.NotEmpty(t, s.param(itemparam.Intent))
}

// rules BUY-5: the command in the error text resolves the purchase, also if an unexpected order has the item's reference.
func TestAnUnexpectedOrderIsResolvedByTheCommandInTheText(t *testing.T) {
	s := remoteFixture(t)
	s.remote.add("other.example", itemRef, 12, s.panel.order.OpenDate)
	err := s.run(command.Open)
	require.Error(t, err)
	assert.Contains(t, err.Error(), "--id 500")
	assert.Contains(t, err.Error(), "--none")
	s.args = item.Args{Command: "resolve", Item: 42, None: true, Yes: true}
	require.NoError(t, s.run(command.Resolve))
	assert.Equal(t, "500", s.param(itemparam.Released))
	s.args = item.Args{Command: "open", Item: 42, Operation: 9}
	require.NoError(t, s.run(command.Open), "whichever item the order belongs to")
	assert.Equal(t, 1, s.remote.orders)
	assert.Equal(t, "501", s.param(itemparam.OrderID))
}

// A panel that was restored from before a purchase of names finds it in the journal.
func TestARestoredPanelDoesNotBuyTheNamesAgain(t *testing.T) {
	s := namesFixture(t)
	s.panel.order.Params[itemparam.SANsBought] = "0"
	backup := map[string]string{}
	for name, value := range s.panel.order.Params {
		backup[name] = value
	}
	more := func() {
		s.panel.order.SANs = 4
		s.panel.order.Params[itemparam.AltName] = "a.example.com b.example.com c.example.com d.example.com"
	}
	more()
	require.NoError(t, s.run(command.Reopen))
	require.Equal(t, 2, s.seller.names)
	s.panel.order.Params = backup
	more()
	s.seller.issueNames(t, 102, s.pair, s.at, 199, "a.example.com", "b.example.com", "c.example.com", "d.example.com")
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	s.args.Command, s.at = "reopen", s.at.AddDate(0, 0, 190)
	require.NoError(t, s.run(command.Reopen))
	assert.Equal(t, 2, s.seller.reissues)
	assert.Equal(t, 2, s.seller.names)
	assert.Equal(t, "2", s.param(itemparam.SANsBought))
}

// An attempt that was recorded in the future by a wrong clock does not prevent reissues.
func TestAnAttemptInTheFutureIsIgnored(t *testing.T) {
	ahead := "2031-01-01T00:00:00Z 1"
	t.Run("the sweep", func(t *testing.T) {
		s := sweepFixture(t, 5)
		s.panel.order.Params[itemparam.ReissueTried] = ahead
		s.sweep(t)
		assert.Equal(t, 1, s.seller.reissues)
	})
	t.Run("a reissue without an answer", func(t *testing.T) {
		s := placedFixture(t, 60)
		s.remote.err = lost()
		require.Error(t, s.run(command.Reopen))
		s.remote.err = nil
		s.panel.order.Params[itemparam.ReissueTried] = ahead
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.remote.reissues)
	})
	t.Run("a reissue without result", func(t *testing.T) {
		s := placedFixture(t, 60)
		require.NoError(t, s.run(command.Reopen))
		s.panel.order.Params[itemparam.ReissueTried] = ahead
		s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateIssued })
		s.args.Command = "sync_item"
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
	})
}

// A retryable refusal of the seller is not counted as an attempt and may never end: in the last week a task is opened.
func TestARefusedReissueIsEscalatedInTheLastWeek(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *fixture){
		"a reissue for another key": func(t *testing.T, s *fixture) {
			s.seller.statuses[102] = seller.OrderStatus{State: seller.StateWaiting, CSR: newPair(t, "example.com").csr}
			s.seller.change(101, func(r *seller.OrderStatus) { r.State, r.ReplacedBy = seller.StateReplaced, 102 })
		},
		"a lost one that shows no key": func(_ *testing.T, s *fixture) {
			s.pend(101)
			s.seller.statuses[102] = seller.OrderStatus{State: seller.StateWaiting}
			s.seller.change(101, func(r *seller.OrderStatus) { r.State, r.ReplacedBy = seller.StateReplaced, 102 })
		},
	} {
		for before, escalated := range map[int]bool{8: false, 5: true} {
			t.Run(name, func(t *testing.T) {
				s := sweepFixture(t, before)
				change(t, s)
				_, failed := s.sweep(t)
				assert.True(t, failed)
				s.sweep(t)
				assert.Zero(t, s.seller.reissues)
				assert.Equal(t, escalated, len(s.panel.tasks) == 1, "%v", s.panel.tasks)
			})
		}
	}
	t.Run("not a temporary failure", func(t *testing.T) {
		s := sweepFixture(t, 5)
		s.seller.reissueErr = &fault.Error{Type: fault.Client, Message: "connection refused", Retry: true}
		_, failed := s.sweep(t)
		assert.True(t, failed)
		assert.Empty(t, s.panel.tasks)
	})
}

// rules BUY-4: if the list does not show a known older order, it cannot be trusted, and a task is opened.
func TestAListThatCannotBeCheckedOpensATask(t *testing.T) {
	s := remoteFixture(t)
	s.panel.claims = []item.Claim{{Item: 41, Module: 5, OrderID: "77"}}
	s.remote.shut = map[int64]error{77: fault.Errorf(fault.API, "certificate.edit", "refuses: access")}
	s.remote.err = lost()
	require.Error(t, s.run(command.Open))
	s.remote.err = nil
	s.at = s.at.Add(time.Hour)
	err := s.run(command.Open)
	assert.Equal(t, fault.Unclear, faultType(t, err))
	assert.Contains(t, err.Error(), "resolve --item 42 --none")
	assert.NotEmpty(t, s.panel.tasks)
	assert.Zero(t, s.remote.orders)
}
