package lifecycle

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// activate submits the CSR for a paid id and saves the challenges. After an unclear answer it reads the status from the
// seller: the CSR is never submitted twice without that.
func (j *Order) activate(ctx context.Context, status seller.OrderStatus) error {
	id := status.ID
	if err := j.refuseKnownKey(); err != nil {
		return err
	}
	request, err := j.Request()
	if err != nil {
		return err
	}
	if err := j.BuyMissingNames(ctx, status, request); err != nil {
		return err
	}
	activator, ok := j.Seller.(seller.Activator)
	if !ok {
		return fault.Errorf(fault.API, "status", "%s shows id %d as not activated and has no function to activate it", j.Info.Title, id)
	}
	j.WarnOfNames(ctx, request)
	j.Log.ExtInfof("activating id %d for %v, key %s, validation by %s", id, request.AllNames(), request.CSR.Key, request.Method)
	before := j.Item.Params[itemparam.Requested]
	if j.boughtNow { // it was saved with the purchase
		before = ""
	}
	if err := j.SaveParam(ctx, itemparam.Requested, j.requestDigest()+" "+submissionPending); err != nil {
		return err
	}
	challenges, err := activator.Activate(ctx, id, request)
	if j.Dry != nil {
		return j.Dry.Stop(err, item.DryActivate, "id", id, "names", strings.Join(request.AllNames(), " "), "proof", request.Method)
	}
	if err != nil {
		if err = j.checkActivation(ctx, id, err); err != nil {
			return j.revertSubmitted(ctx, before, err)
		}
		challenges = nil
	}
	params := j.challengeParams(j.readChallenges(ctx, id, request, challenges))
	if err := j.showAccepted(ctx, params); err != nil {
		return err
	}
	j.accepted = acceptedStatus(id, request, challenges)
	// The digest is saved last, because it says that the rest is done.
	return j.SaveParams(ctx, append(params, item.Param{Name: itemparam.Requested, Value: j.requestDigest()})...)
}

// showAccepted sets the status of an item whose CSR the seller has just accepted: waiting if the item has what the client must publish,
// with the parameters that are about to be saved, else requested, and the next sync asks for that.
func (j *Order) showAccepted(ctx context.Context, params []item.Param) error {
	if j.challengesMissing(params...) {
		return j.SetStatus(ctx, item.ServiceRequested)
	}
	return j.SetStatus(ctx, item.ServiceWaiting)
}

// acceptedStatus returns the status of an order that has just been submitted, if the seller's answer shows by itself that the order
// waits: it has what to publish for each name of the request. Otherwise the ID is 0, and the status is read from the seller. That the
// order waits is inferred. If it was issued or refused at once, the next sync reads that: the seller's list does not show it as waiting.
func acceptedStatus(id int64, request seller.Request, challenges []seller.Challenge) seller.OrderStatus {
	for _, name := range request.AllNames() {
		if !slices.ContainsFunc(challenges, func(c seller.Challenge) bool { return c.Proves(name, request.Method) }) {
			return seller.OrderStatus{}
		}
	}
	return seller.OrderStatus{ID: id, State: seller.StateWaiting, StatusText: "accepted with its challenges", CommonName: request.CSR.CommonName, SANs: -1}
}

// statusAfterSubmission returns the status of an order that this run submitted: what the seller's answer showed (acceptedStatus), else
// what the seller shows now.
func (j *Order) statusAfterSubmission(ctx context.Context, id int64) (seller.OrderStatus, error) {
	if status := j.accepted; status.ID != 0 && status.ID == id {
		j.accepted, j.inferred = seller.OrderStatus{}, true
		return status, nil
	}
	return j.Newest(ctx, id)
}

// ConfirmWaiting asks the seller whether an order waits of which this run has only inferred it (acceptedStatus), and acts on the
// answer. The seller's list of waiting orders is enough, which the processes share. It returns false if the seller did not say.
func (j *Order) ConfirmWaiting(ctx context.Context) (Outcome, bool) {
	if !j.inferred || !j.HasStatus(item.ServiceWaiting) {
		return Outcome{}, true
	}
	waits, err := j.StillWaiting(ctx)
	var status seller.OrderStatus
	if err == nil && !waits {
		status, err = j.Newest(ctx, j.ID())
	}
	var outcome Outcome
	if err == nil && !waits && status.State != seller.StateWaiting { // what is due about a waiting order was done already
		outcome, err = j.ApplyStatus(ctx, status)
	}
	if err != nil {
		j.Log.Warningf("whether id %d waits could not be read, the next sync reads it: %v", j.ID(), err)
	}
	return outcome, err == nil
}

// submissionPending follows the digest in the parameter Requested from before the CSR is submitted until the submission is
// recorded, so that the next run notices an interruption in between (rules STORE-9).
const submissionPending = "open"

// lastSubmitted returns the digest of the request that was last submitted to the seller, empty if none was, and whether that
// submission is still open: not known to be complete.
func (j *Order) lastSubmitted() (digest string, open bool) {
	words := strings.Fields(j.Item.Params[itemparam.Requested])
	if len(words) == 0 {
		return "", false
	}
	return words[0], len(words) > 1
}

// submissionOpen reports whether the order's CSR is not known to be submitted: never, or with an open outcome.
func (j *Order) submissionOpen() bool {
	digest, open := j.lastSubmitted()
	return digest == "" || open
}

// revertSubmitted restores the digest of the previous request if the seller certainly refused the new one. It returns the
// reason.
func (j *Order) revertSubmitted(ctx context.Context, before string, reason error) error {
	if failure := fault.From(reason); failure.Retry || failure.OutcomeUnknown {
		return reason
	}
	if err := j.SaveParam(ctx, itemparam.Requested, before); err != nil {
		j.Log.Errorf("the record of a refused request could not be reverted: %v", err)
	}
	return reason
}

// closeRequest records that the last submission is complete: the seller has issued or ended the order.
func (j *Order) closeRequest(ctx context.Context) error {
	return j.SaveParams(ctx, j.closedRequest()...)
}

// closedRequest returns the parameter that closeRequest saves; none if the submission is not open.
func (j *Order) closedRequest() []item.Param {
	digest, open := j.lastSubmitted()
	if !open {
		return nil
	}
	return []item.Param{{Name: itemparam.Requested, Value: digest}}
}

// markSubmitted saves the digest of the request that the seller works on.
func (j *Order) markSubmitted(ctx context.Context) error {
	return j.SaveParam(ctx, itemparam.Requested, j.requestDigest())
}

// checkActivation reads the status after a failed activation. It returns nil if the seller accepted it all the same, else the
// reason.
func (j *Order) checkActivation(ctx context.Context, id int64, reason error) error {
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil || status.State.Activatable() || status.State == seller.StateUnknown || status.State.Ended() {
		return reason
	}
	if err := j.RefuseOtherOrder(ctx, status); err != nil {
		return err
	}
	j.Log.ExtInfof("the answer to the activation was lost (%v), but id %d is %s", reason, id, status.State)
	return nil
}

// refuseOtherOrder is RefuseOtherOrder, while the order's CSR is not known to be handed in.
func (j *Order) refuseOtherOrder(ctx context.Context, status seller.OrderStatus) error {
	if !j.submissionOpen() {
		return nil
	}
	return j.RefuseOtherOrder(ctx, status)
}

// saveChallenges saves what the client must publish (rules PARAM-11), read from the seller if its answer did not have the values.
func (j *Order) saveChallenges(ctx context.Context, id int64, request seller.Request, challenges []seller.Challenge) error {
	return j.keepChallenges(ctx, j.readChallenges(ctx, id, request, challenges))
}

// readChallenges returns the challenges. If the seller's answer did not have the values, they are read from the seller; if that fails
// too, it returns none, and the next sync reads them.
func (j *Order) readChallenges(ctx context.Context, id int64, request seller.Request, challenges []seller.Challenge) []seller.Challenge {
	if request.Method != seller.MethodEmail && seller.ChallengeText(challenges) == "" || len(challenges) == 0 {
		again, err := j.Seller.Challenges(ctx, id, request)
		if j.Dry.Withheld(err, item.DryReadChallenges, "id", id) {
			return nil
		}
		if err != nil {
			j.Log.Warningf("what the client must publish could not be read, the next sync reads it again: %v", err)
			return nil
		}
		return again
	}
	return challenges
}

// keepChallenges saves the values to publish and the names to validate.
func (j *Order) keepChallenges(ctx context.Context, challenges []seller.Challenge) error {
	return j.SaveParams(ctx, j.challengeParams(challenges)...)
}

// challengeParams returns the parameters with the values to publish, those of each validation method in its own one, and with the names
// to validate.
func (j *Order) challengeParams(challenges []seller.Challenge) []item.Param {
	own := strings.TrimSpace(j.Item.Params[itemparam.Method])
	var words []string
	byWord := map[string][]seller.Challenge{}
	for _, c := range challenges {
		word := cmp.Or(c.ApproverMethod, own)
		if byWord[word] == nil {
			words = append(words, word)
		}
		byWord[word] = append(byWord[word], c)
	}
	var params []item.Param
	for _, word := range words {
		if text := seller.ChallengeText(byWord[word]); text != "" {
			params = append(params, item.Param{Name: word + "_value", Value: text})
		}
	}
	if names := seller.ChallengeDomains(challenges); names != "" {
		params = append(params, item.Param{Name: itemparam.Domains, Value: names})
	}
	return params
}

// outdateChallenges deletes the values to publish of an order that another one takes the place of, so that challengesMissing says that
// those of the new one are to be read. The names to validate stay if they do not keep it from that: they are mostly the same.
func (j *Order) outdateChallenges(ctx context.Context) error {
	for _, name := range append([]string{j.ChallengeParam()}, j.otherChallenges()...) {
		if err := j.SaveParam(ctx, name, ""); err != nil {
			return err
		}
	}
	if j.challengesMissing() {
		return nil
	}
	return j.SaveParam(ctx, itemparam.Domains, "")
}

// dropChallenges deletes the challenges of an order or reissue that is over.
func (j *Order) dropChallenges(ctx context.Context) error {
	for _, name := range append([]string{itemparam.Domains, j.ChallengeParam()}, j.otherChallenges()...) {
		if err := j.SaveParam(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// otherChallenges returns the names of the item parameters that hold challenges of other validation methods than the order's
// own, sorted. A seller's method words begin with "auth" too, perhaps without an underscore behind it
// (docs/reference/ispmanager.md §4.4).
func (j *Order) otherChallenges() []string {
	names := slices.Sorted(maps.Keys(j.Item.Params))
	return slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "auth") || !strings.HasSuffix(name, "_value") || name == j.ChallengeParam()
	})
}

// challengesMissing reports whether the item, with further parameters that are about to be saved, lacks the values to publish or the
// names to validate.
func (j *Order) challengesMissing(further ...item.Param) bool {
	method, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return false
	}
	missing := func(name string) bool {
		return j.Item.Params[name] == "" && !slices.ContainsFunc(further, func(p item.Param) bool { return p.Name == name && p.Value != "" })
	}
	return missing(itemparam.Domains) || method != seller.MethodEmail && missing(j.ChallengeParam())
}

// ChallengeParam returns the name of the item parameter in which the panel shows the client what to publish for the order's
// validation method (rules PARAM-20).
func (j *Order) ChallengeParam() string {
	return strings.TrimSpace(j.Item.Params[itemparam.Method]) + "_value"
}
