package deliver_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

// Accounts of the tests: alice has the certificate, bob is another client.
const (
	alice = 7
	bob   = 8
)

var order = deliver.Order{Item: 42, Account: alice}

// database is a panel's database with these items.
type database struct {
	hostings map[int64][]publish.Hosting // by account
	named    []publish.NamedItem
	err      error
}

func (d *database) Hostings(_ context.Context, account int64, modules []int64, _ string) ([]publish.Hosting, error) {
	return slices.DeleteFunc(slices.Clone(d.hostings[account]), func(h publish.Hosting) bool { return !slices.Contains(modules, h.Module) }), d.err
}

func (d *database) NamedItems(_ context.Context, names []string) ([]publish.NamedItem, error) {
	return slices.DeleteFunc(slices.Clone(d.named), func(i publish.NamedItem) bool { return !slices.Contains(names, i.Name) }), d.err
}

func (d *database) OthersBelow(context.Context, []string, int64) ([]publish.NamedItem, error) {
	return nil, d.err
}

// server is the server of a block. It answers for every block by the block's name.
type server struct {
	sites     map[string][]deliver.Site // by block; a name is found among names and aliases
	fails     map[string]error          // by block
	refuses   error                     // what Deliver and Check say
	asked     func()                    // called for each Site
	calls     []string
	delivered []deliver.Certificate
}

type onServer struct {
	*server
	block publish.Deploy
}

func (s onServer) Site(_ context.Context, name string) (deliver.Site, bool, error) {
	s.calls = append(s.calls, s.block.Name+" site "+name)
	if s.asked != nil {
		s.asked()
	}
	if err := s.fails[s.block.Name]; err != nil {
		return deliver.Site{}, false, err
	}
	if s.block.Kind == publish.KindExec {
		return deliver.Site{Name: name}, true, nil
	}
	for _, site := range s.sites[s.block.Name] {
		if site.Name == name || slices.Contains(site.Aliases, name) {
			return site, true, nil
		}
	}
	return deliver.Site{}, false, nil
}

func (s onServer) Deliver(_ context.Context, _ deliver.Order, sites []deliver.Site, c deliver.Certificate) error {
	s.calls = append(s.calls, s.block.Name+" deliver "+siteNames(sites))
	s.server.delivered = append(s.server.delivered, c)
	return s.refuses
}

func (s onServer) Check(_ context.Context, sites []deliver.Site) error {
	s.calls = append(s.calls, s.block.Name+" check "+siteNames(sites))
	return s.refuses
}

func siteNames(sites []deliver.Site) string {
	names := make([]string, len(sites))
	for i, site := range sites {
		names[i] = site.Name
	}
	return strings.Join(names, ",")
}

// calls of the servers, and a function that makes and forgets them.
func (s *server) took() []string {
	calls := s.calls
	s.calls = nil
	return calls
}

// fixture is a service with a configuration, a database and servers.
type fixture struct {
	deliver.Service
	*server
	db   *database
	conf string // path of the configuration
	seen *publishtest.Seen
}

const (
	web7 = "deploy web7 ispmgr\nurl https://web7.example.net:1500/ispmgr\nlogin u /p\nmodule 12\n"
	web8 = "deploy web8 ispmgr\nmgr ispmgr\ncheck 192.0.2.8\nmodule 13\nkey yes\n"
	hook = "deploy hook exec\nprogram /p\nzone lb.example\ncheck 192.0.2.9\nkey yes\n"
	rest = "deploy rest exec\nprogram /p\nzone *\ncheck 192.0.2.10\n"
)

func newFixture(t *testing.T, config string, mode publish.Mode, change ...func(*deliver.Options)) *fixture {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	conf := filepath.Join(folder, "a.conf")
	if config != "" {
		require.NoError(t, os.WriteFile(conf, []byte(config), 0o600))
	}
	f := &fixture{conf: conf, server: &server{sites: map[string][]deliver.Site{}, fails: map[string]error{}}, db: &database{hostings: map[int64][]publish.Hosting{}}}
	env, seen := publishtest.Env(t)
	f.seen = seen
	constructor := func(d publish.Deploy, _ publish.Env) (deliver.Deliverer, error) { return onServer{f.server, d}, nil }
	options := deliver.Options{Mode: mode, Folder: folder, Env: env, Facts: f.db,
		Constructors: map[publish.Kind]deliver.Constructor{publish.KindISPmgr: constructor, publish.KindExec: constructor}}
	for _, one := range change {
		one(&options)
	}
	f.Service = deliver.New(options)
	return f
}

// hosts puts a site of alice's user on a panel, whose module has an active item of hers.
func (f *fixture) hosts(block string, module int64, names ...string) {
	f.sites[block] = append(f.sites[block], deliver.Site{Name: names[0], Aliases: names[1:], Owner: "alice1"})
	f.db.hostings[alice] = append(f.db.hostings[alice], publish.Hosting{Item: 70, Module: module, User: "alice1", Active: true})
}

func (f *fixture) targets(t *testing.T, names ...string) ([]deliver.Target, map[string]error) {
	t.Helper()
	targets, reasons, err := f.Targets(t.Context(), order, names)
	require.NoError(t, err)
	why := map[string]error{}
	for _, reason := range reasons {
		why[reason.Name] = reason.Err
	}
	return targets, why
}

func TestEachNameHasTheBlockThatServesIt(t *testing.T) {
	f := newFixture(t, web7+web8+hook+rest+"allow lb.example account 7\nallow other.example account 7\n", publish.On)
	f.hosts("web7", 12, "shop.example", "www.shop.example")
	f.hosts("web8", 13, "blog.example")
	targets, why := f.targets(t, "shop.example", "www.shop.example", "*.blog.example", "a.lb.example", "other.example", "*.other.example")
	assert.Empty(t, why)
	assert.Equal(t, []deliver.Target{
		{Block: "web7", Sites: []string{"shop.example", "www.shop.example"}, Evidence: "shop.example belongs to user alice1 of item 70; www.shop.example belongs to user alice1 of item 70"},
		{Block: "web8", Sites: []string{"blog.example"}, Evidence: "blog.example belongs to user alice1 of item 70"},
		{Block: "hook", Sites: []string{"a.lb.example"}, Key: true, Evidence: f.conf + ":19: allow lb.example account 7"},
		{Block: "rest", Sites: []string{"other.example"}, Evidence: f.conf + ":20: allow other.example account 7"},
	}, targets)
	require.NoError(t, f.Deliver(t.Context(), order, targets[0], deliver.Certificate{Serial: "1"}))
	assert.Equal(t, "web7 deliver shop.example", f.calls[len(f.calls)-1], "one site with two names")
}

// CAs add www to a certificate for one name, and a program cannot say whether there is such a site.
func TestAnAddedWWWThatIsNotInDNSIsNoSiteOfAProgram(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		dns   func() ([]netip.Addr, error) // nil: nothing is looked up
		sites []string
		left  []string // names that are the client's
	}{
		"it is not there": {names: []string{"a.lb.example", "www.a.lb.example"}, sites: []string{"a.lb.example"}, left: []string{"www.a.lb.example"},
			dns: func() ([]netip.Addr, error) { return nil, nil }},
		"it is there": {names: []string{"a.lb.example", "www.a.lb.example"}, sites: []string{"a.lb.example", "www.a.lb.example"},
			dns: func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil }},
		"DNS does not answer": {names: []string{"a.lb.example", "www.a.lb.example"}, sites: []string{"a.lb.example", "www.a.lb.example"},
			dns: func() ([]netip.Addr, error) { return nil, errors.New("timeout") }},
		"nothing is looked up": {names: []string{"a.lb.example", "www.a.lb.example"}, sites: []string{"a.lb.example", "www.a.lb.example"}},
		"it was ordered alone": {names: []string{"www.a.lb.example", "b.lb.example"}, sites: []string{"b.lb.example", "www.a.lb.example"},
			dns: func() ([]netip.Addr, error) { return nil, nil }},
		"a panel knows its sites": {names: []string{"shop.example", "www.shop.example"}, sites: []string{"shop.example", "www.shop.example"},
			dns: func() ([]netip.Addr, error) { return nil, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, web7+hook+"allow lb.example account 7\n", publish.On, func(o *deliver.Options) {
				if c.dns != nil {
					o.Addresses = func(_ context.Context, host string) ([]netip.Addr, error) {
						assert.Equal(t, "www.a.lb.example", host)
						return c.dns()
					}
				}
			})
			f.hosts("web7", 12, "shop.example", "www.shop.example")
			targets, why := f.targets(t, c.names...)
			require.Len(t, targets, 1)
			assert.Equal(t, c.sites, targets[0].Sites)
			assert.ElementsMatch(t, c.left, slices.Collect(maps.Keys(why)))
			for _, left := range c.left {
				require.ErrorIs(t, why[left], deliver.ErrNoBlock)
				assert.ErrorContains(t, why[left], "www.a.lb.example has no address in DNS")
			}
		})
	}
}

func TestASiteMayStandOnSeveralPanels(t *testing.T) {
	f := newFixture(t, web7+web8, publish.On)
	f.hosts("web7", 12, "shop.example")
	f.hosts("web8", 13, "shop.example")
	targets, why := f.targets(t, "shop.example")
	assert.Empty(t, why)
	require.Len(t, targets, 2)
	assert.Equal(t, []string{"web7", "web8"}, []string{targets[0].Block, targets[1].Block})

	f.fails["web8"] = errors.New("it is away")
	targets, why = f.targets(t, "shop.example")
	require.Len(t, targets, 1, "the one that answers is delivered to")
	require.ErrorContains(t, why["shop.example"], "deploy web8: it is away")
}

func TestOnlyPanelsWhereTheAccountMayHaveASiteAreAsked(t *testing.T) {
	f := newFixture(t, web7+web8, publish.On)
	f.hosts("web8", 13, "shop.example")
	f.sites["web7"] = []deliver.Site{{Name: "shop.example", Owner: "alice1"}}
	targets, _ := f.targets(t, "shop.example")
	require.Len(t, targets, 1)
	assert.Equal(t, []string{"web8 site shop.example"}, f.took())
	f.db.hostings = nil
	_, why := f.targets(t, "shop.example")
	require.ErrorIs(t, why["shop.example"], deliver.ErrNoBlock)
	assert.Empty(t, f.took())
}

func TestNamesThatAreNotTheAccountsOwnAreTheClients(t *testing.T) {
	hosted := func(change func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.hosts("web7", 12, "shop.example")
			change(f)
		}
	}
	domain := publish.NamedItem{Item: 50, Account: alice, Name: "shop.example", Domain: true, Active: true}
	for name, c := range map[string]struct {
		config string
		given  func(f *fixture)
		site   string // shop.example if empty
		says   string
	}{
		"no block":         {config: hook, says: "no deploy block serves it: there is none for shop.example in"},
		"no site":          {config: web7, given: func(f *fixture) { f.hosts("web7", 12, "b.example") }, says: "the server of deploy web7 has no site shop.example"},
		"another owner":    {config: web7, given: hosted(func(f *fixture) { f.sites["web7"][0].Owner = "bob1" }), says: `(here "bob1")`},
		"no owner":         {config: web7, given: hosted(func(f *fixture) { f.sites["web7"][0].Owner, f.db.hostings[alice][0].User = "", "" }), says: `(here "")`},
		"root's":           {config: web7, given: hosted(func(f *fixture) { f.sites["web7"][0].Owner, f.db.hostings[alice][0].User = "root", "root" }), says: `(here "root")`},
		"a suspended item": {config: web7, given: hosted(func(f *fixture) { f.db.hostings[alice][0].Active = false }), says: "no deploy block serves it"},
		"another module":   {config: web7, given: hosted(func(f *fixture) { f.db.hostings[alice][0].Module = 99 }), says: "no deploy block serves it"},
		"no item, and a block for the very name": {config: web7 + "zone shop.example\n", given: hosted(func(f *fixture) { f.db.hostings = nil }),
			says: `wanted is a site whose owner (here "alice1") is the user of its active item on a module of deploy web7 (12), or a line`},
		"a domain item alone": {config: web7 + "zone shop.example\n", given: hosted(func(f *fixture) { f.db.hostings, f.db.named = nil, []publish.NamedItem{domain} }),
			says: "nothing shows that the site shop.example belongs to account 7"},
		"a domain item and a program": {config: rest, given: func(f *fixture) { f.db.named = []publish.NamedItem{domain} },
			says: "wanted is a line `allow shop.example account 7`"},
		"another account's item of that name": {config: web7, given: hosted(func(f *fixture) { f.db.named = []publish.NamedItem{{Item: 51, Account: bob, Name: "shop.example"}} }),
			says: "item 51 of account 8 carries the name shop.example as well"},
		"a closer line for another account": {config: hook + "allow lb.example account 7\nallow a.lb.example account 8\n", site: "a.lb.example",
			says: "is for account 8, which is closer than the evidence for account 7"},
		"a public suffix": {config: rest + "allow a.co.uk account 7\n", site: "co.uk", says: "nobody's own"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, c.config, publish.On)
			if c.given != nil {
				c.given(f)
			}
			site := cmp.Or(c.site, "shop.example")
			targets, why := f.targets(t, site)
			assert.Empty(t, targets)
			require.ErrorContains(t, why[site], c.says)
		})
	}
}

func TestALineOverridesAnotherAccountsItem(t *testing.T) {
	f := newFixture(t, web7+"zone shop.example\nallow shop.example account 7\n", publish.On)
	f.sites["web7"] = []deliver.Site{{Name: "shop.example", Owner: "bob1"}}
	f.db.named = []publish.NamedItem{{Item: 51, Account: bob, Name: "shop.example"}}
	targets, why := f.targets(t, "shop.example")
	assert.Empty(t, why)
	require.Len(t, targets, 1)
}

func TestEvidenceIsLookedForBeforeEachDelivery(t *testing.T) {
	f := newFixture(t, web7, publish.On)
	f.hosts("web7", 12, "shop.example")
	targets, _ := f.targets(t, "shop.example")
	f.sites["web7"][0].Owner = "bob1"
	require.ErrorIs(t, f.Deliver(t.Context(), order, targets[0], deliver.Certificate{Serial: "1"}), publish.ErrNotOwner)
	f.sites["web7"] = nil
	require.ErrorIs(t, f.Deliver(t.Context(), order, targets[0], deliver.Certificate{Serial: "1"}), deliver.ErrNoBlock)
	assert.Empty(t, f.delivered)
}

func TestTheKeyIsOfferedOnlyWhereTheBlockSaysSo(t *testing.T) {
	f := newFixture(t, web7+hook+"allow lb.example account 7\n", publish.On)
	f.hosts("web7", 12, "shop.example")
	targets, _ := f.targets(t, "shop.example", "lb.example")
	require.Len(t, targets, 2)
	c := deliver.Certificate{Serial: "1", Key: func(context.Context) (string, error) { return "key", nil }}
	for _, target := range targets {
		target.Key = true // what the caller says does not count
		require.NoError(t, f.Deliver(t.Context(), order, target, c))
	}
	assert.Nil(t, f.delivered[0].Key)
	assert.NotNil(t, f.delivered[1].Key)
}

// rules ROTATE-1: a server that cannot be given a key is none whose key can be changed.
func TestNoKeyIsForAPanelThatIsCalledByMgrctl(t *testing.T) {
	f := newFixture(t, strings.Replace(web7, "module 12", "module 12\nkey yes", 1)+web8, publish.On)
	f.hosts("web7", 12, "a.example")
	f.hosts("web8", 13, "b.example")
	targets, _ := f.targets(t, "a.example", "b.example")
	require.Len(t, targets, 2)
	assert.True(t, targets[0].Key)
	assert.False(t, targets[1].Key, "every user of the host could read mgrctl's arguments")
	c := deliver.Certificate{Serial: "2a", Key: func(context.Context) (string, error) { return "key", nil }}
	require.NoError(t, f.Deliver(t.Context(), order, targets[1], c))
	assert.Nil(t, f.delivered[0].Key)
}

func (s onServer) CheckKey(_ context.Context, sites []deliver.Site, names []string) error {
	s.calls = append(s.calls, s.block.Name+" check key "+siteNames(sites)+" for "+strings.Join(names, ","))
	return s.refuses
}

// rules ROTATE-1: before a new key is made, its servers are asked whether they would take it.
func TestAServerIsAskedWhetherItTakesAnotherKey(t *testing.T) {
	f := newFixture(t, strings.Replace(web7, "module 12", "module 12\nkey yes", 1)+web8+hook+"allow lb.example account 7\n", publish.On)
	f.hosts("web7", 12, "a.example", "www.a.example")
	f.hosts("web8", 13, "b.example")
	targets, _ := f.targets(t, "a.example", "www.a.example", "b.example", "lb.example")
	require.Len(t, targets, 3)
	f.took()
	names := []string{"a.example"}
	require.NoError(t, f.CheckKey(t.Context(), order, targets[0], names))
	require.ErrorContains(t, f.CheckKey(t.Context(), order, targets[1], names), "key yes", "mgrctl is given no key")
	require.NoError(t, f.CheckKey(t.Context(), order, targets[2], names))
	calls := slices.DeleteFunc(f.took(), func(call string) bool { return !strings.Contains(call, "check key") })
	assert.Equal(t, []string{"web7 check key a.example for a.example", "hook check key lb.example for a.example"}, calls)
	f.refuses = errors.New("the form is not known")
	require.ErrorContains(t, f.CheckKey(t.Context(), order, targets[0], names), "the form is not known")
	f.db.hostings = nil
	require.ErrorIs(t, f.CheckKey(t.Context(), order, targets[0], names), publish.ErrNotOwner)
}

func TestWhetherABlockMayServeANameIsKnownWithoutItsServer(t *testing.T) {
	mine := "allow shop.example account 7\n"
	for name, c := range map[string]struct {
		config string
		given  func(f *fixture)
		names  []string
		want   bool
	}{
		"no block":                          {config: hook + mine},
		"a panel with an item":              {config: web7 + web8, given: func(f *fixture) { f.hosts("web8", 13, "other.example") }, want: true},
		"a panel without":                   {config: web7 + web8},
		"a panel, by a line":                {config: web7 + mine, want: true},
		"a panel for other sites":           {config: web7 + "zone b.example\n", given: func(f *fixture) { f.hosts("web7", 12, "b.example") }},
		"a program":                         {config: rest + mine, want: true},
		"a program without a line":          {config: rest},
		"a program for others":              {config: rest + "allow shop.example account 8\n"},
		"the closer block has no evidence":  {config: rest + web7 + "zone shop.example\n" + "allow b.example account 7\n"},
		"one name of several":               {config: hook + "allow a.lb.example account 7\n", names: []string{"b.lb.example", "*.a.lb.example"}, want: true},
		"a configuration with a mistake":    {config: "deploy", want: true},
		"a database that does not answer":   {config: web7, given: func(f *fixture) { f.db.err = errors.New("away") }, want: true},
		"no names, nothing to be delivered": {config: rest + mine, names: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, c.config, publish.On)
			if c.given != nil {
				c.given(f)
			}
			if c.names == nil {
				c.names = []string{"shop.example"}
			}
			assert.Equal(t, c.want, f.Possible(t.Context(), order, c.names))
			assert.Empty(t, f.took())
		})
	}
}

func TestNothingIsDeliveredUnlessTheModeIsOn(t *testing.T) {
	f := newFixture(t, web7, publish.Dry)
	f.hosts("web7", 12, "shop.example", "www.shop.example")
	targets, _ := f.targets(t, "shop.example", "www.shop.example")
	require.Len(t, targets, 1)
	assert.Contains(t, f.seen.Text(), "would deliver to shop.example, www.shop.example by deploy web7, without the private key (shop.example belongs to user alice1 of item 70")
	assert.Contains(t, f.calls, "web7 check shop.example")
	require.ErrorContains(t, f.Deliver(t.Context(), order, targets[0], deliver.Certificate{Serial: "1"}), "SSLUnattended is not on")
	assert.Empty(t, f.delivered)

	f.refuses = errors.New("the user may not use sslcert")
	_, _ = f.targets(t, "shop.example")
	assert.Contains(t, f.seen.Text(), "deploy web7 would not deliver to shop.example: the user may not use sslcert")
}

func TestWhatSaysNothingOfANameIsAnErrorOfItsOwn(t *testing.T) {
	f := newFixture(t, web7, publish.On)
	f.hosts("web7", 12, "shop.example")
	f.db.err = fault.Errorf(fault.DB, "item", "the database is away").Retryable()
	_, _, err := f.Targets(t.Context(), order, []string{"shop.example"})
	require.ErrorContains(t, err, "the database is away")

	f.db.err = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.fails["web7"] = context.Canceled
	_, _, err = f.Targets(ctx, order, []string{"shop.example"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAConfigurationWithAMistakeDeliversNothing(t *testing.T) {
	for name, config := range map[string]string{"in a deploy block": "deploy web7 ispmgr\n", "in a publisher": web7 + "publisher a dnsupdate\n"} {
		f := newFixture(t, config, publish.On)
		assert.True(t, f.Configured(), name)
		_, _, err := f.Targets(t.Context(), order, []string{"shop.example"})
		require.ErrorContains(t, err, "nothing is delivered: ", name)
		_, err = f.Seen(t.Context(), deliver.Target{Block: "web7"}, "1")
		require.Error(t, err, name)
	}
	assert.False(t, newFixture(t, "", publish.On).Configured())
	assert.False(t, newFixture(t, "publisher a exec\nprogram /p\nzone *\n", publish.On).Configured())
	assert.True(t, newFixture(t, hook, publish.Off).Configured())
}

func TestABlockThatIsGoneIsAnError(t *testing.T) {
	f := newFixture(t, hook, publish.On)
	gone := deliver.Target{Block: "old", Sites: []string{"lb.example"}}
	require.ErrorContains(t, f.Deliver(t.Context(), order, gone, deliver.Certificate{}), "no deploy old stands in")
	_, err := f.Seen(t.Context(), gone, "2a")
	require.ErrorIs(t, err, deliver.ErrNoBlock)
}

func TestAServerThatDoesNotAnswerIsAskedTwiceInARun(t *testing.T) {
	f := newFixture(t, web7, publish.On)
	f.hosts("web7", 12, "a.example")
	f.fails["web7"] = context.DeadlineExceeded
	for range 3 {
		_, why := f.targets(t, "a.example")
		require.ErrorIs(t, why["a.example"], context.DeadlineExceeded)
	}
	assert.Len(t, f.took(), 2)
}

// A program that hangs takes two minutes of a sweep: the items behind it are left to the next one.
func TestAProgramThatHangsIsCalledOnceInARun(t *testing.T) {
	f := newFixture(t, hook+web7+"allow lb.example account 7\n", publish.On)
	f.hosts("web7", 12, "a.example")
	f.refuses = context.DeadlineExceeded
	targets, _ := f.targets(t, "lb.example", "a.example")
	require.Len(t, targets, 2)
	f.took()
	for _, c := range []struct {
		target deliver.Target
		calls  int
	}{{targets[0], 1}, {targets[1], 2}} {
		for n := range 3 {
			err := f.Deliver(t.Context(), order, c.target, deliver.Certificate{Serial: "2a"})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, n >= c.calls, errors.Is(err, publish.ErrNotAsked), "%s, call %d: %v", c.target.Block, n, err)
		}
		made := slices.DeleteFunc(f.took(), func(call string) bool { return !strings.Contains(call, " deliver ") })
		assert.Len(t, made, c.calls, c.target.Block)
	}
}

func TestCallsTakeNoMoreThanTheBudgetsInAll(t *testing.T) {
	f := newFixture(t, web7, publish.On)
	f.hosts("web7", 12, "shop.example")
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	f.asked = func() { now = now.Add(20 * time.Second) }
	all := deliver.NewBudget(clock, 100*time.Second)
	var made []int
	for range 3 {
		one := deliver.Limit(f.Service, deliver.NewBudget(clock, 50*time.Second), all)
		calls := 0
		for range 10 {
			_, _, err := one.Targets(t.Context(), order, []string{"shop.example"})
			if err == nil {
				calls++
				continue
			}
			require.ErrorIs(t, err, deliver.ErrTimeSpent)
			require.ErrorIs(t, err, context.DeadlineExceeded, "trouble that passes by itself")
			require.ErrorIs(t, one.Deliver(t.Context(), order, deliver.Target{Block: "web7"}, deliver.Certificate{}), deliver.ErrTimeSpent)
			_, err = one.Seen(t.Context(), deliver.Target{Block: "web7"}, "1")
			require.ErrorIs(t, err, deliver.ErrTimeSpent)
		}
		made = append(made, calls)
	}
	assert.Equal(t, []int{3, 2, 0}, made, "each call takes 20 s of an item's 50 s and of the 100 s of all")
}
