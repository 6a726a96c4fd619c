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
