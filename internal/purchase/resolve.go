package purchase

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// Resolve lets an administrator resolve a purchase without a clear answer (rules BUY-5): --id ID names what was bought,
// --none says that nothing was. It shows what it would do, as with --dry-run, and does it with --yes.
func Resolve(ctx context.Context, run *item.Run) (*etree.Document, error) {
	id, err := resolveID(run.Args)
	if err != nil {
		return nil, err
	}
	if !run.Args.Yes {
		if err := run.BeginDryRun(); err != nil {
			return nil, err
		}
	}
	j, err := ConnectUnchecked(ctx, run)
	if err != nil {
		return nil, err
	}
	if id != 0 && j.CheckIDs() == nil { // with the id it would count as an order of this module, whose term begins on the opening date
		if err := j.refuseUnmigrated(ctx); err != nil {
			return nil, err
		}
	}
	if err := j.restoreBeforeResolve(ctx); err != nil {
		return nil, err
	}
	if err := j.lockAccount(ctx); err != nil {
		return nil, err
	}
	defer j.unlock(context.WithoutCancel(ctx))
	doc := xmldoc.New()
	node := doc.Root().CreateElement("resolve")
	node.CreateAttr("item", strconv.FormatInt(j.Item.Item, 10))
	node.CreateAttr("intent", j.Item.Params[itemparam.Intent])
	node.CreateAttr("mode", map[bool]string{true: "apply", false: "dry-run"}[run.Args.Yes])
	open := j.Item.Params[itemparam.Intent]
	if id == 0 {
		err = j.resolveNone(ctx, node)
	} else {
		err = j.resolveBought(ctx, node, id)
	}
	return j.resolveAnswer(doc, node, open), err
}

// resolveID returns the id of --id, 0 for --none.
func resolveID(args item.Args) (int64, error) {
	if args.None == (args.ID != "") {
		return 0, fault.Errorf(fault.Missed, "id", "give either --id ID (what was bought) or --none (nothing was)")
	}
	if args.None {
		return 0, nil
	}
	id, err := strconv.ParseInt(args.ID, 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.Errorf(fault.Value, "id", "%q is not an id of the seller", args.ID)
	}
	return id, nil
}

// restoreBeforeResolve restores what the journal certainly holds for the item before the administrator's decision is applied.
// An item with wrong ids is corrected by that decision alone.
func (j *Buyer) restoreBeforeResolve(ctx context.Context) error {
	if !j.Args.Yes || j.CheckIDs() != nil {
		return nil
	}
	err := j.LoadProducts(ctx)
	if err == nil {
		err = j.RestoreFromJournal(ctx)
	}
	if err != nil && j.Args.None {
		j.Log.Warningf("its purchases could not be restored from the journal: %v", err)
		return nil
	}
	return err
}

// resolveNone removes from the item an intent, readable or not, ids that are not valid, and the claim to ids that the journal
// or the seller names for it without certainty. If there is none of these, it removes ids that are not this item's (rules
// BUY-5).
func (j *Buyer) resolveNone(ctx context.Context, node *etree.Element) error {
	node.CreateAttr("action", "forget")
	unplaced, err := j.idsToRelease(ctx)
	if err != nil {
		return err
	}
	wrong := j.CheckIDs() != nil
	if j.Item.Params[itemparam.Intent] == "" && len(unplaced) == 0 && !wrong {
		if unplaced, err = j.contradictedIDs(ctx); err != nil {
			return err
		}
		wrong = true
	}
	if len(unplaced) > 0 {
		node.CreateAttr("released", item.FormatIDs(unplaced))
	}
	if wrong {
		node.CreateAttr("dropped", strings.TrimSpace(j.Item.Params[itemparam.OrderID]+" "+j.Item.Params[itemparam.Lineage]))
	}
	if !j.Args.Yes {
		return nil
	}
	return j.freeItem(ctx, unplaced, wrong)
}

// freeItem releases the ids and deletes the intent and, if wrong, the item's own ids.
func (j *Buyer) freeItem(ctx context.Context, unplaced []int64, wrong bool) error {
	j.Log.Infof("resolved by the administrator: nothing was bought")
	names := []string{itemparam.Intent}
	if wrong {
		names = append(names, itemparam.OrderID, itemparam.Lineage)
	}
	if err := j.releaseIDs(ctx, unplaced); err != nil {
		return err
	}
	for _, name := range names {
		if err := j.SaveParam(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// idsToRelease returns the ids that the journal or the order reference at the seller names for this item and that are not on
// it. If the seller's list cannot be read, because the account may be closed for good, it returns what the panel knows.
func (j *Buyer) idsToRelease(ctx context.Context) ([]int64, error) {
	ids, err := j.unassignedJournalIDs(ctx, 0)
	if err != nil {
		return nil, err
	}
	referenced, err := j.unassignedReferencedIDs(ctx)
	if err != nil {
		if j.Item.Params[itemparam.Intent] == "" && len(ids) == 0 && j.CheckIDs() == nil {
			return nil, err
		}
		j.Log.Warningf("the orders at %s could not be read; one with its order reference would still be taken for this item's: %v", j.Info.Title, err)
	}
	return slices.Compact(slices.Sorted(slices.Values(append(ids, referenced...)))), nil
}

// unassignedJournalIDs returns the ids that the journal names for this item and that are not on it, without the id except.
func (j *Buyer) unassignedJournalIDs(ctx context.Context, except int64) ([]int64, error) {
	lines, err := j.Panel.JournalOf(ctx, j.Item.Item)
	if err != nil {
		return nil, err
	}
	forgotten, err := j.missingEntries(ctx, lines)
	var ids []int64
	for _, line := range forgotten {
		if line.ID != except && !slices.Contains(ids, line.ID) {
			ids = append(ids, line.ID)
		}
	}
	return ids, err
}

// unassignedReferencedIDs returns the ids of orders at the seller that have the item's order reference, are on no item and were
// not released before: those of an earlier client whose item had the same number.
func (j *Buyer) unassignedReferencedIDs(ctx context.Context) ([]int64, error) {
	ref, err := j.OrderRef(ctx)
	if err != nil || ref == "" {
		return nil, err
	}
	snapshot, err := j.Seller.OrderSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	known := append(j.Lineage(), item.ParseIDs(j.Item.Params[itemparam.Released])...)
	orders, err := j.notOfOthers(ctx, snapshot.Orders, func(r seller.OrderSummary) bool {
		return strings.EqualFold(r.OrderRef, ref) && !slices.Contains(known, r.ID)
	})
	return recordIDs(orders), err
}

// contradictedIDs returns the item's ids if the seller has no such order, or shows another key or name for it. Otherwise it
// returns a fault: without its id the order would be paid again.
func (j *Buyer) contradictedIDs(ctx context.Context) ([]int64, error) {
	ids := j.Lineage()
	if len(ids) == 0 {
		return nil, fault.Errorf(fault.Missed, itemparam.Intent, "item %d (%s) has no unresolved purchase and no id at %s: there is nothing to free",
			j.Item.Item, j.Item.Name, j.Info.Title)
	}
	status, err := j.Seller.OrderStatus(ctx, j.ID())
	if failure := fault.From(err); failure != nil && failure.Retry {
		return nil, err
	}
	if err == nil && j.itemIdentity().contradicts(statusIdentity(status)) == "" {
		return nil, fault.Errorf(fault.Value, "none", "item %d (%s): no purchase is unresolved, and nothing at %s contradicts that id %d is this item's order: nothing is freed",
			j.Item.Item, j.Item.Name, j.Info.Title, j.ID())
	}
	return ids, nil
}

// resolveBought saves the id on the item, unless it belongs to another item or the seller does not know it.
func (j *Buyer) resolveBought(ctx context.Context, node *etree.Element, id int64) error {
	node.CreateAttr("action", "adopt")
	node.CreateAttr("id", strconv.FormatInt(id, 10))
	owner, err := j.ownerOf(ctx, id)
	if err != nil {
		return err
	}
	if owner.Item != 0 && newestID(owner) == id {
		return fault.Errorf(fault.Value, "id", "id %d belongs to item %d", id, owner.Item)
	}
	if owner.Item != 0 {
		node.CreateAttr("from", strconv.FormatInt(owner.Item, 10))
	}
	if j.renewedFrom(id) {
		return fault.Errorf(fault.Value, "id", "id %d was item %d's before the renewal, which has an id of its own", id, j.Item.Item)
	}
	status, err := j.checkAssignable(ctx, id, owner)
	if err != nil {
		return err
	}
	node.CreateAttr("state", status.State.String())
	node.CreateAttr("type", status.Type)
	node.CreateAttr("name", status.CommonName)
	if !j.Args.Yes {
		return nil
	}
	return j.adoptByHand(ctx, id, owner)
}

// renewedFrom reports whether the item had the id before the renewal that its intent is about.
func (j *Buyer) renewedFrom(id int64) bool {
	in, err := ParseIntent(j.Item.Params[itemparam.Intent])
	return err == nil && in.Kind == seller.KindRenew && id <= in.Snapshot && slices.Contains(j.Lineage(), id)
}

// checkAssignable returns the seller's status of the id, or a fault if the id cannot be assigned to the item: the seller does
// not know it, or it is in the lineage of the owner.
func (j *Buyer) checkAssignable(ctx context.Context, id int64, owner item.Claim) (seller.OrderStatus, error) {
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil {
		return status, err
	}
	if status.State.Ended() && status.Type == "" && status.CommonName == "" { // a seller may show an id that it never had as deleted
		return status, fault.Errorf(fault.Missed, "id", "%s knows no id %d (%s)", j.Info.Title, id, status.StatusText)
	}
	if owner.Item != 0 && status.State == seller.StateReplaced { // replaced by a reissue of that item, so not assigned by mistake
		return status, fault.Errorf(fault.Value, "id", "id %d belongs to the lineage of item %d", id, owner.Item)
	}
	return status, nil
}

// ownerOf returns the claim of the other item that holds the id; the zero value if none does.
func (j *Buyer) ownerOf(ctx context.Context, id int64) (item.Claim, error) {
	claims, err := j.claimsOf(ctx, []int64{id})
	if err != nil {
		return item.Claim{}, err
	}
	for _, h := range claims {
		if h.Item != j.Item.Item && slices.Contains(h.IDs(), id) {
			return h, nil
		}
	}
	return item.Claim{}, nil
}

// HeldByOthers returns those of the ids that other items of the account hold which are not closed, with the item.
func (j *Buyer) HeldByOthers(ctx context.Context, ids []int64) (map[int64]int64, error) {
	claims, err := j.claimsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	held := map[int64]int64{}
	for _, h := range claims {
		if h.Item == j.Item.Item || h.Status == item.ItemDeleted {
			continue
		}
		for _, id := range h.IDs() {
			held[id] = h.Item
		}
	}
	return held, nil
}

// newestID returns the newest id of a claim; 0 if it has none.
func newestID(c item.Claim) int64 {
	for _, list := range []string{c.OrderID, c.Lineage} {
		if ids := item.ParseIDs(list); len(ids) > 0 {
			return ids[len(ids)-1]
		}
	}
	return 0
}

// adoptByHand records the id on the item, and removes it from the lineage of an owner that got it by mistake and has another
// id now. The last journal entry of an id decides whose it is.
func (j *Buyer) adoptByHand(ctx context.Context, id int64, owner item.Claim) error {
	if err := j.Panel.HoldsLocks(ctx); err != nil {
		return err
	}
	kind := seller.KindCreate
	if in, err := ParseIntent(j.Item.Params[itemparam.Intent]); err == nil {
		kind = in.Kind
	}
	j.Log.Infof("resolved by the administrator: id %d was bought", id)
	if j.CheckIDs() != nil { // both are overwritten below; the panel keeps the old values until then
		delete(j.Item.Params, itemparam.OrderID)
		delete(j.Item.Params, itemparam.Lineage)
	}
	others, err := j.unassignedJournalIDs(ctx, id)
	if err != nil {
		return err
	}
	if err := j.releaseIDs(ctx, others); err != nil {
		return err
	}
	released := slices.DeleteFunc(item.ParseIDs(j.Item.Params[itemparam.Released]), func(other int64) bool { return other == id })
	if err := j.SaveParam(ctx, itemparam.Released, item.FormatIDs(released)); err != nil {
		return err
	}
	if err := j.record(ctx, kind, id, ""); err != nil || owner.Item == 0 {
		return err
	}
	remaining := slices.DeleteFunc(item.ParseIDs(owner.Lineage), func(other int64) bool { return other == id })
	return j.Panel.SaveParam(ctx, owner.Item, itemparam.Lineage, item.FormatIDs(remaining))
}
