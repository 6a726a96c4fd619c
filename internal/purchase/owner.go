package purchase

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// OwnerIndex finds the panel item that an order at the seller belongs to.
type OwnerIndex struct {
	j      *Buyer
	ids    map[int64]int64       // id at the seller -> item
	shared map[int64][]int64     // id at the seller -> its items, if several that are not closed hold it
	refs   map[string]int64      // order reference -> item
	bought map[int64]bought      // id at the seller -> its last journal entry
	ref    func(it int64) string // returns an item's order reference; nil if the seller keeps none
	open   []item.Claim          // items with a purchase without an answer
}

// bought is what OwnerIndex keeps of a journal entry.
type bought struct{ item, unix int64 }

// OwnerIndex reads which items hold the ids and order references of the account. The ids that an item carries do not count if foreign
// reports them to be another module's, perhaps with another meaning; nil for none. What the journal or an order reference says about
// such an item counts.
func (j *Buyer) OwnerIndex(ctx context.Context, foreign func(item.Claim) bool) (OwnerIndex, error) {
	p := OwnerIndex{j: j, ids: map[int64]int64{}, shared: map[int64][]int64{}, refs: map[string]int64{}, bought: map[int64]bought{}}
	if referencer, ok := j.Seller.(seller.OrderReferencer); ok {
		installation, err := j.Panel.InstallationID(ctx)
		if err != nil {
			return p, err
		}
		p.ref = func(it int64) string { return referencer.OrderRef(installation, it) }
	}
	err := j.Panel.EachPurchase(ctx, seller.AccountHash(j.Account), func(line item.JournalEntry) {
		p.bought[line.ID] = bought{line.Item, line.Time.Unix()}
	})
	if err != nil {
		return p, err
	}
	claims, err := j.claims(ctx)
	if err != nil {
		return p, err
	}
	open := map[int64]int64{} // the first open item of an id
	for _, h := range claims {
		if foreign == nil || !foreign(h) {
			p.addIDs(h, open)
		}
		if p.ref != nil {
			p.refs[p.ref(h.Item)] = h.Item
		}
	}
	p.open = slices.DeleteFunc(slices.Clone(claims), func(h item.Claim) bool { return h.Intent == "" })
	return p, nil
}

// addIDs adds the ids of a claim. An item that is closed has none that an open one has. open is the first open item of each id so far.
func (p OwnerIndex) addIDs(h item.Claim, open map[int64]int64) {
	for _, id := range h.IDs() {
		first := open[id]
		if h.Status == item.ItemDeleted {
			if first == 0 {
				p.ids[id] = h.Item
			}
			continue
		}
		p.ids[id] = h.Item
		if first == 0 {
			open[id] = h.Item
		} else if first != h.Item {
			p.shared[id] = append(p.shared[id], first, h.Item)
		}
	}
}

// Assign adds the ids of a certificate as ids of the item.
func (p OwnerIndex) Assign(l seller.ListedCertificate, it int64) {
	for _, id := range l.Lineage() {
		p.ids[id] = it
	}
}

// Sharing returns the items that are not closed and share an id of the certificate with another one, lowest first.
func (p OwnerIndex) Sharing(l seller.ListedCertificate) []int64 {
	var items []int64
	for _, id := range l.Lineage() {
		items = append(items, p.shared[id]...)
	}
	slices.Sort(items)
	return slices.Compact(items)
}

// HasItem reports whether the index has an id of the item.
func (p OwnerIndex) HasItem(it int64) bool {
	for _, holder := range p.ids {
		if holder == it {
			return true
		}
	}
	return false
}

// Owner returns the item that a certificate belongs to, and why, in words that the item follows ("was bought for"); 0 if it
// belongs to none.
func (p OwnerIndex) Owner(ctx context.Context, l seller.ListedCertificate) (it int64, why string, err error) {
	ids := append([]int64{l.ID}, l.Older...)
	for _, id := range ids {
		if it := p.ids[id]; it != 0 {
			return it, "is on", nil
		}
	}
	if it, err := p.referenced(ctx, l.OrderRef); it != 0 || err != nil {
		return it, "has the order reference of", err
	}
	for _, id := range ids {
		it, err := p.journaled(ctx, id)
		if it != 0 || err != nil {
			return it, "was bought for", err
		}
	}
	return 0, "", nil
}

// referenced returns the item whose reference the order has. An item that lost its parameters is not among the claims; its
// number is then read from the end of the reference and confirmed by computing the reference again.
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

// journaled returns the item that the purchase journal names for the id. In a new database the item numbers begin again: an
// entry older than the item belongs to an item of an earlier database, whose certificates an import may take. Nor does an entry count
// whose id was released from the item.
func (p OwnerIndex) journaled(ctx context.Context, id int64) (int64, error) {
	line, there := p.bought[id]
	if !there {
		return 0, nil
	}
	order, there, err := p.panelItem(ctx, line.item)
	if err != nil || !there || boughtBefore(time.Unix(line.unix, 0), order) || slices.Contains(item.ParseIDs(order.Params[itemparam.Released]), id) {
		return 0, err
	}
	return line.item, nil
}

// boughtBefore reports whether a purchase is older than the item. The item's opening date may be a day off.
func boughtBefore(at time.Time, order item.Item) bool {
	return cabforum.DateOf(at).AddDays(2).Before(order.OpenDate)
}

// panelItem loads an item from the panel; false if it is absent.
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

// OrderRef returns the item's order reference; empty if the seller does not keep references.
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
