package lifecycle

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// askReissue sends one reissue request. Before it, it saves on the item what the reissue replaces; right after it, the new id.
func (j *Order) askReissue(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, error) {
	reissuer, ok := j.Seller.(seller.Reissuer)
	if !ok {
		return status, fault.Errorf(fault.Value, "command", "%s does not reissue", j.Info.Title)
	}
	request, err := j.reissueRequest(ctx, status)
	if err != nil {
		return status, err
	}
	if j.Dry != nil {
		_, _, err := reissuer.Reissue(ctx, status.ID, request)
		return status, j.Dry.Stop(err, item.DryReissue, "id", status.ID, "names", strings.Join(request.AllNames(), " "), "proof", request.Method, "price", "none")
	}
	if request, err = j.requestForKey(ctx, request); err != nil {
		return status, err
	}
	tried := j.Item.Params[itemparam.ReissueTried]
	if err := j.savePending(ctx, status, j.attemptParam()); err != nil {
		return status, err
	}
	if err := j.countRevoked(ctx, status.ID); err != nil {
		return status, err
	}
	j.Log.ExtInfof("reissue of id %d for %v, validation by %s", status.ID, request.AllNames(), request.Method)
	j.SetCritical(true) // a reissue costs nothing, but its new id must be recorded
	defer j.SetCritical(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purchase.BuyTime)
	defer cancel()
	id, challenges, err := j.sendReissue(ctx, reissuer, status, &request)
	if err != nil {
		return j.reissueFailed(ctx, status, request, tried, err)
	}
	if err := j.saveAccepted(ctx, status.ID, id); err != nil {
		return status, err
	}
	j.accepted = acceptedStatus(id, request, challenges)
	return j.reissueAccepted(ctx, seller.OrderStatus{ID: id, State: seller.StateWaiting}, request, challenges)
}

// sendReissue sends a reissue request. If the seller refuses it, and the request is for a new key or the item was moved from e-mail to
// another validation method for it, the refusal may be about that: the item goes back to the former key or method, one after the
// other, and the request is sent again.
func (j *Order) sendReissue(ctx context.Context, reissuer seller.Reissuer, status seller.OrderStatus, request *seller.Request) (int64, []seller.Challenge, error) {
	for {
		id, challenges, err := reissuer.Reissue(ctx, status.ID, *request)
		failure := fault.From(err)
		if err == nil || failure.OutcomeUnknown || failure.Retry || failure.SellerFails() {
			return id, challenges, err
		}
		again, failed := j.retreat(ctx, status, *request, err)
		if failed != nil {
			return 0, nil, errors.Join(err, failed)
		}
		if !again {
			return id, challenges, err
		}
		next, wrong := j.Request()
		if wrong != nil {
			return 0, nil, errors.Join(err, wrong)
		}
		*request = next
	}
}

// retreat takes back what was changed for a reissue that the seller refused. False if nothing was.
func (j *Order) retreat(ctx context.Context, status seller.OrderStatus, request seller.Request, refusal error) (bool, error) {
	if again, err := j.retreatFromKey(ctx, status, refusal); again || err != nil {
		return again, err
	}
	if !j.movedFromMail || j.checkEmailAllowed() != nil || j.Rotation == RotateKeyOnly {
		return false, nil
	}
	j.Log.Warningf("%s refused the reissue of id %d validated by %s (%v): it is asked for again, validated by e-mail as before", j.Info.Title, status.ID, request.Method, refusal)
	return true, j.backToMail(ctx)
}

// reissueRequest checks the item and returns the request to send. It buys missing names first.
func (j *Order) reissueRequest(ctx context.Context, status seller.OrderStatus) (seller.Request, error) {
	if j.Rotation != RotateKeyOnly { // which is for another key in any case
		if err := j.refuseKnownKey(); err != nil {
			return seller.Request{}, err
		}
	}
	if !j.requestChanged() {
		if err := j.RefuseForeignOrder(ctx, status); err != nil {
			return seller.Request{}, err
		}
	}
	if err := j.bestMethod(ctx); err != nil {
		return seller.Request{}, err
	}
	if err := j.allowedMethod(ctx); err != nil {
		return seller.Request{}, err
	}
	request, err := j.Request()
	if err != nil {
		return seller.Request{}, err
	}
	if err := j.BuyMissingNames(ctx, status, request); err != nil {
		return seller.Request{}, err
	}
	if j.requestChanged() { // the client may have corrected a name, or mistyped another one
		j.WarnOfNames(ctx, request)
	}
	return request, nil
}

// savePending saves which certificate the reissue replaces, before the request is sent, and further parameters.
func (j *Order) savePending(ctx context.Context, status seller.OrderStatus, further ...item.Param) error {
	if before, there := j.pendingReissue(); there && !j.answered(before) {
		j.movedFromMail = j.movedFromMail || before.FromMail
	}
	pending := reissueOf{ID: status.ID, Request: j.requestDigest(), Serial: j.Item.Params[itemparam.Serial], FromMail: j.movedFromMail}
	if shown, err := pki.StoredLeaf(strings.Join(status.PEM, "\n")); err == nil && shown.Serial() != pending.Serial {
		pending.Shown = shown.Serial()
	}
	newKey := j.usesNewKey()
	if newKey {
		pending.CSR = pki.CSRHash(j.Item.CSR)
	}
	raw, err := json.Marshal(pending)
	if err != nil {
		return err
	}
	if newKey { // without it the next run would not know for which key the certificate is
		if err := j.saveVerified(ctx, itemparam.ReissueOf, string(raw)); err != nil {
			return err
		}
		return j.SaveParams(ctx, further...)
	}
	return j.SaveParams(ctx, append([]item.Param{{Name: itemparam.ReissueOf, Value: string(raw)}}, further...)...)
}

// allowedMethod changes an item from e-mail to DNS validation once the Forum no longer allows e-mail (BR 1.2.2, 2028-03-15).
func (j *Order) allowedMethod(ctx context.Context) error {
	method, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return err
	}
	if method != seller.MethodEmail || cabforum.MethodEmail.Allowed(j.Today(), false) {
		return nil
	}
	j.Log.Warningf("validation by e-mail is not allowed any more (BR 1.2.2), it is changed to a DNS record")
	return j.SaveParam(ctx, itemparam.Method, "auth_dnscname")
}

// reissueFailed handles an error of a reissue. After a refusal nothing is pending; after a lost answer it looks for the reissue
// at once. A request that a rate limit stopped is not counted as an attempt: on a day with many certificates the limit must not
// use up the few attempts of each (rules SWEEP-3). One that the seller did not take is not counted as a reissue of a revoked
// certificate (rules REVOKE-5).
func (j *Order) reissueFailed(ctx context.Context, status seller.OrderStatus, request seller.Request, tried string, reason error) (seller.OrderStatus, error) {
	failure := fault.From(reason)
	limited := failure.Type == fault.Limit && (!failure.OutcomeUnknown || failure.Refused)
	if limited {
		j.uncountAttempt(ctx, tried)
	}
	if limited && failure.Refused { // not certain, so the pending reissue stays; the next run looks for the reissue first
		j.uncountRevoked(ctx)
		return status, reason
	}
	if limited || !failure.OutcomeUnknown && !failure.Retry {
		j.uncountRevoked(ctx)
		j.forgetReissue(ctx)
		return status, reason
	}
	next, found := j.unansweredReissue(ctx, status)
	if !found {
		if !failure.OutcomeUnknown {
			j.uncountRevoked(ctx)
		}
		return status, reason
	}
	j.Log.ExtInfof("the answer to the reissue was lost (%v), the reissue is id %d", reason, next.ID)
	return j.reissueAccepted(ctx, next, request, nil)
}

// uncountAttempt does not count as an attempt what a rate limit stopped.
func (j *Order) uncountAttempt(ctx context.Context, tried string) {
	if err := j.SaveParam(ctx, itemparam.ReissueTried, tried); err != nil {
		j.Log.Errorf("the count of attempts could not be reverted: %v", err)
	}
}

// forgetReissue removes what was saved about a reissue that the seller did not take.
func (j *Order) forgetReissue(ctx context.Context) {
	if err := j.backToMail(ctx); err != nil {
		j.Log.Errorf("the validation method could not be changed back to e-mail: %v", err)
	}
	if err := j.SaveParam(ctx, itemparam.ReissueOf, ""); err != nil {
		j.Log.Errorf("the record of a refused reissue could not be removed: %v", err)
	}
}

// unansweredReissue looks for a reissue whose answer was lost: under the same id if the seller reissues in place, else as the id
// that replaced it or as its successor. It returns false if the seller does not show one.
func (j *Order) unansweredReissue(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, bool) {
	next, err := j.Newest(ctx, status.ID)
	if pending, ok := j.pendingReissue(); ok && err == nil && j.reissuesInPlace() {
		found, err := j.takenInPlace(ctx, next, pending)
		return next, err == nil && found
	}
	if err != nil || next.ID == status.ID {
		next, found, err := j.successor(ctx, status)
		return next, err == nil && found
	}
	return next, true
}

// reissueAccepted saves the challenges of the accepted reissue and then the item's status, which shows the next run that the rest is
// done.
func (j *Order) reissueAccepted(ctx context.Context, status seller.OrderStatus, request seller.Request, challenges []seller.Challenge) (seller.OrderStatus, error) {
	requested := j.requestDigest()
	if pending, ok := j.pendingReissue(); ok { // the item's request may have changed since
		requested = pending.Request
	}
	if err := j.takeRevoked(ctx); err != nil {
		return status, err
	}
	params := []item.Param{j.LineageParam(), {Name: itemparam.Requested, Value: requested}}
	if status.State == seller.StateWaiting {
		params = append(params, j.challengeParams(j.readChallenges(ctx, status.ID, request, challenges))...)
	}
	if err := j.SaveParams(ctx, params...); err != nil {
		return status, err
	}
	if status.State != seller.StateWaiting {
		return status, j.SetStatus(ctx, item.ServiceRequested)
	}
	return status, j.showAccepted(ctx, nil)
}
