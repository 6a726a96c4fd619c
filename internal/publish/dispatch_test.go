package publish_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/publish"
)

// keeper is a publisher that keeps zones and notes what is asked of it.
type keeper struct {
	block   publish.Block
	zones   map[string]publish.Zone // by name below which they are, as the publisher would find them
	calls   []string
	refuses map[string]error // by record name, for Check
	broken  error
	asked   int // for zones
}

func (k *keeper) Zone(_ context.Context, name string) (publish.Zone, bool, error) {
	k.asked++
	for at := name; at != ""; {
		if zone, ok := k.zones[at]; ok {
			return zone, true, k.broken
		}
		_, at, _ = strings.Cut(at, ".")
	}
	return publish.Zone{}, false, k.broken
}

func (k *keeper) Publish(_ context.Context, zone string, r publish.Record, old []string) error {
	k.calls = append(k.calls, fmt.Sprintf("publish %s: %s %d %v", zone, r, r.TTL, old))
	return k.refuses["publish"]
}

func (k *keeper) Withdraw(_ context.Context, zone string, r publish.Record) error {
	k.calls = append(k.calls, fmt.Sprintf("withdraw %s: %s", zone, r))
	return k.refuses["withdraw"]
}

func (k *keeper) Check(_ context.Context, zone string, r publish.Record) error {
	return k.refuses[r.Name]
}

// lines is a log.
type lines struct{ text []string }

func (l *lines) note(level, format string, args ...any) {
	l.text = append(l.text, level+": "+fmt.Sprintf(format, args...))
}
func (l *lines) Warningf(format string, args ...any) { l.note("warning", format, args...) }
func (l *lines) Infof(format string, args ...any)    { l.note("info", format, args...) }
func (l *lines) ExtInfof(format string, args ...any) { l.note("extinfo", format, args...) }
func (l *lines) Debugf(format string, args ...any)   { l.note("debug", format, args...) }

// office is a service with a configuration, a database and publishers.
type office struct {
	publish.Service
	folder string
	db     *database
	log    *lines
	made   map[string]*keeper // by the block's name
	looks  []string
}

// newOffice returns a service over the configuration, whose publishers keep shop.example, and an account that owns it.
func newOffice(t *testing.T, mode publish.Mode, conf string) *office {
	t.Helper()
	o := &office{folder: filepath.Join(t.TempDir(), "pmssl"), log: &lines{}, made: map[string]*keeper{},
		db: &database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}}
	require.NoError(t, os.Mkdir(o.folder, 0o700))
	write(t, filepath.Join(o.folder, "a.conf"), conf, 0o600)
	constructor := func(b publish.Block, _ publish.Env) (publish.Publisher, error) {
		if b.Name == "broken" {
			return nil, errors.New("planted")
		}
		k := &keeper{block: b, zones: map[string]publish.Zone{"shop.example": {Name: "shop.example"}, "bob.example": {Name: "bob.example"}}, refuses: map[string]error{}}
		if b.Kind == publish.KindWebroot {
			k.zones["www.shop.example"] = publish.Zone{Name: "www.shop.example"}
		}
		require.NotContains(t, o.made, b.Name, "a publisher is made once")
		o.made[b.Name] = k
		return k, nil
	}
	o.Service = publish.New(publish.Options{
		Mode: mode, Folder: o.folder, Facts: o.db, Env: publish.Env{Log: o.log},
		Constructors: map[publish.Kind]publish.Constructor{publish.KindDNSUpdate: constructor, publish.KindWebroot: constructor},
		Look: func(_ context.Context, b publish.Block, p publish.Placement) (publish.Sight, error) {
			o.looks = append(o.looks, b.Name+" "+p.Record.Name)
			return publish.Sight{Seen: true}, nil
		},
	})
	return o
}

func server(name, zones string, more ...string) string {
	return "publisher " + name + " dnsupdate\nserver 192.0.2.53\nkey k /k\nzone " + zones + "\n" + strings.Join(more, "\n") + "\n"
}

func order(names ...string) publish.Order {
	return publish.Order{Item: 42, Account: alice, Names: names}
}

func TestARecordIsPlacedPublishedSeenAndWithdrawn(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*", "ttl 120"))
	shop := order("shop.example", "*.shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	require.Equal(t, []publish.Placement{{Publisher: "ns1", Zone: "shop.example", Record: cname("shop.example"), Evidence: "domain item 50 (shop.example) of the account"}}, placed)
	require.NoError(t, o.Publish(t.Context(), shop, placed[0], []string{"old.sectigo.com"}))
	sight, err := o.Look(t.Context(), placed[0])
	require.NoError(t, err)
	assert.True(t, sight.Seen)
	require.NoError(t, o.Withdraw(t.Context(), shop, placed[0]))
	r := cname("shop.example").String()
	assert.Equal(t, []string{"publish shop.example: " + r + " 120 [old.sectigo.com]", "withdraw shop.example: " + r}, o.made["ns1"].calls)
	assert.Equal(t, []string{"ns1 " + placed[0].Record.Name}, o.looks)
	text := strings.Join(o.log.text, "\n")
	assert.Contains(t, text, "info: publisher ns1: published "+r+" in zone shop.example (domain item 50 (shop.example) of the account)")
	assert.Contains(t, text, "info: publisher ns1: withdrew "+r+" from zone shop.example")
}

func TestThePublisherWithTheLongestZoneWins(t *testing.T) {
	conf := server("general", "*") + server("shops", "shop.example") + server("www", "www.shop.example bob.example") +
		"publisher files webroot\nmodule 12\npublisher all webroot\nzone *\n"
	for name, row := range map[string]struct {
		record publish.Record
		want   string
	}{
		"its own zone": {cname("shop.example"), "shops"}, "a longer one": {cname("www.shop.example"), "www"}, "between": {cname("a.shop.example"), "shops"},
		"a file on the module's server": {file("www.shop.example"), "files"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, publish.On, conf)
			o.db.hostings = users(alice, active("alice1"))
			placed, err := o.Place(t.Context(), order(row.record.Domain), []publish.Record{row.record})
			require.NoError(t, err)
			assert.Equal(t, row.want, placed[0].Publisher)
			assert.Len(t, o.made, 1, "the others are not even made")
		})
	}
	o := newOffice(t, publish.On, conf)
	placed, err := o.Place(t.Context(), order("www.shop.example"), []publish.Record{file("www.shop.example")})
	require.NoError(t, err)
	assert.Equal(t, "all", placed[0].Publisher, "without an item on the module")
}

func TestTwoServersOfTheAccountAreNotGuessedBetween(t *testing.T) {
	o := newOffice(t, publish.On, "publisher a webroot\nmodule 12\npublisher b webroot\nmodule 13\n")
	o.db.hostings = users(alice, active("alice1"), publish.Hosting{Item: 71, Module: 13, Active: true})
	_, err := o.Place(t.Context(), order("www.shop.example"), []publish.Record{file("www.shop.example")})
	require.ErrorContains(t, err, "account 7 has items on the modules of publishers a and b: add a line `zone www.shop.example`")
}

func TestOneNameWithoutAPlaceRefusesAll(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	placed, err := o.Place(t.Context(), order("shop.example", "bob.example", "none.example"), []publish.Record{cname("shop.example"), cname("bob.example"), cname("none.example"), file("shop.example")})
	assert.Empty(t, placed)
	require.ErrorIs(t, err, publish.ErrNotOwner)
	var refusal *publish.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Len(t, refusal.Reasons, 3)
	assert.Equal(t, "bob.example", refusal.Reasons[0].Domain)
	require.ErrorContains(t, err, "bob.example: not shown to be the client's own name: nothing shows")
	require.ErrorContains(t, err, "none.example: publisher ns1 keeps no zone for _5d41")
	require.ErrorContains(t, err, "shop.example: no publisher in "+o.folder+" is for file records of shop.example")
	assert.Empty(t, o.made["ns1"].calls)
}

func TestEachWriteChecksAfreshWhoseNameItIs(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	shop := order("shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	o.db.named[0].Active = false
	require.ErrorIs(t, o.Publish(t.Context(), shop, placed[0], nil), publish.ErrNotOwner)
	require.ErrorIs(t, o.Withdraw(t.Context(), shop, placed[0]), publish.ErrNotOwner)
	o.db.named[0].Suspended = true
	require.ErrorIs(t, o.Publish(t.Context(), shop, placed[0], nil), publish.ErrNotOwner)
	require.NoError(t, o.Withdraw(t.Context(), shop, placed[0]))

	forged := placed[0]
	forged.Record, forged.Zone = cname("bob.example"), "bob.example"
	require.ErrorIs(t, o.Publish(t.Context(), shop, forged, nil), publish.ErrNotOwner)
	o.db.named[0].Active = true
	o.made["ns1"].zones = map[string]publish.Zone{"example": {Name: "example"}}
	require.ErrorContains(t, o.Publish(t.Context(), shop, placed[0], nil), "does not keep")
	assert.Len(t, o.made["ns1"].calls, 1)
}

func TestWithdrawingFromAZoneThatIsGoneIsDone(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	shop := order("shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	o.made["ns1"].zones = nil
	require.NoError(t, o.Withdraw(t.Context(), shop, placed[0]))
	assert.Empty(t, o.made["ns1"].calls)
	assert.Contains(t, strings.Join(o.log.text, "\n"), "zone shop.example is gone")
}

func TestWithdrawingFromAZoneThatWasCutLater(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	www := order("www.shop.example")
	placed, err := o.Place(t.Context(), www, []publish.Record{cname("www.shop.example")})
	require.NoError(t, err)
	o.made["ns1"].zones["www.shop.example"] = publish.Zone{Name: "www.shop.example"}
	require.ErrorContains(t, o.Publish(t.Context(), www, placed[0], nil), "any more")
	require.NoError(t, o.Withdraw(t.Context(), www, placed[0]))
	assert.Equal(t, []string{"withdraw shop.example: " + placed[0].Record.String()}, o.made["ns1"].calls)
}

// A zone that the server does not have any more takes its records along. That the block does not name a zone any more does not.
func TestWithdrawingWhatTheBlockIsNotForAnyMore(t *testing.T) {
	o := newOffice(t, publish.On, "publisher files webroot\nzone other.example\n")
	p := publish.Placement{Publisher: "files", Zone: "www.shop.example", Record: file("www.shop.example")}
	_, err := o.Place(t.Context(), order("www.shop.example"), []publish.Record{p.Record})
	require.ErrorContains(t, err, "no publisher")
	_ = o.Publish(t.Context(), order("www.shop.example"), p, nil) // makes the publisher
	o.made["files"].zones, o.made["files"].calls = nil, nil
	require.ErrorContains(t, o.Publish(t.Context(), order("www.shop.example"), p, nil), "does not keep")
	require.NoError(t, o.Withdraw(t.Context(), order("www.shop.example"), p))
	assert.Equal(t, []string{"withdraw www.shop.example: " + p.Record.String()}, o.made["files"].calls)
}

// A block for one host is no way into the zone above it.
func TestAHigherNameIsOneOfTheBlock(t *testing.T) {
	www, higher := cname("www.shop.example"), cname("www.shop.example")
	higher.Name = cname("shop.example").Name
	for conf, want := range map[string]string{
		server("ns1", "www.shop.example", "parent yes"):                                               "",
		server("ns1", "www.shop.example", "parent yes") + server("ns2", "shop.example", "parent yes"): "",
		server("ns1", "www.shop.example shop.example", "parent yes"):                                  higher.Name,
	} {
		o := newOffice(t, publish.On, conf)
		_, err := o.Place(t.Context(), order("www.shop.example"), []publish.Record{www}) // makes the publisher
		require.NoError(t, err)
		o.made["ns1"].refuses = map[string]error{www.Name: publish.ErrWildcard}
		placed, err := o.Place(t.Context(), order("www.shop.example"), []publish.Record{www})
		if want == "" {
			require.ErrorIs(t, err, publish.ErrWildcard)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, want, placed[0].Record.Name)
	}
}

func TestModesOtherThanOnPublishNothing(t *testing.T) {
	for _, mode := range []publish.Mode{publish.Off, publish.Dry} {
		o := newOffice(t, mode, server("ns1", "*"))
		shop := order("shop.example")
		placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
		require.NoError(t, err)
		require.ErrorContains(t, o.Publish(t.Context(), shop, placed[0], nil), "SSLUnattended is not on")
		assert.Empty(t, o.made["ns1"].calls)
		would := "info: would publish " + placed[0].Record.String() + " by publisher ns1 in zone shop.example"
		assert.Equal(t, mode == publish.Dry, strings.Contains(strings.Join(o.log.text, "\n"), would))
		require.NoError(t, o.Withdraw(t.Context(), shop, placed[0]), "what was published has to go")
	}
}

func TestDangersAreFoundBeforeAnythingIsWritten(t *testing.T) {
	www, higher := cname("www.shop.example"), cname("www.shop.example")
	higher.Name = cname("shop.example").Name
	for name, row := range map[string]struct {
		conf     string
		refuses  map[string]error
		standing []publish.Record
		want     string // name of the record that is placed
		err      error
	}{
		"a conflict":                     {server("ns1", "*"), map[string]error{www.Name: publish.ErrConflict}, nil, "", publish.ErrConflict},
		"its own earlier value":          {server("ns1", "*"), map[string]error{www.Name: publish.ErrConflict}, []publish.Record{{Type: publish.CNAME, Name: www.Name, Value: "old.sectigo.com"}}, www.Name, nil},
		"its own value at another place": {server("ns1", "*"), map[string]error{www.Name: publish.ErrConflict}, []publish.Record{{Type: publish.TXT, Name: www.Name}}, "", publish.ErrConflict},
		"a wildcard, and no way up":      {server("ns1", "*"), map[string]error{www.Name: publish.ErrWildcard}, nil, "", publish.ErrWildcard},
		"a wildcard, with its own value": {server("ns1", "*"), map[string]error{www.Name: publish.ErrWildcard}, []publish.Record{www}, "", publish.ErrWildcard},
		"a wildcard, and a way up":       {server("ns1", "*", "parent yes"), map[string]error{www.Name: publish.ErrWildcard}, nil, higher.Name, nil},
		"dangers up to the owned name":   {server("ns1", "*", "parent yes"), map[string]error{www.Name: publish.ErrWildcard, higher.Name: publish.ErrConflict}, nil, "", publish.ErrWildcard},
		"a refusal of the server":        {server("ns1", "*", "parent yes"), map[string]error{www.Name: publish.ErrDenied}, nil, "", publish.ErrDenied},
		"nothing":                        {server("ns1", "*"), nil, nil, www.Name, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, publish.On, row.conf)
			_, err := o.Place(t.Context(), order("shop.example"), []publish.Record{cname("shop.example")}) // makes the publisher
			require.NoError(t, err)
			o.made["ns1"].refuses = row.refuses
			www := publish.Order{Item: 42, Account: alice, Names: []string{"www.shop.example"}, Standing: row.standing}
			placed, err := o.Place(t.Context(), www, []publish.Record{cname("www.shop.example")})
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, placed[0].Record.Name)
			require.NoError(t, o.Publish(t.Context(), www, placed[0], nil))
		})
	}
}

func TestTwoAliasesInOnePlaceAreRefused(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	other := cname("shop.example")
	other.Value = "other.sectigo.com"
	_, err := o.Place(t.Context(), order("shop.example"), []publish.Record{cname("shop.example"), other})
	require.ErrorContains(t, err, "stand in the same place")
	_, err = o.Place(t.Context(), order("shop.example", "*.shop.example"), []publish.Record{cname("shop.example"), cname("shop.example")})
	require.NoError(t, err, "one record for a name and its wildcard")
}

func TestAWrongConfigurationStopsPublishingAlone(t *testing.T) {
	for conf, says := range map[string]string{
		"publisher a nsupdate": `a.conf:1: "nsupdate" is no kind of publisher`,
		"":                     "no publisher is configured in",
		server("broken", "*"):  "a.conf:1: publisher broken: planted",
		"publisher x exec\nprogram /p\nzone *\ntypes cname": "a.conf:1: this program has no publisher of kind exec",
	} {
		o := newOffice(t, publish.On, conf)
		for range 2 {
			_, err := o.Place(t.Context(), order("shop.example"), []publish.Record{cname("shop.example")})
			require.ErrorContains(t, err, says)
		}
		assert.Equal(t, publish.On, o.Mode())
	}
	o := newOffice(t, publish.On, server("ns1", "*"))
	require.NoError(t, os.Chmod(filepath.Join(o.folder, "a.conf"), 0o644))
	_, err := o.Place(t.Context(), order("shop.example"), []publish.Record{cname("shop.example")})
	require.ErrorContains(t, err, "run chmod 600 ")
}

// A mistake of the administrator must not leave records in the zones of clients.
func TestAMistakeElsewhereDoesNotStopRemovals(t *testing.T) {
	good := server("ns1", "*")
	for name, row := range map[string]struct {
		conf, other string // content of a.conf and of b.conf
		mode        os.FileMode
		says        string // why the record stays; empty if it is removed
	}{
		"another file has a mistake":           {good, "publisher ns2 nsupdate", 0o600, ""},
		"another file is open to others":       {good, "", 0o644, ""},
		"another block has a mistake":          {good + server("ns2", "a.example", "ttl x"), "", 0o600, ""},
		"two blocks are for one zone":          {good + server("ns2", "*"), "", 0o600, ""},
		"its own block has a mistake":          {good + "ttl x\n", "", 0o600, "a.conf:6: ttl: "},
		"its own block stands twice":           {good, good, 0o600, "b.conf:1: publisher ns1 stands in "},
		"its own block is open to others":      {"", good, 0o644, "run chmod 600 "},
		"the line that gives it is unreadable": {good, "allow shop.example acount 7", 0o600, "nothing shows that shop.example belongs"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, publish.On, row.conf)
			write(t, filepath.Join(o.folder, "b.conf"), row.other, row.mode)
			if strings.HasPrefix(row.other, "allow") {
				o.db.named = nil
			}
			p := publish.Placement{Publisher: "ns1", Zone: "shop.example", Record: cname("shop.example")}
			_, err := o.Place(t.Context(), order("shop.example"), []publish.Record{p.Record})
			require.ErrorContains(t, err, "nothing is published: ")
			require.ErrorContains(t, o.Publish(t.Context(), order("shop.example"), p, nil), "nothing is published: ")
			_, err = o.Look(t.Context(), p)
			require.ErrorContains(t, err, "nothing is published: ")
			err = o.Withdraw(t.Context(), order("shop.example"), p)
			if row.says != "" {
				require.ErrorContains(t, err, row.says)
				for _, k := range o.made {
					assert.Empty(t, k.calls)
				}
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{"withdraw shop.example: " + p.Record.String()}, o.made["ns1"].calls)
		})
	}
}

func TestNothingIsReadBeforeTheFirstUse(t *testing.T) {
	s := publish.New(publish.Options{Mode: publish.On, Best: true, Folder: "/nonexistent"})
	assert.Equal(t, publish.On, s.Mode())
	assert.True(t, s.Best())
}

func TestARecordOfAPublisherThatIsGoneIsNamed(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	p := publish.Placement{Publisher: "ns9", Zone: "shop.example", Record: cname("shop.example")}
	err := o.Withdraw(t.Context(), order("shop.example"), p)
	require.ErrorContains(t, err, "no publisher ns9 for CNAME records stands in "+o.folder+" any more")
	require.ErrorContains(t, err, "by hand")
	require.ErrorIs(t, err, publish.ErrNoPublisher)
	_, err = o.Look(t.Context(), p)
	require.ErrorContains(t, err, "no publisher ns9")
	o = newOffice(t, publish.On, "publisher ns9 nsupdate\n")
	require.NotErrorIs(t, o.Withdraw(t.Context(), order("shop.example"), p), publish.ErrNoPublisher, "a mistake may hide it")
}

// What no publisher is for is left to the client. What a block promises is not, and neither is what cannot be read.
func TestARecordThatNoPublisherIsForIsRecognised(t *testing.T) {
	for _, row := range []struct {
		name, conf string
		record     publish.Record
		unserved   bool
	}{
		{name: "another zone", conf: server("ns1", "bob.example"), record: cname("shop.example"), unserved: true},
		{name: "another kind of record", conf: server("ns1", "shop.example"), record: file("shop.example"), unserved: true},
		{name: "no block", conf: "allow shop.example account 7\n", record: cname("shop.example"), unserved: true},
		{name: "a server of all zones without this one", conf: server("ns1", "*"), record: cname("none.example"), unserved: true},
		{name: "a server without the zone of its block", conf: server("ns1", "none.example"), record: cname("none.example")},
		{name: "another client's name", conf: server("ns1", "*"), record: cname("bob.example")},
		{name: "a mistake", conf: "publisher ns1 nsupdate\n", record: cname("shop.example")},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := newOffice(t, publish.On, row.conf)
			_, err := o.Place(t.Context(), order(row.record.Domain), []publish.Record{row.record})
			require.Error(t, err)
			assert.Equal(t, row.unserved, errors.Is(err, publish.ErrNoPublisher), "%v", err)
		})
	}
}

func TestFailuresOfPublishersAndFactsAreTold(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	shop := order("shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	ns1 := o.made["ns1"]
	ns1.refuses = map[string]error{"publish": publish.ErrDenied, "withdraw": publish.ErrDenied}
	require.ErrorIs(t, o.Publish(t.Context(), shop, placed[0], nil), publish.ErrDenied)
	require.ErrorIs(t, o.Withdraw(t.Context(), shop, placed[0]), publish.ErrDenied)
	assert.NotContains(t, strings.Join(o.log.text, "\n"), "published")
	ns1.broken = errors.New("no answer")
	for _, err := range []error{o.Publish(t.Context(), shop, placed[0], nil), o.Withdraw(t.Context(), shop, placed[0])} {
		require.ErrorContains(t, err, "publisher ns1: no answer")
	}
	ns1.broken, o.db.err = nil, fault.Errorf(fault.DB, "item", "gone").Retryable()
	_, err = o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.Error(t, err)
	var refusal *publish.Refusal
	assert.False(t, errors.As(err, &refusal), "a database that fails for now says nothing of the name")
	assert.True(t, fault.From(err).Retry)
}

// perItem is a publisher that wants to know the item.
type perItem struct{ *keeper }

func (p perItem) ForItem(item int64) publish.Publisher {
	p.calls = append(p.calls, fmt.Sprintf("item %d", item))
	return p.keeper
}

func TestAPublisherThatWantsToKnowTheItemIsTold(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	k := &keeper{zones: map[string]publish.Zone{"shop.example": {Name: "shop.example"}}, refuses: map[string]error{}}
	s := publish.New(publish.Options{
		Mode: publish.On, Folder: o.folder, Facts: o.db, Env: publish.Env{Log: o.log},
		Constructors: map[publish.Kind]publish.Constructor{publish.KindDNSUpdate: func(publish.Block, publish.Env) (publish.Publisher, error) {
			return perItem{k}, nil
		}},
	})
	placed, err := s.Place(t.Context(), order("shop.example"), []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	require.NoError(t, s.Publish(t.Context(), order("shop.example"), placed[0], nil))
	require.NoError(t, s.Withdraw(t.Context(), order("shop.example"), placed[0]))
	require.Len(t, k.calls, 4)
	assert.Equal(t, []string{"item 42", "item 42"}, []string{k.calls[0], k.calls[2]})
}

// An order may have a hundred names, and a sweep hundreds of orders.
func TestAPublisherThatIsSilentIsNotWaitedForAgainAndAgain(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*")+server("ns2", "bob.example"))
	shop := order("shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	ns1 := o.made["ns1"]
	ns1.asked, ns1.broken = 0, fmt.Errorf("no answer: %w", context.DeadlineExceeded)
	for range 50 {
		_, err = o.Place(t.Context(), shop, []publish.Record{cname("shop.example"), cname("shop.example")})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, o.Withdraw(t.Context(), shop, placed[0]), context.DeadlineExceeded)
	}
	assert.Equal(t, 2, ns1.asked)
	_, err = o.Place(t.Context(), order("bob.example"), []publish.Record{cname("bob.example")})
	assert.NotErrorIs(t, err, context.DeadlineExceeded, "another publisher is asked")
}

func TestAServerThatTakesNoChangesIsNotWaitedForAgainAndAgain(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	shop := order("shop.example")
	placed, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
	require.NoError(t, err)
	ns1 := o.made["ns1"]
	ns1.refuses["publish"] = context.DeadlineExceeded
	for range 50 {
		require.ErrorIs(t, o.Publish(t.Context(), shop, placed[0], nil), context.DeadlineExceeded)
	}
	assert.Len(t, ns1.calls, 2)
	require.NoError(t, o.Withdraw(t.Context(), shop, placed[0]), "what may stand is removed all the same")
}

func TestAnAnswerEndsTheSilenceOfAPublisher(t *testing.T) {
	o := newOffice(t, publish.On, server("ns1", "*"))
	shop := order("shop.example")
	for range 5 {
		_, err := o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
		require.NoError(t, err)
		o.made["ns1"].broken = context.DeadlineExceeded
		_, err = o.Place(t.Context(), shop, []publish.Record{cname("shop.example")})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		o.made["ns1"].broken = nil
	}
}
