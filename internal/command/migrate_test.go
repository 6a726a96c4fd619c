package command_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// migratingPanel is a panel with several items, of which some carry nothing of this module.
type migratingPanel struct {
	*listedPanel
	items map[int64]*item.Item
	left  int // writes until one fails; negative for none
}

func (p *migratingPanel) LoadItem(_ context.Context, it int64) (item.Item, error) {
	i, there := p.items[it]
	if !there {
		return item.Item{}, fault.Errorf(fault.Missed, "item", "there is no item %d", it)
	}
	loaded := *i
	loaded.Params = maps.Clone(i.Params)
	return loaded, nil
}

func (p *migratingPanel) UnmigratedItems(_ context.Context, module int64) ([]int64, error) {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.items)), func(it int64) bool {
		i := p.items[it]
		own := slices.ContainsFunc(itemparam.Own(), func(name string) bool { return i.Params[name] != "" })
		return i.Module != module || i.Status == item.ItemDeleted || own && i.Params[itemparam.Migration] == ""
	}), nil
}

func (p *migratingPanel) EachClaim(_ context.Context, _ []int64, f func(item.Claim)) error {
	for _, it := range slices.Sorted(maps.Keys(p.items)) {
		i := p.items[it]
		f(item.Claim{Item: it, Module: i.Module, Name: i.Name, Status: i.Status,
			Intent: i.Params[itemparam.Intent], OrderID: i.Params[itemparam.OrderID], Lineage: i.Params[itemparam.Lineage]})
	}
	return nil
}

func (p *migratingPanel) HeldCertificates(_ context.Context, after int64, _ int) ([]item.HeldCertificate, error) {
	var all []item.HeldCertificate
	for _, it := range slices.Sorted(maps.Keys(p.items)) {
		if i := p.items[it]; it > after {
			all = append(all, item.HeldCertificate{Item: it, Status: i.Status, CSR: i.CSR, Stored: i.Stored})
		}
	}
	return all, nil
}

func (p *migratingPanel) Param(_ context.Context, it int64, name string) (string, bool, error) {
	value, there := p.items[it].Params[name]
	return value, there, nil
}

// write does one write, or fails as if the process were killed before it.
func (p *migratingPanel) write(do func()) error {
	if p.left == 0 {
		return errors.New("the panel does not answer")
	}
	p.left--
	do()
	return nil
}

func (p *migratingPanel) SaveParam(_ context.Context, it int64, name, value string) error {
	return p.write(func() { p.items[it].Params[name] = value })
}

func (p *migratingPanel) SaveParams(ctx context.Context, it int64, params []item.Param) error {
	return saveEach(ctx, p, it, params)
}

func (p *migratingPanel) DropParam(_ context.Context, it int64, name string) error {
	return p.write(func() { delete(p.items[it].Params, name) })
}

func (p *migratingPanel) SetStatus(ctx context.Context, it int64, status item.ServiceStatus) error {
	return p.SaveParam(ctx, it, itemparam.ServiceStatus, fmt.Sprint(int(status)))
}

func (p *migratingPanel) AppendJournal(_ context.Context, line item.JournalEntry) error {
	return p.write(func() { p.journal = append(p.journal, line) })
}

// migrating is a fixture for the command migrate: items of another module and orders that may be theirs.
type migrating struct {
	*fixture
	able  *ableSeller
	panel *migratingPanel
}

func newMigrating(t *testing.T) *migrating {
	t.Helper()
	s, theSeller := able(t)
	s.args = item.Args{Command: "migrate", Module: 5, Yes: true}
	return &migrating{s, theSeller, &migratingPanel{listedPanel: newListedPanel(s), items: map[int64]*item.Item{}, left: -1}}
}

// item adds an active item with the CSR of the pair.
func (m *migrating) item(it int64, pair keyPair) *item.Item {
	added := &item.Item{Item: it, Module: 5, Binary: "pmtest", Template: "positivessl", ItemType: item.ItemtypeCertificate, Status: 2, Period: 12,
		Name: pair.cn, CSR: pair.csr, OpenDate: cabforum.Date{Year: 2026, Month: time.March, Day: 1}, Params: map[string]string{}}
	m.panel.items[it] = added
	return added
}

// order adds an order of the day for the pair, whose certificate begins then, and returns that.
func (m *migrating) order(t *testing.T, id int64, pair keyPair, day string) string {
	t.Helper()
	return m.reissued(t, id, pair, day, day)
}

// reissued is order with a certificate that begins later.
func (m *migrating) reissued(t *testing.T, id int64, pair keyPair, day, certified string) string {
	t.Helper()
	created, err := cabforum.ParseDate(day)
	require.NoError(t, err)
	from, err := cabforum.ParseDate(certified)
	require.NoError(t, err)
	chain := signed(t, pair, from.Midnight(), 199)
	m.seller.statuses[id] = seller.OrderStatus{ID: id, State: seller.StateIssued, CommonName: pair.cn, CSR: pair.csr, PEM: chain}
	m.able.listed = append(m.able.listed, seller.ListedCertificate{ID: id, State: seller.StateIssued, CommonName: pair.cn, Template: "positivessl",
		Type: "PositiveSSL", Months: 12, Created: created})
	return strings.Join(chain, "")
}

// migrate runs the command and returns the row of the item.
func (m *migrating) migrate(t *testing.T, it int64) lifecycle.MigrationRow {
	t.Helper()
	run := m.with(m.able, m.panel)
	run.Info.DryRun = true
	found, err := lifecycle.Migrate(context.Background(), run)
	require.NoError(t, err)
	assert.Zero(t, m.seller.buys)
	for _, row := range found.Rows {
		if row.Item == it {
			return row
		}
	}
	t.Fatalf("no row of item %d: %+v", it, found.Rows)
	return lifecycle.MigrationRow{}
}

// intentOf returns an open purchase of the account.
func (m *migrating) intentOf(kind string, snapshot int64, more string) string {
	return fmt.Sprintf(`{"kind":%q,"time":"2026-04-02T09:00:00Z","product":"positivessl","years":1,"snapshot":%d,"account":%q%s}`, kind, snapshot, refOf(m.able.Account()), more)
}

// rules MIGRATE-4: what another item's purchase without an answer may have bought is not given away: that item would buy it again.
func TestMigrateGivesAwayNoPurchaseWithoutAnAnswer(t *testing.T) {
	pair, other := newPair(t, "a.example"), newPair(t, "b.example")
	key := func(p keyPair) string {
		csr, err := pki.ReadCSR(p.csr)
		require.NoError(t, err)
		return fmt.Sprintf(`,"key":%q,"name":%q`, csr.KeyHash(), p.cn)
	}
	for rule, c := range map[string]struct {
		state    seller.State // of the order 105; issued ones are for the item's key
		stored   bool         // the item has its certificate
		kind     string
		snapshot int64
		more     string // of the intent
		intent   string // instead of these
		has      string // id of the item with the intent
		want     lifecycle.MigrationState
	}{
		"a paid order that may be another item's":       {state: seller.StateNew, kind: seller.KindCreate, snapshot: 104, more: key(other), want: lifecycle.MigrationHeld},
		"a paid renewal that may be another item's":     {state: seller.StateRenewal, kind: seller.KindRenew, snapshot: 104, more: key(other), want: lifecycle.MigrationHeld},
		"an intent that cannot be read":                 {state: seller.StateNew, intent: "garbage", want: lifecycle.MigrationHeld},
		"an order that was there before the purchase":   {state: seller.StateNew, kind: seller.KindCreate, snapshot: 105, want: lifecycle.MigrationMigrated},
		"a renewal is waited for, and it is none":       {state: seller.StateNew, kind: seller.KindRenew, snapshot: 104, want: lifecycle.MigrationMigrated},
		"an order is waited for, and it is a renewal":   {state: seller.StateRenewal, kind: seller.KindCreate, snapshot: 104, want: lifecycle.MigrationMigrated},
		"a purchase that brings no order":               {state: seller.StateNew, kind: seller.KindSANs, snapshot: 104, want: lifecycle.MigrationMigrated},
		"a purchase for another term":                   {state: seller.StateIssued, kind: seller.KindOrder, snapshot: 104, more: `,"months":24`, want: lifecycle.MigrationMigrated},
		"a purchase that is on its item":                {state: seller.StateNew, kind: seller.KindCreate, snapshot: 104, has: "106", want: lifecycle.MigrationMigrated},
		"of the item's key, and so is the purchase":     {state: seller.StateIssued, kind: seller.KindOrder, snapshot: 104, more: key(pair), want: lifecycle.MigrationHeld},
		"of the item's key, the purchase is of another": {state: seller.StateIssued, kind: seller.KindOrder, snapshot: 104, more: key(other), want: lifecycle.MigrationMigrated},
		"the item has its certificate":                  {state: seller.StateIssued, stored: true, kind: seller.KindOrder, snapshot: 104, more: key(pair), want: lifecycle.MigrationMigrated},
	} {
		for _, named := range []string{"105", ""} {
			if named == "" && c.state != seller.StateIssued {
				continue // without a name nothing ties it to the item
			}
			t.Run(rule+" "+named, func(t *testing.T) {
				m := newMigrating(t)
				m.args.Item, m.args.ID = 50, named
				it := m.item(50, pair)
				chain := m.order(t, 105, pair, "2026-04-02")
				if c.stored {
					it.Stored = chain
				}
				if c.state != seller.StateIssued {
					m.able.listed[0].State, m.able.listed[0].CommonName = c.state, ""
					m.seller.statuses[105] = seller.OrderStatus{ID: 105, State: c.state}
				}
				buyer := m.item(43, newPair(t, "c.example"))
				buyer.Params[itemparam.Intent] = c.intent
				if c.intent == "" {
					buyer.Params[itemparam.Intent] = m.intentOf(c.kind, c.snapshot, c.more)
				}
				if c.has != "" {
					buyer.Params[itemparam.OrderID], buyer.Params[itemparam.Lineage] = c.has, c.has
				}
				row := m.migrate(t, 50)
				assert.Equal(t, c.want, row.State, row.Reason)
				if c.want == lifecycle.MigrationHeld {
					assert.Contains(t, row.Reason, "id 105 may be the purchase without an answer of item 43: run --command resolve --item 43")
					assert.Empty(t, it.Params)
					assert.Empty(t, m.panel.journal)
				}
			})
		}
	}
}

// rules MIGRATE-6: a purchase that loses its answer while the migration waits for the account's lock counts too.
func TestMigrateLooksAtPurchasesAgainUnderTheLocks(t *testing.T) {
	m := newMigrating(t)
	pair := newPair(t, "a.example")
	it := m.item(50, pair)
	m.order(t, 105, pair, "2026-04-02")
	m.fixture.panel.onLock = func() {
		m.item(43, newPair(t, "c.example")).Params[itemparam.Intent] = m.intentOf(seller.KindOrder, 104, "")
	}
	row := m.migrate(t, 50)
	assert.Equal(t, lifecycle.MigrationFailed, row.State)
	assert.Contains(t, row.Reason, "item 50 (a.example): nothing was written to it, for id 105 may be the purchase without an answer of item 43")
	assert.Empty(t, it.Params)
}

// rules MIGRATE-4, MIGRATE-5: the lineage has the item's earlier terms, each of which begins at the end of the one before. An order whose
// certificate another item has, of whatever module, is none of them.
func TestMigrateTakesTheItemsOwnEarlierTerms(t *testing.T) {
	pair := newPair(t, "a.example")
	for rule, c := range map[string]struct {
		named    string
		given    func(t *testing.T, m *migrating, chains map[int64]string)
		lineage  string
		start    string
		doubtful string // ids about which the row warns
	}{
		"a renewal of a renewal":        {lineage: "101 102 103", start: "2026-04-02"},
		"which the administrator named": {named: "103", lineage: "101 102 103", start: "2026-04-02"},
		"the first has its certificate on another item": {lineage: "103", start: "2026-01-25", doubtful: "101 102", given: func(t *testing.T, m *migrating, chains map[int64]string) {
			m.item(60, newPair(t, "a.example")).Stored = chains[101]
		}},
		"on one of another module": {lineage: "102 103", start: "2026-02-01", doubtful: "101", given: func(_ *testing.T, m *migrating, chains map[int64]string) {
			other := m.item(60, newPair(t, "a.example"))
			other.Module, other.Stored = 9, chains[101]
		}},
		"on a closed item": {lineage: "101 102 103", start: "2026-04-02", given: func(_ *testing.T, m *migrating, chains map[int64]string) {
			other := m.item(60, newPair(t, "a.example"))
			other.Status, other.Stored = item.ItemDeleted, chains[101]
		}},
		"another item has the key too": {lineage: "103", start: "2026-01-25", doubtful: "101 102", given: func(_ *testing.T, m *migrating, _ map[int64]string) {
			m.item(60, pair)
		}},
		"they may be another item's purchase": {lineage: "103", start: "2026-01-25", doubtful: "101 102", given: func(t *testing.T, m *migrating, _ map[int64]string) {
			m.item(60, newPair(t, "c.example")).Params[itemparam.Intent] = m.intentOf(seller.KindOrder, 100, "")
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			m.args.Item, m.args.ID = 50, c.named
			it := m.item(50, pair)
			chains := map[int64]string{
				101: m.order(t, 101, pair, "2024-04-02"), 102: m.order(t, 102, pair, "2025-02-01"), 103: m.reissued(t, 103, pair, "2026-01-25", "2026-03-01"),
			}
			it.Stored = chains[103]
			if c.given != nil {
				c.given(t, m, chains)
			}
			row := m.migrate(t, 50)
			require.Equal(t, lifecycle.MigrationMigrated, row.State, row.Reason)
			assert.Equal(t, c.lineage, it.Params[itemparam.Lineage])
			assert.Equal(t, "103", it.Params[itemparam.OrderID])
			assert.Equal(t, c.start, it.Params[itemparam.TermStart])
			if c.doubtful == "" {
				assert.Empty(t, row.Warnings)
			} else {
				assert.Contains(t, strings.Join(row.Warnings, "\n"), "the ids "+c.doubtful+" have its key")
			}
		})
	}
}

// rules MIGRATE-3: an order of this module stays its item's, whatever number another module has noted on the item that is to be migrated.
func TestMigrateTakesNoOrderOfAnotherItem(t *testing.T) {
	for rule, other := range map[string]map[string]string{
		"an order of this module":                  {itemparam.OrderID: "105", itemparam.Lineage: "105", itemparam.TermStart: "2026-03-01"},
		"an interrupted migration of another host": {itemparam.Lineage: "105", itemparam.Migration: `{"id":105,"time":"2026-04-02T09:00:00Z"}`},
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			pair := newPair(t, "a.example")
			m.item(40, pair).Params = other
			m.item(50, pair).Params[itemparam.OrderID] = "105"
			m.order(t, 105, pair, "2026-03-20")
			m.args.Item, m.args.ID = 50, "105"
			row := m.migrate(t, 50)
			assert.Equal(t, lifecycle.MigrationHeld, row.State, row.Reason)
			assert.Contains(t, row.Reason, "is on item 40")
		})
	}
}

// rules MIGRATE-4: an order is not certain that another item may have by its key, of any processing module with the account.
func TestMigrateGivesNoOrderAwayThatAnotherModulesItemMayHave(t *testing.T) {
	for rule, c := range map[string]struct {
		modules []int64 // of this program
		params  map[string]string
		status  int
		want    lifecycle.MigrationState
	}{
		"another module of the account":     {modules: []int64{5, 6}, status: 2, want: lifecycle.MigrationAmbiguous},
		"its item has an order of its own":  {modules: []int64{5, 6}, status: 2, params: map[string]string{itemparam.OrderID: "90", itemparam.Lineage: "90", itemparam.TermStart: "2026-03-01"}, want: lifecycle.MigrationMigrated},
		"its item is closed":                {modules: []int64{5, 6}, status: item.ItemDeleted, want: lifecycle.MigrationMigrated},
		"a module of another program":       {modules: []int64{5}, status: 2, want: lifecycle.MigrationMigrated},
		"the module's own item, as a check": {modules: []int64{5}, status: 2, params: map[string]string{"own": "yes"}, want: lifecycle.MigrationAmbiguous},
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			m.panel.modules = c.modules
			pair := newPair(t, "a.example")
			m.item(50, pair)
			other := m.item(60, pair)
			other.Status = c.status
			if other.Module = 6; c.params["own"] != "" {
				other.Module = 5
			} else {
				maps.Copy(other.Params, c.params)
			}
			m.order(t, 105, pair, "2026-03-20")
			m.args.Item = 50
			row := m.migrate(t, 50)
			assert.Equal(t, c.want, row.State, row.Reason)
			if c.want == lifecycle.MigrationAmbiguous {
				assert.Contains(t, row.Reason, "id 105 may also be of item 60, which has the same key")
			}
		})
	}
}

// rules MIGRATE-4: an order that has ended is that of the item with its certificate, too.
func TestMigrateGivesNoEndedOrderAwayWhoseCertificateAnotherItemHas(t *testing.T) {
	m := newMigrating(t)
	pair := newPair(t, "a.example")
	m.item(50, pair)
	other := m.item(60, newPair(t, "a.example"))
	other.Module, other.Stored = 9, m.order(t, 101, pair, "2024-04-02")
	row := m.migrate(t, 50)
	assert.Equal(t, lifecycle.MigrationAmbiguous, row.State)
	assert.Contains(t, row.Reason, "id 101 may also be of item 60, which has the same certificate")
}
