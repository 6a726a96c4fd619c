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

// ReconcileReissue looks up a reissue that had no answer or that no run followed. Where it certainly never reached
// the seller its mark is dropped, so that the sweep's own rules decide when it is asked for again.
func (j *Order) ReconcileReissue(ctx context.Context) error {
	unfollowed := j.reissueInterrupted()
	if !unfollowed && !j.Unanswered() {
		return nil
	}
	status, err := j.Newest(ctx, j.ID())
	if err != nil {
		return err
	}
	if unfollowed {
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
	return j.SaveParam(ctx, itemparam.ReissueOf, "")
}

// showRequested shows the item as what it is: reissued at the seller. The next sync does the rest.
func (j *Order) showRequested(ctx context.Context, status seller.OrderStatus) error {
	request, err := j.Request()
	if err != nil {
		return err
	}
	_, err = j.reissueAccepted(ctx, status, request, nil)
	return err
}

// findLostReissue looks for the outcome of a reissue whose answer never came: the item still carries the id that was to be
// replaced (rules STORE-6). It returns the report of the newest id and whether that is the reissue that is wanted now: one
// that turns up for an earlier request is the item's, and no answer to this one.
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
		return status, false, nil // the client wants something else by now; the seller knows whether it may
	}
	if free := j.Attempts().Last.Add(purchase.IntentWait); j.Now().Before(free) {
		return status, false, fault.Errorf(fault.Waiting, itemparam.ReissueOf,
			"the reissue of id %d had no answer and nothing of it shows yet; it is asked for again after %s", status.ID, free.Format(time.RFC3339)).Retryable()
	}
	j.Log.ExtInfof("the reissue of id %d asked for at %s never reached the seller", status.ID, j.Attempts().Last.Format(time.RFC3339))
	return status, false, nil
}

// answersPresent reports whether a reissue that the seller took is for the present request and still waits or was just
// taken.
func (j *Order) answersPresent(pending reissueOf, status seller.OrderStatus) bool {
	return pending.Request == j.requestDigest() && (status.State == seller.StateWaiting || j.justTaken(status))
}

// saveLostReissue writes down for which request a reissue is that was lost and found.
func (j *Order) saveLostReissue(ctx context.Context, status seller.OrderStatus, pending reissueOf, err error) (seller.OrderStatus, bool, error) {
	if err != nil {
		return status, false, err
	}
	return status, pending.Request == j.requestDigest(), j.SaveParam(ctx, itemparam.Requested, pending.Request)
}

// justTaken reports whether the seller took a reissue in place within the last day and shows no trace of it: the order is
// issued, with the certificate that is to be replaced.
func (j *Order) justTaken(status seller.OrderStatus) bool {
	_, old := j.showsReplaced(status)
	return old && j.reissuesInPlace() && status.State == seller.StateIssued && j.Now().Sub(j.Attempts().Last) <= purchase.FreshCertificate
}

// successor finds a reissue of the id among the seller's newer ids for the same name: activated, nobody's, and for this
// item's key (rules STORE-5). It becomes the item's newest id.
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
	taken, _, err := j.Claims(ctx, purchase.Intent{})
	if err != nil {
		return status, false, err
	}
	for _, id := range ids {
		if taken[id] != 0 || slices.Contains(j.Lineage(), id) {
			continue
		}
		next, err := j.Seller.OrderStatus(ctx, id)
		if err != nil {
			return status, false, err
		}
		if err := j.checkOwnKey(next); err != nil {
			j.Log.ExtInfof("id %d is not the reissue: %v", id, err)
			continue
		}
		j.Log.ExtInfof("id %d is the reissue whose answer was lost", id)
		return next, true, j.succeed(ctx, id)
	}
	return status, false, nil
}
