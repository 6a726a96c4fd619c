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

// SetParam handles changed parameters or addons. If CSR or names differ from those submitted to the seller, it submits the new
// ones, as a reissue does. While the order waits, it also submits a changed validation method. Otherwise it only ends the
// operation in the panel.
func SetParam(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	_, open := j.lastSubmitted()
	submit := j.requestChanged() || j.neverSubmitted() || open
	if j.ID() == 0 || !submit && !j.methodChanged() && !j.reissueInterrupted() {
		return nil, run.Panel.Post(ctx, run.Args.Item, "setparam")
	}
	if j, err = Begin(ctx, run); err != nil {
		return nil, err
	}
	if !submit {
		return nil, j.followMethodChange(ctx)
	}
	j.Log.ExtInfof("CSR or names differ from those submitted to %s, or none were submitted", j.Info.Title)
	outcome, err := j.Reissue(ctx, "setparam")
	if err != nil {
		return nil, err
	}
	return nil, outcome.Ended
}

// followMethodChange completes an interrupted reissue and submits a changed validation method.
func (j *Order) followMethodChange(ctx context.Context) error {
	if err := j.ReconcileReissue(ctx); err != nil {
		return err
	}
	if err := j.submitMethodIfChanged(ctx); err != nil {
		return err
	}
	return j.Panel.Post(ctx, j.Args.Item, "setparam")
}

// requestChanged reports whether the item's request differs from the one last submitted to the seller; false if none is known.
func (j *Order) requestChanged() bool {
	last, _ := j.lastSubmitted()
	return last != "" && last != j.requestDigest()
}

// neverSubmitted reports whether no CSR is known to be submitted for the item's paid order: the seller may have refused one, and
// the client changes it now.
func (j *Order) neverSubmitted() bool {
	return j.submissionOpen() && j.Item.CSR != "" && j.Item.Stored == "" && !j.HasStatus(item.ServiceWaiting)
}

// submissionInterrupted reports whether an earlier run submitted a request, or was about to, and did not update the item's
// status: the item would keep the status issued while another certificate waits (rules STORE-9).
func (j *Order) submissionInterrupted() bool {
	_, open := j.lastSubmitted()
	return open || j.reissueInterrupted()
}

// followWaiting handles an order or reissue that the seller works on. If it is for the present request, nothing is sent. If it is
// for an earlier request, it accepts no other one: a reissue is waited for; a first order, which may have a mistyped name and
// never end, is replaced where the seller reissues in place, else reported to the administrator.
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
		return status, other // the seller does not show the CSR yet
	case j.reissuesInPlace():
		next, err := j.askReissue(ctx, status)
		if failure := fault.From(err); err == nil || failure.Retry || failure.OutcomeUnknown {
			return next, err
		}
		return status, j.reportTooLate(ctx, status, err)
	}
	return status, j.reportTooLate(ctx, status, other)
}

// showsCSR reports whether the seller's status has a readable CSR.
func showsCSR(status seller.OrderStatus) bool {
	_, err := pki.ReadCSR(status.CSR)
	return err == nil
}

// reportTooLate escalates an order that was submitted with an outdated request, and returns the reason. The text says what the
// administrator can do.
func (j *Order) reportTooLate(ctx context.Context, status seller.OrderStatus, cause error) error {
	name := pki.DisplayName(status.CommonName)
	if name == "" {
		name = "an earlier request"
	}
	reason := fault.Errorf(fault.API, "csr",
		"the order %d at %s waits for proof of control of %s and accepts no other request before its certificate is issued; nothing was bought. "+
			"Either complete the validation and reissue the certificate then, or have %s cancel the order and let the client order again",
		status.ID, j.Info.Title, name, j.Info.Title)
	reason.Err = cause
	return errors.Join(reason, j.Panel.Escalate(ctx, j.Item.Item, j.Args.Operation, j.Args.Command, reason.Error()))
}
