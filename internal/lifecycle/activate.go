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

// activate submits the CSR for a paid id and saves what the client must publish. After an unclear end the seller is
// asked what became of it: the CSR is never submitted twice without looking.
func (j *Order) activate(ctx context.Context, status seller.OrderStatus) error {
	id := status.ID
	request, err := j.Request()
	if err != nil {
		return err
	}
	if err := j.BuyMissingNames(ctx, status, request); err != nil {
		return err
	}
	activator, ok := j.Seller.(seller.Activator)
	if !ok {
		return fault.Errorf(fault.API, "status", "%s shows id %d as not activated, which it has no function for", j.Info.Title, id)
	}
	j.WarnOfNames(ctx, request)
	j.Log.ExtInfof("activating id %d for %v, key %s, proof by %s", id, request.AllNames(), request.CSR.Key, request.Method)
	before := j.Item.Params[itemparam.Requested]
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
	if err := j.saveChallenges(ctx, id, request, challenges); err != nil {
		return err
	}
	if err := j.SetStatus(ctx, item.ServiceRequested); err != nil {
		return err
	}
	return j.markSubmitted(ctx)
}

// submissionPending is the second word of the request's digest from before the CSR is submitted until that is written down, so that
// an interruption in between is seen by the next run (rules STORE-9).
const submissionPending = "open"

// lastSubmitted returns the digest of the request that the seller was last handed, and whether that is not completed; empty
// if none was.
func (j *Order) lastSubmitted() (digest string, open bool) {
	words := strings.Fields(j.Item.Params[itemparam.Requested])
	if len(words) == 0 {
		return "", false
	}
	return words[0], len(words) > 1
}

// submissionOpen reports whether the order's CSR is not known to be submitted.
func (j *Order) submissionOpen() bool {
	digest, open := j.lastSubmitted()
	return digest == "" || open
}

// revertSubmitted puts the digest of the request before back where the seller certainly did not take the new one, and
// returns the reason.
func (j *Order) revertSubmitted(ctx context.Context, before string, reason error) error {
	if failure := fault.From(reason); failure.Retry || failure.OutcomeUnknown {
		return reason
	}
	if err := j.SaveParam(ctx, itemparam.Requested, before); err != nil {
		j.Log.Errorf("the record of a refused request could not be reverted: %v", err)
	}
	return reason
}

// closeRequest completes the digest of a request of which the seller has decided meanwhile.
func (j *Order) closeRequest(ctx context.Context) error {
	digest, open := j.lastSubmitted()
	if !open {
		return nil
	}
	return j.SaveParam(ctx, itemparam.Requested, digest)
}

// markSubmitted writes down which request the seller works on.
func (j *Order) markSubmitted(ctx context.Context) error {
	return j.SaveParam(ctx, itemparam.Requested, j.requestDigest())
}

// checkActivation looks after an activation that ended badly: nil if the seller took it all the same.
func (j *Order) checkActivation(ctx context.Context, id int64, reason error) error {
	status, err := j.Seller.OrderStatus(ctx, id)
	if err != nil || status.State.Activatable() || status.State == seller.StateUnknown || status.State.Ended() {
		return reason
	}
	j.Log.ExtInfof("the answer to the activation was lost (%v), id %d is %s all the same", reason, id, status.State)
	return nil
}

// saveChallenges saves what the client must publish (rules PARAM-11). Values that the seller's answer did not carry are
// asked for once more; where that fails too, the next sync asks again.
func (j *Order) saveChallenges(ctx context.Context, id int64, request seller.Request, challenges []seller.Challenge) error {
	if request.Method != seller.MethodEmail && seller.ChallengeText(challenges) == "" || len(challenges) == 0 {
		again, err := j.Seller.Challenges(ctx, id, request)
		if j.Dry.Withheld(err, item.DryReadChallenges, "id", id) {
			return nil
		}
		if err != nil {
			j.Log.Warningf("what the client must publish could not be read, the next sync asks again: %v", err)
			return nil
		}
		challenges = again
	}
	return j.keepChallenges(ctx, challenges)
}

// keepChallenges saves the values to publish, those of other validation methods under their own names, and the names to
// prove.
func (j *Order) keepChallenges(ctx context.Context, challenges []seller.Challenge) error {
	own := strings.TrimSpace(j.Item.Params[itemparam.Method])
	var words []string
	byWord := map[string][]seller.Challenge{}
	for _, p := range challenges {
		word := cmp.Or(p.ApproverMethod, own)
		if byWord[word] == nil {
			words = append(words, word)
		}
		byWord[word] = append(byWord[word], p)
	}
	for _, word := range words {
		if text := seller.ChallengeText(byWord[word]); text != "" {
			if err := j.SaveParam(ctx, word+"_value", text); err != nil {
				return err
			}
		}
	}
	if names := seller.ChallengeDomains(challenges); names != "" {
		return j.SaveParam(ctx, itemparam.Domains, names)
	}
	return nil
}

// dropChallenges forgets what was to be published: it belongs to an order or reissue that is over.
func (j *Order) dropChallenges(ctx context.Context) error {
	for _, name := range append([]string{itemparam.Domains, j.ChallengeParam()}, j.otherChallenges()...) {
		if err := j.SaveParam(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// otherChallenges returns the item parameters that hold what is to be published for other validation methods than the
// order's own, in the order of their names. A seller's words for them begin like ours and may have no underscore behind
// that (docs/reference/ispmanager.md §4.4).
func (j *Order) otherChallenges() []string {
	names := slices.Sorted(maps.Keys(j.Item.Params))
	return slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "auth") || !strings.HasSuffix(name, "_value") || name == j.ChallengeParam()
	})
}

// challengesMissing reports whether the client still lacks what to publish, or which names to prove.
func (j *Order) challengesMissing() bool {
	method, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return false
	}
	return j.Item.Params[itemparam.Domains] == "" || method != seller.MethodEmail && j.Item.Params[j.ChallengeParam()] == ""
}

// ChallengeParam names the item parameter that the panel shows to the client for the order's validation method (rules
// PARAM-20).
func (j *Order) ChallengeParam() string {
	return strings.TrimSpace(j.Item.Params[itemparam.Method]) + "_value"
}
