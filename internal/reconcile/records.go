package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/sorting"
)

// compareClaims makes rows of what the panel's items have and the seller has not, and of purchases without an answer.
func (r *reconciler) compareClaims() {
	for _, c := range r.claims {
		if c.Intent != "" {
			r.add(r.intentRow(c))
		}
		ids := c.IDs()
		if c.Status == item.ItemDeleted || c.Lineage == "" || len(ids) == 0 { // without a lineage another module noted the id
			continue
		}
		newest := ids[len(ids)-1]
		if _, there := r.listed[newest]; !there {
			r.absent[newest] = true
			r.add(Row{Class: Absent, ID: newest, Item: c.Item, Name: c.Name, Reason: "the item has the id and the seller's list does not: look it up there; is it the account that bought it?"})
		}
	}
}

// intentRow returns the row of a purchase without an answer.
func (r *reconciler) intentRow(c item.Claim) Row {
	row := Row{Class: Unclear, Item: c.Item, Name: c.Name, Reason: fmt.Sprintf("a purchase of it has no answer: --command resolve --item %d", c.Item)}
	if in, err := purchase.ParseIntent(c.Intent); err == nil {
		row.Date, row.Product = cabforum.DateOf(in.Time), in.Product
	}
	return row
}

// shortestTerm is less than the time between two renewals of any term.
const shortestTerm = termDays * 24 * time.Hour

// payment identifies what a purchase for an order that exists is for.
type payment struct {
	item, id int64
	kind     string
}

// compareJournal makes rows of the purchases of the month that only the journal, or the item's last renewal, knows. A purchase of the
// days before the month counts for what was paid twice.
func (r *reconciler) compareJournal() {
	items, known := map[int64]item.Claim{}, map[int64][]item.JournalEntry{}
	for _, line := range r.journal {
		known[line.Item] = append(known[line.Item], line)
	}
	lines := slices.Clone(r.journal)
	for _, c := range r.claims {
		items[c.Item] = c
		if line, there := renewalOf(c); there && !r.orderItself(line) && !slices.ContainsFunc(known[c.Item], func(old item.JournalEntry) bool { return sameRenewal(old, line) }) {
			lines = append(lines, line)
		}
	}
	sorting.Stable(lines, func(a, b item.JournalEntry) int { return a.Time.Compare(b.Time) })
	paid := map[payment]item.JournalEntry{}
	for _, line := range lines {
		key := payment{line.Item, line.ID, line.Kind}
		before, again := paid[key]
		paid[key] = line
		if !r.month.hasTime(line.Time) {
			continue
		}
		again = again && (line.Time.Sub(before.Time) < shortestTerm || line.Op != 0 && line.Op == before.Op)
		if row := r.purchaseRow(line, items[line.Item], again); row.Class != "" {
			r.add(row)
		}
	}
}

// purchaseRow returns the row of a purchase; one without a class if the order has a row of its own. again says that the same was paid for
// before, by the same operation of the panel or less than any term ago.
func (r *reconciler) purchaseRow(line item.JournalEntry, of item.Claim, again bool) Row {
	row := Row{ID: line.ID, Item: line.Item, Name: cmp.Or(of.Name, line.Name), Date: cabforum.DateOf(line.Time)}
	_, listed := r.listed[line.ID]
	switch {
	case !listed && r.absent[line.ID]: // a row about the item says so
	case !listed:
		row.Class, row.Reason = absentReason(line, of.Status == item.ItemDeleted)
	case line.Kind == seller.KindProlong && again:
		row.Class, row.Reason = Twice, "a renewal of the same term was paid for before"
	case line.Kind == seller.KindProlong:
		row.Class, row.Reason = Renewal, fmt.Sprintf("renewed in place for item %d", line.Item)
	case line.Kind == seller.KindSANs:
		row.Class, row.Reason = Names, fmt.Sprintf("names bought for item %d, now %d beyond the included ones", line.Item, line.SANs)
	}
	return row
}

// absentReason returns the class and reason of an id of the journal that the seller's list does not show. Of a closed item that is no
// wonder: deleted orders leave the list.
func absentReason(line item.JournalEntry, closed bool) (Class, string) {
	if closed {
		return Ended, fmt.Sprintf("bought for item %d, which is closed; the seller's list does not show it any more", line.Item)
	}
	return Absent, fmt.Sprintf("the journal has it as bought for item %d, and the seller's list does not show it", line.Item)
}

// renewalOf returns the item's last renewal in the form of a line of the journal: another host may have paid it, whose journal is not
// here (rules BUY-14).
func renewalOf(c item.Claim) (item.JournalEntry, bool) {
	words := strings.Fields(c.Renewal)
	if len(words) < 2 {
		return item.JournalEntry{}, false
	}
	at, err := time.Parse(time.RFC3339, words[0])
	ids := item.ParseIDs(strings.Join(words[1:min(len(words), 3)], " "))
	if err != nil || len(ids) == 0 {
		return item.JournalEntry{}, false
	}
	line := item.JournalEntry{Time: at, Item: c.Item, Kind: seller.KindProlong, ID: ids[0], Name: c.Name}
	if len(ids) > 1 {
		line.Op = ids[1]
	}
	return line, true
}

// orderItself reports whether the renewal brought an id of its own, whose order has a row. A renewal in place brings none.
func (r *reconciler) orderItself(line item.JournalEntry) bool {
	_, inPlace := r.buyer.Seller.(seller.Prolonger)
	l, listed := r.listed[line.ID]
	return listed && !inPlace && !l.Created.IsZero() && line.Time.Sub(l.Created.Midnight()).Abs() <= 48*time.Hour
}

// sameRenewal reports whether a line of the journal is the renewal. The item has its time in seconds; another time is another renewal,
// which another host has paid.
func sameRenewal(line, renewal item.JournalEntry) bool {
	return line.Item == renewal.Item && line.ID == renewal.ID && (line.Kind == seller.KindRenew || line.Kind == seller.KindProlong) &&
		line.Time.Truncate(time.Second).Equal(renewal.Time)
}
