package panel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// overview returns a panel with items in every state of the panel.
func overview(t *testing.T) *fixture {
	t.Helper()
	w, db := withDB(t)
	run(t, db, `
INSERT INTO processingmodule (id, name, module, active) VALUES (5, 'Namecheap', 'pmfake', 'on'), (6, 'Other', 'pmother', 'on'), (7, NULL, 'pmfake', 'off');
INSERT INTO pricelist (id, intname) VALUES (20, 'positivessl');
INSERT INTO item (id, name, processingmodule, pricelist, period, status, autosuspend, employeesuspend, opendate) VALUES
 (1, 'one.example', 5, 20, 12, 2, 'off', 'off', '2026-04-02'), (2, 'two.example', 7, 99, 12, 3, 'on', 'off', '2026-04-02'),
 (3, 'three.example', 5, 20, 12, 3, 'on', 'on', '2026-04-02'), (4, 'four.example', 5, 20, 12, 4, 'off', 'off', NULL), (5, 'five.example', 6, 20, 12, 2, 'off', 'off', NULL),
 (6, NULL, 5, NULL, -100, 1, NULL, NULL, NULL), (8, 'eight.example', 5, 20, 12, 2, 'off', 'off', NULL);
INSERT INTO itemparam (item, intname, value) VALUES (1, 'certificate_serial', 'a1'), (1, 'org_name', 'not read'), (3, 'linéage', 'no'),
 (8, 'delivery', REPEAT('x', 70000)), (8, 'lineage', '7 8'), (5, 'certificate_serial', 'a5');
INSERT INTO certificate (item, csr, crt, pkey) VALUES (1, REPEAT('c', 100), 'first', 'Planted-private'), (2, NULL, X'504b0304ff00', NULL), (8, '', REPEAT('x', 300000), NULL);
INSERT INTO runningoperation (id, item, trycount) VALUES (1, 1, 2), (2, 1, 11), (3, 5, 1);
INSERT INTO task (id, item, status) VALUES (1, 1, 0), (2, 1, 2), (3, 8, 1), (4, 5, 0);`)
	return w
}

func TestOverviewListsTheItemsOfThisBinary(t *testing.T) {
	w := overview(t)
	all, err := w.OverviewItems(t.Context(), 0, 100)
	require.NoError(t, err)
	require.Len(t, all, 5)
	assert.Equal(t, item.OverviewItem{Covered: true, Item: item.Item{
		Item: 1, Name: "one.example", Module: 5, Binary: binary, Template: "positivessl", Period: 12, Status: 2,
		OpenDate: cabforum.Date{Year: 2026, Month: 4, Day: 2}, CSR: strings.Repeat("c", 64), Stored: "first", Params: map[string]string{itemparam.Serial: "a1"},
	}}, all[0])
	assert.Equal(t, int64(2), all[1].Item.Item)
	assert.True(t, all[1].Covered, "suspended by the panel")
	assert.True(t, all[1].Autosuspend)
	assert.Equal(t, "PK\x03\x04\xff\x00", all[1].Item.Stored)
	assert.Empty(t, all[1].Item.Template, "without its tariff")
	assert.False(t, all[2].Covered, "suspended by an employee")
	assert.Equal(t, item.OverviewItem{Item: item.Item{Item: 6, Module: 5, Binary: binary, Period: -100, Status: 1, Params: map[string]string{}}}, all[3])
	require.ErrorContains(t, all[4].Problem, "the item parameter delivery has more than 65536 bytes")
	require.ErrorContains(t, all[4].Problem, "the stored certificate has 300000 bytes, at most 262144 are read")
	assert.True(t, all[4].CertificateUnread)
	assert.Equal(t, "7 8", all[4].Item.Params[itemparam.Lineage])
	for _, it := range all {
		assert.NotContains(t, it.Item.Stored+it.Item.CSR, "Planted")
	}
	assert.Empty(t, w.calls(), "only the database is read")
}

func TestOverviewIsReadByPages(t *testing.T) {
	w := overview(t)
	var ids []int64
	for after := int64(0); ; {
		page, err := w.OverviewItems(t.Context(), after, 2)
		require.NoError(t, err)
		for _, it := range page {
			ids = append(ids, it.Item.Item)
			after = it.Item.Item
		}
		if len(page) < 2 {
			break
		}
	}
	assert.Equal(t, []int64{1, 2, 3, 6, 8}, ids)
}

// One damaged row costs one item, and not the list.
func TestOverviewGoesOnWithoutARowThatCannotBeRead(t *testing.T) {
	w, db := withDB(t)
	run(t, db, `INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake')`)
	run(t, db, `INSERT INTO item (id, name, processingmodule, status) VALUES (1, 'one.example', 5, 2), (2, 'two.example', 5, 2), (3, 'three.example', 5, 2)`)
	run(t, db, `INSERT INTO itemparam (item, intname, value) SELECT id, 'certificate_serial', CONCAT('a', id) FROM item`)
	run(t, db, `DROP TABLE certificate`)
	all, err := w.OverviewItems(t.Context(), 0, 100)
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, it := range all {
		assert.Equal(t, fault.DB, fault.From(it.Problem).Type)
		assert.True(t, it.CertificateUnread)
		assert.NotEmpty(t, it.Item.Params[itemparam.Serial], "what can be read is shown")
	}
}

// Every reader of several certificates of one item chooses the newest one, in whatever order the database returns them.
func TestNewestOfSeveralCertificatesCounts(t *testing.T) {
	w, db := withDB(t)
	run(t, db, `INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake')`)
	run(t, db, `INSERT INTO pricelist (id, intname) VALUES (20, 'positivessl')`)
	run(t, db, `INSERT INTO item (id, name, processingmodule, pricelist, status) VALUES (1, 'one.example', 5, 20, 2), (2, 'two.example', 5, 20, 2)`)
	long := strings.Repeat("x", 300_000)
	for _, row := range []struct {
		id, item                int
		csr, stored, privateKey string
	}{
		{id: 9, item: 1, csr: "csr-9", stored: "newest-9", privateKey: "key-9"},
		{id: 3, item: 1, csr: "csr-3", stored: long, privateKey: "key-3"},
		{id: 4, item: 1, csr: "csr-4", stored: "older-4", privateKey: "key-4"},
		{id: 11, item: 1},
		{id: 10, item: 2, csr: "csr-10", stored: "newest-10"},
		{id: 2, item: 2, csr: "csr-2", stored: "older-2"},
	} {
		_, err := db.Exec(`INSERT INTO certificate (id, item, csr, crt, pkey) VALUES (?, ?, ?, ?, ?)`, row.id, row.item, row.csr, row.stored, row.privateKey)
		require.NoError(t, err)
	}
	run(t, db, `ALTER TABLE certificate MODIFY id INT, DROP PRIMARY KEY, ADD PRIMARY KEY (item, crt(200), csr(20))`) // the database's own order is another one
	read := func() (csrs, stored []string) {
		all, err := w.OverviewItems(t.Context(), 0, 10)
		require.NoError(t, err)
		for _, it := range all {
			require.NoError(t, it.Problem, "an older one that is too long does not count")
			assert.False(t, it.CertificateUnread)
			csrs, stored = append(csrs, it.Item.CSR), append(stored, it.Item.Stored)
		}
		return csrs, stored
	}
	csrs, stored := read()
	assert.Equal(t, []string{"csr-9", "csr-10"}, csrs)
	assert.Equal(t, []string{"newest-9", "newest-10"}, stored)

	one, err := w.LoadItem(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "csr-9", one.CSR)
	assert.Equal(t, "newest-9", one.Stored)
	key, err := w.PrivateKey(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "key-9", key)
	sites, err := w.WatchedSites(t.Context(), []int64{1, 2})
	require.NoError(t, err)
	require.Len(t, sites, 2)
	assert.Equal(t, "newest-9", sites[0].Stored)

	run(t, db, `ALTER TABLE certificate DROP COLUMN id`) // then one is chosen, always the same
	run(t, db, `DELETE FROM certificate WHERE crt='`+long+`'`)
	csrs, stored = read()
	one, err = w.LoadItem(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, csrs[0], one.CSR)
	assert.Equal(t, stored[0], one.Stored)
}

func TestOpenWorkIsCountedByItem(t *testing.T) {
	w := overview(t)
	work, problems, err := w.OpenWork(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems, "a panel without the column errorxml is no problem")
	assert.Equal(t, map[int64]item.OpenWork{1: {Operations: 2, Tries: 11, Tasks: 1}, 8: {Tasks: 1}}, work)
}

// An operation that the panel does not run by itself waits for a person, as doctor says too. One without an answer of the panel about
// that does not.
func TestOpenWorkKnowsWhatThePanelSaysOfItsOperations(t *testing.T) {
	w, db := withDB(t)
	run(t, db, `ALTER TABLE runningoperation ADD COLUMN manual VARCHAR(3), ADD COLUMN intname VARCHAR(64)`)
	run(t, db, `INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake')`)
	run(t, db, `INSERT INTO item (id, name, processingmodule, status) VALUES (1, 'one.example', 5, 2), (2, 'two.example', 5, 2), (3, 'three.example', 5, 2), (4, 'four.example', 5, 2)`)
	run(t, db, `INSERT INTO runningoperation (id, item, trycount, manual, intname) VALUES
 (1, 1, 0, 'on', 'open'), (2, 1, 2, 'off', 'setparam'), (3, 2, 1, 'off', 'close'), (4, 2, 1, 'on', 'suspend'), (5, 3, 1, NULL, NULL), (6, 4, 1, 'off', 'close'), (7, 4, 1, 'off', 'prolong')`)
	run(t, db, `INSERT INTO task (item, status) VALUES (4, NULL), (4, 1), (4, 2), (3, 2)`)
	work, problems, err := w.OpenWork(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.Equal(t, map[int64]item.OpenWork{
		1: {Operations: 2, Tries: 2, Manual: true},
		2: {Operations: 2, Tries: 1, Manual: true, Ending: true},
		3: {Operations: 1, Tries: 1},
		4: {Operations: 2, Tries: 1, Tasks: 2},
	}, work)
	manual, err := w.ManualOperations(t.Context(), 10)
	require.NoError(t, err)
	for _, one := range manual {
		assert.True(t, work[one.Item].Manual, one)
	}
	assert.Len(t, manual, 2)
}

func TestOpenWorkHasTheErrorOfTheNewestOperation(t *testing.T) {
	w, db := withDB(t)
	run(t, db, `ALTER TABLE runningoperation ADD COLUMN errorxml LONGTEXT`)
	run(t, db, `INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake')`)
	run(t, db, `INSERT INTO item (id, name, processingmodule, status) VALUES (1, 'one.example', 5, 5), (2, 'two.example', 5, 5), (3, 'three.example', 5, 5)`)
	run(t, db, `INSERT INTO runningoperation (id, item, trycount, errorxml) VALUES
 (1, 1, 1, '<doc><error><msg>the first</msg></error></doc>'),
 (2, 1, 2, '<doc><processingmodule><error value="x"><log>y</log></error></processingmodule><error type="api_error"><param name="value">z</param><msg>2011296  &lt;refused&gt;\n</msg></error></doc>'),
 (3, 2, 1, '<doc><error type="db" value="only a value"/></doc>'), (4, 3, 1, '<doc><error><msg>cut off')`)
	work, problems, err := w.OpenWork(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.Equal(t, "2011296 <refused>", work[1].Error)
	assert.Equal(t, "only a value", work[2].Error)
	assert.Empty(t, work[3].Error)
}

func TestOpenWorkSaysWhatIsMissing(t *testing.T) {
	w, db := withDB(t)
	run(t, db, `INSERT INTO processingmodule (id, module) VALUES (5, 'pmfake')`)
	run(t, db, `INSERT INTO item (id, name, processingmodule, status) VALUES (1, 'one.example', 5, 5)`)
	run(t, db, `INSERT INTO runningoperation (id, item, trycount) VALUES (1, 1, 3)`)
	run(t, db, `DROP TABLE task`)
	work, problems, err := w.OpenWork(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, work[1].Operations)
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "task")
}

func TestModulesAreListedWithTheBalanceThatWasReadLast(t *testing.T) {
	w := overview(t)
	all, _, err := w.ModuleOverviews(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []item.ModuleOverview{{Module: 5, Name: "Namecheap", Active: true}, {Module: 7}}, all)

	require.NoError(t, w.SaveBalance(t.Context(), 5, seller.Money{Amount: 12.5, Currency: "USD"}))
	require.NoError(t, w.SaveBalance(t.Context(), 7, seller.Money{Amount: 1}))
	require.NoError(t, w.SaveBalance(t.Context(), 5, seller.Money{Amount: 11.25, Currency: "USD"}))
	all, _, err = w.ModuleOverviews(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 11.25, all[0].Balance.Amount)
	assert.Equal(t, "USD", all[0].Balance.Currency)
	assert.WithinDuration(t, all[0].Balance.At, all[1].Balance.At, time.Hour)
	assert.Equal(t, 1.0, all[1].Balance.Amount)
}

func TestDamagedFileOfBalancesIsLeftOut(t *testing.T) {
	w := overview(t)
	w.write("var/"+binary+".balances", `[{"module":5,"at":"2026-`)
	all, problems, err := w.ModuleOverviews(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 2)
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "the file of balances")
	require.NoError(t, w.SaveBalance(t.Context(), 5, seller.Money{Amount: 3}))
	all, problems, err = w.ModuleOverviews(t.Context())
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.Equal(t, 3.0, all[0].Balance.Amount, "the next balance replaces it")
}
