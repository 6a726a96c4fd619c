package lifecycle

import (
	"context"
	"errors"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// SetParam takes changed parameters or addons over. Where CSR or names are others than those that the seller was handed,
// the seller gets the new ones, as at a reissue, and another validation method while the order waits for it; otherwise only
// the panel is concerned.
func SetParam(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	_, open := j.lastSubmitted()
	asked := j.requestChanged() || j.neverSubmitted() || open
	if j.ID() == 0 || !asked && !j.methodChanged() && !j.reissueInterrupted() {
		return nil, run.Panel.Post(ctx, run.Args.Item, "setparam")
	}
	if j, err = Begin(ctx, run); err != nil {
		return nil, err
	}
	if !asked {
		return nil, j.followMethodChange(ctx)
	}
	j.Log.ExtInfof("CSR or names differ from those that %s was given, if any", j.Info.Title)
	outcome, err := j.Reissue(ctx, "setparam")
	if err != nil {
		return nil, err
	}
	return nil, outcome.Ended
}

// followMethodChange completes a reissue that was interrupted and hands another validation method to the seller.
func (j *Order) followMethodChange(ctx context.Context) error {
	if err := j.ReconcileReissue(ctx); err != nil {
		return err
	}
	if err := j.submitMethodIfChanged(ctx); err != nil {
		return err
	}
	return j.Panel.Post(ctx, j.Args.Item, "setparam")
}

// requestChanged reports whether the item's request is another one than the seller was last handed, as far as that is
// known.
func (j *Order) requestChanged() bool {
	last, _ := j.lastSubmitted()
	return last != "" && last != j.requestDigest()
}

// neverSubmitted reports whether the item's order is paid for and no CSR was submitted for it: one that the seller refused
// may be the reason of the change.
func (j *Order) neverSubmitted() bool {
	return j.submissionOpen() && j.Item.CSR != "" && j.Item.Stored == "" && !j.HasStatus(item.ServiceWaiting)
}

// submissionInterrupted reports whether an earlier run handed a request to the seller, or was about to, and did not get to the item's
// status: the item would go on showing an issued certificate while another one waits (rules STORE-9).
func (j *Order) submissionInterrupted() bool {
	_, open := j.lastSubmitted()
	return open || j.reissueInterrupted()
}

// followWaiting handles an order or reissue that the seller works on. One for this item's request is followed. One for an
// earlier request takes no other: a reissue ends by itself, the first order of a name that the client mistyped does not.
func (j *Order) followWaiting(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, error) {
	other := j.checkOwnKey(status)
	switch {
	case other == nil && !j.requestChanged():
		j.Log.ExtInfof("id %d is under way for this request, nothing is sent", status.ID)
		return status, nil
	case j.Item.Stored != "" && other != nil:
		return status, other
	case j.Item.Stored != "":
		return status, fault.Errorf(fault.API, itemparam.AltName, "a reissue for other names is running at the seller under id %d", status.ID).Retryable()
	case !j.requestChanged() && !showsCSR(status):
		return status, other // nothing shows yet whose it is
	case j.reissuesInPlace():
		next, err := j.askReissue(ctx, status)
		if failure := fault.From(err); err == nil || failure.Retry || failure.OutcomeUnknown {
			return next, err
		}
		return status, j.reportTooLate(ctx, status, err)
	}
	return status, j.reportTooLate(ctx, status, other)
}

// showsCSR reports whether the report shows a CSR; that it is not the item's own is known already.
func showsCSR(status seller.OrderStatus) bool {
	_, err := pki.ReadCSR(status.CSR)
	return err == nil
}

// reportTooLate tells the administrator what is left to do for an order that was submitted with a request which is not wanted any
// more.
func (j *Order) reportTooLate(ctx context.Context, status seller.OrderStatus, cause error) error {
	name := pki.DisplayName(status.CommonName)
	if name == "" {
		name = "an earlier request"
	}
	reason := fault.Errorf(fault.API, "csr",
		"the order %d at %s waits for proof of control of %s and takes no other request before its certificate is issued; nothing was bought. "+
			"Either the proof is completed and the certificate reissued then, or %s cancels the order and the client orders anew",
		status.ID, j.Info.Title, name, j.Info.Title)
	reason.Err = cause
	return errors.Join(reason, j.Panel.Escalate(ctx, j.Item.Item, j.Args.Operation, j.Args.Command, reason.Error()))
}
