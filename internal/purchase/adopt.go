package purchase

import (
	"context"
	"slices"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// reconcile resolves an intent that an earlier run left on the item (rules BUY-4). It returns the id of the purchase that it
// found and adopted, 0 if the purchase can be made now, or an error if nothing may be bought. At a seller that keeps order
// references it looks for the item's order even without an intent.
func (j *Buyer) reconcile(ctx context.Context, p seller.Purchase, snapshot seller.OrderSnapshot) (int64, error) {
	in, open, err := j.openIntent(ctx, p.Kind)
	switch {
	case err != nil:
		return 0, err
	case p.Kind == seller.KindOrder:
		return j.reconcileOrder(ctx, p, in, open, snapshot)
	case !open:
		return 0, nil
	case p.Kind == seller.KindProlong:
		return j.reconcileProlong(ctx, p, in)
	case p.Kind == seller.KindSANs:
		return j.reconcileNames(ctx, p, in)
	}
	return j.reconcileSnapshot(ctx, in, snapshot)
}

// openIntent reads the intent of a purchase without an answer; false if absent. An intent that this run cannot resolve is
// escalated to the administrator and returned as an error.
func (j *Buyer) openIntent(ctx context.Context, kind string) (Intent, bool, error) {
	raw := j.Item.Params[itemparam.Intent]
	if raw == "" {
		return Intent{}, false, nil
	}
	in, err := ParseIntent(raw)
	if err != nil {
		return in, true, j.escalate(ctx, err)
	}
	if err := j.CheckIntentAccount(in); err != nil {
		return in, true, j.escalate(ctx, err)
	}
	if in.Kind != kind {
		return in, true, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"%s has an unresolved purchase of kind %s, this run wants %s: resolve it with --command resolve", j.Item.Label(), in.Kind, kind))
	}
	if in.Time.After(j.Now().Add(IntentWait)) {
		return in, true, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the purchase intent of item %d is of %s, which is in the future: check this host's clock, then resolve it with --command resolve",
			j.Item.Item, in.Time.Format(time.RFC3339)))
	}
	return in, true, nil
}

// reconcileSnapshot looks for the purchase of the intent among the seller's ids that are paid and not activated.
func (j *Buyer) reconcileSnapshot(ctx context.Context, in Intent, snapshot seller.OrderSnapshot) (int64, error) {
	found, later, err := j.candidates(ctx, in, snapshot)
	if err != nil {
		return 0, err
	}
	switch {
	case len(found) == 1:
		if err := j.checkCandidate(ctx, in, found[0], snapshot); err != nil {
			return 0, err
		}
		return j.adopt(ctx, in.Kind, found[0], "is the only one bought after "+in.Time.Format(time.RFC3339)+" that nothing else claims")
	case len(found) > 1:
		return 0, j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the purchase of %s for item %d may be any of the ids %s: find the right one at the seller, then run --command resolve --item %d --id ID",
			in.Time.Format(time.RFC3339), j.Item.Item, item.FormatIDs(found), j.Item.Item))
	}
	if err := j.checkIntentWait(in); err != nil {
		return 0, err
	}
	if len(later) > 0 {
		// the seller may have carried the purchase out late, after another item's unresolved one
		return 0, fault.Errorf(fault.Waiting, itemparam.Intent,
			"a purchase of %s had no answer, and the ids %s at %s belong to no item yet: nothing new is bought until the other unresolved purchases are resolved",
			in.Time.Format(time.RFC3339), item.FormatIDs(later), j.Info.Title).Retryable()
	}
	return 0, j.allowRetry(ctx, in)
}

// checkCandidate checks the only id that may be the intent's purchase. It returns a fault if the id can be the purchase of
// another open intent too, or if the seller shows something that contradicts the intent (rules BUY-9, BUY-12).
func (j *Buyer) checkCandidate(ctx context.Context, in Intent, id int64, snapshot seller.OrderSnapshot) error {
	for _, r := range snapshot.Orders {
		if r.ID != id {
			continue
		}
		items, err := j.competingItems(ctx, in, r)
		if err != nil {
			return err
		}
		if len(items) > 0 {
			return j.contested(ctx, in, id, items)
		}
	}
	odd, err := j.compareWithIntent(ctx, in, id)
	if err != nil || odd == "" {
		return err
	}
	return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
		"item %d (%s): the id %d is the only one at %s that was bought after %s and that no item holds, but it %s: check there, then run --command resolve --item %d --id ID, or --none",
		j.Item.Item, j.Item.Name, id, j.Info.Title, in.Time.Format(time.RFC3339), odd, j.Item.Item))
}

// contested returns the fault of an id that can be the purchase of several open intents. Until IntentWait has passed the
// other runs may resolve theirs; after that it is escalated to the administrator.
func (j *Buyer) contested(ctx context.Context, in Intent, id int64, items []int64) error {
	reason := fault.Errorf(fault.Unclear, itemparam.Intent,
		"item %d (%s): the id %d at %s may be this item's purchase of %s or that of item %s, which has no answer either: find out there, then run --command resolve --item %d --id %d, or --none",
		j.Item.Item, j.Item.Name, id, j.Info.Title, in.Time.Format(time.RFC3339), item.FormatIDs(items), j.Item.Item, id)
	if j.Now().Before(in.Time.Add(IntentWait)) {
		return reason.Retryable()
	}
	return j.escalate(ctx, reason)
}

// adopt records an id at the seller as the purchase of an earlier run.
func (j *Buyer) adopt(ctx context.Context, kind string, id int64, why string) (int64, error) {
	if err := j.Panel.HoldsLocks(ctx); err != nil {
		return 0, err
	}
	j.Log.ExtInfof("id %d %s: adopted", id, why)
	return id, j.record(context.WithoutCancel(ctx), kind, id, "")
}

// checkIntentWait returns fault.Waiting until IntentWait has passed since a purchase without an answer: the seller may still
// carry it out.
func (j *Buyer) checkIntentWait(in Intent) error {
	if in.Refused {
		return nil
	}
	free := in.Time.Add(IntentWait)
	if !j.Now().Before(free) {
		return nil
	}
	return fault.Errorf(fault.Waiting, itemparam.Intent,
		"a purchase of %s had no answer and the seller shows nothing of it yet; nothing new is bought before %s",
		in.Time.Format(time.RFC3339), free.Format(time.RFC3339)).Retryable()
}

// allowRetry returns nil if a purchase that left no trace at the seller may be made again. That is allowed once (rules
// BUY-4): two purchases without a trace mean that the seller does not show what it sold.
func (j *Buyer) allowRetry(ctx context.Context, in Intent) error {
	if in.Accepted { // it is paid for, even if the seller does not show it
		return j.awaitOrder(ctx, in)
	}
	if in.Refused {
		return j.confirmRefusal(ctx, in)
	}
	if in.Again > 0 {
		return j.escalate(ctx, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the purchase for item %d was sent %d times without an answer, last at %s, and %s shows nothing of it: check the account there, "+
				"then run --command resolve --item %d --none, or --id ID", j.Item.Item, in.Again+1, in.Time.Format(time.RFC3339), j.Info.Title, j.Item.Item))
	}
	j.Retries = map[string]int{in.Kind: in.Again + 1}
	j.Log.ExtInfof("the purchase of %s never reached the seller; the purchase can be retried", in.Time.Format(time.RFC3339))
	return nil
}

// confirmRefusal returns nil if a purchase that was answered as refused may be made again: two readings of the seller's list,
// a minute apart, show nothing of it (rules BUY-12). A refused purchase does not count as one without a trace.
func (j *Buyer) confirmRefusal(ctx context.Context, in Intent) error {
	first, err := time.Parse(time.RFC3339, in.Looked)
	if now := j.Now().UTC().Truncate(time.Second); err != nil || first.After(now) {
		in.Looked, first = now.Format(time.RFC3339), now
		if err := j.SaveParam(ctx, itemparam.Intent, in.String()); err != nil {
			return err
		}
	}
	if free := first.Add(refusedWait); j.Now().Before(free) {
		return fault.Errorf(fault.Waiting, itemparam.Intent,
			"%s: the purchase of %s was answered as refused, and %s shows nothing of it; if it still shows nothing after %s, it is bought again",
			j.Item.Label(), in.Time.Format(time.RFC3339), j.Info.Title, free.Format(time.RFC3339)).Retryable()
	}
	j.Retries = map[string]int{in.Kind: in.Again}
	j.Log.ExtInfof("the purchase of %s was refused and left no trace; the purchase can be retried", in.Time.Format(time.RFC3339))
	return nil
}

// escalate stops the panel's automatic re-runs, opens a task for the administrator and returns the reason.
func (j *Buyer) escalate(ctx context.Context, reason error) error {
	if err := j.Panel.Escalate(ctx, j.Item.Item, j.Args.Operation, j.Args.Command, reason.Error()); err != nil {
		j.Log.Errorf("the task for the administrator could not be opened: %v", err)
	}
	return reason
}

// candidates returns the ids at the seller that may be the intent's purchase. later are ids that no item claims and that are
// above the snapshot of the next intent: each may also be that intent's purchase.
func (j *Buyer) candidates(ctx context.Context, in Intent, snapshot seller.OrderSnapshot) (found, later []int64, err error) {
	fitting := slices.DeleteFunc(slices.Clone(snapshot.Orders), func(r seller.OrderSummary) bool { return !j.fitsIntent(in, r) })
	holders, claims, err := j.holders(ctx, recordIDs(fitting))
	if err != nil {
		return nil, nil, err
	}
	until := j.nextSnapshot(in, claims)
	for _, r := range fitting {
		switch owner := holders[r.ID]; {
		case owner != 0 && owner != j.Item.Item:
			j.Log.ExtInfof("id %d belongs to item %d", r.ID, owner)
		case until > 0 && r.ID > until:
			later = append(later, r.ID)
		case !slices.Contains(found, r.ID):
			found = append(found, r.ID)
		}
	}
	slices.Sort(found)
	slices.Sort(later)
	return found, later, nil
}

// fitsIntent reports whether the order can be the purchase of the intent, by what the seller shows of it: it is newer than the
// snapshot, of the intent's kind, term and product, and not named for another item.
func (j *Buyer) fitsIntent(in Intent, r seller.OrderSummary) bool {
	switch {
	case r.ID <= in.Snapshot, !r.State.Activatable(), j.namedForAnother(in, r):
		return false
	case r.State == seller.StateRenewal != (in.Kind == seller.KindRenew):
		return false
	case r.Months > 0 && in.months() > 0 && r.Months != in.months():
		j.Log.ExtInfof("id %d has a term of %d months, not %d: not this item's", r.ID, r.Months, in.months())
		return false
	case !j.sameClass(r.Type, in.Product):
		j.Log.ExtInfof("id %d is %q, another kind of product than %s: not this item's", r.ID, r.Type, in.Product)
		return false
	}
	return true
}

// namedForAnother reports whether the name of an order that is not activated shows that it belongs to somebody else. An order
// gets its name with the activation (docs/reference/namecheap.md §3.4); a renewal may show the name of the certificate that
// it renews.
func (j *Buyer) namedForAnother(in Intent, r seller.OrderSummary) bool {
	if r.CommonName == "" || r.State != seller.StateRenewal {
		return r.CommonName != ""
	}
	if stored, err := pki.StoredLeaf(j.Item.Stored); err == nil && sameName(r.CommonName, strings.ToLower(stored.Leaf.Subject.CommonName)) {
		return false // the client may have changed the name for the new term; what the seller shows decides
	}
	if in.Name != "" {
		return !sameName(r.CommonName, in.Name)
	}
	csr, err := pki.ReadCSR(j.Item.CSR)
	return err != nil || !sameName(r.CommonName, csr.CommonName)
}

// sameClass reports whether the delivered product can stand for the ordered one. Sellers replace a product by an equivalent
// one of another name (docs/reference/namecheap.md §0.3), but never a wildcard by a single name. It returns true if either
// product is unknown.
func (j *Buyer) sameClass(delivered, ordered string) bool {
	want, known := seller.FindProduct(j.Info.Products, ordered)
	if !known {
		return true
	}
	for _, p := range j.Info.Products {
		if p.Named(delivered) {
			return p.Wildcard == want.Wildcard && p.MultiDomain == want.MultiDomain && p.Level == want.Level
		}
	}
	return true
}

// Holders returns the items that hold the account's ids, by id: those that have them, else those that the journal names.
func (j *Buyer) Holders(ctx context.Context, ids []int64) (map[int64]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	holders, _, err := j.holders(ctx, ids)
	return holders, err
}

// holders is Holders, with the claims of these items and of all with an intent.
func (j *Buyer) holders(ctx context.Context, ids []int64) (map[int64]int64, []item.Claim, error) {
	holders, err := j.Panel.JournalOwners(ctx, seller.AccountHash(j.Account), ids)
	if err != nil {
		return nil, nil, err
	}
	claims, err := j.claimsOf(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for _, h := range claims {
		for _, id := range h.IDs() {
			holders[id] = h.Item
		}
	}
	return holders, claims, nil
}

// holdersAbove returns the items that hold ids of the account above this one, by id, as Holders does.
func (j *Buyer) holdersAbove(ctx context.Context, highest int64) (map[int64]int64, error) {
	holders := map[int64]int64{}
	hold := func(it int64, ids ...int64) {
		for _, id := range ids {
			if id > highest {
				holders[id] = it
			}
		}
	}
	err := j.Panel.EachPurchase(ctx, seller.AccountHash(j.Account), func(line item.JournalEntry) { hold(line.Item, line.ID) })
	if err != nil {
		return nil, err
	}
	return holders, j.eachClaim(ctx, func(c item.Claim) { hold(c.Item, c.IDs()...) })
}

// nextSnapshot returns the snapshot of the next intent with the same account on another item: the highest id that the intent's purchase can
// have. It returns 0, for no limit, if there is none, or if both intents have the same snapshot: an id above it can be the purchase of either.
func (j *Buyer) nextSnapshot(in Intent, claims []item.Claim) int64 {
	var next Intent
	for _, h := range claims {
		if h.Intent == "" || h.Item == j.Item.Item {
			continue
		}
		other, err := ParseIntent(h.Intent)
		if err != nil {
			j.Log.Warningf("the intent of item %d: %v", h.Item, err)
			continue
		}
		if other.Account != "" && other.Account != seller.AccountHash(j.Account) || other.Time.Before(in.Time) || other.Snapshot < in.Snapshot {
			continue
		}
		if next.Time.IsZero() || other.Time.Before(next.Time) {
			next = other
		}
	}
	if next.Snapshot == in.Snapshot {
		return 0
	}
	return next.Snapshot
}

// eachClaim calls f with the panel's records of purchases with the same account at the seller, from all processing modules that use this
// account. f must not use the panel.
func (j *Buyer) eachClaim(ctx context.Context, f func(item.Claim)) error {
	same, err := j.AccountModules(ctx)
	if err != nil {
		return err
	}
	return j.Panel.EachClaim(ctx, same, f)
}

// claims is eachClaim with all that it finds.
func (j *Buyer) claims(ctx context.Context) (all []item.Claim, err error) {
	err = j.eachClaim(ctx, func(c item.Claim) { all = append(all, c) })
	return all, err
}

// claimsOf is claims for the items that have one of the ids or an intent.
func (j *Buyer) claimsOf(ctx context.Context, ids []int64) (found []item.Claim, err error) {
	sought := map[int64]bool{}
	for _, id := range ids {
		sought[id] = true
	}
	err = j.eachClaim(ctx, func(c item.Claim) {
		if c.Intent != "" || slices.ContainsFunc(c.IDs(), func(id int64) bool { return sought[id] }) {
			found = append(found, c)
		}
	})
	return found, err
}

// AccountClaims is what claims reads, for the comparison with the seller's orders.
func (j *Buyer) AccountClaims(ctx context.Context) ([]item.Claim, error) { return j.claims(ctx) }

// AccountModules returns the processing modules of this binary that use the item's account at the seller, the item's own first.
func (j *Buyer) AccountModules(ctx context.Context) ([]int64, error) {
	modules, err := j.Panel.Modules(ctx)
	if err != nil {
		return nil, err
	}
	same := []int64{j.Item.Module}
	for _, module := range modules {
		if module == j.Item.Module {
			continue
		}
		params, err := j.Panel.PlainParams(ctx, module) // another module's broken key must not stop this one
		if err != nil {
			return nil, err
		}
		if j.Info.Account(params) == j.Account {
			same = append(same, module)
		}
	}
	return same, nil
}
