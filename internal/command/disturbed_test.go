package command_test

import (
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A reissue does not resolve a renewal whose outcome is unknown.
func TestAReissueDoesNotResolveARenewal(t *testing.T) {
	s := endingFixture(t)
	s.seller.buyErr, s.seller.buyAnyway = &fault.Error{Type: fault.Unclear, Message: "lost", OutcomeUnknown: true, Retry: true}, true
	require.Error(t, s.run(command.Prolong))
	require.Equal(t, 2, s.seller.buys)
	s.seller.buyErr = nil
	// an administrator reissues the running certificate at the seller (or the sweep does)
	s.seller.next++
	id := s.seller.next
	s.seller.statuses[id] = seller.OrderStatus{State: seller.StateWaiting, CSR: s.pair.csr}
	old := s.seller.statuses[101]
	old.State, old.ReplacedBy = seller.StateReplaced, id
	s.seller.statuses[101] = old
	s.args.Command = "sync_item"
	require.NoError(t, s.run(command.SyncItem))
	s.args.Command = "prolong"
	err := s.run(command.Prolong)
	t.Log(err, s.panel.order.Params)
	assert.Equal(t, 2, s.seller.buys, "the renewal was paid already")
}

// Numbers of running operations can be used again: InnoDB forgets its counter if the table is empty at a restart.
func TestANumberOfAnOperationCanBeUsedAgain(t *testing.T) {
	s := endingFixture(t)
	require.NoError(t, s.run(command.Prolong))
	s.args.Command = "sync_item"
	s.seller.issue(t, 102, s.pair, s.at, 199)
	require.NoError(t, s.run(command.SyncItem))
	s.args.Command = "prolong"
	s.at = s.at.AddDate(1, 0, 0)
	err := s.run(command.Prolong)
	t.Log(err, s.panel.order.Params)
	assert.Equal(t, 3, s.seller.buys, "the second renewal is bought")
}

// A first certificate whose storing was interrupted does not show the end of the seller's term.
func TestAnInterruptedIssueDoesNotShowTheEndOfTheTerm(t *testing.T) {
	s := waitingFixture(t)
	s.seller.issue(t, 101, s.pair, now(), 180)
	s.panel.fail["save certificate_serial"] = fault.Errorf(fault.Panel, "", "the panel broke down").Retryable()
	require.Error(t, s.run(command.SyncItem))
	require.NoError(t, s.run(command.SyncItem))
	assert.Empty(t, s.panel.order.Params[itemparam.TermEnd])
}
