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

// maxReplaced is how many replacements are followed in one run: a five-year term has fewer reissues, and a seller's
// answer that points in circles must end.
const maxReplaced = 64

// SyncItem brings the panel up to what the seller says of the item. Running it again changes nothing.
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
	if waits, err := j.StillWaiting(ctx); err != nil || waits {
		return nil, err
	}
	status, err := j.Newest(ctx, id)
	if err != nil {
		return nil, err
	}
	outcome, err := j.ApplyStatus(ctx, status)
	j.logEnded(outcome)
	return nil, err
}

// StillWaiting reports whether an order of which all is known waits as it did when it was last looked at: nothing is asked
// about it then.
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

// Newest reports on the id, or on the one at the end of the replacements that took its place. Those become the item's own,
// provided that the last one is for the item's key (rules STORE-1, STORE-5).
func (j *Order) Newest(ctx context.Context, id int64) (seller.OrderStatus, error) {
	status, links, err := j.followReplaced(ctx, id)
	if err != nil {
		return status, err
	}
	if status.State == seller.StateReplaced && len(links) == 0 { // replaced, and the seller does not say by what
		if next, found, err := j.successor(ctx, status); err != nil || found {
			return next, err
		}
	}
	if len(links) == 0 {
		return status, nil
	}
	if err := j.checkOwnKey(status); err != nil {
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

// followReplaced returns the report of the id at the end of the replacements that the seller names, and the ids after the
// first.
func (j *Order) followReplaced(ctx context.Context, id int64) (seller.OrderStatus, []int64, error) {
	status, err := j.Seller.OrderStatus(ctx, id)
	var links []int64
	for err == nil && status.State == seller.StateReplaced && status.ReplacedBy != 0 {
		next := status.ReplacedBy
		if next == id || slices.Contains(links, next) || len(links) == maxReplaced {
			return status, nil, fault.Errorf(fault.API, "ReplacedBy", "%s says that id %d is replaced by %d, which leads nowhere", j.Info.Title, status.ID, next).Retryable()
		}
		links = append(links, next)
		status, err = j.Seller.OrderStatus(ctx, next)
	}
	return status, links, err
}

// succeed makes id, a reissue, the item's newest. What was to be published for the one before proves nothing any more: it
// is dropped, so that the values of the new one are asked for.
func (j *Order) succeed(ctx context.Context, id int64) error {
	if err := j.dropChallenges(ctx); err != nil {
		return err
	}
	return j.SaveID(ctx, id)
}

// stopRenewal switches a renewal by the seller itself off: both sides renewing would be paying twice. Where that fails
// the administrator is told; the order itself goes on.
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
		j.Log.Errorf("the task for the administrator could not be made: %v", err)
	}
}

// checkOwnKey holds a reissue that this item did not ask for against the item's key (rules STORE-5).
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
		return fault.Errorf(fault.API, "csr", "nothing shows yet whether the reissue %d is for this item's key", status.ID).Retryable()
	}
	return nil
}

// Outcome is what the seller's report made of an order.
type Outcome struct {
	// Ended says why nothing can come of the order any more; nil while something can. The command that found it out did not
	// fail by that: whether it fails for it, each command decides.
	Ended error
}

// ApplyStatus acts on what the seller says of the newest id (rules STORE-1, STORE-4).
func (j *Order) ApplyStatus(ctx context.Context, status seller.OrderStatus) (Outcome, error) {
	j.Log.ExtInfof("id %d is %s (%s)", status.ID, status.State, status.StatusText)
	j.stopRenewal(ctx, status)
	switch status.State {
	case seller.StateUnpaid:
		return Outcome{}, j.unpaidFault(status.ID)
	case seller.StateNew, seller.StateRenewal:
		j.Log.ExtInfof("id %d is paid and not activated, open does that", status.ID)
		return Outcome{}, nil
	case seller.StateWaiting:
		if status.DeliveryError != nil {
			return Outcome{}, j.openTaskIfUnusable(ctx, j.undelivered(ctx, status.ID, status.DeliveryError))
		}
		return Outcome{}, j.handleWaiting(ctx, status)
	case seller.StateIssued:
		return Outcome{}, j.openTaskIfUnusable(ctx, j.handleIssued(ctx, status))
	case seller.StateRefused, seller.StateCancelled, seller.StateExpired:
		return j.handleEnded(ctx, status)
	}
	j.Log.Warningf("id %d is in the state %q; no action is taken", status.ID, status.StatusText)
	return Outcome{}, nil
}

// openTaskIfUnusable makes a task of what only an administrator can resolve: another CSR on the item, the wrong certificate,
// or one that cannot be read. It returns the error that it was given.
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

// completeSubmitted writes down that the seller has the CSR if an interruption came before an earlier run could.
func (j *Order) completeSubmitted(ctx context.Context, status seller.OrderStatus) error {
	last, open := j.lastSubmitted()
	if last != "" && !open || status.CSR == "" || j.checkOwnKey(status) != nil {
		return nil
	}
	return j.markSubmitted(ctx)
}

// handleEnded handles an order that the seller has ended. Without any certificate the item has failed; with one in place it
// stays as it is and the administrator gets a task (rules STORE-4).
func (j *Order) handleEnded(ctx context.Context, status seller.OrderStatus) (Outcome, error) {
	reason := fault.Errorf(fault.OrderEnded, "status", "%s says of id %d: %s", j.Info.Title, status.ID, status.StatusText)
	if err := j.closeRequest(ctx); err != nil {
		return Outcome{}, err
	}
	if j.Item.Stored != "" {
		return Outcome{}, j.keepStored(ctx, status, reason)
	}
	if j.HasStatus(item.ServiceFailed) {
		return Outcome{Ended: reason}, nil
	}
	if j.Args.Command != "open" { // whose failure the panel keeps with its running operation
		if err := j.Panel.Escalate(ctx, j.Item.Item, 0, j.Args.Command, reason.Error()); err != nil {
			return Outcome{}, err
		}
	}
	if err := j.Panel.FailCertificate(ctx, j.Item.Item); err != nil {
		return Outcome{}, err
	}
	return Outcome{Ended: reason}, j.SetStatus(ctx, item.ServiceFailed)
}

// logEnded writes why an order ended into the log, for a command that does not fail for it.
func (j *Order) logEnded(outcome Outcome) {
	if outcome.Ended != nil {
		j.Log.Errorf("%v", outcome.Ended)
	}
}

// keepStored leaves the certificate in place although its order ended. The administrator gets a task, unless it just ran
// out at the end of the paid term.
func (j *Order) keepStored(ctx context.Context, status seller.OrderStatus, reason error) error {
	j.Log.Warningf("%v; the stored certificate stays in place", reason)
	if err := j.noteRevoked(ctx, status); err != nil {
		return err
	}
	// the reissue that was refused is answered; where the id stays, its mark would count for the next one
	if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
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
