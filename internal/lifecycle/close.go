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

// cancelTime is how long a seller may take to cancel an order: the rest of the command's time is the panel's.
const cancelTime = 2 * time.Minute

// Close lets the panel delete the item, whatever the seller says. Where the seller lets a module end an order, the newest
// one is cancelled; what could not be done there becomes a task for the administrator. Elsewhere what stays behind is
// named in the log.
func Close(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	var left []string
	if _, ok := run.Info.Prototype.(seller.Canceller); ok {
		left = j.cancelOrder(ctx)
	} else if ids := j.Lineage(); len(ids) > 0 {
		j.Log.Warningf("it is closed, its orders at %s stay: %s; ask the seller's support where they are to be cancelled or revoked",
			j.Info.Title, item.FormatIDs(ids))
	}
	if j.Item.Params[itemparam.Intent] != "" {
		left = append(left, fmt.Sprintf("%s is closed with a purchase without a clear answer: look for it at %s", j.Item.Label(), j.Info.Title))
	}
	j.reportLeftovers(ctx, left)
	return nil, run.Panel.Post(ctx, run.Args.Item, "close")
}

// reportLeftovers hands what is left to do to the administrator. The running operation stays as it is: the panel ends it when the
// item is closed. A task that cannot be made does not keep the item open.
func (j *Order) reportLeftovers(ctx context.Context, left []string) {
	if len(left) == 0 {
		return
	}
	text := strings.Join(left, "\n")
	j.Run.Log.Warningf("%s", text) // which names the item itself, as the task must
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, text); err != nil {
		j.Log.Errorf("the task for the administrator could not be made: %v", err)
	}
}

// cancelOrder cancels the item's newest order at the seller and returns what an administrator has to do instead.
func (j *Order) cancelOrder(ctx context.Context) (left []string) {
	ctx, stop := context.WithTimeout(ctx, cancelTime)
	defer stop()
	if err := j.connectSeller(ctx); err != nil {
		held := cmp.Or(j.Item.Params[itemparam.OrderID], j.Item.Params[itemparam.Lineage])
		if held == "" {
			j.Log.ExtInfof("it has no order at %s that would have to be cancelled (%v)", j.Info.Title, err)
			return nil
		}
		return []string{fmt.Sprintf("%s is closed and its order %s at %s was not cancelled, do it there: %v", j.Item.Label(), item.Brief(held), j.Info.Title, err)}
	}
	if err := j.RestoreFromJournal(ctx); err != nil {
		j.Log.Warningf("what the journal remembers was not put on it: %v", err)
	}
	if j.UnclearPurchase != nil { // an order of another client is not cancelled with this item
		left = append(left, fmt.Sprintf("%s is closed, and nothing was done about what may be its order: %v", j.Item.Label(), j.UnclearPurchase))
	}
	id := j.ID()
	if id == 0 {
		return left
	}
	if other := j.foreignName(ctx, id); other != "" {
		return append(left, fmt.Sprintf("%s is closed and its order %d at %s was not cancelled, because it is shown there for %s: check whether the processing module's account is the one that bought it",
			j.Item.Label(), id, j.Info.Title, other))
	}
	left = append(left, j.revokeReplaced(ctx, id)...)
	err := j.Seller.(seller.Canceller).Cancel(ctx, id)
	if j.Dry.Withheld(err, item.DryCancel, "id", id) {
		return left
	}
	if err == nil {
		j.Log.Infof("id %d at %s is cancelled", id, j.Info.Title)
		return left
	}
	return append(left, fmt.Sprintf("%s is closed and its order %d at %s could not be cancelled: %v; %s", j.Item.Label(), id, j.Info.Title, err, j.stopRenewalInstead(ctx, id)))
}

// foreignName returns the name for which the seller shows an order that is not this item's; empty if nothing says so. Without
// a certificate in place nothing could.
func (j *Order) foreignName(ctx context.Context, id int64) string {
	if j.Item.Stored == "" {
		return ""
	}
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil {
		j.Log.Warningf("for whom the order %d at %s is could not be read: %v", id, j.Info.Title, err)
		return ""
	}
	return j.ForeignOrder(status)
}

// maxReplacedChecked is how many replaced certificates are looked at, the newest first: older ones have run out.
const maxReplacedChecked = 8

// revokeReplaced takes the certificates that reissues replaced and that are still valid back where the seller lets us, and
// returns those that stay valid.
func (j *Order) revokeReplaced(ctx context.Context, newest int64) (left []string) {
	older := slices.DeleteFunc(j.Lineage(), func(id int64) bool { return id == newest })
	slices.Reverse(older)
	for _, id := range older[:min(len(older), maxReplacedChecked)] {
		status, err := j.Seller.OrderStatus(ctx, id)
		if err != nil {
			j.Log.Warningf("whether the replaced certificate %d at %s is still valid could not be read: %v", id, j.Info.Title, err)
			if fault.From(err).SellerFails() { // so would the next one
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

// revoke revokes a replaced certificate where the seller can be asked to.
func (j *Order) revoke(ctx context.Context, id int64) error {
	revoker, can := j.Seller.(seller.Revoker)
	if !can {
		return item.Unsupported(j.Run, "revoking certificates")
	}
	return revoker.Revoke(ctx, id)
}

// connectSeller connects the seller of an item that is loaded already.
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

// stopRenewalInstead sees to it that an order which stays is not renewed by the seller itself, and says what came of it.
func (j *Order) stopRenewalInstead(ctx context.Context, id int64) string {
	stopper, ok := j.Seller.(seller.RenewalStopper)
	if !ok {
		return "cancel it there where it is to end"
	}
	err := stopper.StopRenewal(ctx, id)
	if j.Dry.Withheld(err, item.DryStopRenewal, "id", id) {
		return "its renewal is to be switched off"
	}
	if err != nil {
		return fmt.Sprintf("nor could its renewal be switched off (%v): cancel it there, or it may be paid for again", err)
	}
	return "its renewal is switched off, it runs out by itself"
}
