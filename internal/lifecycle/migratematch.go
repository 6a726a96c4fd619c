package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/sorting"
)

// candidate is an order that may be an item's.
type candidate struct {
	order  seller.ListedCertificate
	listed seller.ListedCertificate // the order as the seller lists it, without earlier terms (addEarlier)
	shown  shown
	proof  evidence
	holder int64 // another item that holds it; 0 if none
	why    string
	buyers []int64 // other items whose purchase without an answer it may be
	// doubtful are orders that may be earlier terms of the item or orders of others.
	doubtful []int64
}

// paid returns the term that the order is paid for now, by what the seller says alone; false if that is not known.
func (c candidate) paid() (term, bool) {
	return paidTerm(c.order, 0, cabforum.Date{}, c.shown.leaf, nil)
}

// over reports whether nothing more comes of the order: its term has ended, or its certificate and nothing is waited for.
func (m *migrator) over(c candidate) bool {
	if c.order.State == seller.StateExpired || c.shown.status.State == seller.StateExpired {
		return true
	}
	if c.shown.leaf == nil || c.shown.leaf.Leaf.NotAfter.After(m.Now()) {
		return false
	}
	paid, known := c.paid()
	return !known || !m.today().Before(paid.end())
}

// decide finds the order of one item among the account's (rules MIGRATE-2 to MIGRATE-4). It sends the seller one request for each
// order that may be the item's.
func (m *migrator) decide(ctx context.Context, u unmigrated) (MigrationRow, *candidate, error) {
	row := MigrationRow{Item: u.item.Item, Name: u.item.Name, Product: u.item.Template, State: MigrationNone, Reason: "no order of the account has its name"}
	all, err := m.candidates(ctx, u, m.ordersOf(u))
	if err != nil || len(all) == 0 {
		return row, nil, err
	}
	if m.named != 0 {
		return m.decideNamed(ctx, row, u, all[0])
	}
	proven, live := m.provenOf(all)
	if len(proven) == 0 {
		return m.decideUnproven(ctx, row, u, all)
	}
	chosen, reason := m.choose(u, proven, live)
	if chosen == nil {
		row.State, row.Reason = MigrationAmbiguous, reason
		return row, nil, nil
	}
	if odd := m.oddProduct(u, chosen.order); odd != "" {
		row.State, row.Reason = MigrationOther, odd
		return row, nil, nil
	}
	if len(chosen.buyers) > 0 {
		return chosen.unanswered(row), nil, nil
	}
	m.addEarlier(u, chosen, proven)
	if paid := m.mayBeRenewed(*chosen); paid != "" {
		row.State, row.ID, row.Proof = MigrationAmbiguous, chosen.order.ID, chosen.proof.String()
		row.Reason = fmt.Sprintf("id %d is its order, and nobody has activated the paid renewals %s, of which one may be its: activate it at %s if so, then migrate again; else %s",
			chosen.order.ID, paid, m.Info.Title, m.byHand(strconv.FormatInt(row.Item, 10), strconv.FormatInt(chosen.order.ID, 10)))
		return row, nil, nil
	}
	return m.matched(row, u, *chosen), chosen, nil
}

// mayBeRenewed returns the ids of paid renewals that may be of the order's next term: the other module may have paid for it and ended
// before it was activated, and without that renewal the next prolong would pay again. Empty if the order's term is not near its end.
func (m *migrator) mayBeRenewed(c candidate) string {
	paid, known := c.paid()
	if known && m.today().Before(paid.end().AddDays(-renewalWindow)) {
		return ""
	}
	var ids []int64
	for _, renewal := range m.renewals {
		if renewal.ID > c.order.ID { // its product may have another name than the order's, which is older
			ids = append(ids, renewal.ID)
		}
	}
	return item.FormatIDs(ids)
}

// provenOf returns the candidates with proof that the item may get, and those of them that are not over.
func (m *migrator) provenOf(all []candidate) (proven, live []candidate) {
	for _, c := range all {
		if c.proof < evidenceKey || c.holder != 0 || c.ended() {
			continue
		}
		proven = append(proven, c)
		if !m.over(c) {
			live = append(live, c)
		}
	}
	return proven, live
}

// decideUnproven decides about an item for which no order has proof: the one that an interrupted run was given by name is its.
func (m *migrator) decideUnproven(ctx context.Context, row MigrationRow, u unmigrated, all []candidate) (MigrationRow, *candidate, error) {
	if begun, there := begunWith(u, all); there {
		return m.decideNamed(ctx, row, u, begun)
	}
	return m.unproven(row, all), nil, nil
}

// decideNamed decides about the order that the administrator named with --id: it is the item's unless it is for another key or product,
// belongs to another item or may be another one's purchase, or has ended (rules MIGRATE-4).
func (m *migrator) decideNamed(ctx context.Context, row MigrationRow, u unmigrated, c candidate) (MigrationRow, *candidate, error) {
	if c.proof == evidenceOther || c.holder != 0 || c.ended() {
		return m.unproven(row, []candidate{c}), nil, nil
	}
	if odd := m.oddProduct(u, c.order); odd != "" {
		row.State, row.Reason = MigrationOther, odd
		return row, nil, nil
	}
	if name := otherName(u, c); name != "" {
		row.State, row.ID = MigrationOther, c.order.ID
		row.Reason = fmt.Sprintf("id %d is for %s, which is not the name in the item's CSR or certificate", c.order.ID, item.DisplayLine(name, item.MaxName))
		return row, nil, nil
	}
	if len(c.buyers) > 0 {
		return c.unanswered(row), nil, nil
	}
	if c.proof >= evidenceKey {
		all, err := m.candidates(ctx, u, m.orders.mayBe(u))
		if err != nil {
			return row, nil, err
		}
		proven, _ := m.provenOf(all)
		m.addEarlier(u, &c, proven)
	}
	row = m.matched(row, u, c)
	if c.proof == evidenceNone {
		row.Proof, row.Reason = proofNamed, "the administrator named it"
		if c.order.CommonName != "" {
			row.Reason += "; the seller has it for " + item.DisplayLine(c.order.CommonName, item.MaxName)
		}
	}
	return row, &c, nil
}

// unanswered completes the row of an item whose order may be what another item's purchase without an answer has bought. Given to this
// item, it would be missing there, and be bought again.
func (c candidate) unanswered(row MigrationRow) MigrationRow {
	row.State, row.ID, row.Proof = MigrationHeld, c.order.ID, c.proof.String()
	row.Reason = c.buyersReason() + ", then migrate again"
	return row
}

// buyersReason says whose purchase the order may be, and what to do.
func (c candidate) buyersReason() string {
	return fmt.Sprintf("id %d may be the purchase without an answer of item %s: run --command resolve --item %d", c.order.ID, item.FormatIDs(c.buyers), c.buyers[0])
}

// otherName returns the name that the seller has for the order if the item's CSR and certificate are known and are for another one;
// empty if the order may be the item's.
func otherName(u unmigrated, c candidate) string {
	name := canonical(c.order.CommonName)
	if name == "" || c.proof >= evidenceKey || u.csr.PEM == "" && u.stored == nil || slices.Contains(u.names, name) {
		return ""
	}
	return c.order.CommonName
}

// proofNamed is the proof of an order that the administrator named.
const proofNamed = "administrator"

// ended reports whether the order cannot be an item's any more: it was refused, cancelled, or never paid.
func (c candidate) ended() bool {
	state := c.order.State
	return state == seller.StateRefused || state == seller.StateCancelled || state == seller.StateUnpaid
}

// candidates returns the orders, which may be the item's, with what the seller shows of each.
func (m *migrator) candidates(ctx context.Context, u unmigrated, orders []seller.ListedCertificate) ([]candidate, error) {
	var all []candidate
	for _, l := range orders {
		s := m.show(ctx, l.ID)
		if s.err != nil {
			return nil, s.err
		}
		if l.Created.After(m.today().AddDays(dateTolerance)) { // with it the term would never end
			l.Created = cabforum.Date{}
		}
		c := candidate{order: l, listed: l, shown: s, proof: evidenceOf(u, s)}
		holder, why, err := m.owners.Owner(ctx, l)
		if err != nil {
			return nil, err
		}
		if holder != 0 && holder != u.item.Item {
			c.holder, c.why = holder, why
		}
		c.buyers = c.openPurchases(m.owners, u.item.Item)
		all = append(all, c)
	}
	return all, nil
}

// openPurchases returns the items, other than it, whose purchase without an answer the order may be. Not one whose certificate the item
// has: it is the item's.
func (c candidate) openPurchases(owners purchase.OwnerIndex, it int64) []int64 {
	if c.proof == evidenceLeaf {
		return nil
	}
	return owners.OpenPurchases(c.listed, c.shown.status, it)
}

// ordersOf returns the orders that are looked at for the item: if the administrator named one, only that one.
func (m *migrator) ordersOf(u unmigrated) []seller.ListedCertificate {
	if m.named == 0 {
		return m.orders.mayBe(u)
	}
	if at, there := m.orders.byID[m.named]; there {
		return m.orders.listed[at : at+1]
	}
	return nil
}

// byHand returns the command line by which an administrator names an order.
func (m *migrator) byHand(it string, id string) string {
	return fmt.Sprintf("run --command migrate --module %d --item %s --id %s", m.Args.Module, it, id)
}

// show returns what the seller shows of an id, which is asked once in a run.
func (m *migrator) show(ctx context.Context, id int64) shown {
	if s, known := m.statuses[id]; known {
		return s
	}
	status, err := m.seller.OrderStatus(ctx, id)
	s := readShown(status)
	s.err = err
	if err == nil {
		m.statuses[id] = s
	}
	return s
}

// unproven completes the row of an item for which no order has its key.
func (m *migrator) unproven(row MigrationRow, all []candidate) MigrationRow {
	best := all[0]
	for _, c := range all {
		if c.rank() > best.rank() {
			best = c
		}
	}
	row.ID, row.Proof = best.order.ID, best.proof.String()
	switch {
	case best.holder != 0:
		row.State = MigrationHeld
		row.Reason = fmt.Sprintf("id %d %s item %d", best.order.ID, best.why, best.holder)
	case best.ended():
		row.State = MigrationNone
		row.Reason = fmt.Sprintf("id %d of its name is %s", best.order.ID, best.order.State)
	case best.proof == evidenceOther:
		row.State = MigrationOther
		row.Reason = fmt.Sprintf("id %d has its name and another key: reissue it at %s with the item's CSR, then migrate again", best.order.ID, m.Info.Title)
	case len(best.buyers) > 0:
		return best.unanswered(row)
	default:
		row.State, row.Proof = MigrationAmbiguous, evidenceNone.String()
		row.Reason = fmt.Sprintf("id %d has its name and nothing proves that it is the item's, because %s: if it is, %s",
			best.order.ID, whyUnproven(best), m.byHand(strconv.FormatInt(row.Item, 10), strconv.FormatInt(best.order.ID, 10)))
	}
	return row
}

// whyUnproven returns why keys could not be compared.
func whyUnproven(c candidate) string {
	if len(c.shown.keys) == 0 {
		return "the seller shows neither a CSR nor a certificate of it"
	}
	return "the panel has neither a CSR nor a certificate of the item"
}

// rank orders candidates without proof by how much they say about the item.
func (c candidate) rank() int {
	switch {
	case c.proof >= evidenceKey && c.holder != 0:
		return 5
	case c.proof == evidenceNone && c.holder == 0 && !c.ended():
		return 4
	case c.proof == evidenceOther && c.holder == 0 && !c.ended():
		return 3
	case c.holder != 0:
		return 2
	}
	return 1
}

// choose returns the one order that is certainly the item's, or nil and the reason why it is not certain (rules MIGRATE-4).
func (m *migrator) choose(u unmigrated, proven, live []candidate) (*candidate, string) {
	if begun, there := begunWith(u, proven); there { // an interrupted run has decided it
		return &begun, ""
	}
	pool := slices.DeleteFunc(slices.Clone(live), func(c candidate) bool { // its certificate is stored on another item
		_, bySerial := m.rivals(u.item.Item, c.shown)
		return c.proof != evidenceLeaf && len(bySerial) > 0
	})
	if len(live) == 0 {
		pool = []candidate{newest(proven)}
	}
	if len(pool) > 1 {
		pool = onlyLeaf(pool)
	}
	switch len(pool) {
	case 0:
		return nil, fmt.Sprintf("id %d has its key, and its certificate is stored on another item", newest(live).order.ID)
	case 1:
	default:
		return nil, fmt.Sprintf("the ids %s have its key: %s for the right one", candidateIDs(pool), m.byHand(strconv.FormatInt(u.item.Item, 10), "ID"))
	}
	chosen := pool[0]
	if rivals, what := m.rivalsOf(u.item.Item, chosen); len(rivals) > 0 {
		return nil, fmt.Sprintf("id %d may also be of item %s, which has the same %s: %s for the right one",
			chosen.order.ID, item.FormatIDs(rivals), what, m.byHand("ITEM", strconv.FormatInt(chosen.order.ID, 10)))
	}
	return &chosen, ""
}

// begunWith returns the order that an interrupted migration has begun to give the item; false if there is none among the candidates.
func begunWith(u unmigrated, all []candidate) (candidate, bool) {
	begun, there := readMark(u.item)
	if !there {
		return candidate{}, false
	}
	for _, c := range all {
		if slices.Contains(c.order.Lineage(), begun.ID) {
			return c, true
		}
	}
	return candidate{}, false
}

// onlyLeaf returns the only order with the item's certificate, if it is the newest; else all of them.
func onlyLeaf(pool []candidate) []candidate {
	last := newest(pool)
	for _, c := range pool {
		if c.proof == evidenceLeaf && c.order.ID != last.order.ID {
			return pool
		}
	}
	if last.proof == evidenceLeaf {
		return []candidate{last}
	}
	return pool
}

// newest returns the candidate with the highest id.
func newest(all []candidate) candidate {
	return slices.MaxFunc(all, func(a, b candidate) int {
		if a.order.ID < b.order.ID {
			return -1
		}
		return 1
	})
}

func candidateIDs(all []candidate) string {
	var ids []int64
	for _, c := range all {
		ids = append(ids, c.order.ID)
	}
	slices.Sort(ids)
	return item.FormatIDs(ids)
}

// oddProduct returns in words that the order is of another kind of product than the tariff; empty if it is not or if one of them is
// not known.
func (m *migrator) oddProduct(u unmigrated, l seller.ListedCertificate) string {
	want, known := seller.FindProduct(m.products, u.item.Template)
	has, too := seller.FindProduct(m.products, l.Template)
	if !known || !too || want.Wildcard == has.Wildcard && want.MultiDomain == has.MultiDomain && want.Level == has.Level {
		return ""
	}
	return fmt.Sprintf("id %d has its key and is %s, the item's tariff sells %s: give the item a tariff of that product, then migrate again", l.ID, has.ID, want.ID)
}

// addEarlier adds the ids of the item's earlier terms to the lineage of its order: of those that have ended, and of the one that it
// renews, at whose end its own term begins. An order that may be of another item is none of them.
func (m *migrator) addEarlier(u unmigrated, chosen *candidate, proven []candidate) {
	var earlier []candidate
	for _, c := range proven {
		rivals, _ := m.rivalsOf(u.item.Item, c)
		switch {
		case c.order.ID >= chosen.order.ID:
		case len(rivals) > 0 || len(c.buyers) > 0:
			chosen.doubtful = append(chosen.doubtful, c.order.ID)
		default:
			earlier = append(earlier, c)
		}
	}
	sorting.Func(earlier, func(a, b candidate) int { return cmp.Compare(a.order.ID, b.order.ID) })
	older := slices.Clone(chosen.order.Older)
	for i := range earlier { // a renewal of a renewal: the term of each one begins at the end of the one before
		c := &earlier[i]
		beginAfter(c, earlier[:i])
		if chosen.renews(*c) || m.over(*c) {
			older = append(older, c.order.Lineage()...)
		}
	}
	beginAfter(chosen, earlier)
	slices.Sort(older)
	chosen.order.Older = slices.DeleteFunc(slices.Compact(older), func(id int64) bool { return id == chosen.order.ID })
}

// renews reports whether the order is the renewal of an earlier one.
func (c candidate) renews(earlier candidate) bool {
	paid, known := earlier.paid()
	return known && renews(c.listed, paid.end())
}

// beginAfter lets the term of an order begin at the end of the term that it renews, if one of the earlier orders is that.
func beginAfter(c *candidate, earlier []candidate) {
	for _, before := range earlier {
		if paid, _ := before.paid(); c.renews(before) && c.order.Created.Before(paid.end()) {
			c.order.Created = paid.end()
		}
	}
}

// matched completes the row of an item whose order is known.
func (m *migrator) matched(row MigrationRow, u unmigrated, c candidate) MigrationRow {
	row.State, row.Proof, row.ID, row.Lineage = MigrationMatch, c.proof.String(), c.order.ID, c.order.Lineage()
	row.Reason = "the panel's certificate is the newest of this order"
	if c.proof != evidenceLeaf {
		row.Reason = "the order has the item's key"
	}
	row.Newer = c.shown.leaf != nil && c.proof != evidenceLeaf
	row.Renews = c.shown.status.AutoRenews
	if row.Newer {
		row.Warnings = append(row.Warnings, "the seller has a newer certificate: the next sync_item or sweep stores it")
	}
	if row.Renews {
		row.Warnings = append(row.Warnings, "the seller is set to renew the order by itself: the next sync_item switches that off")
	}
	if len(c.doubtful) > 0 {
		row.Warnings = append(row.Warnings, fmt.Sprintf("the ids %s have its key, and may be of its earlier terms or of other items: they are left out, and its term does not follow theirs", item.FormatIDs(c.doubtful)))
	}
	if paid, known := paidTerm(c.order, u.item.Period, u.item.ExpireDate, c.shown.leaf, u.stored); known {
		row.TermStart, row.TermMonths, row.PaidUntil = paid.start, paid.months, paid.end()
		if u.item.Period > 0 && u.item.Period != paid.months {
			row.Warnings = append(row.Warnings, fmt.Sprintf("the item's period is %d months, the seller's term %d: the seller's counts", u.item.Period, paid.months))
		}
	} else {
		row.Warnings = append(row.Warnings, "the seller does not say when the term began: it counts from the item's opening date")
	}
	return row
}

// unchecked completes the row of an item about which the seller could not be asked.
func unchecked(row MigrationRow, err error) MigrationRow {
	row.State, row.Reason = MigrationUnchecked, fault.From(err).Message
	return row
}
