package command_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// sweepPublishTime is what publishers and looks may take of a sweep in all (rules UNATT-8).
const sweepPublishTime = 18 * time.Minute

// manyPanel is a panel with several items, by number.
type manyPanel struct {
	*fakePanel
	items map[int64]*item.Item
}

func (p *manyPanel) LoadItem(_ context.Context, it int64) (item.Item, error) {
	order := *p.items[it]
	order.Params = maps.Clone(order.Params)
	return order, nil
}

func (p *manyPanel) Param(_ context.Context, it int64, name string) (string, bool, error) {
	value, there := p.items[it].Params[name]
	return value, there, nil
}

func (p *manyPanel) SaveParam(_ context.Context, it int64, name, value string) error {
	p.items[it].Params[name] = value
	return nil
}

func (p *manyPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, p, it, params)
}

func (p *manyPanel) DropParam(_ context.Context, it int64, name string) error {
	if err := p.fail["drop "+name]; err != nil {
		return err
	}
	delete(p.items[it].Params, name)
	return nil
}

// with lists the items that have the parameter, in the order of its value if sorted, then of their numbers.
func (p *manyPanel) with(name string, sorted bool) []int64 {
	found := slices.DeleteFunc(slices.Sorted(maps.Keys(p.items)), func(it int64) bool { return p.items[it].Params[name] == "" })
	if sorted {
		slices.SortStableFunc(found, func(a, b int64) int {
			return compareText(p.items[a].Params[name], p.items[b].Params[name])
		})
	}
	return found
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (p *manyPanel) WaitingItems(context.Context) ([]int64, error) {
	return slices.DeleteFunc(p.with(itemparam.ServiceStatus, false), func(it int64) bool { return p.items[it].Params[itemparam.ServiceStatus] != "4" }), nil
}

func (p *manyPanel) PublishedItems(context.Context) ([]int64, error) {
	return p.with(itemparam.ChallengesPublished, false), nil
}

func (p *manyPanel) DeferredItems(context.Context) ([]int64, error) {
	return p.with(itemparam.ChallengesDeferred, true), nil
}

func (p *manyPanel) ExpiringBefore(context.Context, cabforum.Date) ([]int64, error) { return nil, nil }

// slowService publishes everything and takes its time for each item, which moves the clock.
type slowService struct {
	willingService
	takes  map[int64]time.Duration
	clock  func(time.Duration)
	served []int64
}

func (s *slowService) serve(it int64) {
	s.served = append(s.served, it)
	s.clock(s.takes[it])
}

func (s *slowService) Place(ctx context.Context, order publish.Order, records []publish.Record) ([]publish.Placement, error) {
	s.serve(order.Item)
	return s.willingService.Place(ctx, order, records)
}

func (s *slowService) Withdraw(_ context.Context, order publish.Order, _ publish.Placement) error {
	s.serve(order.Item)
	return nil
}

// turnsFixture returns a panel with so many first orders that wait, and a service that takes so long for each.
func turnsFixture(t *testing.T, takes func(it int64) time.Duration, items int64) (sweep func() []int64, panel *manyPanel) {
	t.Helper()
	f := newFixture(t)
	return turnsAt(t, f, f.seller, takes, items)
}

// turnsAt is turnsFixture with another seller.
func turnsAt(t *testing.T, f *fixture, connected seller.Seller, takes func(it int64) time.Duration, items int64) (sweep func() []int64, panel *manyPanel) {
	t.Helper()
	panel = &manyPanel{f.panel, map[int64]*item.Item{}}
	service := &slowService{takes: map[int64]time.Duration{}, clock: func(d time.Duration) { f.at = f.at.Add(d) }}
	f.seller.listed = map[int64]seller.State{}
	for it := int64(1); it <= items; it++ {
		one := f.panel.order
		one.Item, one.Status = it, 2
		one.Params = map[string]string{
			itemparam.OrderID: fmt.Sprint(100 + it), itemparam.Lineage: fmt.Sprint(100 + it), itemparam.ServiceStatus: "4", itemparam.Requested: "x",
			itemparam.Method: "auth_dnscname", itemparam.Domains: "example.com", "auth_dnscname_value": "_m.example.com CNAME t.ca.example",
		}
		panel.items[it], service.takes[it] = &one, takes(it)
		f.seller.listed[100+it] = seller.StateWaiting
	}
	sweep = func() []int64 {
		began := f.at
		run := f.env()
		run.Args, run.Panel = item.Args{Command: "subscription"}, panel
		run.Publishing = publish.Limit(service, run.Now, sweepPublishTime)
		run.Info.Connect = func(map[string]string) (seller.Seller, error) { return connected, nil }
		run.Sleep = func(context.Context, time.Duration) error { return nil }
		service.served = nil
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.False(t, run.Failed)
		f.at = began.Add(time.Hour)
		return service.served
	}
	return sweep, panel
}

// rules UNATT-9: whatever publishers and name servers take, each item has its turn within a few sweeps.
func TestEachItemHasItsTurnWithinAFewSweeps(t *testing.T) {
	for name, row := range map[string]struct {
		items  int64
		takes  func(it int64) time.Duration
		within int // sweeps
	}{
		"three that take all, and fast ones": {items: 12, within: 2, takes: func(it int64) time.Duration {
			if it <= 3 {
				return 6 * time.Minute
			}
			return time.Second
		}},
		"all take all":           {items: 12, within: 5, takes: func(int64) time.Duration { return 6 * time.Minute }},
		"all take a little":      {items: 100, within: 4, takes: func(int64) time.Duration { return 30 * time.Second }},
		"one is cut short first": {items: 8, within: 4, takes: func(it int64) time.Duration { return time.Duration(4+it%3) * time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			sweep, _ := turnsFixture(t, row.takes, row.items)
			for round := range 4 {
				served := map[int64]bool{}
				for range row.within {
					for _, it := range sweep() {
						served[it] = true
					}
				}
				assert.Len(t, served, int(row.items), "round %d: %v", round, served)
			}
		})
	}
}

// rules UNATT-9: what is left of orders that are over has its turn as well.
func TestWhatIsLeftHasItsTurn(t *testing.T) {
	sweep, panel := turnsFixture(t, func(int64) time.Duration { return 6 * time.Minute }, 4)
	over := panel.items[4].Params
	over[itemparam.ServiceStatus] = "5"
	over[itemparam.ChallengesPublished] = `[{"publisher":"ns1","zone":"example.com","record":{"domain":"example.com","type":"CNAME","name":"_m.example.com","value":"t.ca.example"}}]`
	for range 2 {
		sweep()
	}
	assert.NotContains(t, over, itemparam.ChallengesPublished)
	sweep()
	assert.NotContains(t, over, itemparam.ChallengesDeferred)
}

// Items without trouble are not written to: a call to the panel for each of them would cost more than it brings.
func TestAnItemThatHasItsTurnIsNotMarked(t *testing.T) {
	sweep, panel := turnsFixture(t, func(int64) time.Duration { return time.Second }, 10)
	sweep()
	for it, one := range panel.items {
		assert.NotContains(t, one.Params, itemparam.ChallengesDeferred, it)
	}
	panel.items[3].Params[itemparam.ChallengesDeferred] = "2026-04-02T09:00:00Z"
	panel.fail["drop "+itemparam.ChallengesDeferred] = errors.New("no such service")
	assert.Equal(t, int64(3), sweep()[0], "a mark that cannot be dropped fails nothing")
	delete(panel.fail, "drop "+itemparam.ChallengesDeferred)
	assert.Equal(t, int64(3), sweep()[0])
	assert.NotContains(t, panel.items[3].Params, itemparam.ChallengesDeferred)
}

// downSeller does not answer any more after its list was read.
type downSeller struct {
	*fakeSeller
	calls int
}

func (d *downSeller) fail() error {
	d.calls++
	return &fault.Error{Type: fault.Client, Message: "no answer within 30 s", Retry: true, Outage: true}
}

func (d *downSeller) RetryChallenge(context.Context, int64, seller.Request, string) ([]seller.Challenge, error) {
	return nil, d.fail()
}

func (d *downSeller) OrderStatus(context.Context, int64) (seller.OrderStatus, error) {
	return seller.OrderStatus{}, d.fail()
}

// rules SWEEP-9: a seller that does not work is not asked about one order after the other, also when it is asked to look.
func TestASellerThatIsDownIsNotAskedToLookForEachItem(t *testing.T) {
	f := newFixture(t)
	down := &downSeller{fakeSeller: f.seller}
	sweep, _ := turnsAt(t, f, down, func(int64) time.Duration { return 0 }, 10)
	assert.Len(t, sweep(), 1)
	assert.LessOrEqual(t, down.calls, 2)
}
