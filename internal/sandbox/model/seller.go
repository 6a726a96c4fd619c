package model

import (
	"maps"
	"slices"
	"time"
)

// OrderState is the state of an order at the seller.
type OrderState string

// The states of an order.
const (
	NotActivated OrderState = "not activated" // paid, without a CSR: newpurchase, newrenewal
	Validating   OrderState = "validating"    // waits until control of the name is proved
	Complete     OrderState = "complete"      // its newest certificate is issued
	Replaced     OrderState = "replaced"      // another id has taken its place
	Ended        OrderState = "ended"         // the paid term is over
	Failed       OrderState = "failed"        // refused by the authority
	Gone         OrderState = "gone"          // deleted by the client
)

// Leaf is a certificate that the seller has issued.
type Leaf struct {
	From, Until time.Time // both inclusive
	key         int
}

// End returns the last day of the certificate.
func (l Leaf) End() Date { return DateOf(l.Until) }

// Order is an order at the seller.
type Order struct {
	ID     int64
	Item   int64 // for which it was made
	Name   string
	State  OrderState
	Leaves []Leaf
	// Requests counts how often a certificate was asked for.
	Requests int
	// TermEnd is the last second that was paid for; zero while that is not known.
	TermEnd time.Time

	months    int
	key       int // of the CSR that was handed in
	activated time.Time
	renewalOf int64
	renewedBy int64
}

// leaf returns a certificate.
func (m *Model) leaf(id LeafID) (Leaf, bool) {
	o := m.orders[id.Order]
	if o == nil || id.Number >= len(o.Leaves) {
		return Leaf{}, false
	}
	return o.Leaves[id.Number], true
}

// LeafOf returns the certificate that is in place for an item, and whether there is one.
func (m *Model) LeafOf(i *Item) (Leaf, bool) { return m.leaf(i.Stored) }

// NewestOrder returns the order that decides about an item (rules STORE-1), or nil.
func (m *Model) NewestOrder(i *Item) *Order { return m.orders[i.newest()] }

func (o *Order) newestLeaf() LeafID { return LeafID{o.ID, len(o.Leaves) - 1} }

// buy pays for a new order.
func (m *Model) buy(i *Item, months int) *Order {
	o := &Order{ID: m.next, Item: i.ID, Name: i.Name, State: NotActivated, months: months}
	m.next++
	m.orders[o.ID] = o
	m.payments = append(m.payments, o.ID)
	if m.config.Seller == ISPmanager { // the order has its CSR from the beginning (docs/reference/ispmanager.md §4.2)
		o.TermEnd = m.today().AddMonths(months).lastSecond()
		m.request(o, i.key)
	}
	return o
}

// request hands a CSR to the authority. It issues at once if a validation can be reused (docs/reference/validity.md §A1.2).
func (m *Model) request(o *Order, key int) {
	o.key, o.State, o.activated = key, Validating, m.now
	o.Requests++
	proved, known := m.proved[o.Name]
	oldest := m.now.Add(-time.Duration(limitsOn(m.today()).reuseable) * day)
	if known && !proved.Before(oldest) {
		m.issue(o)
	}
}

// Prove lets the client prove control of a name: what waits for it is issued.
func (m *Model) Prove(name string) {
	for _, o := range m.Orders() {
		if o.Name == name && o.State == Validating {
			m.proved[name] = m.now
			m.issue(o)
		}
	}
}

// issue issues the next certificate of an order. It ends with the paid term at the latest.
func (m *Model) issue(o *Order) {
	m.setTerm(o)
	from := m.today().midnight()
	until := from.Add(time.Duration(limitsOn(m.today()).longest-1)*day - time.Second)
	if until.After(o.TermEnd) {
		until = o.TermEnd
	}
	if !until.After(m.now) {
		o.State = Failed
		return
	}
	o.Leaves, o.State = append(o.Leaves, Leaf{From: from, Until: until, key: o.key}), Complete
}

// setTerm sets the paid term of an order at Namecheap with its first certificate; a renewal that was activated in time gets the rest of the
// old term (docs/reference/namecheap.md §2).
func (m *Model) setTerm(o *Order) {
	if !o.TermEnd.IsZero() {
		return
	}
	end := m.today().AddMonths(o.months).lastSecond()
	if old := m.orders[o.renewalOf]; old != nil && o.activated.Before(old.TermEnd) {
		end = DateOf(end.Add(old.TermEnd.Sub(m.now))).lastSecond()
	}
	o.TermEnd = end
}

// reissue asks for the next certificate of an order. It returns the order that has it, or nil if the seller refuses.
func (m *Model) reissue(o *Order, key int) *Order {
	if o.State != Complete {
		return nil
	}
	m.reissues++
	if m.config.Seller == ISPmanager {
		m.request(o, key)
		return o
	}
	next := &Order{ID: m.next, Item: o.Item, Name: o.Name, months: o.months, renewalOf: o.renewalOf, renewedBy: o.renewedBy, TermEnd: o.TermEnd}
	m.next++
	m.orders[next.ID] = next
	o.State = Replaced
	m.request(next, key)
	return next
}

// renewDays are the days before and after the end between which Namecheap renews (docs/reference/namecheap.md §3.7).
const renewBefore, renewAfter = 90, 180

// renewable reports whether the seller renews an order now.
func (m *Model) renewable(o *Order) bool {
	if m.config.Seller == ISPmanager { // inferred: docs/reference/ispmanager.md §8 names no state that keeps a service from being renewed
		return o.State != Gone
	}
	inWindow := !m.now.Before(o.TermEnd.Add(-renewBefore*day)) && !m.now.After(o.TermEnd.Add(renewAfter*day+time.Second))
	return (o.State == Complete || o.State == Ended) && o.renewedBy == 0 && inWindow
}

// renew pays for the next term. It returns the order that has it.
func (m *Model) renew(i *Item, o *Order, months int) *Order {
	m.renewals++
	if m.config.Seller == ISPmanager {
		m.payments = append(m.payments, o.ID)
		o.TermEnd, o.months = DateOf(o.TermEnd).AddMonths(months).lastSecond(), months
		m.request(o, o.key) // with the CSR that it has (docs/reference/ispmanager.md §8)
		return o
	}
	next := m.buy(i, months)
	next.renewalOf, o.renewedBy = o.ID, next.ID
	return next
}

// endTerms ends the orders whose paid term is over.
func (m *Model) endTerms() {
	for _, o := range m.orders {
		if !o.TermEnd.IsZero() && m.now.After(o.TermEnd) && o.State == Complete {
			o.State = Ended
		}
	}
}

// Renumber gives orders other ids, which the seller has chosen: several requests at a time (rules SWEEP-13) reach it in any order.
func (m *Model) Renumber(ids map[int64]int64) {
	renamed := map[int64]*Order{}
	for from, to := range ids {
		o := m.orders[from]
		i := m.items[o.Item]
		i.Lineage[slices.Index(i.Lineage, from)] = to
		if i.Stored.Order == from {
			i.Stored.Order = to
		}
		o.ID = to
		renamed[to] = o
	}
	maps.Copy(m.orders, renamed)
}
