package purchase

import (
	"context"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// maxProbed is the number of orders missing in a list whose status is read before the list is taken as complete.
const maxProbed = 3

// reconcileOrder finds the item's order by its order reference (rules BUY-4), even without an intent. If the seller's list
// shows no reference, it finds an order for the same name from the time of the intent.
func (j *Buyer) reconcileOrder(ctx context.Context, p seller.Purchase, in Intent, open bool, snapshot seller.OrderSnapshot) (int64, error) {
	found, byName, err := j.ordersOf(ctx, p, in, open, snapshot)
	if err != nil {
		return 0, err
	}
	why := "carries the item's order reference " + p.OrderRef
	if byName {
		why = "is the only order for " + p.Request.CSR.CommonName + " since " + in.Time.Format(time.RFC3339) + " that nothing else claims"
	}
	switch {
	case len(found) > 1:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the order of item %d may be any of the ids %s: find the right one at the seller, then run --command resolve --item %d --id ID",
			j.Item.Item, item.FormatIDs(recordIDs(found)), j.Item.Item))
	case len(found) == 1:
		if byName {
			if err := j.checkNamedOrder(ctx, in, found[0]); err != nil {
				return 0, err
			}
		}
		return j.adoptOrder(ctx, p, in, open, found[0], why)
	case !open:
		return 0, nil
	}
	if in.Accepted {
		return 0, j.awaitOrder(ctx, in)
	}
	if err := j.checkIntentWait(in); err != nil {
		return 0, err
	}
	if err := j.checkListComplete(ctx, in, snapshot); err != nil {
		return 0, err
	}
	return 0, j.allowRetry(ctx, in)
}

// ordersOf returns the orders that can be the item's: by its reference or, with an open intent and without such an order, by name (byName).
func (j *Buyer) ordersOf(ctx context.Context, p seller.Purchase, in Intent, open bool, snapshot seller.OrderSnapshot) (found []seller.OrderSummary, byName bool, err error) {
	found, err = j.referencedOrders(ctx, p, open, snapshot)
	if err != nil || len(found) > 0 || !open {
		return found, false, err
	}
	found, err = j.namedOrders(ctx, p, in, snapshot)
	return found, true, err
}

// checkNamedOrder returns a fault if the order, which only its name and time make the intent's, can be the purchase of another open intent too
// (rules BUY-4): unless the seller shows a CSR with the intent's key.
func (j *Buyer) checkNamedOrder(ctx context.Context, in Intent, r seller.OrderSummary) error {
	items, err := j.competingItems(ctx, in, r)
	if err != nil || len(items) == 0 {
		return err
	}
	status, err := j.Seller.OrderStatus(ctx, r.ID)
	if err != nil {
		return err
	}
	if key := statusIdentity(status).key; key != "" && key == in.Key {
		return nil
	}
	return j.contested(ctx, in, r.ID, items)
}

// awaitOrder handles an order that the seller accepted and does not show. The module never orders again; after a day it
// escalates to the administrator.
func (j *Buyer) awaitOrder(ctx context.Context, in Intent) error {
	if j.Now().Sub(in.Time) < FreshCertificate {
		return fault.Errorf(fault.Waiting, itemparam.Intent, "%s accepted the order of %s and does not show it yet; nothing more is ordered", j.Info.Title, in.Time.Format(time.RFC3339)).Retryable()
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"%s accepted the order of %s for item %d and does not show it: look for it in the account there, then run --command resolve --item %d --id ID, or --none",
		j.Info.Title, in.Time.Format(time.RFC3339), j.Item.Item, j.Item.Item))
}

// recordIDs returns the ids of the orders.
func recordIDs(records []seller.OrderSummary) []int64 {
	ids := make([]int64, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return ids
}

// referencedOrders returns the orders with the item's order reference that no other item holds. Without an intent, an order
// older than the item belongs to an item of an earlier database, which had the same number.
func (j *Buyer) referencedOrders(ctx context.Context, p seller.Purchase, open bool, snapshot seller.OrderSnapshot) ([]seller.OrderSummary, error) {
	referenced, err := j.notOfOthers(ctx, snapshot.Orders, func(r seller.OrderSummary) bool {
		return p.OrderRef != "" && strings.EqualFold(r.OrderRef, p.OrderRef) && !slices.Contains(p.Released, r.ID)
	})
	return slices.DeleteFunc(referenced, func(r seller.OrderSummary) bool {
		if open || r.Created.IsZero() || !r.Created.AddDays(2).Before(j.Item.OpenDate) {
			return false
		}
		j.Log.Warningf("the order %d at %s has the item's order reference but was made %s, before the item; ignored", r.ID, j.Info.Title, r.Created)
		return true
	}), err
}

// notOfOthers returns the orders that are meant and that no other item holds.
func (j *Buyer) notOfOthers(ctx context.Context, orders []seller.OrderSummary, meant func(seller.OrderSummary) bool) ([]seller.OrderSummary, error) {
	orders = slices.DeleteFunc(slices.Clone(orders), func(r seller.OrderSummary) bool { return !meant(r) })
	holders, err := j.Holders(ctx, recordIDs(orders))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(orders, func(r seller.OrderSummary) bool { return holders[r.ID] != 0 && holders[r.ID] != j.Item.Item }), nil
}

// namedOrders returns the orders without an order reference that can be the intent's: above its snapshot, from its day or
// later, for the same name, of the same kind of product, and on no item.
func (j *Buyer) namedOrders(ctx context.Context, p seller.Purchase, in Intent, snapshot seller.OrderSnapshot) ([]seller.OrderSummary, error) {
	day := cabforum.DateOf(in.Time).AddDays(-1) // a seller's bare date has no zone (rules TIME-2)
	return j.notOfOthers(ctx, snapshot.Orders, func(r seller.OrderSummary) bool {
		return r.OrderRef == "" && !slices.Contains(p.Released, r.ID) && r.ID > in.Snapshot && sameName(r.CommonName, p.Request.CSR.CommonName) &&
			(r.Created.IsZero() || !r.Created.Before(day)) && (r.Months == 0 || in.months() == 0 || r.Months == in.months()) && j.sameClass(r.Type, in.Product)
	})
}

// sameName reports whether a name as the seller writes it, in A-labels or U-labels, is the common name.
func sameName(host, name string) bool {
	if strings.EqualFold(host, name) {
		return true
	}
	ascii, err := pki.ASCIIName("CN", host)
	return err == nil && ascii == name
}

// adoptOrder adopts the only order that was found, or escalates if something about it does not fit the purchase.
func (j *Buyer) adoptOrder(ctx context.Context, p seller.Purchase, in Intent, open bool, r seller.OrderSummary, why string) (int64, error) {
	odd := ""
	foreign, err := j.foreignKey(ctx, in, open, r)
	if err != nil {
		return 0, err
	}
	switch {
	case r.State == seller.StateUnpaid:
		return 0, fault.Errorf(fault.API, "status",
			"the order %d at %s is this item's and not paid for: pay it or delete it there; nothing else is ordered meanwhile", r.ID, j.Info.Title).Retryable()
	case r.CommonName != "" && !sameName(r.CommonName, p.Request.CSR.CommonName):
		odd = "is for " + r.CommonName
	case !r.Created.IsZero() && open && r.Created.AddDays(2).Before(cabforum.DateOf(in.Time)):
		odd = "is of " + r.Created.String() + ", older than the purchase"
	case foreign:
		odd = "is for another key than the item's"
	}
	if odd != "" {
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the order %d at %s %s and %s: run --command resolve --item %d --id %d if it is this item's, else run it with --none",
			r.ID, j.Info.Title, why, odd, j.Item.Item, r.ID))
	}
	return j.adopt(ctx, p.Kind, r.ID, why)
}

// foreignKey reports whether the order's CSR has another key than the intent or, without an intent, the item (rules BUY-9).
// Then it is another item's order for the same name, or that of an earlier client whose item had the same number in an
// earlier database.
func (j *Buyer) foreignKey(ctx context.Context, in Intent, open bool, r seller.OrderSummary) (bool, error) {
	want := j.itemIdentity().key
	if open && (in.Key != "" || r.OrderRef != "") { // the client may have changed the CSR since; an intent of the previous version has no key
		want = in.Key
	}
	if want == "" {
		return false, nil
	}
	status, err := j.Seller.OrderStatus(ctx, r.ID)
	if err != nil {
		return false, err
	}
	shown := statusIdentity(status).key
	return shown != "" && shown != want, nil
}

// checkListComplete returns a fault if the list lacks an order that exists: then somebody set a filter for the account
// (docs/reference/ispmanager.md §1.4), and a purchase that the list does not show may exist too.
func (j *Buyer) checkListComplete(ctx context.Context, in Intent, snapshot seller.OrderSnapshot) error {
	known, err := j.heldIDs(ctx)
	if err != nil {
		return err
	}
	if in.Snapshot > 0 && !slices.Contains(known, in.Snapshot) {
		known = append(known, in.Snapshot)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	slices.Reverse(known)
	listed := recordIDs(snapshot.Orders)
	probed := 0
	for _, id := range known {
		if probed == maxProbed {
			break
		}
		if slices.Contains(listed, id) {
			continue
		}
		probed++
		status, err := j.Seller.OrderStatus(ctx, id)
		if failure := fault.From(err); failure != nil && !failure.Retry {
			return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
				"the order of %s for item %d had no answer; the list at %s lacks id %d, and whether that order exists could not be read (%w): check the account there, then run --command resolve --item %d --none, or --id ID",
				in.Time.Format(time.RFC3339), j.Item.Item, j.Info.Title, id, err, j.Item.Item))
		} else if err != nil {
			return err
		}
		if !status.State.Ended() {
			return fault.Errorf(fault.Unclear, itemparam.Intent,
				"the list of certificates at %s lacks id %d, which exists: a filter is set for the account; remove it or use another user for the module; nothing is bought until then",
				j.Info.Title, id).Retryable()
		}
	}
	return nil
}

// heldIDs returns all ids of the account that items hold or that the journal has, in no order.
func (j *Buyer) heldIDs(ctx context.Context) ([]int64, error) {
	var ids []int64
	err := j.Panel.EachPurchase(ctx, seller.AccountHash(j.Account), func(line item.JournalEntry) { ids = append(ids, line.ID) })
	if err != nil {
		return nil, err
	}
	err = j.eachClaim(ctx, func(c item.Claim) { ids = append(ids, c.IDs()...) })
	return ids, err
}
