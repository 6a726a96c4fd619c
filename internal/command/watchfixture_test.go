package command_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/watch"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeSites is a watch.Service whose sites are in memory. What it remembers is in a real file.
type fakeSites struct {
	*watch.Watcher
	mu       sync.Mutex
	settings watch.Settings
	// served is the chain that the site serves: PEM of a leaf first; empty if nothing answers.
	served string
	// answer replaces what a look at a certificate finds.
	answer func(ctx context.Context, t watch.Target) (watch.Look, error)
	looks  []string // serials in place, in the order of the looks
}

func (f *fakeSites) Look(ctx context.Context, t watch.Target) (watch.Look, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks = append(f.looks, pki.Serial(t.Leaf))
	if f.answer != nil {
		return f.answer(ctx, t)
	}
	place := watch.Place{Name: "example.com", Address: "192.0.2.80"}
	chain, err := pki.StoredLeaf(f.served)
	if err != nil {
		place.Outcome, place.Why = watch.Unreachable, "does not answer"
		return watch.Look{Places: []watch.Place{place}}, nil
	}
	place.Serial, place.Expires, place.CRL = chain.Serial(), chain.Leaf.NotAfter, watch.ListOf(chain.Leaf)
	switch {
	case place.Serial == pki.Serial(t.Leaf):
		place.Outcome = watch.Current
	case slices.Contains(t.Earlier, place.Serial):
		place.Outcome, place.Why = watch.Old, "serves an old one"
	default:
		place.Outcome, place.Why = watch.Other, "serves another one"
	}
	return watch.Look{Places: []watch.Place{place}}, nil
}

// watching is an item with a certificate, whose site is watched.
type watching struct {
	*fixture
	sites *fakeSites
	state string // path of the file
	// delivery has no time for any item, unless a test says otherwise.
	delivery *fakeDelivery
}

// watchFixture returns an item whose first certificate ends on 2026-10-18 in so many days and is served by its site. The first sweep
// was made: sites are watched since then.
func watchFixture(t *testing.T, before int) *watching {
	t.Helper()
	return watchingOf(t, sweepFixture(t, before))
}

func watchingOf(t *testing.T, s *fixture) *watching {
	t.Helper()
	s.panel.order.Name = "example.com"
	s.panel.settings[item.SettingMailFrom] = "Hosting <noreply@hosting.example>"
	state := filepath.Join(t.TempDir(), "pmtest.watch")
	return &watching{fixture: s, state: state, delivery: &fakeDelivery{t: t, panel: s.panel, mode: publish.On, configured: true, broken: deliver.ErrTimeSpent}, sites: &fakeSites{Watcher: watch.New(watch.Options{State: state}), served: s.panel.stored}}
}

func (w *watching) env() *item.Run {
	run := w.fixture.env()
	if w.param(itemparam.Delivery) != "" {
		run.Delivering = w.delivery
	}
	run.Watch = func(settings watch.Settings) watch.Service {
		w.sites.settings = settings
		return w.sites
	}
	return run
}

func (w *watching) sweep(t *testing.T) (doc string, failed bool) {
	t.Helper()
	run := w.env()
	answer, err := command.Subscription(context.Background(), run)
	require.NoError(t, err)
	return output(t, answer), run.Failed
}

// reissue has a new certificate issued and stored by sweeps, while the site keeps what it serves. The notice about the validation
// is forgotten.
func (w *watching) reissue(t *testing.T) {
	t.Helper()
	w.sweep(t)
	require.Equal(t, 1, w.seller.reissues)
	w.at = w.at.Add(time.Hour)
	w.seller.issue(t, w.seller.next, w.pair, w.at, 199)
	before := w.param(itemparam.Serial)
	w.sweep(t)
	require.NotEqual(t, before, w.param(itemparam.Serial))
	w.mailer.notices = nil
}

// sweeps runs a sweep every hour for so long.
func (w *watching) sweeps(t *testing.T, d time.Duration) {
	t.Helper()
	for end := w.at.Add(d); w.at.Before(end); {
		w.at = w.at.Add(time.Hour)
		w.sweep(t)
	}
}

func (w *watching) record(t *testing.T) watch.Record {
	t.Helper()
	r, known := watch.ParseRecord(w.param(itemparam.SiteWatch))
	require.True(t, known, w.param(itemparam.SiteWatch))
	return r
}

// installs returns how often the client was notified that the certificate is not installed.
func (w *watching) installs() int {
	n := 0
	for _, notice := range w.mailer.notices {
		if notice.Kind == item.NoticeInstall {
			n++
		}
	}
	return n
}

func (w *watching) saves() int {
	n := 0
	for _, call := range w.panel.calls {
		if strings.HasPrefix(call, "save "+itemparam.SiteWatch) {
			n++
		}
	}
	return n
}

// crowd is a panel with many items that have the same certificate; only the first one is an item in full.
type crowd struct {
	*fakePanel
	items  int64
	saved  map[int64]string // site_watch by item
	refuse error            // of SaveParam
	pages  int
	lost   int64 // so many of the first ones replaced a certificate

	afterSave func() // called after each SaveParam; nil for nothing
}

func (c *crowd) WatchedItems(_ context.Context, only int64, f func(item.WatchedItem)) error {
	for it := c.items; it > 0; it-- { // in no order
		if only == 0 || only == it {
			f(item.WatchedItem{Item: it, Serial: c.order.Params[itemparam.Serial]})
		}
	}
	return nil
}

func (c *crowd) WatchedSites(_ context.Context, items []int64) ([]item.WatchedSite, error) {
	c.pages++
	var all []item.WatchedSite
	for _, it := range items {
		site := item.WatchedSite{Item: it, Name: fmt.Sprintf("site%d.example", it), Stored: c.stored, Serial: c.order.Params[itemparam.Serial], Watch: c.saved[it]}
		if it <= c.lost {
			site.Earlier = "abc"
		}
		all = append(all, site)
	}
	return all, nil
}

func (c *crowd) SaveParam(_ context.Context, it int64, name, value string) error {
	if c.refuse != nil {
		return c.refuse
	}
	c.saved[it] = value
	if c.afterSave != nil {
		c.afterSave()
	}
	return nil
}

func (c *crowd) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, c, it, params)
}

// crowded returns a watch over so many items, and its panel.
func crowded(t *testing.T, items int64) (*watching, *crowd) {
	t.Helper()
	w := watchFixture(t, 100)
	return w, &crowd{fakePanel: w.panel, items: items, saved: map[int64]string{}}
}

func (w *watching) sweepCrowd(t *testing.T, c *crowd) (doc string, run *item.Run) {
	t.Helper()
	run = w.env()
	run.Panel = c
	answer, err := command.Subscription(context.Background(), run)
	require.NoError(t, err)
	return output(t, answer), run
}

func (w *watching) logged(t *testing.T, text string) {
	t.Helper()
	assert.Contains(t, strings.Join(w.log.lines, "\n"), text)
}
