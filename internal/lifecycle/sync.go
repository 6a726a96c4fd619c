package lifecycle

import (
	"context"
	"errors"
	"slices"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// maxReplaced is the number of replacements that one run follows. A five-year term has fewer reissues; the limit ends a circle in
// the seller's answers.
const maxReplaced = 64

// SyncItem applies the seller's status of the item's order to the panel. Running it again changes nothing.
func SyncItem(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	id := j.ID()
	if id == 0 {
		if j.Item.Params[itemparam.Intent] != "" {
			return nil, fault.Errorf(fault.Waiting, "item", "%s has a purchase without a clear answer; open resolves it", j.Item.Label()).Retryable()
		}
		return nil, fault.Errorf(fault.Missed, itemparam.OrderID, "%s has no order at %s yet: open it first", j.Item.Label(), j.Info.Title)
	}
	outcome, err := j.Follow(ctx)
	j.logEnded(outcome)
	return nil, err
}

// Follow asks the seller where the item's order stands and acts on it. An order that waits as it did is not asked about;
// what is due about its challenges is done all the same.
func (j *Order) Follow(ctx context.Context) (Outcome, error) {
	if err := j.AdoptCSR(ctx); err != nil {
		return Outcome{}, err
	}
	waits, err := j.StillWaiting(ctx)
	if err != nil {
		return Outcome{}, err
	}
	if waits {
		return j.prove(ctx, j.ID())
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return Outcome{}, err
	}
	return j.ApplyStatus(ctx, status)
}

// StillWaiting reports whether the item waits, has its challenges, and the seller's list still shows the order as waiting. Then
// the order's own status need not be read.
func (j *Order) StillWaiting(ctx context.Context) (bool, error) {
	cache, ok := j.Seller.(seller.StatusCache)
	if !ok || !j.HasStatus(item.ServiceWaiting) || j.challengesMissing() || j.submissionOpen() {
		return false, nil
	}
	state, known, err := cache.CachedStatus(ctx, j.ID())
	if err != nil || !known || state != seller.StateWaiting {
		return false, err
	}
	j.Log.ExtInfof("id %d still waits, as the list at %s shows", j.ID(), j.Info.Title)
	return true, nil
}

// Newest returns the status of the id or, if the seller replaced it, of the last id that replaced it. The replacing ids are saved
// on the item, if the last one has the item's key (rules STORE-1, STORE-5).
func (j *Order) Newest(ctx context.Context, id int64) (seller.OrderStatus, error) {
	status, links, err := j.followReplaced(ctx, id)
	if err != nil {
		return status, err
	}
	if status.State == seller.StateReplaced && len(links) == 0 { // the seller does not say by which id
		if next, found, err := j.successor(ctx, status); err != nil || found {
			return next, err
		}
	}
	if len(links) == 0 {
		return status, nil
	}
	if err := j.checkOwnOrder(status); err != nil {
		return status, err
	}
	for _, link := range links {
		j.Log.ExtInfof("id %d was replaced by %d at the seller", j.ID(), link)
		if err := j.succeed(ctx, link); err != nil {
			return status, err
		}
	}
	return status, nil
}

// followReplaced returns the status of the last id in the chain of replacements that the seller names, and the ids that replaced
// the first one.
func (j *Order) followReplaced(ctx context.Context, id int64) (seller.OrderStatus, []int64, error) {
	status, err := j.Seller.OrderStatus(ctx, id)
	var links []int64
	for err == nil && status.State == seller.StateReplaced && status.ReplacedBy != 0 {
		next := status.ReplacedBy
		if next == id || slices.Contains(links, next) || len(links) == maxReplaced {
			return status, nil, fault.Errorf(fault.API, "ReplacedBy", "%s says that id %d is replaced by %d, but these replacements do not end", j.Info.Title, status.ID, next).Retryable()
		}
		links = append(links, next)
		status, err = j.Seller.OrderStatus(ctx, next)
	}
	return status, links, err
}

// succeed saves id, a reissue, as the item's newest. It deletes the challenges of the previous id, so that those of the new one
// are read.
func (j *Order) succeed(ctx context.Context, id int64) error {
	if err := j.outdateChallenges(ctx); err != nil {
		return err
	}
	return j.SaveID(ctx, id)
}

// stopRenewal switches off the seller's own renewal: if the panel renewed too, the term would be paid twice. If that fails, a
// task is opened and the order goes on.
func (j *Order) stopRenewal(ctx context.Context, status seller.OrderStatus) {
	stopper, ok := j.Seller.(seller.RenewalStopper)
	if !status.AutoRenews || !ok || status.State.Ended() {
		return
	}
	err := stopper.StopRenewal(ctx, status.ID)
	if j.Dry.Withheld(err, item.DryStopRenewal, "id", status.ID) {
		return
	}
	if err == nil {
		j.Log.ExtInfof("%s would have renewed id %d by itself, that is switched off", j.Info.Title, status.ID)
		return
	}
	reason := fault.Errorf(fault.API, "autoprolong", "%s would renew id %d by itself, and be paid a second time: switch its automatic renewal off there (%w)",
		j.Info.Title, status.ID, err)
	j.Log.Warningf("%v", reason)
	if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, reason.Error()); err != nil {
		j.Log.Errorf("the task for the administrator could not be opened: %v", err)
	}
}

// checkOwnKey returns an error unless the CSR or certificate in the seller's status has the item's key (rules STORE-5).
func (j *Order) checkOwnKey(status seller.OrderStatus) error {
	own, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return err
	}
	if shown, err := pki.ReadCSR(status.CSR); err == nil {
		if own.SameKey(shown.PublicKey) {
			return nil
		}
		return fault.Errorf(fault.API, "csr", "a reissue for another CSR is running at the seller under id %d", status.ID).Retryable()
	}
	if _, err := pki.BuildChain(status.PEM, own, j.Now()); err != nil {
		return fault.Errorf(fault.API, "csr", "the seller does not show yet whether the reissue %d has this item's key", status.ID).Retryable()
	}
	return nil
}

// Outcome is the result of applying the seller's status.
type Outcome struct {
	// Ended says why the order ended without a certificate; nil otherwise. Each command decides whether it fails for that.
	Ended error
}

// ApplyStatus applies the seller's status of the newest id to the item (rules STORE-1, STORE-4).
func (j *Order) ApplyStatus(ctx context.Context, status seller.OrderStatus) (Outcome, error) {
	j.Log.ExtInfof("id %d is %s (%s)", status.ID, status.State, status.StatusText)
	if err := j.refuseOtherOrder(ctx, status); err != nil {
		return Outcome{}, err
	}
	j.stopRenewal(ctx, status)
	switch status.State {
	case seller.StateUnpaid:
		return Outcome{}, j.unpaidFault(status.ID)
	case seller.StateNew, seller.StateRenewal:
		j.Log.ExtInfof("id %d is paid and not activated, open activates it", status.ID)
		return Outcome{}, nil
	case seller.StateWaiting:
		if status.DeliveryError != nil {
			return Outcome{}, j.openTaskIfUnusable(ctx, j.undelivered(ctx, status.ID, status.DeliveryError))
		}
		if err := j.handleWaiting(ctx, status); err != nil || status.CertificateMissing {
			return Outcome{}, err
		}
		return j.prove(ctx, status.ID)
	case seller.StateIssued:
		return Outcome{}, j.issued(ctx, status)
	case seller.StateRefused, seller.StateCancelled, seller.StateExpired:
		return j.handleEnded(ctx, status)
	}
	j.Log.Warningf("id %d is in the state %q; no action is taken", status.ID, status.StatusText)
	return Outcome{}, nil
}

// issued stores a certificate, removes what was published for it, and delivers it.
func (j *Order) issued(ctx context.Context, status seller.OrderStatus) error {
	if err := j.openTaskIfUnusable(ctx, j.handleIssued(ctx, status)); err != nil || !j.HasStatus(item.ServiceIssued) {
		return err
	}
	if err := j.WithdrawAll(ctx); err != nil {
		return err
	}
	j.ShowDelivery(ctx)
	return j.Deliver(ctx)
}

// prove does what is due about the challenges of an order that waits, and acts on what the seller says then.
func (j *Order) prove(ctx context.Context, id int64) (Outcome, error) {
	status, news, err := j.publishChallenges(ctx, id)
	if err != nil || !news {
		return Outcome{}, err
	}
	return j.ApplyStatus(ctx, status)
}

// openTaskIfUnusable opens a task if err says that the delivered certificate is unusable: it is for another CSR, has wrong names,
// or cannot be read. It returns err.
func (j *Order) openTaskIfUnusable(ctx context.Context, err error) error {
	failure := fault.From(err)
	if failure == nil || failure.Type != fault.Delivered || failure.Retry {
		return err
	}
	return errors.Join(err, j.OpenTaskUntilStored(ctx, j.Args.Command, failure.Error()))
}

// handleWaiting handles an order that the seller works on.
func (j *Order) handleWaiting(ctx context.Context, status seller.OrderStatus) error {
	if len(status.Challenges) > 0 {
		if err := j.keepChallenges(ctx, status.Challenges); err != nil {
			return err
		}
	}
	if j.challengesMissing() {
		request, err := j.Request()
		if err != nil {
			return err
		}
		if err := j.saveChallenges(ctx, status.ID, request, nil); err != nil {
			return err
		}
	}
	if err := j.completeSubmitted(ctx, status); err != nil {
		return err
	}
	if err := j.SetStatus(ctx, item.ServiceWaiting); err != nil {
		return err
	}
	if status.CertificateMissing {
		return j.certificateAbsent(ctx, status)
	}
	return j.SaveParam(ctx, itemparam.IssuedSince, "")
}

// completeSubmitted records that the seller has the CSR, if an earlier run was interrupted before it did.
func (j *Order) completeSubmitted(ctx context.Context, status seller.OrderStatus) error {
	last, open := j.lastSubmitted()
	if last != "" && !open || status.CSR == "" || j.checkOwnKey(status) != nil {
		return nil
	}
	return j.markSubmitted(ctx)
}

// handleEnded handles an order that the seller ended. Without a stored certificate the item gets the status failed; otherwise it
// keeps its certificate and a task is opened (rules STORE-4).
func (j *Order) handleEnded(ctx context.Context, status seller.OrderStatus) (Outcome, error) {
	reason := fault.Errorf(fault.OrderEnded, "status", "%s ended id %d: %s", j.Info.Title, status.ID, status.StatusText)
	if err := j.closeRequest(ctx); err != nil {
		return Outcome{}, err
	}
	if err := j.WithdrawAll(ctx); err != nil {
		if ctx.Err() != nil {
			return Outcome{}, err
		}
		j.Log.Errorf("what was published for it could not be removed, the next sweep tries again: %v", err)
	}
	if j.Item.Stored != "" {
		return Outcome{}, j.keepStored(ctx, status, reason)
	}
	if j.HasStatus(item.ServiceFailed) {
		return Outcome{Ended: reason}, nil
	}
	if j.Args.Command != "open" { // open fails, and the panel shows that with the running operation
		if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, reason.Error()); err != nil {
			return Outcome{}, err
		}
	}
	if err := j.Panel.FailCertificate(ctx, j.Item.Item); err != nil {
		return Outcome{}, err
	}
	return Outcome{Ended: reason}, j.SetStatus(ctx, item.ServiceFailed)
}

// logEnded logs why an order ended, for a command that does not fail for that.
func (j *Order) logEnded(outcome Outcome) {
	if outcome.Ended != nil {
		j.Log.Errorf("%v", outcome.Ended)
	}
}

// keepStored keeps the stored certificate although its order ended. It opens a task, unless the order expired at the end of the
// paid term.
func (j *Order) keepStored(ctx context.Context, status seller.OrderStatus, reason error) error {
	j.Log.Warningf("%v; the stored certificate stays in place", reason)
	if err := j.noteCancelled(ctx, status); err != nil {
		return err
	}
	// A pending reissue is over. If the id stays, it would otherwise be taken for the next reissue.
	if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
		return err
	}
	if err := j.giveUpNewKey(ctx, gaveUpEnded, reason.Error()); err != nil {
		return err
	}
	over := !j.TermEnd().IsZero() && !j.Today().Before(j.TermEnd())
	if status.State != seller.StateExpired || !over {
		if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, reason.Error()); err != nil {
			return err
		}
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}
