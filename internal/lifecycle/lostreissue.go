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

// settleReissue looks up a reissue of which nothing was heard or that nobody followed. Where it certainly never reached the
// seller its mark is dropped, so that the sweep's own rules decide when it is asked for again.
func (j *Order) ReconcileReissue(ctx context.Context) error {
	unfollowed := j.unfollowed()
	if !unfollowed && !j.Unanswered() {
		return nil
	}
	report, err := j.Newest(ctx, j.ID())
	if err != nil {
		return err
	}
	if unfollowed {
		if report.State != seller.StateWaiting && report.State != seller.StateIssued {
			return nil
		}
		return j.underWay(ctx, report)
	}
	report, found, err := j.lostReissue(ctx, report)
	if err != nil {
		return err
	}
	if found || !j.Unanswered() {
		return j.underWay(ctx, report)
	}
	return j.SaveParam(ctx, itemparam.ReissueOf, "")
}

// underWay shows the item as what it is: reissued at the seller. The next sync does the rest.
func (j *Order) underWay(ctx context.Context, report seller.OrderStatus) error {
	request, err := j.Request()
	if err != nil {
		return err
	}
	_, err = j.reissueAccepted(ctx, report, request, nil)
	return err
}

// lostReissue looks for the outcome of a reissue whose answer never came: the item still carries the id that was to be
// replaced (rules STORE-6). It returns the report of the newest id and whether that is the reissue that is wanted now: one
// that turns up for an earlier request is the item's, and no answer to this one.
func (j *Order) lostReissue(ctx context.Context, report seller.OrderStatus) (seller.OrderStatus, bool, error) {
	pending, open := j.pendingReissue()
	switch {
	case !open:
		return report, false, nil
	case j.answered(pending):
		return report, j.answersPresent(pending, report), nil
	case j.reissuesInPlace():
		if found, err := j.tookPlace(ctx, report, pending); err != nil || found {
			return j.turnedUp(ctx, report, pending, err)
		}
	}
	if report.State != seller.StateIssued {
		return report, false, nil
	}
	next, found, err := j.successor(ctx, report)
	if err != nil || found {
		return j.turnedUp(ctx, next, pending, err)
	}
	if pending.Request != j.requestMark() {
		return report, false, nil // the client wants something else by now; the seller knows whether it may
	}
	if free := j.Attempts().Last.Add(purchase.IntentWait); j.Now().Before(free) {
		return report, false, fault.Errorf(fault.Waiting, itemparam.ReissueOf,
			"the reissue of id %d had no answer and nothing of it shows yet; it is asked for again after %s", report.ID, free.Format(time.RFC3339)).Retryable()
	}
	j.Log.ExtInfof("item %d: the reissue of id %d asked for at %s never reached the seller", j.Item.Item, report.ID, j.Attempts().Last.Format(time.RFC3339))
	return report, false, nil
}

// answersPresent reports whether a reissue that the seller took is for the present request and still waits or was just taken.
func (j *Order) answersPresent(pending reissueOf, report seller.OrderStatus) bool {
	return pending.Request == j.requestMark() && (report.State == seller.StateWaiting || j.justTaken(report))
}

// turnedUp writes down for which request a reissue is that was lost and found.
func (j *Order) turnedUp(ctx context.Context, report seller.OrderStatus, pending reissueOf, err error) (seller.OrderStatus, bool, error) {
	if err != nil {
		return report, false, err
	}
	return report, pending.Request == j.requestMark(), j.SaveParam(ctx, itemparam.Requested, pending.Request)
}

// justTaken is a reissue in place that the seller took within the last day and of which nothing shows: the order is issued, with
// the certificate that is to be replaced.
func (j *Order) justTaken(report seller.OrderStatus) bool {
	_, old := j.showsReplaced(report)
	return old && j.reissuesInPlace() && report.State == seller.StateIssued && j.Now().Sub(j.Attempts().Last) <= purchase.FreshCertificate
}

// successor finds a reissue of the id among the seller's newer ids for the same name: activated, nobody's, and for this
// item's key (rules STORE-5). It becomes the item's newest id.
func (j *Order) successor(ctx context.Context, report seller.OrderStatus) (seller.OrderStatus, bool, error) {
	succession, ok := j.Seller.(seller.ReissueFinder)
	if !ok {
		return report, false, nil
	}
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return report, false, err
	}
	ids, err := succession.FindReissues(ctx, report.ID, csr.CommonName)
	if err != nil {
		return report, false, err
	}
	taken, _, err := j.Claims(ctx, purchase.Intent{})
	if err != nil {
		return report, false, err
	}
	for _, id := range ids {
		if taken[id] != 0 || slices.Contains(j.Lineage(), id) {
			continue
		}
		next, err := j.Seller.OrderStatus(ctx, id)
		if err != nil {
			return report, false, err
		}
		if err := j.checkOwnKey(next); err != nil {
			j.Log.ExtInfof("item %d: id %d is not the reissue: %v", j.Item.Item, id, err)
			continue
		}
		j.Log.ExtInfof("item %d: id %d is the reissue whose answer was lost", j.Item.Item, id)
		return next, true, j.succeed(ctx, id)
	}
	return report, false, nil
}
