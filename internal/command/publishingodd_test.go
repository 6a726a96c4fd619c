package command_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// willingService publishes everything everywhere.
type willingService struct{}

func (willingService) Mode() publish.Mode { return publish.On }
func (willingService) Best() bool         { return false }

func (willingService) Place(_ context.Context, _ publish.Order, records []publish.Record) ([]publish.Placement, error) {
	var all []publish.Placement
	for _, r := range records {
		all = append(all, publish.Placement{Publisher: "ns1", Zone: "example.com", Record: r})
	}
	return all, nil
}

func (willingService) Publish(context.Context, publish.Order, publish.Placement, []string) error {
	return nil
}

func (willingService) Look(context.Context, publish.Placement) (publish.Sight, error) {
	return publish.Sight{Seen: true}, nil
}

func (willingService) Withdraw(context.Context, publish.Order, publish.Placement) error { return nil }

// stuckService publishes everything, and removes nothing until it is free.
type stuckService struct {
	willingService
	free bool
}

func (s *stuckService) Withdraw(context.Context, publish.Order, publish.Placement) error {
	if s.free {
		return nil
	}
	return publish.ErrDenied
}

// brokenAfterAsking is a seller whose order cannot be read after it was asked to look.
type brokenAfterAsking struct {
	*fakeSeller
	asked bool
}

func (b *brokenAfterAsking) RetryChallenge(_ context.Context, _ int64, r seller.Request, _ string) ([]seller.Challenge, error) {
	b.asked = true
	return challengesOf(r), nil
}

func (b *brokenAfterAsking) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	if b.asked {
		return seller.OrderStatus{}, fault.Errorf(fault.API, "id", "not now").Retryable()
	}
	return b.fakeSeller.OrderStatus(ctx, id)
}

// withPublishing returns the run of the fixture with a service that publishes everything.
func (s *fixture) withPublishing(connected seller.Seller) *item.Run {
	run := s.env()
	run.Publishing, run.Waits = willingService{}, item.NewWaits(90*time.Second)
	run.Sleep = func(context.Context, time.Duration) error { return nil }
	run.Info.Prototype = connected
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return connected, nil }
	return run
}

// The seller asks for nothing: there is nothing to publish, and nothing to ask about.
func TestAnEmptyListOfChallengesIsLeftToTheClient(t *testing.T) {
	s := sweepFixture(t, 10)
	s.sweep(t)
	s.panel.order.Params[s.panel.order.Params["approver_method"]+"_value"] = " \n"
	s.args = item.Args{Command: "sync_item", Item: 42}
	asked := &brokenAfterAsking{fakeSeller: s.seller}
	_, err := command.SyncItem(t.Context(), s.withPublishing(asked))
	require.NoError(t, err)
}

// The question whether the certificate is there comes on top of what a run without publishing asks: its failure is no failure of
// the command.
func TestASellerThatDoesNotAnswerAfterItWasAskedToLookFailsNothing(t *testing.T) {
	s := sweepFixture(t, 10)
	s.sweep(t)
	s.args = item.Args{Command: "sync_item", Item: 42}
	asked := &brokenAfterAsking{fakeSeller: s.seller}
	_, err := command.SyncItem(t.Context(), s.withPublishing(asked))
	require.NoError(t, err)
	assert.True(t, asked.asked)
}

// rules UNATT-5: an order that waited when its item was deleted waits for ever, and its records are removed all the same.
func TestWhatAClosedItemLeftIsRemovedByLaterSweeps(t *testing.T) {
	s := sweepFixture(t, 10)
	stuck := &stuckService{}
	asked := &brokenAfterAsking{fakeSeller: s.seller}
	run := func(f item.Func, args item.Args) {
		s.args = args
		run := s.withPublishing(asked)
		run.Publishing = stuck
		_, err := f(t.Context(), run)
		require.NoError(t, err)
	}
	run(command.Subscription, item.Args{Command: "subscription"})
	require.NotEmpty(t, s.param(itemparam.ChallengesPublished))
	run(command.Close, item.Args{Command: "close", Item: 42})
	require.NotEmpty(t, s.param(itemparam.ChallengesPublished))
	s.panel.order.Status = item.ItemDeleted
	stuck.free = true
	run(command.Subscription, item.Args{Command: "subscription"})
	assert.Empty(t, s.param(itemparam.ChallengesPublished))
}

// A seller that shows only what is not validated yet takes nothing away: the CA may look at all of it again before it issues.
func TestARecordThatTheSellerDoesNotMentionAnyMoreStays(t *testing.T) {
	p := namesPublishing(t)
	p.asked.answer = func(_ int, r seller.Request) []seller.Challenge { return challengesOf(r)[1:2] }
	require.NoError(t, p.do(command.Reopen, "reopen"))
	names := len(p.service.world)
	require.Greater(t, names, 1)
	p.sweeps(t, time.Hour, 30*time.Hour)
	assert.Len(t, p.service.world, names)
	assert.Len(t, p.service.list(), names)
	assert.Zero(t, p.count("withdraw"))
	p.issue(t)
	p.sweep(t)
	p.clean(t)
}

// A panel that does not take the list of records keeps nothing else of an order's end back.
func TestAnOrderThatEndedIsReportedAlthoughItsListCannotBeSaved(t *testing.T) {
	p := publishingFixture(t, 10)
	p.sweep(t)
	p.seller.change(102, func(r *seller.OrderStatus) { r.State = seller.StateCancelled })
	p.panel.fail["drop challenges_published"] = fault.Errorf(fault.Panel, "", "broken").Retryable()
	require.NoError(t, p.do(command.SyncItem, "sync_item"))
	assert.Equal(t, "5", p.param(itemparam.ServiceStatus))
	assert.Len(t, p.panel.tasks, 1)
	p.panel.order.Params[itemparam.ReissueTried] = p.at.Format(time.RFC3339) + " 1"
	p.sweep(t)
	p.clean(t)
}
