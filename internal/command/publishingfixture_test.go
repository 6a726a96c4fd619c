package command_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeService is a publish.Service in memory. Its calls are among the panel's, so that their order shows and each can be made
// to fail.
type fakeService struct {
	t     *testing.T
	panel *fakePanel
	mode  publish.Mode
	best  bool
	// world holds what stands: the value by place.
	world map[string]string
	// refused are the errors of Place by domain; broken is its error as a whole.
	refused map[string]error
	broken  error
	sight   func(publish.Placement) (publish.Sight, error)
	looks   int
}

var _ publish.Service = (*fakeService)(nil)

func placeOf(p publish.Placement) string {
	return strings.Join([]string{p.Publisher, p.Zone, string(p.Record.Type), p.Record.Name, p.Record.Path}, " ")
}

func (f *fakeService) Mode() publish.Mode { return f.mode }
func (f *fakeService) Best() bool         { return f.best }

func (f *fakeService) Place(_ context.Context, _ publish.Order, records []publish.Record) ([]publish.Placement, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	var all []publish.Placement
	var refusal publish.Refusal
	for _, r := range records {
		if err := f.refused[r.Domain]; err != nil {
			refusal.Reasons = append(refusal.Reasons, publish.Reason{Domain: r.Domain, Err: err})
			continue
		}
		if err := f.refused[string(r.Type)]; err != nil {
			refusal.Reasons = append(refusal.Reasons, publish.Reason{Domain: r.Domain, Err: err})
			continue
		}
		all = append(all, publish.Placement{Publisher: "ns1", Zone: "example.com", Record: r})
	}
	if len(refusal.Reasons) > 0 {
		return nil, &refusal
	}
	return all, nil
}

func (f *fakeService) Publish(_ context.Context, _ publish.Order, p publish.Placement, old []string) error {
	if err := f.panel.call("publish %s", p.Record); err != nil {
		return err
	}
	assert.Equal(f.t, publish.On, f.mode)
	f.listed(placeOf(p), p.Record.Value)
	if now, there := f.world[placeOf(p)]; there && now != p.Record.Value && !slices.Contains(old, now) {
		return publish.ErrConflict
	}
	f.world[placeOf(p)] = p.Record.Value
	return nil
}

// listed checks that a record is in the item parameter (rules UNATT-2).
func (f *fakeService) listed(place, value string) {
	f.t.Helper()
	for _, entry := range f.list() {
		if placeOf(entry.placement()) == place && publish.SameValue(entry.Record.Type, entry.Record.Value, value) {
			return
		}
	}
	f.t.Errorf("%s %s is not listed in %s", place, value, f.panel.order.Params[itemparam.ChallengesPublished])
}

// listedRecord is an entry of the item parameter.
type listedRecord struct {
	Publisher string         `json:"publisher"`
	Zone      string         `json:"zone"`
	Record    publish.Record `json:"record"`
	ID        int64          `json:"id"`
	At        time.Time      `json:"at"`
	Seen      time.Time      `json:"seen"`
	Asked     time.Time      `json:"asked"`
	Asks      int            `json:"asks"`
	Pause     int            `json:"pause,omitempty"`
	Stays     time.Time      `json:"stays,omitzero"`
	Harmful   time.Time      `json:"harmful,omitzero"`
}

func (r listedRecord) placement() publish.Placement {
	return publish.Placement{Publisher: r.Publisher, Zone: r.Zone, Record: r.Record}
}

func (f *fakeService) list() []listedRecord {
	text := f.panel.order.Params[itemparam.ChallengesPublished]
	if text == "" {
		return nil
	}
	var list []listedRecord
	require.NoError(f.t, json.Unmarshal([]byte(text), &list), text)
	return list
}

// set writes the item parameter.
func (f *fakeService) set(list ...listedRecord) {
	raw, err := json.Marshal(list)
	require.NoError(f.t, err)
	f.panel.order.Params[itemparam.ChallengesPublished] = string(raw)
}

func (f *fakeService) Look(_ context.Context, p publish.Placement) (publish.Sight, error) {
	f.looks++
	if err := f.panel.call("look %s", p.Record); err != nil {
		return publish.Sight{}, err
	}
	if f.sight != nil {
		return f.sight(p)
	}
	return publish.Sight{Seen: f.world[placeOf(p)] == p.Record.Value, Why: "nothing there"}, nil
}

func (f *fakeService) Withdraw(ctx context.Context, order publish.Order, p publish.Placement) error {
	if err := f.panel.call("withdraw %s", p.Record); err != nil {
		return err
	}
	assert.NoError(f.t, ctx.Err())
	assert.Contains(f.t, order.Names, p.Record.Domain, "or the ownership rule refuses it")
	if publish.SameValue(p.Record.Type, f.world[placeOf(p)], p.Record.Value) {
		delete(f.world, placeOf(p))
	}
	return nil
}

// askedSeller is a seller that can be asked to look at challenges. The time of each question is kept.
type askedSeller struct {
	*fakeSeller
	s     *fixture
	asked []time.Time
	err   error
	// answer returns the values that the nth answer (from 1) gives; nil for those of before.
	answer func(n int, r seller.Request) []seller.Challenge
	then   func()
}

func (a *askedSeller) RetryChallenge(_ context.Context, _ int64, r seller.Request, _ string) ([]seller.Challenge, error) {
	if err := a.s.panel.call("ask"); err != nil {
		return nil, err
	}
	a.asked = append(a.asked, a.s.at)
	if a.then != nil {
		a.then()
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.answer != nil {
		return a.answer(len(a.asked), r), nil
	}
	return challengesOf(r), nil
}

// target returns challenges with other values.
func target(r seller.Request, value string) []seller.Challenge {
	all := challengesOf(r)
	for i := range all {
		all[i].Target = value
	}
	return all
}

// publishing is an item that is due, with a service that publishes its challenges.
type publishing struct {
	*fixture
	service *fakeService
	asked   *askedSeller
	ctx     context.Context
}

// publishingFixture returns an item whose certificate ends in so many days and is due. Waiting moves the clock.
func publishingFixture(t *testing.T, before int) *publishing {
	t.Helper()
	return publishingOf(t, sweepFixture(t, before))
}

func publishingOf(t *testing.T, s *fixture) *publishing {
	t.Helper()
	return &publishing{
		fixture: s, asked: &askedSeller{fakeSeller: s.seller, s: s}, ctx: t.Context(),
		service: &fakeService{t: t, panel: s.panel, mode: publish.On, world: map[string]string{}, refused: map[string]error{}},
	}
}

func (p *publishing) env() *item.Run {
	run := p.fixture.env()
	run.Publishing, run.Waits = p.service, item.NewWaits(90*time.Second)
	run.Sleep = func(ctx context.Context, d time.Duration) error {
		p.at = p.at.Add(d)
		return ctx.Err()
	}
	run.Info.Prototype = p.asked
	run.Info.Connect = func(map[string]string) (seller.Seller, error) { return p.asked, nil }
	return run
}

func (p *publishing) sweep(t *testing.T) (doc string, failed bool) {
	t.Helper()
	p.args = item.Args{Command: "subscription", DryRun: p.args.DryRun}
	run := p.env()
	answer, err := command.Subscription(p.ctx, run)
	require.NoError(t, err)
	p.allListed(t)
	return output(t, answer), run.Failed
}

// sweeps runs a sweep each step until the time has passed.
func (p *publishing) sweeps(t *testing.T, step, d time.Duration) {
	t.Helper()
	for end := p.at.Add(d); p.at.Before(end); {
		next := p.at.Add(step)
		p.at = next
		p.sweep(t)
		if p.at.Before(next) {
			t.Fatal("the clock went back")
		}
		p.at = next // whatever the sweep waited
	}
}

func (p *publishing) do(f item.Func, name string) error {
	p.args = item.Args{Command: name, Item: 42}
	_, err := f(p.ctx, p.env())
	return err
}

// allListed checks that each record which stands is in the item parameter.
func (p *publishing) allListed(t *testing.T) {
	t.Helper()
	if raw := p.panel.order.Params[itemparam.ChallengesPublished]; raw != "" && !json.Valid([]byte(raw)) {
		return
	}
	for place, value := range p.service.world {
		p.service.listed(place, value)
	}
}

// leftover has a record of an earlier id stand, and lists it.
func (p *publishing) leftover(t *testing.T) {
	t.Helper()
	r := publish.DNSRecord("_old.example.com", "CNAME", "old.ca.example")
	r.Domain = "example.com"
	entry := listedRecord{Publisher: "ns1", Zone: "example.com", Record: r, ID: 101, At: p.at}
	p.service.world[placeOf(entry.placement())] = r.Value
	p.service.set(entry)
}

// clean checks that nothing stands and nothing is listed.
func (p *publishing) clean(t *testing.T) {
	t.Helper()
	assert.Empty(t, p.service.world)
	assert.Empty(t, p.param(itemparam.ChallengesPublished))
}

func (p *publishing) count(prefix string) int {
	n := 0
	for _, call := range p.panel.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

// position returns the place of the first call-back with the prefix, -1 if there is none.
func (p *publishing) position(prefix string) int {
	return slices.IndexFunc(p.panel.calls, func(call string) bool { return strings.HasPrefix(call, prefix) })
}

// issue has the seller issue the newest id.
func (p *publishing) issue(t *testing.T) {
	t.Helper()
	p.seller.issueNames(t, p.seller.next, p.pair, p.at, 199, seller.SplitNames(p.param(itemparam.AltName))...)
}
