package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// reissueOf is the item parameter reissue_of: which certificate a reissue takes the place of, saved before the seller is
// asked. It is unanswered while the item's newest id is still the one to be replaced (rules PARAM-21, STORE-6).
type reissueOf struct {
	ID      int64  `json:"id"`               // the id replaced
	Request string `json:"request"`          // SHA-256 of CSR and altname, hex
	Serial  string `json:"serial,omitempty"` // of the certificate in place when the reissue was asked for
	Shown   string `json:"shown,omitempty"`  // of the one that the seller showed then, if another one: it was not stored
	// Accepted is set where the seller reissues in place, which leaves the id: it took the reissue.
	Accepted bool `json:"accepted,omitempty"`
}

// pendingReissue reads the parameter; false if absent or it cannot be read.
func (j *Order) pendingReissue() (reissueOf, bool) {
	var r reissueOf
	raw := j.Item.Params[itemparam.ReissueOf]
	if raw == "" {
		return r, false
	}
	if err := json.Unmarshal([]byte(raw), &r); err != nil || r.ID <= 0 {
		j.Log.Warningf("the parameter %s cannot be read; ignored: %q", itemparam.ReissueOf, raw)
		return reissueOf{}, false
	}
	return r, true
}

// answered reports whether the seller took the reissue: it has an id of its own, or it is marked as accepted.
func (j *Order) answered(r reissueOf) bool { return r.ID != j.ID() || r.Accepted }

// Unanswered reports whether a reissue was requested and had no answer.
func (j *Order) Unanswered() bool {
	pending, ok := j.pendingReissue()
	return ok && !j.answered(pending)
}

// reissueInterrupted reports whether a reissue has its id on the item and nothing else: the run that asked for it was interrupted
// before it showed the item as requested.
func (j *Order) reissueInterrupted() bool {
	pending, ok := j.pendingReissue()
	return ok && j.answered(pending) && pending.Serial != "" && pending.Serial == j.Item.Params[itemparam.Serial] && j.HasStatus(item.ServiceIssued)
}

// requestDigest returns the SHA-256 of what is asked for: CSR and altname as the panel holds them.
func (j *Order) requestDigest() string {
	names := seller.SplitNames(j.Item.Params[itemparam.AltName])
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.TrimSpace(j.Item.CSR) + "\x00" + strings.Join(names, " ")))
	return hex.EncodeToString(sum[:])
}

// attempts is the item parameter reissue_tried: `TIME COUNT` of the attempts for the certificate in place.
type attempts struct {
	Last  time.Time
	Count int
}

func (j *Order) Attempts() attempts {
	words := strings.Fields(j.Item.Params[itemparam.ReissueTried])
	if len(words) == 0 {
		return attempts{}
	}
	at, err := time.Parse(time.RFC3339, words[0])
	if err != nil {
		return attempts{}
	}
	a := attempts{Last: at, Count: 1}
	if at.After(j.Now().Add(purchase.IntentWait)) { // the clock was ahead then: when it was is not known
		a.Last = time.Time{}
	}
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil && n > 0 {
			a.Count = n
		}
	}
	return a
}

// CountAttempt saves that the seller is about to be asked.
func (j *Order) CountAttempt(ctx context.Context) error {
	return j.SaveParam(ctx, itemparam.ReissueTried, j.Now().UTC().Format(time.RFC3339)+" "+strconv.Itoa(j.Attempts().Count+1))
}

// Reissue brings the item's order to a new certificate for its present CSR and names. It sends at most one request and
// none where one is under way, was just answered, or is not needed (rules STORE-5, STORE-6). Then the panel hears
// service.post<post>.
func (j *Order) Reissue(ctx context.Context, callback string) (Outcome, error) {
	id := j.ID()
	if id == 0 {
		return Outcome{}, fault.Errorf(fault.Missed, itemparam.OrderID, "%s has no order at %s yet: open it first", j.Item.Label(), j.Info.Title)
	}
	status, err := j.Newest(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	status, found, err := j.findLostReissue(ctx, status)
	if err != nil {
		return Outcome{}, err
	}
	if found {
		j.Log.ExtInfof("the reissue is id %d, nothing is sent", status.ID)
		err = j.completeReissue(ctx, status)
	} else {
		status, err = j.reissueByState(ctx, status)
	}
	if err != nil {
		return Outcome{}, err
	}
	if err := j.Panel.Post(ctx, j.Item.Item, callback); err != nil {
		return Outcome{}, err
	}
	return j.afterReissue(ctx, status.ID), nil
}

// reissueByState does what the state of the newest id allows: it activates, follows a request that is under way, or asks
// for the reissue. It returns the report of the id to follow.
func (j *Order) reissueByState(ctx context.Context, status seller.OrderStatus) (seller.OrderStatus, error) {
	switch {
	case status.State.Activatable():
		j.Log.ExtInfof("id %d is not activated yet and takes the present CSR", status.ID)
		return status, j.activate(ctx, status)
	case status.DeliveryError != nil:
		return status, j.openTaskIfUnusable(ctx, j.undelivered(ctx, status.ID, status.DeliveryError))
	case status.State == seller.StateWaiting:
		return j.followWaiting(ctx, status)
	case status.State == seller.StateIssued && j.fresh(status):
		j.Log.ExtInfof("id %d was issued for this CSR less than a day ago or is not in place yet, nothing is sent", status.ID)
		return status, nil
	case status.State == seller.StateIssued, j.reissuesInPlace() && status.State == seller.StateRefused && j.Item.Stored != "":
		return j.askReissue(ctx, status)
	case status.State == seller.StateUnpaid:
		return status, j.unpaidFault(status.ID)
	case status.State == seller.StateReplaced:
		return status, fault.Errorf(fault.API, "status", "%s says that id %d is replaced and not yet by what", j.Info.Title, status.ID).Retryable()
	}
	return status, fault.Errorf(fault.OrderEnded, "status", "%s says of id %d: %s; it cannot be reissued", j.Info.Title, status.ID, status.StatusText)
}

// completeReissue writes down what an interruption kept an earlier run from writing about a reissue that the seller took.
func (j *Order) completeReissue(ctx context.Context, status seller.OrderStatus) error {
	if !j.submissionInterrupted() && !j.requestChanged() {
		return nil
	}
	return j.showRequested(ctx, status)
}

// afterReissue follows the new id at once; what fails here is repeated by the panel's sync.
func (j *Order) afterReissue(ctx context.Context, id int64) Outcome {
	var outcome Outcome
	status, err := j.Newest(ctx, id)
	if err == nil && status.State == seller.StateWaiting && !j.HasStatus(item.ServiceWaiting) {
		err = j.SetStatus(ctx, item.ServiceRequested)
	}
	if err == nil {
		outcome, err = j.ApplyStatus(ctx, status)
	}
	if err != nil {
		j.Log.Warningf("the first sync after the reissue failed, the panel repeats it: %v", err)
	}
	return outcome
}

// fresh reports whether the certificate at the seller is for the present request, and less than a day old or still to be
// put in place. One that is not going to be stored is not waited for.
func (j *Order) fresh(status seller.OrderStatus) bool {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return false
	}
	chain, err := pki.BuildChain(status.PEM, csr, j.Now())
	if err != nil || chain.Check(csr, j.wanted(csr)) != nil {
		return false
	}
	stored, there := j.inPlace(chain)
	decision, _ := j.decideLeaf(csr, chain, stored)
	return j.unchanged(status.ID) && (!there && decision != leafRefuse || j.Now().Sub(chain.Leaf.NotBefore) < purchase.FreshCertificate)
}

// unchanged reports whether the names are those that the certificate in place was asked for with.
func (j *Order) unchanged(id int64) bool {
	if last, ok := j.pendingReissue(); ok && (last.ID != id || last.Accepted) {
		return last.Request == j.requestDigest()
	}
	old, known := j.Item.Params[itemparam.OldAltName]
	return !known || sameNames(old, j.Item.Params[itemparam.AltName])
}

func sameNames(a, b string) bool {
	fields := func(list string) []string {
		names := seller.SplitNames(strings.ToLower(list))
		slices.Sort(names)
		return names
	}
	return slices.Equal(fields(a), fields(b))
}
