package model

import (
	"cmp"
	"slices"
)

// Sweep runs the module's subscription over all items.
func (m *Model) Sweep() bool {
	ok := true
	var due, waiting []*Item
	for _, i := range m.Items() {
		switch {
		case i.Status != Active: // rules SWEEP-2
		case i.Service == Waiting:
			waiting = append(waiting, i)
		case m.Due(i):
			due = append(due, i)
		}
	}
	slices.SortStableFunc(due, func(a, b *Item) int { return cmp.Compare(m.end(a), m.end(b)) }) // rules SWEEP-1
	reads := m.reads
	for _, i := range due {
		if m.config.Policy == "auto" {
			ok = !m.deaf() && m.ask(i, m.orders[i.newest()]) == done && m.confirm(i) && ok
		}
	}
	if m.reads > reads {
		for _, i := range due {
			m.unsure[i.newest()] = true
		}
	}
	for _, i := range waiting {
		ok = m.look(i) && i.Service != Refused && ok // an order that ended without a certificate fails the sweep (rules STORE-4)
	}
	return ok
}

// confirm asks whether a reissue waits before the client is written to (rules STORE-11).
func (m *Model) confirm(i *Item) bool { return i.Service != Waiting || m.look(i) }

func (m *Model) end(i *Item) Date {
	leaf, _ := m.LeafOf(i)
	return leaf.End()
}

// Due reports whether a sweep asks for a reissue of an item now (docs/reference/validity.md §B3.6).
func (m *Model) Due(i *Item) bool {
	leaf, stored := m.LeafOf(i)
	if !stored || i.Service != Issued || i.Operation != nil {
		return false
	}
	end := leaf.End()
	gain := min(m.today()+Date(limitsOn(m.today()).longest), i.TermEnd()) // rules SWEEP-3
	return end <= m.today()+m.lead(leaf) && m.today() < i.TermEnd() && gain > end && !i.recently(m.now)
}

// lead returns how many days before its end a certificate is due: never more than half of its validity
// (docs/reference/validity.md §B3.7).
func (m *Model) lead(l Leaf) Date {
	days := DateOf(l.Until.Add(1e9)) - DateOf(l.From)
	return min(Date(m.config.Before), days/2)
}
