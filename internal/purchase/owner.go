package purchase

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// OwnerIndex tells which item of the panel an order at the seller belongs to.
type OwnerIndex struct {
	j      *Buyer
	ids    map[int64]int64             // id at the seller -> item
	refs   map[string]int64            // mark on the order -> item
	bought map[int64]item.JournalEntry // the journal's last line of each id
	ref    func(it int64) string       // nil if the seller keeps no marks
}

// OwnerIndex reads what the items hold, for the account of the job.
func (j *Buyer) OwnerIndex(ctx context.Context) (OwnerIndex, error) {
	p := OwnerIndex{j: j, ids: map[int64]int64{}, refs: map[string]int64{}, bought: map[int64]item.JournalEntry{}}
	if referencer, ok := j.Seller.(seller.OrderReferencer); ok {
		installation, err := j.Panel.InstallationID(ctx)
		if err != nil {
			return p, err
		}
		p.ref = func(it int64) string { return referencer.OrderRef(installation, it) }
	}
	lines, err := j.Panel.Journal(ctx)
	if err != nil {
		return p, err
	}
	ref := seller.AccountHash(j.Account)
	for _, line := range lines {
		if line.Account == ref {
			p.bought[line.ID] = line
		}
	}
	claims, err := j.claims(ctx)
	if err != nil {
		return p, err
	}
	for _, h := range claims {
		for _, id := range append(item.ParseIDs(h.Lineage), item.ParseIDs(h.OrderID)...) {
			p.ids[id] = h.Item
		}
		if p.ref != nil {
			p.refs[p.ref(h.Item)] = h.Item
		}
	}
	return p, nil
}

// Assign notes that a certificate is an item's from now on.
func (p OwnerIndex) Assign(l seller.ListedCertificate, it int64) {
	for _, id := range l.Lineage() {
		p.ids[id] = it
	}
}

// HasItem reports whether a certificate is known to be the item's.
func (p OwnerIndex) HasItem(it int64) bool {
	for _, holder := range p.ids {
		if holder == it {
			return true
		}
	}
	return false
}

// Owner returns the item that a certificate belongs to, with the reason in words; 0 if no item has it.
func (p OwnerIndex) Owner(ctx context.Context, l seller.ListedCertificate) (it int64, why string, err error) {
	ids := append([]int64{l.ID}, l.Older...)
	for _, id := range ids {
		if it := p.ids[id]; it != 0 {
			return it, "is on it", nil
		}
	}
	if it, err := p.referenced(ctx, l.OrderRef); it != 0 || err != nil {
		return it, "carries its mark", err
	}
	for _, id := range ids {
		it, err := p.journaled(ctx, id)
		if it != 0 || err != nil {
			return it, "was bought for it", err
		}
	}
	return 0, "", nil
}

// referenced returns the item whose mark the order carries. An item that lost its parameters is not among the holdings; its
// number ends the mark, and whether it does is seen by making the mark again.
func (p OwnerIndex) referenced(ctx context.Context, ref string) (int64, error) {
	if p.ref == nil || ref == "" {
		return 0, nil
	}
	if it := p.refs[ref]; it != 0 {
		return it, nil
	}
	for digits := ref[len(strings.TrimRight(ref, "0123456789")):]; digits != ""; digits = digits[1:] {
		if it, err := strconv.ParseInt(digits, 10, 64); err == nil && it > 0 && p.ref(it) == ref {
			if _, there, err := p.panelItem(ctx, it); err != nil || !there {
				return 0, err
			}
			return it, nil
		}
	}
	return 0, nil
}

// journaled returns the item for which the purchase journal says that the id was bought. Numbers of items begin anew with
// a new database, and what an old one bought is what an import is for: a line from before the item existed is another
// item's.
func (p OwnerIndex) journaled(ctx context.Context, id int64) (int64, error) {
	line, there := p.bought[id]
	if !there {
		return 0, nil
	}
	order, there, err := p.panelItem(ctx, line.Item)
	if err != nil || !there || boughtBefore(line, order) {
		return 0, err
	}
	return line.Item, nil
}

// boughtBefore reports whether a purchase is older than the item; the panel's date of opening may be a day off.
func boughtBefore(line item.JournalEntry, order item.Item) bool {
	return cabforum.DateOf(line.Time).AddDays(2).Before(order.OpenDate)
}

// panelItem returns the item as the panel has it; false if the panel has no such item.
func (p OwnerIndex) panelItem(ctx context.Context, it int64) (item.Item, bool, error) {
	order, err := p.j.Panel.LoadItem(ctx, it)
	if err != nil {
		if fault.From(err).Type == fault.Missed {
			return item.Item{}, false, nil
		}
		return item.Item{}, false, err
	}
	return order, true, nil
}

// OrderRef returns the item's order reference at a seller that keeps one; empty at the others.
func (j *Buyer) OrderRef(ctx context.Context) (string, error) {
	referencer, ok := j.Seller.(seller.OrderReferencer)
	if !ok {
		return "", nil
	}
	installation, err := j.Panel.InstallationID(ctx)
	if err != nil {
		return "", err
	}
	return referencer.OrderRef(installation, j.Item.Item), nil
}
