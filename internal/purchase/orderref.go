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

// maxProbed is how many orders that a list lacks are asked for by themselves before the list is believed.
const maxProbed = 3

// reconcileOrder finds an order by our order reference on it (rules BUY-4), also where no intent is left. Where the
// seller's list shows no marks an order of the intent's time for the same name is taken for it.
func (j *Buyer) reconcileOrder(ctx context.Context, p seller.Purchase, in Intent, open bool, snapshot seller.OrderSnapshot) (int64, error) {
	taken, _, err := j.Claims(ctx, Intent{})
	if err != nil {
		return 0, err
	}
	found := j.referencedOrders(p, open, snapshot, taken)
	why := "carries the item's order reference " + p.OrderRef
	if len(found) == 0 && open {
		found = j.namedOrders(p, in, snapshot, taken)
		why = "is the only order for " + p.Request.CSR.CommonName + " since " + in.Time.Format(time.RFC3339) + " that nothing else claims"
	}
	switch {
	case len(found) > 1:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the order of item %d may be any of the ids %s: find the right one at the seller, then run --command resolve --item %d --id ID",
			j.Item.Item, item.FormatIDs(recordIDs(found)), j.Item.Item))
	case len(found) == 1:
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
	if err := j.checkListComplete(ctx, in, snapshot, taken); err != nil {
		return 0, err
	}
	return 0, j.allowRetry(ctx, in)
}

// awaitOrder handles an order that the seller took and does not show: it is never made again by a program. One that does
// not show up in a day is for an administrator.
func (j *Buyer) awaitOrder(ctx context.Context, in Intent) error {
	if j.Now().Sub(in.Time) < FreshCertificate {
		return fault.Errorf(fault.Waiting, itemparam.Intent, "%s took the order of %s and does not show it yet; nothing more is ordered", j.Info.Title, in.Time.Format(time.RFC3339)).Retryable()
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"%s took the order of %s for item %d and does not show it: look for it in the account there, then run --command resolve --item %d --id ID, or --none",
		j.Info.Title, in.Time.Format(time.RFC3339), j.Item.Item, j.Item.Item))
}

func recordIDs(records []seller.OrderSummary) []int64 {
	ids := make([]int64, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return ids
}

// referencedOrders returns the orders with the item's order reference that no other item holds. Where nothing was asked
// for, one that is older than the item is another item's: their numbers begin anew with a new database.
func (j *Buyer) referencedOrders(p seller.Purchase, open bool, snapshot seller.OrderSnapshot, taken map[int64]int64) []seller.OrderSummary {
	return slices.DeleteFunc(slices.Clone(snapshot.Orders), func(r seller.OrderSummary) bool {
		owner := taken[r.ID]
		if slices.Contains(p.Released, r.ID) { // not this item's, by the administrator's word
			return true
		}
		if p.OrderRef == "" || !strings.EqualFold(r.OrderRef, p.OrderRef) || owner != 0 && owner != j.Item.Item {
			return true
		}
		if open || r.Created.IsZero() || !r.Created.AddDays(2).Before(j.Item.OpenDate) {
			return false
		}
		j.Log.Warningf("the order %d at %s carries its mark and is of %s, older than the item; left alone", r.ID, j.Info.Title, r.Created)
		return true
	})
}

// namedOrders returns the orders that show no mark and can be the intent's: above its snapshot, of its day or later, for
// the same name, of the same kind of product, nobody's.
func (j *Buyer) namedOrders(p seller.Purchase, in Intent, snapshot seller.OrderSnapshot, taken map[int64]int64) []seller.OrderSummary {
	day := cabforum.DateOf(in.Time).AddDays(-1) // a seller's bare date has no zone (rules TIME-2)
	return slices.DeleteFunc(slices.Clone(snapshot.Orders), func(r seller.OrderSummary) bool {
		owner := taken[r.ID]
		return r.OrderRef != "" || slices.Contains(p.Released, r.ID) || r.ID <= in.Snapshot || owner != 0 && owner != j.Item.Item || !sameName(r.CommonName, p.Request.CSR.CommonName) ||
			!r.Created.IsZero() && r.Created.Before(day) || r.Months > 0 && in.months() > 0 && r.Months != in.months() || !j.sameClass(r.Type, in.Product)
	})
}

// sameName compares a seller's spelling of a name, in whatever script, with a common name.
func sameName(host, name string) bool {
	if strings.EqualFold(host, name) {
		return true
	}
	ascii, err := pki.ASCIIName("CN", host)
	return err == nil && ascii == name
}

// adoptOrder takes the one order that was found, unless something about it does not fit: paying again would be worse than
// asking somebody.
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

// foreignKey reports whether an order carries the CSR of another key than the intent or, without an intent, the item (rules
// BUY-9): another item's order for the same name, or that of an earlier client whose item had the same number in another
// database.
func (j *Buyer) foreignKey(ctx context.Context, in Intent, open bool, r seller.OrderSummary) (bool, error) {
	want := j.itemIdentity().key
	if open && (in.Key != "" || r.OrderRef != "") { // the client may have changed its CSR since; an old intent does not say
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

// checkListComplete makes sure that a list which shows nothing of a purchase can be believed: one that lacks orders which exist
// is cut, by a filter that somebody set for the account (docs/reference/ispmanager.md §1.4), and proves nothing.
func (j *Buyer) checkListComplete(ctx context.Context, in Intent, snapshot seller.OrderSnapshot, taken map[int64]int64) error {
	known := []int64{}
	for id := range taken {
		known = append(known, id)
	}
	if in.Snapshot > 0 && !slices.Contains(known, in.Snapshot) {
		known = append(known, in.Snapshot)
	}
	slices.Sort(known)
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
				"the order of %s for item %d had no answer, and whether the list at %s is whole cannot be told, which lacks id %d (%w): look in the account there, then run --command resolve --item %d --none, or --id ID",
				in.Time.Format(time.RFC3339), j.Item.Item, j.Info.Title, id, err, j.Item.Item))
		} else if err != nil {
			return err
		}
		if !status.State.Ended() {
			return fault.Errorf(fault.Unclear, itemparam.Intent,
				"the list of certificates at %s lacks id %d, which is there: a filter is set for the account; remove it or use a user of its own, nothing is bought before",
				j.Info.Title, id).Retryable()
		}
	}
	return nil
}
