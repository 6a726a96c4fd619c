package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/sorting"
)

// reconciler compares the orders of one account for one month.
type reconciler struct {
	*item.Run
	month    Month
	buyer    *purchase.Buyer // without an item: reads the owners of the account's ids
	account  string          // seller.AccountHash
	owners   purchase.OwnerIndex
	claims   []item.Claim
	journal  []item.JournalEntry // of the account
	listed   map[int64]seller.ListedCertificate
	orders   []seller.ListedCertificate
	holders  map[int64][]int64       // id at the seller -> items
	foreign  map[int64]int64         // id that another module noted, perhaps with another meaning -> item
	journals map[int64]bool          // ids of the journal
	bought   map[int64]cabforum.Date // id -> day of the purchase that brought it, by the journal
	own      map[ownID]bool          // of the journal
	absent   map[int64]bool          // ids of rows of the class Absent
	panelID  string                  // Panel.InstallationID
	first    time.Time               // of the journal's first line for the account; zero if it has none
	rows     []Row
}

// ownID is an item and an id that was bought for it.
type ownID struct{ item, id int64 }

// Run compares the seller's orders of the month in --period, or of the last month, with the panel's items and the journal. It takes no
// lock, calls the panel only to read, and sends the seller only what reads.
func Run(ctx context.Context, run *item.Run) (Result, error) {
	month, err := parseMonth(run.Args.Period, run.Now())
	if err != nil {
		return Result{}, err
	}
	if err := run.BeginDryRun(); err != nil {
		return Result{}, err
	}
	r, err := read(ctx, run, month)
	if err != nil {
		return Result{}, err
	}
	if err := r.compareOrders(ctx); err != nil {
		return Result{}, err
	}
	r.compareClaims()
	r.compareJournal()
	result := Result{Module: run.Args.Module, Account: r.buyer.Account, Month: month, Rows: sorted(r.rows)}
	if result.Modules, err = r.buyer.AccountModules(ctx); err != nil {
		return Result{}, err
	}
	if result.Charged, err = r.readCharged(ctx); err != nil {
		return Result{}, err
	}
	run.Failed = result.Unexplained() > 0
	run.Summary = fmt.Sprintf("month %s, rows %d, unexplained %d", month, len(result.Rows), result.Unexplained())
	return result, nil
}

// parseMonth reads a month; an empty text is the month before now. The error is a fault of type value.
func parseMonth(text string, now time.Time) (Month, error) {
	now = now.UTC()
	if text == "" {
		last := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)
		return Month{last.Year(), last.Month()}, nil
	}
	at, err := time.Parse("2006-01", text)
	if err != nil {
		return Month{}, fault.Errorf(fault.Value, "period", "--period %q is not a month: write it as 2026-04", item.Brief(text))
	}
	if at.After(now) {
		return Month{}, fault.Errorf(fault.Value, "period", "--period %s has not begun", text)
	}
	return Month{at.Year(), at.Month()}, nil
}

// read reads orders, items and journal. The orders first: one that is made meanwhile is not in the list, or its id is on its item.
func read(ctx context.Context, run *item.Run, month Month) (*reconciler, error) {
	theSeller, err := item.Dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.CertificateLister)
	if !ok {
		return nil, item.Unsupported(run, "listing certificates")
	}
	r := &reconciler{
		Run: run, month: month, account: seller.AccountHash(theSeller.Account()), listed: map[int64]seller.ListedCertificate{}, holders: map[int64][]int64{},
		foreign: map[int64]int64{}, journals: map[int64]bool{}, bought: map[int64]cabforum.Date{}, own: map[ownID]bool{}, absent: map[int64]bool{},
		buyer: &purchase.Buyer{Handle: &item.Handle{Run: run, Log: run.Log, Seller: theSeller, Account: theSeller.Account(),
			Item: item.Item{Module: run.Args.Module}}},
	}
	if r.orders, err = lister.Certificates(ctx); err != nil {
		return nil, err
	}
	for _, l := range r.orders {
		for _, id := range l.Lineage() {
			r.listed[id] = l
		}
	}
	if err := r.readJournal(ctx); err != nil {
		return nil, err
	}
	if r.owners, err = r.buyer.OwnerIndex(ctx, r.isForeign); err != nil {
		return nil, err
	}
	if r.claims, err = r.buyer.AccountClaims(ctx); err != nil {
		return nil, err
	}
	r.indexClaims()
	r.panelID, err = r.Panel.InstallationID(ctx)
	return r, err
}

// readJournal indexes the journal's lines of the account. A line that stands there twice counts once: a journal may have been copied
// together from two.
func (r *reconciler) readJournal(ctx context.Context) error {
	type same struct {
		at       int64
		item, id int64
		kind     string
	}
	seen := map[same]bool{}
	return r.Panel.EachPurchase(ctx, r.account, func(line item.JournalEntry) {
		one := same{line.Time.UnixNano(), line.Item, line.ID, line.Kind}
		if seen[one] {
			return
		}
		seen[one] = true
		r.journal = append(r.journal, line)
		r.journals[line.ID], r.own[ownID{line.Item, line.ID}] = true, true
		if day := cabforum.DateOf(line.Time); bringsID(line.Kind) && (r.bought[line.ID].IsZero() || day.Before(r.bought[line.ID])) {
			r.bought[line.ID] = day
		}
		if r.first.IsZero() || line.Time.Before(r.first) {
			r.first = line.Time
		}
	})
}

// bringsID reports whether a purchase of the kind brings an order of its own.
func bringsID(kind string) bool {
	return kind == seller.KindCreate || kind == seller.KindRenew || kind == seller.KindOrder
}

// indexClaims indexes the ids of the items.
func (r *reconciler) indexClaims() {
	for _, c := range r.claims {
		for _, id := range c.IDs() {
			switch {
			case r.isForeign(c):
				r.foreign[id] = c.Item
			case !slices.Contains(r.holders[id], c.Item):
				r.holders[id] = append(r.holders[id], c.Item)
			}
		}
	}
}

// isForeign reports whether the id of an item is another module's, perhaps with another meaning: it has no lineage and no purchase, and the
// journal does not have the id for it (rules RECONCILE-4).
func (r *reconciler) isForeign(c item.Claim) bool {
	return c.Lineage == "" && c.Intent == "" && c.Renewal == "" &&
		!slices.ContainsFunc(item.ParseIDs(c.OrderID), func(id int64) bool { return r.own[ownID{c.Item, id}] })
}

// add adds a row.
func (r *reconciler) add(row Row) { r.rows = append(r.rows, row) }

// compareOrders makes a row of each order of the month. Those of the days around it are looked at too, for what was paid twice. Of an
// order without a date, which is of no month, it makes a row if nothing explains it.
func (r *reconciler) compareOrders(ctx context.Context) error {
	var all []*order
	for _, l := range r.orders {
		day := r.dayOf(l)
		if !day.IsZero() && !r.month.near(day) {
			continue
		}
		o := &order{ref: l.OrderRef, row: Row{
			ID: l.ID, Name: l.CommonName, Product: cmp.Or(l.Template, l.Type), State: l.State.String(), Date: day, Months: l.Months, Journal: r.journalOf(l)}}
		holder, why, err := r.owners.Owner(ctx, l)
		if err != nil {
			return err
		}
		o.row.Item = holder
		o.row.Class, o.row.Reason = r.classify(l, holder, why)
		all = append(all, o)
	}
	findTwice(all)
	for _, o := range all {
		switch {
		case r.month.has(o.row.Date):
			r.add(o.row)
		case o.row.Date.IsZero() && o.row.Class.Unexplained():
			o.row.Reason += "; the seller does not say when it was ordered"
			r.add(o.row)
		}
	}
	return nil
}

// dayOf returns the day of an order: the seller's or, without a possible one, the journal's; zero if neither is known.
func (r *reconciler) dayOf(l seller.ListedCertificate) cabforum.Date {
	if l.Created.Year >= firstYear && !l.Created.After(cabforum.DateOf(r.Now()).AddDays(dateTolerance)) {
		return l.Created
	}
	var day cabforum.Date
	for _, id := range l.Lineage() {
		day = cabforum.Earlier(day, r.bought[id])
	}
	return day
}

// journalOf says whether the journal has a line about the order.
func (r *reconciler) journalOf(l seller.ListedCertificate) string {
	if slices.ContainsFunc(l.Lineage(), func(id int64) bool { return r.journals[id] }) {
		return JournalHas
	}
	if r.first.IsZero() || l.Created.Before(cabforum.DateOf(r.first)) {
		return JournalOlder
	}
	return JournalLacks
}

// classify returns the class of an order of the month, and the reason in words.
func (r *reconciler) classify(l seller.ListedCertificate, holder int64, why string) (Class, string) {
	several := r.itemsOf(l)
	switch {
	case l.State == seller.StateUnpaid:
		return Unpaid, "nobody has paid for it"
	case len(several) > 1:
		return Twice, "it is on the items " + item.FormatIDs(several)
	case l.State == seller.StateRefused || l.State == seller.StateCancelled:
		return Ended, "ask the seller whether it was paid back"
	case holder != 0 && !slices.Contains(several, holder): // by its reference or the journal alone
		return Nobodys, fmt.Sprintf("it %s item %d and is not on it: run --command open or --command sync_item for that item", why, holder)
	case holder != 0:
		return Held, fmt.Sprintf("it %s item %d", why, holder)
	case r.otherPanel(l.OrderRef):
		return OtherPanel, "another panel made it: " + item.DisplayLine(l.OrderRef, item.MaxName)
	}
	for _, id := range l.Lineage() {
		if it := r.foreign[id]; it != 0 {
			return Nobodys, fmt.Sprintf("item %d has its id from another module: migrate it, or ask who bought it", it)
		}
	}
	return Nobodys, "it is on no item: import or migrate it, or ask who bought it"
}

// itemsOf returns the items that carry one of the order's ids.
func (r *reconciler) itemsOf(l seller.ListedCertificate) []int64 {
	var items []int64
	for _, id := range l.Lineage() {
		items = append(items, r.holders[id]...)
	}
	slices.Sort(items)
	return slices.Compact(items)
}

// otherPanel reports whether an order reference has this module's form and is of another installation of the panel.
func (r *reconciler) otherPanel(ref string) bool {
	referencer, ok := r.buyer.Seller.(seller.OrderReferencer)
	digits := ref[len(strings.TrimRight(ref, "0123456789")):]
	it, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || it <= 0 || r.panelID == "" {
		return false
	}
	before, behind, found := strings.Cut(referencer.OrderRef(r.panelID, it), r.panelID)
	other, begins := strings.CutPrefix(ref, before)
	other, ends := strings.CutSuffix(other, behind)
	return found && begins && ends && len(other) == len(r.panelID) && other != r.panelID
}

// sorted returns the rows by class, date and id.
func sorted(rows []Row) []Row {
	order := Classes()
	sorting.Stable(rows, func(a, b Row) int {
		return cmp.Or(slices.Index(order, a.Class)-slices.Index(order, b.Class), cmp.Compare(a.Date.String(), b.Date.String()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Item, b.Item))
	})
	return rows
}
