package model

import "time"

// Sync lets the panel synchronise an item.
func (m *Model) Sync(id int64) bool {
	return m.look(m.items[id])
}

// listFor is how long the list of waiting orders is used for all items (docs/performance.md).
const listFor = 2 * time.Minute

// look asks where an order stands: an order of the list of waiting ones still waits.
func (m *Model) look(i *Item) bool {
	if i.Service == Waiting {
		if m.now.Sub(m.listed) >= listFor || m.listed.IsZero() {
			if m.deaf() {
				return false
			}
			m.list()
		}
		if m.unsure[i.newest()] && m.deaf() {
			m.undetermined = true
		}
		if m.waiting[i.newest()] {
			return true
		}
	}
	return !m.deaf() && m.follow(i)
}

// list reads the list of waiting orders.
func (m *Model) list() {
	m.listed, m.waiting, m.unsure = m.now, map[int64]bool{}, map[int64]bool{}
	m.reads++
	for _, o := range m.orders {
		if o.State == Validating {
			m.waiting[o.ID] = true
		}
	}
}

// Import lets the panel import the seller's certificates: every one is some item's, closed ones included (rules IMPORT-4).
func (m *Model) Import() bool { return !m.deaf() }

// follow reads the status of the newest order and stores what was issued (rules STORE-1, STORE-2).
func (m *Model) follow(i *Item) bool {
	o := m.orders[i.newest()]
	switch m.status(o) {
	case Validating:
		i.Service = Waiting
	case Complete:
		return m.take(i, o.newestLeaf())
	default:
		m.lose(i)
	}
	return true
}

// status returns the state that a seller shows of an order. A service of ISPmanager's billing whose term is over is suspended, and its
// certificate is shown as before (docs/reference/ispmanager.md §5).
func (m *Model) status(o *Order) OrderState {
	if o.State == Ended && m.config.Seller == ISPmanager {
		return Complete
	}
	return o.State
}

// lose is what becomes of an item whose newest order has ended (rules STORE-4).
func (m *Model) lose(i *Item) {
	i.Service = Refused
	if i.Stored != (LeafID{}) {
		i.Service = Issued
	}
}

// take stores a certificate if it is the better one, and keeps the one in place otherwise.
func (m *Model) take(i *Item, id LeafID) bool {
	leaf, _ := m.leaf(id)
	_, stored := m.LeafOf(i)
	if leaf.key != i.key { // it answers the request before (rules STORE-10)
		if stored {
			i.Service = Issued
		}
		return stored
	}
	if id != i.Stored && !m.wanted(i, leaf) {
		if stored {
			i.Service = Issued
		}
		return stored
	}
	i.Stored = id
	i.Expire = m.shown(i, leaf.End())
	m.issued(i)
	return true
}

func (m *Model) issued(i *Item) {
	if i.Service != Issued {
		i.Status = Active
		i.endOperations()
	}
	i.Service = Issued
}

// reopen asks for the next certificate of the term with the CSR in the panel.
func (m *Model) reopen(i *Item) outcome {
	if m.deaf() {
		return failed
	}
	o := m.orders[i.newest()]
	switch m.status(o) {
	case Validating:
		if o.key != i.key {
			return m.otherRequest(i)
		}
		m.follow(i)
		return done
	case Complete:
		return m.reopenIssued(i, o)
	}
	return failed
}

// otherRequest is what becomes of a CSR while the seller waits for the proof for another one: a reissue that runs is waited for
// (rules STORE-5), of a first order the administrator has to know (docs/subscription.md, "Reissue").
func (m *Model) otherRequest(i *Item) outcome {
	if i.Stored == (LeafID{}) {
		return refused
	}
	return failed
}

func (m *Model) reopenIssued(i *Item, o *Order) outcome {
	id := o.newestLeaf()
	leaf, _ := m.leaf(id)
	if leaf.key != i.key || m.now.Sub(leaf.From) >= day && (id == i.Stored || !m.wanted(i, leaf)) {
		return m.ask(i, o)
	}
	m.follow(i) // rules STORE-6
	return done
}

// wanted reports whether a certificate for the key in the panel is stored (rules STORE-7).
func (m *Model) wanted(i *Item, leaf Leaf) bool {
	old, stored := m.LeafOf(i)
	newer := !stored || leaf.Until.After(old.Until) || leaf.key != old.key || m.now.After(old.Until)
	return newer && !m.now.After(leaf.Until)
}

// ask asks for a reissue and counts the attempt (rules PARAM-9).
func (m *Model) ask(i *Item, o *Order) outcome {
	if i.tried.leaf != i.Stored {
		i.tried = attempt{leaf: i.Stored}
	}
	i.tried.at, i.tried.count = m.now.Unix(), i.tried.count+1
	next := m.reissue(o, i.key)
	if next == nil {
		return failed
	}
	if next != o {
		i.Lineage = append(i.Lineage, next.ID)
		i.Service = Waiting // the answer has the values to publish (rules STORE-11)
		return done
	}
	i.Service = Waiting
	m.follow(i)
	return done
}

// recently reports whether a reissue may not be tried again yet (rules SWEEP-3).
func (i *Item) recently(now time.Time) bool {
	return i.tried.leaf == i.Stored && (now.Unix()-i.tried.at < int64(day/time.Second) || i.tried.count >= 5)
}
