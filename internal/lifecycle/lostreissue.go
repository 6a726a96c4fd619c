package lifecycle

import (
	"context"
	"slices"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// ReconcileReissue looks up a reissue that had no answer, or whose run was interrupted after it. If the reissue certainly never
// reached the seller, the pending reissue is deleted; the sweep's rules then decide when it is requested again.
func (j *Order) ReconcileReissue(ctx context.Context) error {
	interrupted := j.reissueInterrupted()
	if !interrupted && !j.Unanswered() {
		return nil
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return err
	}
	if interrupted {
		if status.State != seller.StateWaiting && status.State != seller.StateIssued {
			return nil
		}
		return j.showRequested(ctx, status)
	}
	status, found, err := j.findLostReissue(ctx, status)
	if err != nil {
		return err
	}
	if found || !j.Unanswered() {
		return j.showRequested(ctx, status)
	}
	pending, _ := j.pendingReissue()
	j.movedFromMail = pending.FromMail
	if err := j.backToMail(ctx); err != nil {
		return err
	}
	return j.SaveParam(ctx, itemparam.ReissueOf, "")
}

// showRequested sets the item's status to requested and saves the challenges, as after an accepted reissue. The next sync does
// the rest.
func (j *Order) showRequested(ctx context.Context, status seller.OrderStatus) error {
	request, err := j.Request()
	if err != nil {
		return err
	}
	_, err = j.reissueAccepted(ctx, status, request, nil)
	return err
}

// findLostReissue looks for a reissue whose answer was lost: the item still has the id to be replaced (rules STORE-6). It
// returns the status of the newest id, and true if that id is the reissue for the present request. A reissue for an earlier
// request becomes the item's newest id, but returns false.
func (j *Order) findLostReissue(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, bool, error) {
	pending, open := j.pendingReissue()
	switch {
	case !open:
		return status, false, nil
	case j.answered(pending):
		return status, j.answersPresent(pending, status), nil
	case j.reissuesInPlace():
		if found, err := j.takenInPlace(ctx, status, pending); err != nil || found {
			return j.saveLostReissue(ctx, status, pending, err)
		}
	}
	if status.State != seller.StateIssued {
		return status, false, nil
	}
	next, found, err := j.successor(ctx, status)
	if err != nil || found {
		return j.saveLostReissue(ctx, next, pending, err)
	}
	if pending.Request != j.requestDigest() {
		return status, false, nil // the request has changed; the seller decides whether it accepts a new one
	}
	if free := j.Attempts().Last.Add(purchase.IntentWait); j.Now().Before(free) {
		return status, false, fault.Errorf(fault.Waiting, itemparam.ReissueOf,
			"the reissue of id %d had no answer and the seller shows nothing of it yet; it is requested again after %s", status.ID, free.Format(time.RFC3339)).Retryable()
	}
	j.Log.ExtInfof("the reissue of id %d requested at %s never reached the seller", status.ID, j.Attempts().Last.Format(time.RFC3339))
	return status, false, nil
}

// answersPresent reports whether an accepted reissue is for the present request and still waits or was accepted within the last
// day.
func (j *Order) answersPresent(pending reissueOf, status seller.OrderStatus) bool {
	return pending.Request == j.requestDigest() && (status.State == seller.StateWaiting || j.justTaken(status))
}

// saveLostReissue saves which request the found reissue is for. It returns true if that is the present request.
func (j *Order) saveLostReissue(ctx context.Context, status seller.OrderStatus, pending reissueOf, err error) (seller.OrderStatus, bool, error) {
	if err != nil {
		return status, false, err
	}
	return status, pending.Request == j.requestDigest(), j.SaveParam(ctx, itemparam.Requested, pending.Request)
}

// justTaken reports whether the seller accepted a reissue in place within the last day and does not show it yet: the order is
// issued with the certificate to be replaced.
func (j *Order) justTaken(status seller.OrderStatus) bool {
	_, old := j.showsReplaced(status)
	return old && j.reissuesInPlace() && status.State == seller.StateIssued && j.Now().Sub(j.Attempts().Last) <= purchase.FreshCertificate
}

// successor finds a reissue of the id among the seller's newer ids for the same name: activated, on no item, and with this
// item's key (rules STORE-5). It saves that id as the item's newest.
func (j *Order) successor(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, bool, error) {
	finder, ok := j.Seller.(seller.ReissueFinder)
	if !ok {
		return status, false, nil
	}
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return status, false, err
	}
	ids, err := finder.FindReissues(ctx, status.ID, csr.CommonName)
	if err != nil {
		return status, false, err
	}
	holders, err := j.Holders(ctx, ids)
	if err != nil {
		return status, false, err
	}
	for _, id := range ids {
		if holders[id] != 0 || slices.Contains(j.Lineage(), id) {
			continue
		}
		next, err := j.Seller.OrderStatus(ctx, id)
		if err != nil {
			return status, false, err
		}
		if err := j.checkOwnOrder(next); err != nil {
			j.Log.ExtInfof("id %d is not the reissue: %v", id, err)
			continue
		}
		j.Log.ExtInfof("id %d is the reissue whose answer was lost", id)
		return next, true, j.succeed(ctx, id)
	}
	return status, false, nil
}
