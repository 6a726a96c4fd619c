package model

import (
	"maps"
	"slices"
	"time"
)

// Seller is the seller of a provider.
type Seller int

// The sellers.
const (
	Namecheap  Seller = iota // a reissue and a renewal have ids of their own (docs/reference/namecheap.md §2)
	ISPmanager               // both keep the id of the order (docs/reference/ispmanager.md §7, §8)
)

// Fault is what goes wrong at the seller until it is changed.
type Fault string

// The faults, with the names of provider.Fault.
const (
	NoFault      Fault = ""
	NoMoney      Fault = "money"
	KeyRefused   Fault = "key"
	Outage       Fault = "outage"
	OrderRefused Fault = "order"
	AnswerLost   Fault = "lost"
)

// Config are the settings of the panel that the model knows (docs/subscription.md, "Options").
type Config struct {
	Seller Seller
	Start  time.Time
	// Policy is SSLSubscriptionPolicy: auto, manual or none.
	Policy string
	// Before is SSLSubscriptionBefore, in days.
	Before int
	// ByTerm is SSLSubscriptionExpireDate term.
	ByTerm bool
	// FirstOrder is the id of the first order at the seller; they are numbered from there on.
	FirstOrder int64
}

// Model is one provider. It is not safe for concurrent use.
type Model struct {
	config Config
	now    time.Time
	fault  Fault
	items  map[int64]*Item
	orders map[int64]*Order
	next   int64 // id of the next order
	// payments are the ids of the orders that were paid for, oldest first.
	payments []int64
	// proved is when control of a name was proved to the seller last.
	proved map[string]time.Time
	// listed is when the list of waiting orders was read last, and waiting is what it had.
	listed  time.Time
	waiting map[int64]bool
	// unsure are the orders for which the sweep that read this list asked for a certificate: it works on several items at once, so the list
	// may have been read before or after (rules SWEEP-13).
	unsure map[int64]bool
	// reads counts how often the list was read.
	reads int
	// undetermined says that it depends on that whether the last run succeeded.
	undetermined bool
	// reissues and renewals count what the seller did.
	reissues, renewals int
	// killed says that the panel has counted a run of the next operation already, which was killed.
	killed bool
	// operations counts the operations of the panel.
	operations int
	// keys counts the keys that clients have made.
	keys int
}

// New returns a provider without items.
func New(c Config) *Model {
	return &Model{config: c, now: c.Start.UTC(), items: map[int64]*Item{}, orders: map[int64]*Order{}, next: c.FirstOrder, proved: map[string]time.Time{}}
}

// Now returns the time.
func (m *Model) Now() time.Time { return m.now }

// Fault returns what goes wrong at the seller.
func (m *Model) Fault() Fault { return m.fault }

// SetFault changes what goes wrong at the seller.
func (m *Model) SetFault(f Fault) { m.fault = f }

// Advance lets time pass.
func (m *Model) Advance(d time.Duration) {
	m.now = m.now.Add(d)
	m.endTerms()
}

// KillRun says that the next run of an operation is its second one, because the first one was killed. Nothing of what that did is lost, and
// nothing is done twice (rules BUY-1, BUY-2, STORE-2, STORE-6): the panel has counted one run more, and all else is the same.
func (m *Model) KillRun() { m.killed = true }

// Payments returns the ids of the orders at the seller that were paid for, oldest first. A renewal in place names its order again.
func (m *Model) Payments() []int64 { return slices.Clone(m.payments) }

// Counts are what the seller was asked for, as far as it did it.
type Counts struct{ Payments, Reissues, Renewals int }

// Counts returns what the seller was asked for so far.
func (m *Model) Counts() Counts { return Counts{len(m.payments), m.reissues, m.renewals} }

// Items returns the items, oldest first.
func (m *Model) Items() []*Item {
	var all []*Item
	for _, id := range slices.Sorted(maps.Keys(m.items)) {
		all = append(all, m.items[id])
	}
	return all
}

// Item returns an item, or nil.
func (m *Model) Item(id int64) *Item { return m.items[id] }

// Orders returns the orders at the seller, oldest first.
func (m *Model) Orders() []*Order {
	var all []*Order
	for _, id := range slices.Sorted(maps.Keys(m.orders)) {
		all = append(all, m.orders[id])
	}
	return all
}

// OrderOf returns an order at the seller, or nil.
func (m *Model) OrderOf(id int64) *Order { return m.orders[id] }

// Forget removes a closed item, which nothing asks about any more. Its orders stay at the seller.
func (m *Model) Forget(id int64) { delete(m.items, id) }

// TakeUndetermined reports whether a run since the last call may as well have ended the other way: it depends on which of several
// items a sweep was faster with.
func (m *Model) TakeUndetermined() bool {
	taken := m.undetermined
	m.undetermined = false
	return taken
}

// deaf reports whether the seller answers nothing.
func (m *Model) deaf() bool { return m.fault == KeyRefused || m.fault == Outage }

func (m *Model) today() Date { return DateOf(m.now) }
