package publish_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/publicsuffix"

	"pmssl/internal/publish"
)

// Accounts of the tests: alice orders the certificate, bob is another client.
const (
	alice = 7
	bob   = 8
)

// database is a panel's database with these items.
type database struct {
	hostings map[int64][]publish.Hosting // by account
	named    []publish.NamedItem
	err      error
	params   []string // names of user parameters that were asked for
}

func (d *database) Hostings(_ context.Context, account int64, modules []int64, userParam string) ([]publish.Hosting, error) {
	d.params = append(d.params, userParam)
	return slices.DeleteFunc(slices.Clone(d.hostings[account]), func(h publish.Hosting) bool { return !slices.Contains(modules, h.Module) }), d.err
}

func (d *database) NamedItems(_ context.Context, names []string) ([]publish.NamedItem, error) {
	return slices.DeleteFunc(slices.Clone(d.named), func(i publish.NamedItem) bool { return !slices.Contains(names, i.Name) }), d.err
}

func (d *database) OthersBelow(_ context.Context, parents []string, account int64) ([]publish.NamedItem, error) {
	return slices.DeleteFunc(slices.Clone(d.named), func(i publish.NamedItem) bool {
		_, parent, _ := strings.Cut(i.Name, ".")
		return !slices.Contains(parents, parent) || i.Account == account
	}), d.err
}

// cname returns the CNAME challenge of a name.
func cname(domain string) publish.Record {
	return publish.Record{Domain: domain, Type: publish.CNAME, Name: "_5d41402abc4b2a76b9719d911017c592." + domain, Value: "a1.b2.sectigo.com"}
}

// file returns the file challenge of a name.
func file(host string) publish.Record {
	return publish.Record{Domain: host, Type: publish.File, Name: host, Path: "/.well-known/pki-validation/5D41402A.txt", Value: "AB12\nsectigo.com\nu1"}
}

func domainItem(item, account int64, name string) publish.NamedItem {
	return publish.NamedItem{Item: item, Account: account, Name: name, Domain: true, Active: true}
}

func ispmgr() publish.Block {
	return publish.Block{Name: "web7", Kind: publish.KindISPmgr, Modules: []int64{12}}
}

func nameServer() publish.Block { return publish.Block{Name: "ns1", Kind: publish.KindDNSUpdate} }

func webroot(modules ...int64) publish.Block {
	return publish.Block{Name: "files", Kind: publish.KindWebroot, Modules: modules}
}

// claim is alice's claim to the name through a name server that knows no owners.
func claim(name string) publish.Claim {
	return publish.Claim{
		Order: publish.Order{Item: 42, Account: alice, Names: []string{name}}, Record: cname(name),
		Block: nameServer(), Zone: publish.Zone{Name: name},
	}
}

// hosted is alice's claim to the name on a panel that keeps it in the zone of the owner.
func hosted(name, zone, owner string) publish.Claim {
	c := claim(name)
	c.Block, c.Zone = ispmgr(), publish.Zone{Name: zone, Owner: owner}
	return c
}

func with(c publish.Claim, change func(*publish.Claim)) publish.Claim {
	change(&c)
	return c
}

func users(account int64, users ...publish.Hosting) map[int64][]publish.Hosting {
	return map[int64][]publish.Hosting{account: users}
}

// active is an active hosting item on the server of the block ispmgr.
func active(user string) publish.Hosting {
	return publish.Hosting{Item: 70, Module: 12, User: user, Active: true}
}

func TestOneEvidenceIsEnough(t *testing.T) {
	allow := func(zone string, account int64) []publish.Allow {
		return []publish.Allow{{Zone: zone, Account: account, Pos: "a.conf:3"}}
	}
	for name, row := range map[string]struct {
		claim publish.Claim
		db    database
		want  string
	}{
		"1: the zone's owner is the user of an active item": {hosted("shop.example", "shop.example", "alice1"),
			database{hostings: users(alice, active("alice1"))}, "shop.example belongs to user alice1 of item 70"},
		"1: a name below the zone": {hosted("www.shop.example", "shop.example", "alice1"),
			database{hostings: users(alice, active("alice1"))}, "shop.example belongs to user alice1 of item 70"},
		"2: an active domain item": {claim("shop.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"2: of a parent": {with(claim("a.b.shop.example"), func(c *publish.Claim) { c.Zone.Name = "shop.example" }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"2: of the base of a wildcard": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Names = []string{"*.shop.example"} }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"2: an internationalised name": {claim("xn--e1afmkfd.xn--p1ai"),
			database{named: []publish.NamedItem{domainItem(50, alice, "xn--e1afmkfd.xn--p1ai")}}, "domain item 50 (xn--e1afmkfd.xn--p1ai) of the account"},
		"3: PowerDNS says whose the zone is": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Block.Kind, c.Zone.Account = publish.KindPowerDNS, "bm7"
		}), database{}, "zone shop.example has the account bm7"},
		"4: an administrator's line": {with(claim("www.shop.example"), func(c *publish.Claim) { c.Allows = allow("shop.example", alice) }),
			database{}, "a.conf:3: allow shop.example account 7"},
		"4 overrides another account's item": {with(claim("shop.example"), func(c *publish.Claim) { c.Allows = allow("shop.example", alice) }),
			database{named: []publish.NamedItem{domainItem(51, bob, "shop.example")}}, "a.conf:3: allow shop.example account 7"},
		"the longer evidence counts against another account's parent": {with(claim("a.shop.example"), func(c *publish.Claim) { c.Zone.Name = "shop.example" }),
			database{named: []publish.NamedItem{domainItem(51, bob, "shop.example"), domainItem(50, alice, "a.shop.example")}}, "domain item 50 (a.shop.example) of the account"},
		"a file with a domain item and an item on the server": {with(claim("shop.example"), func(c *publish.Claim) { c.Record, c.Block = file("shop.example"), webroot(12) }),
			database{hostings: users(alice, active("alice1")), named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"a file with an administrator's line and no modules": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Record, c.Block, c.Allows = file("shop.example"), webroot(), allow("shop.example", alice)
		}), database{}, "a.conf:3: allow shop.example account 7"},
		"a higher owned name where the block says so": {with(claim("www.shop.example"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name = true, "shop.example", cname("shop.example").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"above the name and at another one of the certificate": {with(claim("www.shop.example"), func(c *publish.Claim) {
			c.Order.Names, c.Zone.Name, c.Record.Name = []string{"www.shop.example", "shop.example"}, "shop.example", cname("shop.example").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"a wildcard that covers no name of another account": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Names = []string{"*.shop.example"} }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "a.bob.shop.example"}, {Item: 62, Account: bob, Name: "bob.other.example"}}},
			"domain item 50 (shop.example) of the account"},
		"a wildcard and an administrator's line for all that it covers": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Order.Names, c.Allows = []string{"*.shop.example"}, allow("shop.example", alice)
		}), database{named: []publish.NamedItem{{Item: 61, Account: bob, Name: "bob.shop.example"}}}, "a.conf:3: allow shop.example account 7"},
		"a wildcard and an administrator's line for the name of another account": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Order.Names, c.Allows = []string{"*.shop.example"}, allow("bob.shop.example", alice)
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}}, "domain item 50 (shop.example) of the account"},
		"a name below that an administrator's line gives": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Order.Names, c.Allows = []string{"shop.example", "bob.shop.example"}, allow("bob.shop.example", alice)
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}}, "domain item 50 (shop.example) of the account"},
		"a higher name for one that an administrator's line gives": {with(claim("bob.shop.example"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name, c.Allows = true, "shop.example", cname("shop.example").Name, allow("bob.shop.example", alice)
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}}, "domain item 50 (shop.example) of the account"},
		"a name of another account below a host that serves a file": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Record, c.Block, c.Order.Names = file("shop.example"), webroot(), []string{"shop.example", "bob.shop.example"}
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}}, "domain item 50 (shop.example) of the account"},
		"a higher name, to withdraw, whose block has no `parent yes` any more": {with(claim("www.shop.example"), func(c *publish.Claim) {
			c.Withdraw, c.Zone.Name, c.Record.Name = true, "shop.example", cname("shop.example").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"a file, to withdraw, of an account whose hosting is gone": {with(claim("shop.example"), func(c *publish.Claim) { c.Record, c.Block, c.Withdraw = file("shop.example"), webroot(12), true }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "domain item 50 (shop.example) of the account"},
		"a suspended item, to withdraw": {with(hosted("shop.example", "shop.example", "alice1"), func(c *publish.Claim) { c.Withdraw = true }),
			database{hostings: users(alice, publish.Hosting{Item: 70, Module: 12, User: "alice1"})}, "shop.example belongs to user alice1 of item 70"},
		"a suspended domain, to withdraw": {with(claim("shop.example"), func(c *publish.Claim) { c.Withdraw = true }),
			database{named: []publish.NamedItem{{Item: 50, Account: alice, Name: "shop.example", Domain: true, Suspended: true}}}, "domain item 50 (shop.example) of the account"},
		"another account's item does not keep what was written in the zone": {with(claim("shop.example"), func(c *publish.Claim) { c.Withdraw = true }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 51, Account: bob, Name: "shop.example"}}}, "domain item 50 (shop.example) of the account"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := row.claim.Evidence(t.Context(), &row.db)
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
		})
	}
}

// docs/reference/unattended.md §9: alice wants a certificate for a name that is not hers.
func TestAttacksAreRefused(t *testing.T) {
	for name, row := range map[string]struct {
		claim publish.Claim
		db    database
		says  string
	}{
		"nothing is known": {claim("shop.example"), database{}, "nothing shows that shop.example belongs to account 7"},
		"another client's domain": {claim("bob.example"),
			database{named: []publish.NamedItem{domainItem(51, bob, "bob.example")}}, "nothing shows"},
		"a vhost with the typed name": {claim("bob.example"),
			database{named: []publish.NamedItem{{Item: 60, Account: alice, Name: "bob.example", Active: true}}}, "nothing shows"},
		"a typed vhost beside a hosting item on the server": {hosted("bob.example", "bob.example", "bob1"),
			database{hostings: users(alice, active("alice1")), named: []publish.NamedItem{{Item: 60, Account: alice, Name: "bob.example", Active: true}}}, "nothing shows"},
		"an unpaid domain order": {claim("bob.example"),
			database{named: []publish.NamedItem{{Item: 60, Account: alice, Name: "bob.example", Domain: true}}}, "nothing shows"},
		"a suspended domain": {claim("shop.example"),
			database{named: []publish.NamedItem{{Item: 60, Account: alice, Name: "shop.example", Domain: true, Suspended: true}}}, "nothing shows"},
		"an unpaid domain, to withdraw": {with(claim("bob.example"), func(c *publish.Claim) { c.Withdraw = true }),
			database{named: []publish.NamedItem{{Item: 60, Account: alice, Name: "bob.example", Domain: true}}}, "nothing shows"},
		"an unpaid hosting order with another client's user name": {hosted("bob.example", "bob.example", "bob1"),
			database{hostings: users(alice, publish.Hosting{Item: 70, Module: 12, User: "bob1"})}, "nothing shows"},
		"the same user name on another server": {hosted("bob.example", "bob.example", "bob1"),
			database{hostings: users(alice, publish.Hosting{Item: 70, Module: 13, User: "bob1", Active: true})}, "nothing shows"},
		"the same user name in another case": {hosted("bob.example", "bob.example", "bob1"),
			database{hostings: users(alice, active("BOB1"))}, "nothing shows"},
		"a zone without an owner and an item without a user": {hosted("bob.example", "bob.example", ""),
			database{hostings: users(alice, active(""))}, "nothing shows"},
		"a zone of root": {hosted("bob.example", "bob.example", "root"),
			database{hostings: users(alice, active("root"))}, "nothing shows"},
		"a block without modules": {with(hosted("shop.example", "shop.example", "alice1"), func(c *publish.Claim) { c.Block.Modules = nil }),
			database{hostings: users(alice, active("alice1"))}, "nothing shows"},
		"an owner that another kind of publisher names": {with(hosted("shop.example", "shop.example", "alice1"), func(c *publish.Claim) { c.Block.Kind = publish.KindExec }),
			database{hostings: users(alice, active("alice1"))}, "nothing shows"},
		"a child of another client's zone": {hosted("alice.bob.example", "bob.example", "bob1"),
			database{hostings: users(alice, active("alice1")), named: []publish.NamedItem{domainItem(51, bob, "bob.example")}}, "nothing shows"},
		"a child of another client's domain, typed": {with(claim("alice.bob.example"), func(c *publish.Claim) { c.Zone.Name = "bob.example" }),
			database{named: []publish.NamedItem{{Item: 60, Account: alice, Name: "alice.bob.example", Active: true}, domainItem(51, bob, "bob.example")}}, "nothing shows"},
		"a child that another client has": {with(claim("bob.shop.example"), func(c *publish.Claim) { c.Zone.Name = "shop.example" }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}},
			"item 61 of account 8 carries the name bob.shop.example as well"},
		"a wildcard over a child that another client has": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Names = []string{"*.shop.example"} }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}},
			"item 61 of account 8 carries the name bob.shop.example as well; if account 7 may have certificates for it, add `allow bob.shop.example account 7`"},
		"a wildcard over an administrator's line for another account": {with(claim("shop.example"), func(c *publish.Claim) {
			c.Order.Names = []string{"*.shop.example"}
			c.Allows = []publish.Allow{{Zone: "shop.example", Account: alice, Pos: "a.conf:1"}, {Zone: "bob.shop.example", Account: bob, Pos: "a.conf:2"}}
		}), database{}, "a.conf:2: bob.shop.example is for account 8"},
		"a child that another client has, without a record of its own": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Names = []string{"shop.example", "bob.shop.example"} }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}},
			"item 61 of account 8 carries the name bob.shop.example as well"},
		"below a child that another client has, without a record of its own": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Names = []string{"shop.example", "*.a.bob.shop.example"} }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}},
			"item 61 of account 8 carries the name bob.shop.example as well"},
		"a higher name for a child of an administrator's line for another account": {with(claim("a.bob.shop.example"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name = true, "shop.example", cname("shop.example").Name
			c.Allows = []publish.Allow{{Zone: "shop.example", Account: alice, Pos: "a.conf:1"}, {Zone: "bob.shop.example", Account: bob, Pos: "a.conf:2"}}
		}), database{}, "a.conf:2: bob.shop.example is for account 8"},
		"a domain that two accounts have": {claim("shop.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), domainItem(51, bob, "shop.example")}},
			"item 51 of account 8 carries the name shop.example as well; if account 7 may have certificates for it, add `allow shop.example account 7`"},
		"another client's third level below a free domain": {with(claim("bob.free.example"), func(c *publish.Claim) { c.Zone.Name = "free.example" }),
			database{named: []publish.NamedItem{domainItem(50, alice, "alice.free.example"), {Item: 61, Account: bob, Name: "bob.free.example", Active: true}}}, "nothing shows"},
		"the free domain itself": {claim("free.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "alice.free.example")}}, "nothing shows"},
		"a public suffix": {claim("co.uk"),
			database{named: []publish.NamedItem{domainItem(50, alice, "co.uk")}}, "public suffix"},
		"a private public suffix": {claim("github.io"),
			database{named: []publish.NamedItem{domainItem(50, alice, "github.io")}}, "public suffix"},
		"a public suffix by an administrator's line": {with(claim("co.uk"), func(c *publish.Claim) { c.Allows = []publish.Allow{{Zone: "co.uk", Account: alice}} }),
			database{}, "public suffix"},
		"a name below a public suffix that the account holds": {with(claim("bob.co.uk"), func(c *publish.Claim) { c.Zone.Name = "co.uk" }),
			database{named: []publish.NamedItem{domainItem(50, alice, "co.uk")}}, "nothing shows"},
		"a zone at a private public suffix": {with(hosted("bob.github.io", "github.io", "alice1"), func(c *publish.Claim) {}),
			database{hostings: users(alice, active("alice1"))}, "nothing shows"},
		"a higher name above the owned one": {with(claim("a.b.example"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name = true, "b.example", cname("b.example").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "a.b.example")}}, "nothing shows"},
		"a higher name at a public suffix": {with(claim("shop.co.uk"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name = true, "co.uk", cname("co.uk").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.co.uk")}}, "public suffix"},
		"a higher name for another client's name": {with(claim("bob.shop.example"), func(c *publish.Claim) {
			c.Block.Higher, c.Zone.Name, c.Record.Name = true, "shop.example", cname("shop.example").Name
		}), database{named: []publish.NamedItem{domainItem(50, alice, "shop.example"), {Item: 61, Account: bob, Name: "bob.shop.example"}}},
			"item 61 of account 8 carries the name bob.shop.example as well"},
		// аpple.example with a Cyrillic а, and apple.example
		"an IDN twin of the owned name": {claim("xn--pple-43d.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "apple.example")}}, "nothing shows"},
		"an owned IDN twin": {claim("apple.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "xn--pple-43d.example")}}, "nothing shows"},
		"a U-label in a record": {with(claim("xn--pple-43d.example"), func(c *publish.Claim) {
			c.Record.Name, c.Order.Names, c.Record.Domain = "_5d41.аpple.example", []string{"аpple.example"}, "аpple.example"
		}), database{named: []publish.NamedItem{domainItem(50, alice, "аpple.example")}}, "is no name of the certificate"},
		"a name that ends like the owned one": {claim("notshop.example"),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "nothing shows"},
		"PowerDNS: another account":              {with(claim("bob.example"), func(c *publish.Claim) { c.Block.Kind, c.Zone.Account = publish.KindPowerDNS, "bm8" }), database{}, "nothing shows"},
		"PowerDNS: an account that begins alike": {with(claim("bob.example"), func(c *publish.Claim) { c.Block.Kind, c.Zone.Account = publish.KindPowerDNS, "bm77" }), database{}, "nothing shows"},
		"PowerDNS: a child that another client has": {with(claim("bob.shop.example"), func(c *publish.Claim) {
			c.Block.Kind, c.Zone = publish.KindPowerDNS, publish.Zone{Name: "shop.example", Account: "bm7"}
		}), database{named: []publish.NamedItem{{Item: 61, Account: bob, Name: "bob.shop.example"}}}, "item 61 of account 8"},
		"the field account elsewhere than in PowerDNS": {with(claim("bob.example"), func(c *publish.Claim) { c.Zone.Account = "bm7" }), database{}, "nothing shows"},
		"an administrator's line for another account": {with(claim("bob.example"), func(c *publish.Claim) { c.Allows = []publish.Allow{{Zone: "bob.example", Account: bob}} }),
			database{}, "nothing shows"},
		"an administrator's line for a child": {with(claim("bob.example"), func(c *publish.Claim) { c.Allows = []publish.Allow{{Zone: "www.bob.example", Account: alice}} }),
			database{}, "nothing shows"},
		"an administrator's closer line for another account": {with(claim("bob.shop.example"), func(c *publish.Claim) {
			c.Zone.Name = "shop.example"
			c.Allows = []publish.Allow{{Zone: "shop.example", Account: alice, Pos: "a.conf:1"}, {Zone: "bob.shop.example", Account: bob, Pos: "a.conf:2"}}
		}), database{}, "a.conf:2: bob.shop.example is for account 8"},
		"a file without an item on the server": {with(claim("shop.example"), func(c *publish.Claim) { c.Record, c.Block = file("shop.example"), webroot(12) }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "account 7 has no active item on processing module 12"},
		"a file with an item on the server alone": {with(claim("bob.example"), func(c *publish.Claim) { c.Record, c.Block = file("bob.example"), webroot(12) }),
			database{hostings: users(alice, active("alice1"))}, "nothing shows"},
		"a file with a suspended item on the server": {with(claim("shop.example"), func(c *publish.Claim) { c.Record, c.Block = file("shop.example"), webroot(12) }),
			database{hostings: users(alice, publish.Hosting{Item: 70, Module: 12}), named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "no active item on processing module 12"},
		"a zone that does not hold the name": {with(claim("shop.example"), func(c *publish.Claim) { c.Zone.Name = "bob.example" }),
			database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}, "is not in the zone bob.example"},
		"an order without an account": {with(claim("shop.example"), func(c *publish.Claim) { c.Order.Account = 0 }),
			database{named: []publish.NamedItem{domainItem(50, 0, "shop.example")}}, "has no account"},
	} {
		t.Run(name, func(t *testing.T) {
			evidence, err := row.claim.Evidence(t.Context(), &row.db)
			require.ErrorIs(t, err, publish.ErrNotOwner)
			assert.ErrorContains(t, err, row.says)
			assert.Empty(t, evidence)
		})
	}
}

// What stands in a record comes from a seller: it is no way to another place.
func TestRecordsInOtherPlacesAreRefused(t *testing.T) {
	db := database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}
	dns, files := claim("shop.example"), with(claim("shop.example"), func(c *publish.Claim) { c.Record, c.Block = file("shop.example"), webroot() })
	for _, c := range []publish.Claim{dns, files} {
		_, err := c.Evidence(t.Context(), &db)
		require.NoError(t, err)
	}
	for name, c := range map[string]publish.Claim{
		"the host itself":              with(dns, func(c *publish.Claim) { c.Record.Name = "shop.example" }),
		"a label without _":            with(dns, func(c *publish.Claim) { c.Record.Name = "www.shop.example" }),
		"two labels":                   with(dns, func(c *publish.Claim) { c.Record.Name = "_5d41._tcp.shop.example" }),
		"a further label":              with(dns, func(c *publish.Claim) { c.Record.Name = "_5d41.www.shop.example" }),
		"a bare _":                     with(dns, func(c *publish.Claim) { c.Record.Name = "_.shop.example" }),
		"a label of 64 characters":     with(dns, func(c *publish.Claim) { c.Record.Name = "_" + strings.Repeat("a", 63) + ".shop.example" }),
		"upper case":                   with(dns, func(c *publish.Claim) { c.Record.Name = "_5D41.shop.example" }),
		"a final dot":                  with(dns, func(c *publish.Claim) { c.Record.Name += "." }),
		"a wildcard":                   with(dns, func(c *publish.Claim) { c.Record.Name = "_5d41.*.shop.example" }),
		"another domain":               with(dns, func(c *publish.Claim) { c.Record.Name = "_5d41.bob.example" }),
		"a dot inside of a label":      with(dns, func(c *publish.Claim) { c.Record.Name = `_5d41\.x.shop.example` }),
		"a blank":                      with(dns, func(c *publish.Claim) { c.Record.Name = "_5d 41.shop.example" }),
		"ACME's label":                 with(dns, func(c *publish.Claim) { c.Record.Name = "_acme-challenge.shop.example" }),
		"DMARC's label":                with(dns, func(c *publish.Claim) { c.Record.Name = "_dmarc.shop.example" }),
		"a lasting proof":              with(dns, func(c *publish.Claim) { c.Record.Name = "_validation-persist.shop.example" }),
		"CAA":                          with(dns, func(c *publish.Claim) { c.Record.Type = "CAA" }),
		"no type":                      with(dns, func(c *publish.Claim) { c.Record.Type = "" }),
		"a path in DNS":                with(dns, func(c *publish.Claim) { c.Record.Path = "/x" }),
		"a domain of no certificate":   with(dns, func(c *publish.Claim) { c.Order.Names = []string{"other.example"} }),
		"a higher name without parent": with(dns, func(c *publish.Claim) { c.Order.Names = []string{"a.shop.example"}; c.Record.Domain = "a.shop.example" }),
		"a file of another host":       with(files, func(c *publish.Claim) { c.Record.Name = "bob.example" }),
		"a file of a wildcard":         with(files, func(c *publish.Claim) { c.Order.Names = []string{"*.shop.example"} }),
		"a host with ..":               with(files, func(c *publish.Claim) { c.Record.Name = "../shop.example" }),
		"a host with /":                with(files, func(c *publish.Claim) { c.Record.Name = "shop.example/x" }),
		"a host with .. in the order":  with(files, func(c *publish.Claim) { c.Record.Name = ".."; c.Record.Domain = ".."; c.Order.Names = []string{".."} }),
		"a host in upper case":         with(files, func(c *publish.Claim) { c.Record.Name = "Shop.example" }),
		"a path elsewhere":             with(files, func(c *publish.Claim) { c.Record.Path = "/index.html" }),
		"a path with ..":               with(files, func(c *publish.Claim) { c.Record.Path = "/.well-known/pki-validation/../x.txt" }),
		"a path with a folder":         with(files, func(c *publish.Claim) { c.Record.Path = "/.well-known/pki-validation/a/b.txt" }),
		"a path with a line break":     with(files, func(c *publish.Claim) { c.Record.Path += "\n" }),
		"another ending":               with(files, func(c *publish.Claim) { c.Record.Path = "/.well-known/pki-validation/a.php" }),
		"ACME's folder":                with(files, func(c *publish.Claim) { c.Record.Path = "/.well-known/acme-challenge/a.txt" }),
		"a file for a name beside": with(files, func(c *publish.Claim) {
			c.Order.Names = []string{"shop.example", "b.example"}
			c.Record.Domain = "b.example"
		}),
		"a file for a name above": with(files, func(c *publish.Claim) {
			c.Order.Names = []string{"shop.example", "a.shop.example"}
			c.Record.Name = "a.shop.example"
		}),
		"a file below a host of no use": with(files, func(c *publish.Claim) { c.Record.Name = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Evidence(t.Context(), &db)
			require.ErrorIs(t, err, publish.ErrNotOwner)
		})
	}
}

func TestValuesThatNoSellerAsksForAreRefused(t *testing.T) {
	db := database{named: []publish.NamedItem{domainItem(50, alice, "shop.example")}}
	for _, row := range []struct {
		kind  publish.Type
		value string
	}{
		{publish.CNAME, ""}, {publish.CNAME, "sectigo"}, {publish.CNAME, "a b.sectigo.com"}, {publish.CNAME, "a.sectigo.com\n"}, {publish.CNAME, "$INCLUDE.x"},
		{publish.CNAME, ".sectigo.com"}, {publish.CNAME, "-a.sectigo.com"}, {publish.CNAME, "a..com"}, {publish.CNAME, "a.b_c"},
		{publish.CNAME, strings.Repeat("a", 64) + ".sectigo.com"}, {publish.CNAME, strings.Repeat("a.", 126) + "com"}, {publish.CNAME, "a.sectigo.com.."},
		{publish.TXT, ""}, {publish.TXT, "a\nb"}, {publish.TXT, "é"}, {publish.TXT, strings.Repeat("a", 256)},
		{publish.File, ""}, {publish.File, "a\x00"}, {publish.File, strings.Repeat("a", 9000)},
	} {
		c := claim("shop.example")
		if c.Record.Type = row.kind; row.kind == publish.File {
			c.Record = file("shop.example")
		}
		c.Record.Value = row.value
		_, err := c.Evidence(t.Context(), &db)
		assert.Error(t, err, "%s %q", row.kind, row.value)
	}
}

func TestFactsThatCannotBeReadRefuse(t *testing.T) {
	broken := errors.New("the database is gone")
	for _, c := range []publish.Claim{claim("shop.example"), hosted("shop.example", "shop.example", "alice1")} {
		_, err := c.Evidence(t.Context(), &database{err: broken, hostings: users(alice, active("alice1")), named: []publish.NamedItem{domainItem(50, alice, "shop.example")}})
		require.ErrorIs(t, err, broken)
	}
}

func TestTheUserParameterIsTheBlocks(t *testing.T) {
	c := hosted("shop.example", "shop.example", "alice1")
	db := database{hostings: users(alice, active("alice1"))}
	_, err := c.Evidence(t.Context(), &db)
	require.NoError(t, err)
	c.Block.User = "login"
	_, err = c.Evidence(t.Context(), &db)
	require.NoError(t, err)
	assert.Equal(t, []string{"username", "login"}, db.params)
}

// Whatever the names are: a record is alice's only below the name of her domain, which no suffix and no item of bob stands
// between.
func FuzzEvidence(f *testing.F) {
	f.Add("shop.example", "_5d41.shop.example", "shop.example", "shop.example", "bob.shop.example", true)
	f.Add("a.b.co.uk", "_5d41.b.co.uk", "co.uk", "b.co.uk", "b.co.uk", true)
	f.Add("*.shop.example", "_5d41.shop.example", "shop.example", "example", "x.shop.example", false)
	f.Add("xn--pple-43d.example", "_5d41.xn--pple-43d.example", "xn--pple-43d.example", "apple.example", "example", false)
	f.Fuzz(func(t *testing.T, name, record, zone, owned, bobs string, higher bool) {
		domain := strings.TrimPrefix(name, "*.")
		c := publish.Claim{
			Order:  publish.Order{Item: 42, Account: alice, Names: []string{name}},
			Record: publish.Record{Domain: domain, Type: publish.CNAME, Name: record, Value: "a.b.sectigo.com"},
			Block:  publish.Block{Name: "ns1", Kind: publish.KindDNSUpdate, Higher: higher}, Zone: publish.Zone{Name: zone},
		}
		db := database{named: []publish.NamedItem{domainItem(50, alice, owned), {Item: 61, Account: bob, Name: bobs}}}
		if _, err := c.Evidence(t.Context(), &db); err != nil {
			return
		}
		below := func(name, parent string) bool { return name == parent || strings.HasSuffix(name, "."+parent) }
		_, host, _ := strings.Cut(record, ".")
		registrable, err := publicsuffix.EffectiveTLDPlusOne(domain)
		require.NoError(t, err)
		assert.True(t, below(domain, host) && below(host, owned) && below(owned, registrable) && below(host, zone), "the place")
		assert.False(t, below(domain, bobs) && below(bobs, owned), "another account's item")
		_, parent, _ := strings.Cut(bobs, ".")
		assert.False(t, strings.HasPrefix(name, "*.") && parent == domain, "a wildcard over another account's item")
	})
}
