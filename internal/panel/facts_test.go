package panel_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/publish"
)

// hoster returns a panel with two clients, 7 and 8, and two hosting servers, processing modules 12 and 13.
func hoster(t *testing.T) *fixture {
	t.Helper()
	w, db := withDB(t)
	run(t, db, `
INSERT INTO itemtype (id, intname, parent) VALUES (1, 'certificate', NULL), (2, 'altname', 1), (3, 'vhost', NULL), (4, 'domain', NULL);
INSERT INTO pricelist (id, itemtype) VALUES (20, 1), (21, 2), (30, 3), (40, 4);
INSERT INTO item (id, name, account, pricelist, processingmodule, status) VALUES
 (1, 'shop.example', 7, 20, 5, 2), (2, 'shop.example', 7, 21, 5, 2),
 (10, 'shop.example', 7, 30, 12, 2), (11, 'old.example', 7, 30, 12, 3), (12, 'new.example', 7, 30, 12, 1), (13, 'gone.example', 7, 30, 12, 4),
 (14, 'hosting', 7, 30, 13, 2), (15, 'shop.example', 8, 30, 12, 5), (16, 'bare.example', 7, 30, 12, 2),
 (20, 'shop.example', 7, 40, 6, 2), (21, 'ПРИМЕР.рф', 7, 40, 6, 2), (22, 'xn--e1afmkfd.xn--p1ai.', 8, 40, 6, 3),
 (23, ' Upper.Example. ', 7, 40, 6, 2), (24, 'gone.example', 7, 40, 6, 4), (25, 'Domain', 7, 40, 6, 2), (26, 'mine.example', 7, 40, 6, 2),
 (27, 'cafe.example', 8, 40, 6, 2), (28, 'straße.example', 8, 40, 6, 2), (29, 'lost.example', NULL, NULL, NULL, NULL),
 (30, 'odd.example', 7, 40, 6, 2), (32, '\tTabs.example\r\n', 8, 30, 12, 2), (33, 'plain.example', 7, 40, 6, 2),
 (40, 'a.below.example', 8, 30, 12, 1), (41, 'b.c.below.example', 8, 30, 12, 2), (42, 'Service', NULL, 30, 12, 2), (43, 'd.below.example', 7, 30, 99, 2),
 (44, 'e.below.example', 8, 30, 12, 4), (45, 'f.below.example', 8, 20, 5, 2), (46, 'g.notbelow.example', 8, 30, 12, 2), (47, 'Ж.ПРИМЕР.рф', 8, 30, 12, 2);
INSERT INTO itemparam (item, intname, value) VALUES (10, 'username', 'alice1'), (11, 'username', 'alice2'), (12, 'username', 'bob1'),
 (13, 'username', 'x'), (14, 'username', 'alice3'), (15, 'username', 'bob1'), (16, 'üsername', 'bob1'),
 (14, 'domain', 'shop.example'), (25, 'domain', 'two.example'), (26, 'domain', 'victim.example'), (30, 'domain', 'odd example'),
 (33, 'domain', ' '), (42, 'domain', 'H.BELOW.example.');`)
	return w
}

func TestHostingsAreThoseOfTheAccountOnTheServers(t *testing.T) {
	w := hoster(t)
	found, err := w.Hostings(t.Context(), 7, []int64{12}, "username")
	require.NoError(t, err)
	assert.Equal(t, []publish.Hosting{
		{Item: 10, Module: 12, User: "alice1", Active: true}, {Item: 11, Module: 12, User: "alice2"}, {Item: 16, Module: 12, Active: true},
	}, found, "ordered and deleted items are left out, and a parameter whose name is equal to the collation only")
	found, err = w.Hostings(t.Context(), 7, []int64{12, 13, 98}, "login")
	require.NoError(t, err)
	assert.Equal(t, []publish.Hosting{{Item: 10, Module: 12, Active: true}, {Item: 11, Module: 12}, {Item: 14, Module: 13, Active: true}, {Item: 16, Module: 12, Active: true}}, found)
	found, err = w.Hostings(t.Context(), 7, nil, "username")
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Empty(t, w.calls(), "nothing is asked of the panel")
}

func TestNamedItemsAreThoseThatCarryTheName(t *testing.T) {
	for name, row := range map[string]struct {
		names []string
		want  []publish.NamedItem
	}{
		"by name and by parameter, certificates left out": {[]string{"www.shop.example", "shop.example"}, []publish.NamedItem{
			{Item: 10, Account: 7, Name: "shop.example", Active: true}, {Item: 14, Account: 7, Name: "shop.example", Active: true},
			{Item: 15, Account: 8, Name: "shop.example"}, {Item: 20, Account: 7, Name: "shop.example", Domain: true, Active: true}}},
		"suspended": {[]string{"old.example"}, []publish.NamedItem{{Item: 11, Account: 7, Name: "old.example", Suspended: true}}},
		"deleted":   {[]string{"gone.example"}, nil},
		"U-labels and A-labels": {[]string{"xn--e1afmkfd.xn--p1ai"}, []publish.NamedItem{
			{Item: 21, Account: 7, Name: "xn--e1afmkfd.xn--p1ai", Domain: true, Active: true},
			{Item: 22, Account: 8, Name: "xn--e1afmkfd.xn--p1ai", Domain: true, Suspended: true}}},
		"blanks, a final dot, upper case":           {[]string{"upper.example"}, []publish.NamedItem{{Item: 23, Account: 7, Name: "upper.example", Domain: true, Active: true}}},
		"a domain by its parameter":                 {[]string{"two.example"}, []publish.NamedItem{{Item: 25, Account: 7, Name: "two.example", Domain: true, Active: true}}},
		"a domain with two names is no evidence":    {[]string{"mine.example"}, []publish.NamedItem{{Item: 26, Account: 7, Name: "mine.example", Active: true}}},
		"a domain with two names, by the other":     {[]string{"victim.example"}, []publish.NamedItem{{Item: 26, Account: 7, Name: "victim.example", Active: true}}},
		"a domain with a name that cannot be read":  {[]string{"odd.example"}, []publish.NamedItem{{Item: 30, Account: 7, Name: "odd.example", Active: true}}},
		"a blank parameter":                         {[]string{"plain.example"}, []publish.NamedItem{{Item: 33, Account: 7, Name: "plain.example", Domain: true, Active: true}}},
		"tabs and line ends":                        {[]string{"tabs.example"}, []publish.NamedItem{{Item: 32, Account: 8, Name: "tabs.example", Active: true}}},
		"what the collation equates: an accent":     {[]string{"xn--caf-dma.example"}, nil},
		"what the collation equates: ß and s":       {[]string{"strase.example"}, nil},
		"ß":                                         {[]string{"xn--strae-oqa.example"}, []publish.NamedItem{{Item: 28, Account: 8, Name: "xn--strae-oqa.example", Domain: true, Active: true}}},
		"an item that has nothing but its name":     {[]string{"lost.example"}, []publish.NamedItem{{Item: 29, Name: "lost.example"}}},
		"quotes, wildcards and percent signs":       {[]string{"%", "' OR 1=1 -- ", "*"}, nil},
		"nothing is asked for":                      {nil, nil},
		"a name that nobody has":                    {[]string{"nobody.example"}, nil},
		"a parent is not what was asked for either": {[]string{"a.shop.example"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := hoster(t)
			found, err := w.NamedItems(t.Context(), row.names)
			require.NoError(t, err)
			assert.Equal(t, row.want, found)
		})
	}
}

func TestOthersBelowAreOneLabelBelowAndNotTheAccounts(t *testing.T) {
	w := hoster(t)
	found, err := w.OthersBelow(t.Context(), []string{"below.example", "xn--e1afmkfd.xn--p1ai"}, 7)
	require.NoError(t, err)
	assert.Equal(t, []publish.NamedItem{
		{Item: 40, Account: 8, Name: "a.below.example"}, {Item: 42, Name: "h.below.example", Active: true}, {Item: 47, Account: 8, Name: "xn--f1a.xn--e1afmkfd.xn--p1ai", Active: true},
	}, found, "deleted items, certificates, deeper names and names that only end alike are left out")
	found, err = w.OthersBelow(t.Context(), nil, 7)
	require.NoError(t, err)
	assert.Empty(t, found)
}

// That a panel keeps each parameter of an item once is inferred (docs/reference/billmanager.md §4).
func TestAParameterThatStandsTwiceIsNoEvidence(t *testing.T) {
	w, db := withDB(t)
	run(t, db, "ALTER TABLE itemparam DROP KEY item")
	run(t, db, `INSERT INTO itemtype (id, intname) VALUES (4, 'domain'); INSERT INTO pricelist (id, itemtype) VALUES (40, 4);
INSERT INTO item (id, name, account, pricelist, processingmodule, status) VALUES (1, 'a', 7, 30, 12, 2), (2, 'b', 7, 30, 12, 2),
 (31, 'mine.example', 7, 40, 6, 2), (32, 'plain.example', 7, 40, 6, 2);
INSERT INTO itemparam (item, intname, value) VALUES (1, 'username', 'alice1'), (1, 'username', 'bob1'), (2, 'username', 'alice2'),
 (31, 'domain', 'victim.example'), (31, 'Domain', 'x'), (31, 'domain', 'mine.example'), (32, 'Domain', 'x'), (32, 'domain', 'plain.example')`)
	named, err := w.NamedItems(t.Context(), []string{"mine.example", "victim.example", "plain.example"})
	require.NoError(t, err)
	assert.Equal(t, []publish.NamedItem{
		{Item: 31, Account: 7, Name: "mine.example", Active: true}, {Item: 31, Account: 7, Name: "victim.example", Active: true},
		{Item: 32, Account: 7, Name: "plain.example", Domain: true, Active: true},
	}, named, "a parameter whose name is equal to the collation only says nothing")
	found, err := w.Hostings(t.Context(), 7, []int64{12}, "username")
	require.NoError(t, err)
	assert.Equal(t, []publish.Hosting{{Item: 1, Module: 12, Active: true}, {Item: 2, Module: 12, User: "alice2", Active: true}}, found)
}

// Tables with a binary collation compare byte by byte.
func TestNamedItemsUnderABinaryCollation(t *testing.T) {
	w, db := withDB(t)
	run(t, db, "ALTER TABLE item CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	run(t, db, "INSERT INTO item (id, name, account, status) VALUES (21, 'ПРИМЕР.рф', 8, 2), (23, 'UPPER.example.', 8, 2)")
	found, err := w.NamedItems(t.Context(), []string{"xn--e1afmkfd.xn--p1ai", "upper.example"})
	require.NoError(t, err)
	assert.Equal(t, []publish.NamedItem{
		{Item: 21, Account: 8, Name: "xn--e1afmkfd.xn--p1ai", Active: true}, {Item: 23, Account: 8, Name: "upper.example", Active: true},
	}, found)
}

// An item that is left out could be another client's claim to the name.
func TestMoreFactsThanAreTakenAreAnError(t *testing.T) {
	w, db := withDB(t)
	run(t, db, "INSERT INTO item (name, account, status, processingmodule) SELECT 'shop.example', 8, 2, 12 FROM seq_1_to_10001")
	_, err := w.NamedItems(t.Context(), []string{"shop.example"})
	require.Error(t, err)
	assert.Equal(t, fault.DB, fault.From(err).Type)
	_, err = w.Hostings(t.Context(), 8, []int64{12}, "username")
	require.Error(t, err)
	run(t, db, "DELETE FROM item LIMIT 1")
	found, err := w.NamedItems(t.Context(), []string{"shop.example"})
	require.NoError(t, err)
	assert.Len(t, found, 10_000)
}

// The ownership rule over a real database: bob's order carries a name that alice owns.
func TestOwnershipOverTheDatabase(t *testing.T) {
	w := hoster(t)
	evidence := func(account int64, name, owner string) error {
		_, err := publish.Claim{
			Order:  publish.Order{Item: 1, Account: account, Names: []string{name}},
			Record: publish.Record{Domain: name, Type: publish.CNAME, Name: "_5d41." + name, Value: "a.b.sectigo.com"},
			Block:  publish.Block{Name: "web", Kind: publish.KindISPmgr, Modules: []int64{12}}, Zone: publish.Zone{Name: name, Owner: owner},
		}.Evidence(t.Context(), w)
		return err
	}
	require.NoError(t, evidence(7, "bare.example", "alice1"))
	require.NoError(t, evidence(7, "upper.example", ""))
	require.ErrorIs(t, evidence(8, "bare.example", "alice1"), publish.ErrNotOwner)
	require.ErrorIs(t, evidence(7, "bare.example", "bob1"), publish.ErrNotOwner, "an unpaid order carries the user name")
	require.ErrorIs(t, evidence(7, "shop.example", "alice1"), publish.ErrNotOwner, "another account's order carries the name")
}
