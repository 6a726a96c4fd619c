package model

// open buys and activates an order, once (rules BUY-6).
func (m *Model) open(i *Item) outcome {
	if m.deaf() {
		return failed // the snapshot of the seller's list is the first step (rules BUY-2)
	}
	if len(i.Lineage) > 0 {
		return m.openAgain(i)
	}
	o := m.orders[i.bought]
	if o == nil {
		if m.fault == NoMoney || m.fault == OrderRefused { // rules BUY-8, BUY-12: nothing was bought
			return failed
		}
		o = m.buy(i, i.Months)
		i.intended = m.today()
		if m.fault == AnswerLost && m.config.Seller == Namecheap { // the next run looks for it (rules BUY-3, BUY-4); a reference finds it at once
			i.bought = o.ID
			return failed
		}
	}
	i.bought = 0
	i.Lineage = []int64{o.ID}
	i.TermStart, i.TermMonths = i.intended, i.Months // rules PARAM-4, PARAM-5
	m.handIn(i, o)
	m.opened(i)
	return done
}

// handIn activates an order at Namecheap.
func (m *Model) handIn(i *Item, o *Order) {
	i.Service = Waiting
	if o.State == NotActivated {
		m.request(o, i.key) // its answer has the values to publish: it counts as waiting (rules STORE-11)
		return
	}
	m.follow(i)
}

// opened is what the panel and the module do at the end of an open.
func (m *Model) opened(i *Item) {
	i.Status = Active
	m.setNominalDate(i)
}

// setNominalDate sets the expiration date that an item has before there is a certificate: the day of the order plus the longest validity,
// and never past the term (docs/reference/validity.md §B3.3).
func (m *Model) setNominalDate(i *Item) {
	if i.Stored == (LeafID{}) {
		i.Expire = m.shown(i, i.TermStart+Date(limitsOn(i.TermStart).longest))
	}
}

// shown returns the expiration date of an item whose certificate ends on a date (rules STORE-3).
func (m *Model) shown(i *Item, end Date) Date {
	if m.config.ByTerm {
		return i.TermEnd()
	}
	return min(end, i.TermEnd())
}

func (m *Model) openAgain(i *Item) outcome {
	o := m.orders[i.newest()]
	if o.State == NotActivated {
		m.handIn(i, o)
		m.opened(i)
		return done
	}
	if state := m.status(o); state == Validating || state == Complete {
		m.setNominalDate(i) // a certificate that cannot be stored does not take that back (rules BUY-6)
	}
	if !m.follow(i) {
		return failed
	}
	m.opened(i)
	return done
}

// prolong pays for the next term (rules BUY-7).
func (m *Model) prolong(i *Item) outcome {
	o := m.orders[i.newest()]
	if m.deaf() { // its renewal may be paid already
		return failed
	}
	if m.today() < i.TermEnd()-renewBefore {
		return refused
	}
	if m.fault == NoMoney || !m.renewable(o) {
		return refused // rules BUY-22
	}
	end := i.TermEnd()
	o = m.renew(i, o, i.Months)
	i.Renewed++
	if o.ID != i.newest() {
		i.Lineage = append(i.Lineage, o.ID)
	}
	i.TermStart, i.TermMonths = end, i.Months
	m.handIn(i, o)
	i.Expire = i.Expire.AddMonths(i.Months)  // by the panel
	if leaf, stored := m.LeafOf(i); stored { // it is set back (rules STORE-3)
		i.Expire = m.shown(i, leaf.End())
	}
	return done
}

// close lets the panel delete the item, whatever the seller says: an order that could not be ended is a task
// (docs/troubleshooting.md).
func (m *Model) close(i *Item) outcome {
	i.Status = Deleted
	if o := m.orders[i.newest()]; o != nil && m.config.Seller == ISPmanager && !m.deaf() {
		o.State = Gone
	}
	return done
}
