package panel_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// samplePanel returns a panel with one client, one tariff with addons and one certificate, item 42.
func samplePanel(t *testing.T) (*fixture, *sql.DB) {
	t.Helper()
	w, db := withDB(t)
	w.writeKey()
	run(t, db, `
INSERT INTO account (id, name) VALUES (9, 'Клиент 🔒');
INSERT INTO itemtype (id, intname, parent) VALUES (1, 'certificate', NULL), (2, 'altname', 1), (3, 'support', 1), (4, 'install', 1);
INSERT INTO processingmodule (id, name, module, active, orderpriority) VALUES (5, 'Namecheap', 'pmfake', 'on', 1);
INSERT INTO pricelist (id, intname, itemtype, project, parent, addontype, addonlimit, addonbool) VALUES
 (20, 'positivessl', 1, 3, NULL, NULL, NULL, NULL), (22, NULL, 3, 3, 20, 1, NULL, 'off'), (23, NULL, 4, 3, 20, 2, 1.00, NULL);
INSERT INTO pricelistparam (pricelist, intname, value) VALUES (20, 'lead', '5'), (20, 'approver_method', 'auth_email'), (21, 'lead', '6');
INSERT INTO item (id, name, remoteid, account, pricelist, lastpricelist, processingmodule, period, status, opendate, expiredate) VALUES
 (42, 'example.com', 'r-1', 9, 20, 19, 5, 60, 2, '2026-04-02', '2026-10-19');
INSERT INTO itemparam (item, intname, value) VALUES (42, 'approver_method', 'auth_dnstxt'), (42, 'org_name', 'ООО «Ромашка»'), (42, 'token_code', 'plain'), (42, 'empty', NULL), (43, 'x', 'y');
INSERT INTO certificate (item, pkey, csr, crt) VALUES (42, 'Planted-private', '-----CSR-----', NULL);`)
	return w, db
}

// docs/reference/billmanager.md §4: parameters of addons, tariff, item and encrypted ones; later ones override.
func TestLaterSourcesOfParametersOverride(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "INSERT INTO itemcryptedparam (item, intname, value) VALUES (42, 'token_code', ?)", encrypt(t, w.writeKey(), "Planted-token"))
	run(t, db, "INSERT INTO pricelistparam (pricelist, intname, value) VALUES (20, 'install', '9')")
	order, err := w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, item.Item{
		Item: 42, Name: "example.com", Account: 9, AccountName: "Клиент 🔒", Project: 3, Module: 5, Binary: binary,
		Pricelist: 20, LastPrice: 19, Template: "positivessl", ItemType: "certificate", Period: 60, Status: 2,
		OpenDate: cabforum.Date{Year: 2026, Month: 4, Day: 2}, ExpireDate: cabforum.Date{Year: 2026, Month: 10, Day: 19},
		RemoteID: "r-1", CSR: "-----CSR-----",
		Params: map[string]string{"support": "off", "install": "9", "lead": "5", "approver_method": "auth_dnstxt",
			"org_name": "ООО «Ромашка»", "token_code": "Planted-token", "empty": ""},
	}, order)
	assert.NotContains(t, w.logged(), "Planted-token")
	assert.NotContains(t, w.logged(), dbPassword)
	assert.Empty(t, w.calls(), "only the database is read")
}

func TestItemIsLoadedWithoutOptionalRows(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "INSERT INTO item (id, pricelist) VALUES (50, 20)")
	order, err := w.LoadItem(t.Context(), 50)
	require.NoError(t, err)
	assert.Equal(t, item.Item{Item: 50, Project: 3, Pricelist: 20, Template: "positivessl", ItemType: "certificate",
		Params: map[string]string{"support": "off", "install": "1", "lead": "5", "approver_method": "auth_email"}}, order)
}

// rules DELIVER-5: the key is read when a delivery needs it, and shown nowhere.
func TestThePrivateKeyIsReadOnlyIfAskedFor(t *testing.T) {
	w, db := samplePanel(t)
	_, err := w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, "Planted-private and more", w.log.Mask("Planted-private and more"), "loading the item does not read it")
	key, err := w.PrivateKey(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, "Planted-private", key)
	assert.Equal(t, "*** and more", w.log.Mask("Planted-private and more"))
	assert.NotContains(t, w.logged(), "Planted-private")
	run(t, db, "INSERT INTO certificate (item, pkey, csr) VALUES (43, NULL, 'x')")
	for _, without := range []int64{43, 404} {
		key, err = w.PrivateKey(t.Context(), without)
		require.NoError(t, err)
		assert.Empty(t, key)
	}
	assert.Empty(t, w.calls(), "only the database is read")
}

func TestPendingDeliveriesAreThoseOfThisBinary(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `
INSERT INTO processingmodule (id, name, module, active) VALUES (6, 'Other', 'pmother', 'on');
INSERT INTO item (id, name, pricelist, processingmodule, status) VALUES (60, 'closed.example', 20, 5, 4), (61, 'other.example', 20, 6, 2), (62, 'done.example', 20, 5, 2);
INSERT INTO itemparam (item, intname, value) VALUES (42, 'delivery', '{"serial":"2a"}'), (60, 'delivery', 'x'), (61, 'delivery', '{}'), (62, 'delivery', ''), (62, 'deployed_serial', '1');`)
	pending, err := w.PendingDeliveries(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []item.PendingDelivery{{Item: 42, State: `{"serial":"2a"}`}, {Item: 60, State: "x"}}, pending)
}

func TestAbsentItemOrTariffIsMissed(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, "INSERT INTO item (id, pricelist) VALUES (51, 77)")
	for it, words := range map[int64]string{404: "no item 404", 51: "no tariff 77"} {
		_, err := w.LoadItem(t.Context(), it)
		require.Error(t, err)
		assert.Equal(t, fault.Missed, fault.From(err).Type)
		assert.Contains(t, err.Error(), words)
	}
}

// The number of SANs that the client ordered (rules PANEL-5).
func TestOrderedSANsAreSummedOverTheAddons(t *testing.T) {
	const number, choice = "2", "3"
	for name, c := range map[string]struct {
		sql  string
		want int
	}{
		"no addon of that kind: none, not any":    {"SELECT 1", 0},
		"the tariff's own number without a child": {tariffAddon(number, "4", "NULL"), 4},
		"the tariff's own choice without a child": {tariffAddon(choice, "NULL", "7"), 3},
		"included and bought":                     {tariffAddon(number, "4", "NULL") + child("100", "21", "42", "NULL", "3", "NULL", "2"), 7},
		"the child's own limit":                   {tariffAddon(number, "4", "NULL") + child("100", "21", "42", "2", "3", "NULL", "2"), 5},
		"nothing bought":                          {tariffAddon(number, "4", "NULL") + child("100", "21", "42", "NULL", "NULL", "NULL", "2"), 4},
		"no limit anywhere":                       {tariffAddon(number, "NULL", "NULL") + child("100", "21", "42", "NULL", "3", "NULL", "2"), 3},
		"the client's choice":                     {tariffAddon(choice, "NULL", "7") + child("100", "21", "42", "NULL", "NULL", "8", "2"), 10},
		"a choice that is no number":              {tariffAddon(choice, "NULL", "7") + child("100", "21", "42", "NULL", "NULL", "9", "2"), 0},
		"two children":                            {tariffAddon(number, "1", "NULL") + child("100", "21", "42", "0", "3", "NULL", "2") + child("101", "21", "42", "0", "5", "NULL", "1"), 8},
		"a deleted child counts as none":          {tariffAddon(number, "4", "NULL") + child("100", "21", "42", "NULL", "3", "NULL", "4"), 4},
		"a deleted one beside an active one":      {tariffAddon(number, "4", "NULL") + child("100", "21", "42", "NULL", "9", "NULL", "4") + child("101", "21", "42", "NULL", "1", "NULL", "2"), 5},
		"another item's child":                    {tariffAddon(number, "4", "NULL") + child("100", "21", "43", "NULL", "3", "NULL", "2"), 4},
		"another addon's child does not count":    {tariffAddon(number, "4", "NULL") + child("100", "23", "42", "NULL", "3", "NULL", "2"), 4},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := samplePanel(t)
			run(t, db, "INSERT INTO enumerationitem (id, intname) VALUES (7, '3'), (8, '10'), (9, 'many')")
			run(t, db, c.sql)
			order, err := w.LoadItem(t.Context(), 42)
			require.NoError(t, err)
			assert.Equal(t, c.want, order.SANs)
			assert.NotContains(t, order.Params, "altname", "the number of names is not the list of names")
		})
	}
}

func tariffAddon(kind, limit, choice string) string {
	return "INSERT INTO pricelist (id, itemtype, parent, addontype, addonlimit, enumerationitem) VALUES (21, 2, 20, " + kind + ", " + limit + ", " + choice + ");"
}

func child(id, tariff, parent, limit, extra, choice, status string) string {
	return "INSERT INTO item (id, pricelist, parent, addonlimit, intvalue, enumerationitem, status) VALUES (" +
		strings.Join([]string{id, tariff, parent, limit, extra, choice, status}, ", ") + ");"
}

func TestAddonsBecomeParameters(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, child("100", "23", "42", "NULL", "2", "NULL", "2")+"INSERT INTO item (id, pricelist, parent, boolvalue, status) VALUES (101, 22, 42, 'on', 2)")
	order, err := w.LoadItem(t.Context(), 42)
	require.NoError(t, err)
	assert.Equal(t, "3", order.Params["install"])
	assert.Equal(t, "on", order.Params["support"])
}

func TestStoredCertificateIsReadByteForByte(t *testing.T) {
	w, db := samplePanel(t)
	stored, err := w.StoredCertificate(t.Context(), 42)
	require.NoError(t, err)
	assert.Empty(t, stored)
	stored, err = w.StoredCertificate(t.Context(), 404)
	require.NoError(t, err)
	assert.Empty(t, stored)
	zip := "PK\x03\x04\x00\xff\xfe'\\\n\x1a" + strings.Repeat("\xe9", 1<<20)
	run(t, db, "UPDATE certificate SET crt=? WHERE item=42", []byte(zip))
	stored, err = w.StoredCertificate(t.Context(), 42)
	require.NoError(t, err)
	assert.True(t, stored == zip, "%d bytes in, %d out", len(zip), len(stored))
}

func TestParamIgnoresOtherLetterCaseAndEmptyValues(t *testing.T) {
	w, _ := samplePanel(t)
	for name, want := range map[string]string{"org_name": "ООО «Ромашка»", "empty": "", "ORG_NAME": "", "nothing": "", "x' OR '1'='1": ""} {
		got, there, err := w.Param(t.Context(), 42, name)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
		assert.Equal(t, want != "", there, name)
	}
}

func TestModulesAreListedByPreference(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `INSERT INTO processingmodule (id, module, active, orderpriority) VALUES (6, 'pmfake', 'on', 0), (7, 'pmfake', 'off', 0), (8, 'pmother', 'on', 0), (9, 'pmfake', 'on', 2);
INSERT INTO processingmodule2pricelist (processingmodule, pricelist) VALUES (5, 20), (6, 21), (7, 20), (8, 20), (9, 20), (6, 20)`)
	all, err := w.Modules(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int64{6, 7, 5, 9}, all, "inactive ones too: their items hold purchases")
	suitable, err := w.SuitableModules(t.Context(), 20)
	require.NoError(t, err)
	assert.Equal(t, []int64{6, 5, 9}, suitable)
	suitable, err = w.SuitableModules(t.Context(), 404)
	require.NoError(t, err)
	assert.Empty(t, suitable)
	name, err := w.ModuleName(t.Context(), 5)
	require.NoError(t, err)
	assert.Equal(t, "Namecheap", name)
}

func TestItemsAreFoundByModuleAndName(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `INSERT INTO item (id, name, processingmodule, status, expiredate, remoteid) VALUES (60, 'example.org', 5, 2, '2026-10-19', ' 77 '), (61, 'example.org', 6, 2, '2026-10-19', NULL),
 (62, 'example.org', 5, 4, '2026-10-19', NULL), (63, 'example.org', 5, 2, NULL, NULL), (64, 'example.com', 5, 2, '2026-10-19', NULL), (65, 'example.org', 5, 2, '2026-00-00', NULL),
 (66, 'example.org', 5, 2, '2026-10-19', NULL), (67, 'example.org', 5, 2, '2026-10-19', NULL);
INSERT INTO itemparam (item, intname, value) VALUES (60, 'org_name', 'x'), (60, 'custom_order_id', ''), (65, 'custom_order_id', '1'), (66, 'lineage', '1 2'), (66, 'custom_order_id', '1'), (67, 'purchase_intent', '{}')`)
	found, err := w.ItemsNamed(t.Context(), 5, "example.org")
	require.NoError(t, err)
	ends := cabforum.Date{Year: 2026, Month: 10, Day: 19}
	assert.Equal(t, []seller.NamedItem{
		{Item: 60, Expires: ends, RemoteID: "77"}, {Item: 63}, {Item: 65, OrderID: "1"}, {Item: 66, OrderID: "1", Lineage: "1 2"}, {Item: 67, Intent: "{}"},
	}, found)
	assert.True(t, found[0].Bare())
	for _, it := range found[2:] {
		assert.False(t, it.Bare(), it.Item)
	}
}

func TestHeldCertificatesAreOfAllModulesAndStates(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `DELETE FROM certificate; INSERT INTO item (id, processingmodule, status) VALUES (60, 5, 2), (61, 99, 3), (62, NULL, 4), (63, 5, 2), (64, 5, 2);
INSERT INTO certificate (item, csr, crt) VALUES (60, 'csr 60', NULL), (61, NULL, 'crt 61'), (62, 'csr 62', 'crt 62'), (63, '', NULL), (64, REPEAT('x', 70000), REPEAT('y', 300000))`)
	first, err := w.HeldCertificates(t.Context(), 0, 2)
	require.NoError(t, err)
	assert.Equal(t, []item.HeldCertificate{{Item: 60, Status: 2, CSR: "csr 60"}, {Item: 61, Status: 3, Stored: "crt 61"}}, first)
	rest, err := w.HeldCertificates(t.Context(), 61, 9)
	require.NoError(t, err)
	assert.Equal(t, []item.HeldCertificate{{Item: 62, Status: 4, CSR: "csr 62", Stored: "crt 62"}, {Item: 64, Status: 2}}, rest, "what is too long is left out")
}

func TestHeldCertificatesOfAnItemAreNotDivided(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `DELETE FROM certificate; INSERT INTO item (id, processingmodule, status) VALUES (60, 5, 2), (61, 5, 2), (62, 5, 2);
INSERT INTO certificate (item, csr, crt) VALUES (60, 'csr 60', NULL), (61, 'csr 61', 'a'), (61, 'csr 61', 'b'), (62, 'csr 62', NULL)`)
	var all []item.HeldCertificate
	for after := int64(0); ; {
		page, err := w.HeldCertificates(t.Context(), after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		all, after = append(all, page...), page[len(page)-1].Item
	}
	assert.Equal(t, []item.HeldCertificate{
		{Item: 60, Status: 2, CSR: "csr 60"}, {Item: 61, Status: 2, CSR: "csr 61", Stored: "a"}, {Item: 61, Status: 2, CSR: "csr 61", Stored: "b"},
		{Item: 62, Status: 2, CSR: "csr 62"},
	}, all)
}

// claims returns what EachClaim passes on.
func (w *fixture) claims(modules []int64) (all []item.Claim, err error) {
	err = w.EachClaim(w.t.Context(), modules, func(c item.Claim) { all = append(all, c) })
	return all, err
}

func TestItemClaimsIncludeDeletedItems(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `INSERT INTO item (id, processingmodule, status) VALUES (60, 5, 4), (61, 6, 2), (62, 7, 2), (63, 5, 2);
INSERT INTO itemparam (item, intname, value) VALUES (60, 'lineage', '1 2'), (60, 'custom_order_id', '2'), (60, 'org_name', 'x'), (61, 'purchase_intent', '{"kind":"create"}'),
 (62, 'custom_order_id', '3'), (63, 'lineage', ''), (63, 'custom_order_id', NULL)`)
	found, err := w.claims([]int64{5, 6})
	require.NoError(t, err)
	assert.Equal(t, []item.Claim{
		{Item: 60, Status: 4, Module: 5, OrderID: "2", Lineage: "1 2"},
		{Item: 61, Status: 2, Module: 6, Intent: `{"kind":"create"}`},
	}, found, "deleted items count, other modules' and empty ones do not")
	found, err = w.claims(nil)
	require.NoError(t, err)
	assert.Empty(t, found)
}

// Items without a claim fill pages too.
func TestItemClaimsAreReadPageByPage(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `DELETE FROM item; DELETE FROM itemparam;
INSERT INTO item (id, processingmodule, status) VALUES (60, 5, 2), (61, 5, 2), (62, 6, 2), (63, 7, 2), (64, 5, 2), (65, 5, 2), (66, 6, 2), (67, 5, 2);
INSERT INTO itemparam (item, intname, value) VALUES (60, 'lineage', '1 2'), (61, 'lineage', ''), (60, 'custom_order_id', '2'), (63, 'lineage', '4'), (66, 'lineage', '5'), (67, 'renewal_bought', 'x')`)
	for page := 1; page <= 8; page++ {
		w.SetClaimsPage(page)
		found, err := w.claims([]int64{5, 6})
		require.NoError(t, err)
		require.Equal(t, []item.Claim{
			{Item: 60, Status: 2, Module: 5, OrderID: "2", Lineage: "1 2"}, {Item: 66, Status: 2, Module: 6, Lineage: "5"}, {Item: 67, Status: 2, Module: 5, Renewal: "x"},
		}, found, "%d items a page", page)
	}
}

func TestUnmigratedItemsCarryNothingOfThisModule(t *testing.T) {
	w, db := samplePanel(t)
	run(t, db, `DELETE FROM item; DELETE FROM itemparam; INSERT INTO item (id, processingmodule, status) VALUES (60, 5, 2), (61, 5, 3), (62, 5, 4), (63, 6, 2), (64, 5, 2), (65, 5, 1), (66, 5, 2), (67, 5, 2);
INSERT INTO itemparam (item, intname, value) VALUES (60, 'custom_order_id', '7'), (60, 'org_name', 'x'), (61, 'lineage', ''), (64, 'lineage', '7'), (64, 'term_start', '2026-04-02'),
 (66, 'lineage', '8'), (66, 'migration', '{"id":8}'), (67, 'purchase_intent', '{}')`)
	found, err := w.UnmigratedItems(t.Context(), 5)
	require.NoError(t, err)
	assert.Equal(t, []int64{60, 61, 65, 66}, found, "the id of another module says nothing; an interrupted migration goes on")
}
