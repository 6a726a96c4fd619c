package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// cancelTime is the time limit for cancelling at the seller; the rest of the command's time is left for the panel.
const cancelTime = 2 * time.Minute

// Close lets the panel delete the item, whatever the seller answers. If the seller supports it, the newest order is cancelled,
// and what fails becomes a task for the administrator. Otherwise the log names the orders that remain at the seller.
func Close(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	var left []string
	if _, ok := run.Info.Prototype.(seller.Canceller); ok {
		left = j.cancelOrder(ctx)
	} else if ids := j.Lineage(); len(ids) > 0 {
		j.Log.Warningf("it is closed, its orders at %s remain: %s; to have them cancelled or revoked, ask the seller's support",
			j.Info.Title, item.FormatIDs(ids))
	}
	if j.Item.Params[itemparam.Intent] != "" {
		left = append(left, fmt.Sprintf("%s is closed with a purchase without a clear answer: look for it at %s", j.Item.Label(), j.Info.Title))
	}
	if err := j.WithdrawAll(ctx); err != nil {
		j.Log.Warningf("what was published for it could not be removed: %v", err)
	}
	for _, entry := range j.leftPublished() {
		left = append(left, fmt.Sprintf("%s is closed and %s stays in %s: remove it there", j.Item.Label(), entry.Record, entry.Zone))
	}
	if err := j.dropDelivery(ctx); err != nil {
		j.Log.Warningf("its certificate is still noted as one to be delivered: %v", err)
	}
	if err := j.dropRotation(ctx); err != nil {
		left = append(left, fmt.Sprintf("%s is closed and its key pairs stay: %v", j.Item.Label(), err))
	}
	j.reportLeftovers(ctx, left)
	return nil, run.Panel.Post(ctx, run.Args.Item, "close")
}

// reportLeftovers opens a task with what the administrator has to do. The running operation is not changed: the panel ends it
// when the item is closed. If the task cannot be opened, the item is closed all the same.
func (j *Order) reportLeftovers(ctx context.Context, left []string) {
	if len(left) == 0 {
		return
	}
	text := strings.Join(left, "\n")
	j.Run.Log.Warningf("%s", text) // not j.Log: the text names the item itself, because the task needs that
	err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, text)
	if err != nil { // once more, because the operation will be over; an open task is not opened twice
		err = j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, text)
	}
	if err != nil {
		j.Log.Errorf("the task for the administrator could not be opened: %v", err)
	}
}

// cancelOrder cancels the item's newest order at the seller. It returns what an administrator has to do by hand, in sentences.
func (j *Order) cancelOrder(ctx context.Context) (left []string) {
	ctx, stop := context.WithTimeout(ctx, cancelTime)
	defer stop()
	if err := j.connectSeller(ctx); err != nil {
		held := cmp.Or(j.Item.Params[itemparam.OrderID], j.Item.Params[itemparam.Lineage])
		if held == "" {
			j.Log.ExtInfof("it has no order at %s that would have to be cancelled (%v)", j.Info.Title, err)
			return nil
		}
		return []string{fmt.Sprintf("%s is closed and its order %s at %s was not cancelled, cancel it there: %v", j.Item.Label(), item.Brief(held), j.Info.Title, err)}
	}
	if err := j.checkOwnID(ctx); err != nil {
		return []string{fmt.Sprintf("%s is closed and its order %d at %s was not cancelled, cancel it there if it is this item's: %v", j.Item.Label(), j.ID(), j.Info.Title, err)}
	}
	if err := j.RestoreFromJournal(ctx); err != nil {
		j.Log.Warningf("its purchases could not be restored from the journal: %v", err)
	}
	if j.UnclearPurchase != nil { // it may be another client's order, so it is not cancelled
		left = append(left, fmt.Sprintf("%s is closed, and nothing was done about what may be its order: %v", j.Item.Label(), j.UnclearPurchase))
	}
	id := j.ID()
	if id == 0 {
		return left
	}
	held, err := j.HeldByOthers(ctx, append(j.Lineage(), id))
	if err != nil {
		return append(left, fmt.Sprintf("%s is closed and its order %d at %s was not cancelled, because it is not known whether another item has it too; cancel it there if none has: %v",
			j.Item.Label(), id, j.Info.Title, err))
	}
	if other := held[id]; other != 0 {
		j.Log.Warningf("its order %d at %s is not cancelled, because item %d has it too", id, j.Info.Title, other)
		return left
	}
	if other := j.foreignName(ctx, id); other != "" {
		return append(left, fmt.Sprintf("%s is closed and its order %d at %s was not cancelled, because it is shown there for %s: check whether the processing module's account is the one that bought it",
			j.Item.Label(), id, j.Info.Title, other))
	}
	left = append(left, j.revokeReplaced(ctx, id, held)...)
	err = j.Seller.(seller.Canceller).Cancel(ctx, id)
	if j.Dry.Withheld(err, item.DryCancel, "id", id) {
		return left
	}
	if err == nil {
		j.Log.Infof("id %d at %s is cancelled", id, j.Info.Title)
		return left
	}
	return append(left, fmt.Sprintf("%s is closed and its order %d at %s could not be cancelled: %v; %s", j.Item.Label(), id, j.Info.Title, err, j.stopRenewalInstead(ctx, id)))
}

// checkOwnID returns a fault if the item's id may be another client's order (rules MIGRATE-8).
func (j *Order) checkOwnID(ctx context.Context) error {
	unmigrated, err := j.Unmigrated(ctx)
	if err == nil && unmigrated {
		err = fault.Errorf(fault.Missed, itemparam.OrderID, "it is known as another module's order, which was not migrated")
	}
	return err
}

// foreignName returns the name that the seller shows for the order if the order is not this item's (ForeignOrder); else empty.
// Without a stored certificate it is always empty.
func (j *Order) foreignName(ctx context.Context, id int64) string {
	if j.Item.Stored == "" {
		return ""
	}
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil {
		j.Log.Warningf("the name of the order %d at %s could not be read: %v", id, j.Info.Title, err)
		return ""
	}
	return j.ForeignOrder(status)
}

// maxReplacedChecked is the number of replaced certificates that are checked, newest first; older ones have expired.
const maxReplacedChecked = 8

// revokeReplaced revokes the certificates that reissues replaced and that are still valid, if the seller supports that, but for those that
// another item holds too. It returns in sentences what an administrator has to do by hand.
func (j *Order) revokeReplaced(ctx context.Context, newest int64, held map[int64]int64) (left []string) {
	older := slices.DeleteFunc(j.Lineage(), func(id int64) bool { return id == newest || held[id] != 0 })
	slices.Reverse(older)
	for _, id := range older[:min(len(older), maxReplacedChecked)] {
		status, err := j.Seller.OrderStatus(ctx, id)
		if err != nil {
			j.Log.Warningf("whether the replaced certificate %d at %s is still valid could not be read: %v", id, j.Info.Title, err)
			if fault.From(err).SellerFails() { // the next one would fail too
				return append(left, fmt.Sprintf("whether the replaced certificates at %s are still valid could not be read: %v", j.Info.Title, err))
			}
			continue
		}
		stored, err := pki.StoredLeaf(strings.Join(status.PEM, "\n"))
		if status.State.Ended() || err != nil || !stored.Leaf.NotAfter.After(j.Now()) {
			continue
		}
		if other := j.ForeignOrder(status); other != "" {
			left = append(left, fmt.Sprintf("the id %d at %s is shown there for %s and was not revoked", id, j.Info.Title, other))
			continue
		}
		err = j.revoke(ctx, id)
		if j.Dry.Withheld(err, item.DryRevoke, "id", id, "serial", stored.Serial(), "valid_until", stored.Ends()) {
			continue
		}
		if err != nil {
			left = append(left, fmt.Sprintf("the replaced certificate %d at %s (serial %s) is valid until %s and could not be revoked: %v",
				id, j.Info.Title, stored.Serial(), stored.Ends(), err))
			continue
		}
		j.Log.Infof("the replaced certificate %d (serial %s, valid until %s) is revoked at %s", id, stored.Serial(), stored.Ends(), j.Info.Title)
	}
	return left
}

// revoke revokes a replaced certificate; a fault if the seller does not support it.
func (j *Order) revoke(ctx context.Context, id int64) error {
	revoker, can := j.Seller.(seller.Revoker)
	if !can {
		return item.Unsupported(j.Run, "revoking certificates")
	}
	return revoker.Revoke(ctx, id)
}

// connectSeller connects the seller of an item that is already loaded.
func (j *Order) connectSeller(ctx context.Context) (err error) {
	if j.Item.Module == 0 {
		return fault.Errorf(fault.Missed, "processingmodule", "%s belongs to no processing module", j.Item.Label())
	}
	if err := j.CheckIDs(); err != nil {
		return err
	}
	if j.Seller, err = item.Dial(ctx, j.Run, j.Item.Module); err != nil {
		return err
	}
	j.Account = j.Seller.Account()
	if _, ok := j.Seller.(seller.Canceller); !ok {
		return item.Unsupported(j.Run, "cancelling orders")
	}
	return nil
}

// stopRenewalInstead switches off the seller's own renewal of an order that could not be cancelled. It returns the outcome in
// words.
func (j *Order) stopRenewalInstead(ctx context.Context, id int64) string {
	stopper, ok := j.Seller.(seller.RenewalStopper)
	if !ok {
		return "cancel it there if it is to end"
	}
	err := stopper.StopRenewal(ctx, id)
	if j.Dry.Withheld(err, item.DryStopRenewal, "id", id) {
		return "its renewal is to be switched off"
	}
	if err != nil {
		return fmt.Sprintf("nor could its renewal be switched off (%v): cancel it there, or it may be paid for again", err)
	}
	return "its renewal is switched off, it ends by itself"
}
