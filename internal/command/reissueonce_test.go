package command_test

import (
	"fmt"
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

// A remote that reissues in place returns the old certificate until the new one is issued, also if the key changed.
func TestTheOldCertificateOfAnotherKeyIsNotAnError(t *testing.T) {
	s := placedFixture(t, 60)
	old := s.panel.stored
	next := newPair(t, "example.com")
	s.panel.order.CSR = next.csr
	require.NoError(t, s.run(command.Reopen))
	s.remote.change(500, func(r *seller.OrderStatus) { r.State, r.Inferred = seller.StateIssued, true })
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
	assert.Equal(t, old, s.panel.stored)
	assert.Empty(t, s.panel.tasks, "no task is needed")
	t.Run("until the new one is issued", func(t *testing.T) {
		s.remote.issue(t, 500, next, s.at, 199)
		require.NoError(t, s.run(command.SyncItem))
		assert.Equal(t, "5", s.param(itemparam.ServiceStatus))
		assert.NotEqual(t, old, s.panel.stored)
	})
}

// rules STORE-6: when the operation is run again, nothing is sent, even if the remote does not show the reissue in progress.
func TestAnInterruptedReissueInPlaceIsSentOnce(t *testing.T) {
	for name, inferred := range map[string]bool{"the state is inferred": true, "it is told": false} {
		t.Run(name, func(t *testing.T) {
			s := placedFixture(t, 60)
			s.panel.fail["postreopen"] = fault.Errorf(fault.Panel, "", "the panel is down").Retryable()
			require.Error(t, s.run(command.Reopen))
			s.remote.change(500, func(r *seller.OrderStatus) { r.State, r.Inferred = seller.StateIssued, inferred })
			s.at = s.at.Add(time.Hour)
			require.NoError(t, s.run(command.Reopen))
			assert.Equal(t, 1, s.remote.reissues)
			assert.Contains(t, s.panel.calls, "postreopen")
			assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
			s.at = s.at.Add(24 * time.Hour)
			require.NoError(t, s.run(command.Reopen), "the client asks anew a day later")
			assert.Equal(t, 2, s.remote.reissues)
		})
	}
}

// pend records a reissue of the id for an earlier request whose outcome is unknown.
func (s *fixture) pend(id int64) {
	s.panel.order.Params[itemparam.ReissueOf] = fmt.Sprintf(`{"id":%d,"request":"%s","serial":"%s"}`, id, strings.Repeat("0", 64), s.param(itemparam.Serial))
	s.panel.order.Params[itemparam.ReissueTried] = s.at.Format(time.RFC3339) + " 1"
	s.at = s.at.Add(time.Hour)
}

// A lost reissue that is found later belongs to its own request, not to the item's current one.
func TestALostReissueForAnotherRequestIsNotTheCurrentOne(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T) *fixture{
		"in place": func(t *testing.T) *fixture {
			s := placedFixture(t, 60)
			s.pend(500)
			s.remote.change(500, func(r *seller.OrderStatus) { r.State = seller.StateWaiting })
			return s
		},
		"under an id of its own": func(t *testing.T) *fixture {
			s := namesFixture(t)
			s.pend(101)
			s.seller.next++
			s.seller.statuses[s.seller.next] = seller.OrderStatus{State: seller.StateWaiting, CSR: s.pair.csr}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := prepare(t)
			for range 2 {
				err := s.run(command.Reopen)
				require.Error(t, err)
				assert.Contains(t, err.Error(), "a reissue for other names is running")
				assert.True(t, fault.From(err).Retry)
			}
			assert.NotContains(t, s.panel.calls, "postreopen")
			assert.Equal(t, strings.Repeat("0", 64), s.param(itemparam.Requested))
		})
		t.Run(name+", the sweep", func(t *testing.T) {
			s := prepare(t)
			s.args = item.Args{Command: "subscription"}
			require.NoError(t, s.run(command.Subscription))
			assert.Zero(t, s.seller.reissues, "it is followed")
			if s.remote != nil {
				assert.Zero(t, s.remote.reissues)
			}
			assert.Equal(t, "4", s.param(itemparam.ServiceStatus))
			assert.Equal(t, strings.Repeat("0", 64), s.param(itemparam.Requested))
			assert.Contains(t, s.param(itemparam.ReissueOf), strings.Repeat("0", 64), "its request stays recorded")
		})
	}
}

// The CSR of an order that was found by its reference is unknown to this run.
func TestTheRequestOfAnAdoptedOrderIsNotRecorded(t *testing.T) {
	s := remoteFixture(t)
	s.remote.err = lost()
	require.Error(t, s.run(command.Open))
	s.remote.err = nil
	id := s.remote.add("example.com", itemRef, 12, cabforum.DateOf(now()))
	s.remote.change(id, func(r *seller.OrderStatus) { r.CSR = s.pair.csr })
	s.panel.order.CSR = newPair(t, "example.com").csr // the client has changed it since
	require.NoError(t, s.run(command.Open))
	assert.Zero(t, s.remote.orders)
	assert.Empty(t, s.param(itemparam.Requested), "its CSR is another one")
	t.Run("and the current request is submitted as a reissue", func(t *testing.T) {
		s.args.Command = "reopen"
		require.NoError(t, s.run(command.Reopen))
		assert.Equal(t, 1, s.remote.reissues)
	})
}

// Two items may order the same name. Without references an order belongs to the item with its key.
func TestAnOrderForTheSameNameAndAnotherKeyIsNotAdopted(t *testing.T) {
	s := remoteFixture(t)
	s.remote.err = lost()
	require.Error(t, s.run(command.Open))
	id := s.remote.add("example.com", "", 12, cabforum.DateOf(now()))
	s.remote.change(id, func(r *seller.OrderStatus) { r.CSR = newPair(t, "example.com").csr })
	s.remote.err = nil
	s.at = s.at.Add(time.Hour)
	err := s.run(command.Open)
	assert.Equal(t, fault.Unclear, faultType(t, err))
	assert.Contains(t, err.Error(), "another key")
	assert.NotEmpty(t, s.panel.tasks)
	assert.Empty(t, s.param(itemparam.OrderID))
	assert.Zero(t, s.remote.orders)
}
