package purchase

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// identity says whose a purchase is: the hash of the paying account, the hash of the CSR's key and the common name (rules
// BUY-9). An empty field is not known; it neither matches nor contradicts.
type identity struct{ account, key, name string }

// itemIdentity returns the identity of the item: the present account and CSR.
func (j *Buyer) itemIdentity() identity {
	is := identity{account: seller.AccountHash(j.Account)}
	if csr, err := pki.ReadCSR(j.Item.CSR); err == nil {
		is.key, is.name = csr.KeyHash(), csr.CommonName
	}
	return is
}

// identity returns the identity that was saved with the intent.
func (i Intent) identity() identity { return identity{i.Account, i.Key, i.Name} }

// entryIdentity returns the identity in a journal entry.
func entryIdentity(line item.JournalEntry) identity {
	return identity{line.Account, line.Key, line.Name}
}

// statusIdentity returns the key and name that the seller shows for an order. A purchase without a CSR has neither.
func statusIdentity(status seller.OrderStatus) identity {
	is := identity{name: status.CommonName}
	if csr, err := pki.ReadCSR(status.CSR); err == nil {
		is.key = csr.KeyHash()
	}
	return is
}

// contradicts returns in words what differs in the other identity; empty if nothing does.
func (i identity) contradicts(other identity) string {
	switch {
	case i.account != "" && other.account != "" && i.account != other.account:
		return "another account"
	case i.name != "" && other.name != "" && !sameName(i.name, other.name) && !sameName(other.name, i.name):
		return "another name, " + pki.DisplayName(other.name)
	case i.key != "" && other.key != "" && i.key != other.key:
		return "another key"
	}
	return ""
}

// matches reports whether the other identity has the same key or, if one of the keys is not known, the same name.
func (i identity) matches(other identity) bool {
	switch {
	case i.contradicts(other) != "":
		return false
	case i.key != "" && other.key != "":
		return true
	}
	return i.name != "" && other.name != ""
}

// bringsNewID reports whether the seller gives a purchase of this kind an id of its own.
func (j *Buyer) bringsNewID(kind string) bool {
	return kind == seller.KindCreate || kind == seller.KindRenew || kind == seller.KindOrder
}

// CheckIntentAccount returns a fault if the intent was saved for another account than the module uses now: only an
// administrator can resolve it (rules BUY-13). It returns nil if the intent is for this account or names none.
func (j *Buyer) CheckIntentAccount(in Intent) error {
	if in.Account == "" || in.Account == seller.AccountHash(j.Account) {
		return nil
	}
	before := in.At
	if before == "" {
		before = "the account " + in.Account
	}
	return fault.Errorf(fault.Unclear, itemparam.Intent,
		"item %d (%s): a purchase of %s without an answer was made with the account %q at %s, and the processing module uses %q now: check both, then run --command resolve --item %d --none, or --id ID",
		j.Item.Item, j.Item.Name, in.Time.Format("2006-01-02 15:04"), before, j.Info.Title, j.Account, j.Item.Item)
}

// wrongAnsweredID returns what is wrong with the id that the seller answered to a purchase. A new id must be above all earlier
// ones and belong to no item (rules BUY-9); taken has the items that hold ids above the snapshot. Empty if nothing is wrong, or if the kind
// brings no new id.
func (j *Buyer) wrongAnsweredID(kind string, id, snapshot int64, taken map[int64]int64) string {
	switch {
	case !j.bringsNewID(kind):
		return ""
	case slices.Contains(j.Lineage(), id):
		return "is on the item already"
	case id <= snapshot:
		return fmt.Sprintf("is not above %d, which was there before", snapshot)
	case taken[id] != 0 && taken[id] != j.Item.Item:
		return fmt.Sprintf("belongs to item %d", taken[id])
	}
	return ""
}

// compareWithIntent compares what the seller shows for an id with the intent (rules BUY-9). It returns in words what differs;
// empty if nothing does.
func (j *Buyer) compareWithIntent(ctx context.Context, in Intent, id int64) (string, error) {
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil {
		return "", err
	}
	switch odd := in.identity().contradicts(statusIdentity(status)); {
	case odd != "":
		return "is for " + odd, nil
	case !status.State.Activatable():
		return "is " + status.State.String(), nil
	case !j.sameClass(status.Type, in.Product):
		return fmt.Sprintf("is %q", status.Type), nil
	}
	return "", nil
}

// ForeignOrder returns the common name that the seller shows for one of the item's ids, if neither the stored certificate nor
// the CSR has it. Then the order is somebody else's: the id is wrong, or the processing module now uses another account or
// address (rules BUY-9). Empty if nothing shows that.
func (j *Buyer) ForeignOrder(status seller.OrderStatus) string {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil { // nothing stored: no conclusion
		return ""
	}
	return otherName(status.CommonName, append([]string{j.itemIdentity().name, stored.Leaf.Subject.CommonName}, stored.Leaf.DNSNames...))
}

// otherName returns the name as people read it, if it is a domain name and none of the own ones; else empty.
func otherName(shown string, own []string) string {
	if _, none := pki.ASCIIName("CN", shown); none != nil {
		return ""
	}
	if slices.ContainsFunc(own, func(name string) bool { return sameName(shown, strings.ToLower(name)) }) {
		return ""
	}
	return pki.DisplayName(shown)
}

// RefuseForeignOrder returns a fault and opens a task if the order is somebody else's (ForeignOrder).
func (j *Buyer) RefuseForeignOrder(ctx context.Context, status seller.OrderStatus) error {
	other := j.ForeignOrder(status)
	if other == "" {
		return nil
	}
	return j.escalate(ctx, fault.Errorf(fault.API, itemparam.OrderID,
		"item %d (%s): the order %d at %s is shown there for %s, which is neither in the certificate in place nor in the CSR: nothing was sent; check whether the processing module's account is the one that bought it",
		j.Item.Item, j.Item.Name, status.ID, j.Info.Title, other))
}

// RefuseOtherOrder returns a fault and opens a task if the seller shows the id, whose CSR is not known to be handed in, for another name than
// those of the item: then the answer to the purchase named somebody else's order (rules BUY-9).
func (j *Buyer) RefuseOtherOrder(ctx context.Context, status seller.OrderStatus) error {
	requested := j.itemIdentity().name
	if requested == "" || j.Item.Stored != "" { // no conclusion; with a certificate see ForeignOrder
		return nil
	}
	own := []string{requested, j.Item.Name}
	if ascii, err := pki.ASCIIName("name", j.Item.Name); err == nil {
		own = append(own, ascii)
	}
	other := otherName(status.CommonName, own)
	if other == "" {
		return nil
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.OrderID,
		"item %d (%s): the order %d, which %s has named as this item's, is shown there for %s: nothing is sent or stored; find out there what was bought, then run --command resolve --item %d --id ID, or --none",
		j.Item.Item, j.Item.Name, status.ID, j.Info.Title, other, j.Item.Item))
}

// competingItems returns the other items whose open intents with the same account the order could be the purchase of.
func (j *Buyer) competingItems(ctx context.Context, in Intent, r seller.OrderSummary) ([]int64, error) {
	claims, err := j.claimsOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	return j.openIntents(claims, j.Item.Item, func(other Intent) bool {
		return (other.Kind == seller.KindRenew) == (in.Kind == seller.KindRenew) && j.fitsOtherIntent(other, r)
	}), nil
}

// OpenPurchases returns the items, other than it, whose purchase without an answer the order can be, by what the list and the seller's
// status show of it. An intent that cannot be read may be any purchase (rules BUY-9, MIGRATE-4).
func (p OwnerIndex) OpenPurchases(l seller.ListedCertificate, status seller.OrderStatus, it int64) []int64 {
	// A reissue brings an id too: the order was bought with its first one.
	r := seller.OrderSummary{ID: slices.Min(l.Lineage()), Months: l.Months, CommonName: l.CommonName, Type: l.Type}
	shown := statusIdentity(status)
	if l.State == seller.StateRenewal { // it shows the name before the renewal, which may bring another one
		r.CommonName, shown.name = "", ""
	}
	return p.j.openIntents(p.open, it, func(other Intent) bool {
		return fitsState(other.Kind, l.State) && p.j.fitsOtherIntent(other, r) && other.identity().contradicts(shown) == ""
	})
}

// openIntents returns the items, other than it, with an open intent that fits, or that cannot be read.
func (j *Buyer) openIntents(claims []item.Claim, it int64, fits func(Intent) bool) []int64 {
	var items []int64
	for _, h := range claims {
		if h.Item == it || h.Intent == "" {
			continue
		}
		if other, err := ParseIntent(h.Intent); err != nil || fits(other) && !alreadyRecorded(h, other) {
			items = append(items, h.Item)
		}
	}
	return items
}

// alreadyRecorded reports whether the first purchase of the intent is on its item and only the intent was not dropped yet: a
// run was interrupted there, or is at that point now.
func alreadyRecorded(c item.Claim, in Intent) bool {
	return (in.Kind == seller.KindCreate || in.Kind == seller.KindOrder) && newestID(c) > in.Snapshot
}

// fitsState reports whether an order in the state can be the purchase of an intent of the kind.
func fitsState(kind string, state seller.State) bool {
	return !state.Activatable() || (kind == seller.KindRenew) == (state == seller.StateRenewal)
}

// fitsOtherIntent reports whether the order can be the purchase of another item's intent.
func (j *Buyer) fitsOtherIntent(other Intent, r seller.OrderSummary) bool {
	switch {
	case !j.bringsNewID(other.Kind), other.Account != "" && other.Account != seller.AccountHash(j.Account):
		return false
	case r.ID <= other.Snapshot:
		return false
	case r.Months > 0 && other.months() > 0 && r.Months != other.months(), !j.sameClass(r.Type, other.Product):
		return false
	case r.CommonName != "" && other.Name != "" && !sameName(r.CommonName, other.Name):
		return false
	}
	return true
}
