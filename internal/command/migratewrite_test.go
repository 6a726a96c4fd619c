package command_test

import (
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules MIGRATE-6: what the decision was made on is read again under the locks.
func TestMigrateWritesNothingToAnItemThatWasChanged(t *testing.T) {
	pair := newPair(t, "a.example")
	for rule, change := range map[string]func(it *item.Item){
		"the id that another module noted": func(it *item.Item) { it.Params[itemparam.OrderID] = "7" },
		"the further names":                func(it *item.Item) { it.Params[itemparam.AltName] = "www.a.example" },
		"the expiration date":              func(it *item.Item) { it.ExpireDate = cabforum.Date{Year: 2028, Month: time.April, Day: 2} },
		"the period":                       func(it *item.Item) { it.Period = 24 },
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			it := m.item(50, pair)
			it.Params[itemparam.OrderID] = "105"
			m.order(t, 105, pair, "2026-04-02")
			m.fixture.panel.onLock = func() { change(it) }
			row := m.migrate(t, 50)
			assert.Equal(t, lifecycle.MigrationFailed, row.State)
			assert.Contains(t, row.Reason, "was changed meanwhile")
			assert.NotContains(t, it.Params, itemparam.Migration)
		})
	}
}

// rules MIGRATE-6: a run that ends between any two of its writes leaves no id without its term, and the next one completes it.
func TestMigrationThatEndsBetweenTwoWrites(t *testing.T) {
	pair := newPair(t, "a.example")
	for rule, c := range map[string]struct {
		given func(m *migrating, it *item.Item, chain string)
		start string
	}{
		"with a certificate": {func(_ *migrating, it *item.Item, chain string) { it.Stored = chain }, "2026-03-20"},
		"the seller does not say when the term began": {func(m *migrating, _ *item.Item, _ string) {
			m.able.listed[0].Created, m.able.listed[0].Months = cabforum.Date{}, 24
			m.seller.statuses[105] = seller.OrderStatus{ID: 105, State: seller.StateWaiting, CSR: pair.csr}
		}, "2026-03-01"},
		"it says one to come": {func(m *migrating, it *item.Item, chain string) {
			it.Stored, m.able.listed[0].Created = chain, cabforum.Date{Year: 2031, Month: 1, Day: 1}
		}, "2026-03-20"},
		"nor does the panel": {func(m *migrating, it *item.Item, _ string) {
			it.OpenDate, m.able.listed[0].Created = cabforum.Date{}, cabforum.Date{Year: 1, Month: 1, Day: 1}
			m.seller.statuses[105] = seller.OrderStatus{ID: 105, State: seller.StateWaiting, CSR: pair.csr}
		}, "2026-04-02"},
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			chain := m.order(t, 105, pair, "2026-03-20")
			fresh := func() *item.Item {
				m.panel.journal, m.panel.left, m.at = nil, -1, now()
				it := m.item(50, pair)
				c.given(m, it, chain)
				return it
			}
			whole := fresh()
			require.Equal(t, lifecycle.MigrationMigrated, m.migrate(t, 50).State)
			want := whole.Params
			require.Equal(t, c.start, want[itemparam.TermStart])
			for writes := 1; ; writes++ {
				it := fresh()
				m.panel.left = writes
				if m.migrate(t, 50).State == lifecycle.MigrationMigrated {
					require.Greater(t, writes, 6)
					break
				}
				assert.NotEmpty(t, it.Params[itemparam.Migration], "after %d writes", writes)
				if it.Params[itemparam.OrderID] != "" || it.Params[itemparam.Lineage] != "" {
					assert.Equal(t, want[itemparam.TermStart], it.Params[itemparam.TermStart], "after %d writes", writes)
					assert.Equal(t, want[itemparam.TermMonths], it.Params[itemparam.TermMonths], "after %d writes", writes)
				}
				m.panel.left, m.at = -1, m.at.AddDate(0, 0, 1)
				require.Equal(t, lifecycle.MigrationMigrated, m.migrate(t, 50).State)
				assert.Equal(t, want, it.Params, "after %d writes", writes)
				assert.Len(t, m.panel.journal, 1)
			}
		})
	}
}

// rules MIGRATE-6: the administrator names another order than that of an interrupted migration. Nothing of the first one stays, and no later
// run takes it from the journal.
func TestMigrateToAnotherOrderThanAnInterruptedRun(t *testing.T) {
	m := newMigrating(t)
	pair := newPair(t, "a.example")
	it := m.item(50, pair)
	m.order(t, 104, pair, "2026-03-20")
	m.order(t, 105, pair, "2026-03-25")
	m.args.Item, m.args.ID = 50, "105"
	m.panel.left = 8
	require.Equal(t, lifecycle.MigrationFailed, m.migrate(t, 50).State)
	require.Equal(t, "105", it.Params[itemparam.Lineage])
	m.panel.left, m.args.ID = -1, "104"
	require.Equal(t, lifecycle.MigrationMigrated, m.migrate(t, 50).State)
	assert.Equal(t, "104", it.Params[itemparam.Lineage])
	assert.Equal(t, "104", it.Params[itemparam.OrderID])
	assert.Equal(t, "2026-03-20", it.Params[itemparam.TermStart])
	assert.Equal(t, "105", it.Params[itemparam.Released], "no later run puts it on the item (rules BUY-2)")
	assert.NotContains(t, it.Params, itemparam.Migration)
	right := m.item(51, pair)
	m.args.Item, m.args.ID = 51, "105"
	row := m.migrate(t, 51)
	require.Equal(t, lifecycle.MigrationMigrated, row.State, row.Reason)
	assert.Equal(t, "105", right.Params[itemparam.Lineage], "the item whose it is gets it")
}

// rules MIGRATE-7: an item without a certificate waits for that of its order, which nothing else would fetch.
func TestMigratedItemWithoutACertificateWaitsForIt(t *testing.T) {
	for rule, c := range map[string]struct {
		state    seller.State
		inferred bool
		stored   bool
		want     string // service status
	}{
		"issued, and not delivered yet":                         {state: seller.StateIssued, want: "4"},
		"waiting, as far as that can be known":                  {state: seller.StateWaiting, inferred: true, want: "4"},
		"replaced by another id":                                {state: seller.StateReplaced, want: "4"},
		"refused meanwhile":                                     {state: seller.StateRefused, want: "5"},
		"issued and not delivered, the panel has a certificate": {state: seller.StateIssued, stored: true, want: "5"},
	} {
		t.Run(rule, func(t *testing.T) {
			m := newMigrating(t)
			pair := newPair(t, "a.example")
			it := m.item(50, pair)
			it.Params[itemparam.ServiceStatus] = "5"
			chain := m.order(t, 105, pair, "2026-03-20")
			if c.stored {
				it.Stored = chain
			}
			status := m.seller.statuses[105]
			status.State, status.Inferred, status.PEM = c.state, c.inferred, nil
			m.seller.statuses[105] = status
			row := m.migrate(t, 50)
			require.Equal(t, lifecycle.MigrationMigrated, row.State, row.Reason)
			assert.Equal(t, c.want, it.Params[itemparam.ServiceStatus])
		})
	}
}
