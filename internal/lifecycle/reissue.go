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

// reissueOf is the item parameter reissue_of: the certificate that a reissue replaces, saved before the request is sent. The
// reissue is unanswered while the item's newest id is still the replaced one (rules PARAM-21, STORE-6).
type reissueOf struct {
	ID      int64  `json:"id"`               // the replaced id
	Request string `json:"request"`          // SHA-256 of CSR and altname, hex
	Serial  string `json:"serial,omitempty"` // of the certificate stored when the reissue was requested
	Shown   string `json:"shown,omitempty"`  // of the certificate that the seller showed then, if another one
	// Accepted is set when a seller that keeps the id has accepted the reissue.
	Accepted bool `json:"accepted,omitempty"`
	// CSR is the pki.CSRHash of the CSR for a new key that the reissue is asked for with (rules ROTATE-3); empty for the panel's.
	CSR string `json:"csr,omitempty"`
	// FromMail is set if the item was moved from e-mail to another validation method for this reissue (option SSLUnattendedMethod).
	FromMail bool `json:"from_mail,omitempty"`
}

// pendingReissue reads the parameter reissue_of; false if it is absent or unreadable.
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

// answered reports whether the seller accepted the reissue: the item has a new id, or the reissue is marked as accepted.
func (j *Order) answered(r reissueOf) bool { return r.ID != j.ID() || r.Accepted }

// Unanswered reports whether a reissue was requested and has no answer.
func (j *Order) Unanswered() bool {
	pending, ok := j.pendingReissue()
	return ok && !j.answered(pending)
}

// reissueInterrupted reports whether only the id of a reissue was saved: its run was interrupted before it set the item's status
// to requested.
func (j *Order) reissueInterrupted() bool {
	pending, ok := j.pendingReissue()
	return ok && j.answered(pending) && pending.Serial != "" && pending.Serial == j.Item.Params[itemparam.Serial] && j.HasStatus(item.ServiceIssued)
}

// requestDigest returns the SHA-256, in hex, of the item's present CSR and altname.
func (j *Order) requestDigest() string {
	names := seller.SplitNames(j.Item.Params[itemparam.AltName])
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.TrimSpace(j.Item.CSR) + "\x00" + strings.Join(names, " ")))
	return hex.EncodeToString(sum[:])
}

// attempts is the item parameter reissue_tried: `TIME COUNT SERIAL`, the last attempt and the number of attempts to reissue the
// certificate with the serial. One without a serial is about the stored certificate, one with noCertificate about none.
type attempts struct {
	Last  time.Time
	Count int
}

// Attempts reads the parameter reissue_tried. It returns none if that is about a certificate that was replaced. Last is zero if it is
// not known.
func (j *Order) Attempts() attempts {
	words := strings.Fields(j.Item.Params[itemparam.ReissueTried])
	if len(words) == 0 || len(words) > 2 && words[2] != j.attemptedSerial() {
		return attempts{}
	}
	at, err := time.Parse(time.RFC3339, words[0])
	if err != nil {
		return attempts{}
	}
	a := attempts{Last: at, Count: 1}
	if at.After(j.Now().Add(purchase.IntentWait)) { // the clock was ahead then, so the time is not known
		a.Last = time.Time{}
	}
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil && n > 0 {
			a.Count = n
		}
	}
	return a
}

// CountAttempt adds an attempt, made now.
func (j *Order) CountAttempt(ctx context.Context) error { return j.SaveParams(ctx, j.attemptParam()) }

// attemptParam returns the parameter reissue_tried with a further attempt, made now.
func (j *Order) attemptParam() item.Param {
	text := j.Now().UTC().Format(time.RFC3339) + " " + strconv.Itoa(j.Attempts().Count+1)
	return item.Param{Name: itemparam.ReissueTried, Value: strings.TrimSpace(text + " " + j.attemptedSerial())}
}

// noCertificate stands in reissue_tried for the serial while nothing is stored: what was tried then does not count for the first
// certificate.
const noCertificate = "none"

// attemptedSerial returns the serial that attempts are counted for, as one word.
func (j *Order) attemptedSerial() string {
	if j.Item.Stored == "" {
		return noCertificate
	}
	return strings.Join(strings.Fields(j.Item.Params[itemparam.Serial]), "_")
}

// Reissue requests a certificate for the item's present CSR and names. It sends at most one request, and none if one is under
// way, was just answered, or is not needed (rules STORE-5, STORE-6). Then it ends the running operation with
// service.post<callback>.
func (j *Order) Reissue(ctx context.Context, callback string) (Outcome, error) {
	id := j.ID()
	if id == 0 {
		return Outcome{}, fault.Errorf(fault.Missed, itemparam.OrderID, "%s has no order at %s yet: open it first", j.Item.Label(), j.Info.Title)
	}
	if err := j.AdoptCSR(ctx); err != nil {
		return Outcome{}, err
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

// reissueByState activates the newest id, follows a request that is under way, or requests the reissue, depending on the id's
// state. It returns the status of the id to follow.
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
		j.Log.ExtInfof("id %d was issued for this CSR less than a day ago or is not stored yet, nothing is sent", status.ID)
		return status, nil
	case status.State == seller.StateIssued, j.reissuesInPlace() && status.State == seller.StateRefused && j.Item.Stored != "":
		return j.askReissue(ctx, status)
	case status.State == seller.StateUnpaid:
		return status, j.unpaidFault(status.ID)
	case status.State == seller.StateReplaced:
		return status, fault.Errorf(fault.API, "status", "%s shows id %d as replaced, but not yet by which id", j.Info.Title, status.ID).Retryable()
	}
	return status, fault.Errorf(fault.OrderEnded, "status", "%s shows id %d as ended (%s); it cannot be reissued", j.Info.Title, status.ID, status.StatusText)
}

// completeReissue saves what an interrupted run did not save about an accepted reissue.
func (j *Order) completeReissue(ctx context.Context, status seller.OrderStatus) error {
	if !j.submissionInterrupted() && !j.requestChanged() {
		return nil
	}
	return j.showRequested(ctx, status)
}

// afterReissue applies the status of the new id at once. Errors are only logged; the panel's sync repeats it.
func (j *Order) afterReissue(ctx context.Context, id int64) Outcome {
	var outcome Outcome
	status, err := j.statusAfterSubmission(ctx, id)
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

// fresh reports whether the certificate at the seller is for the present request and needs no reissue: it is less than a day
// old, or is still to be stored. One that is revoked needs a reissue.
func (j *Order) fresh(status seller.OrderStatus) bool {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return false
	}
	chain, err := pki.BuildChain(status.PEM, csr, j.Now())
	if err != nil || chain.Check(csr, j.wanted(csr)) != nil {
		return false
	}
	if j.revoked(chain) { // however new it is
		return false
	}
	stored, inPlace := j.inPlace(chain)
	decision, _ := j.decideLeaf(csr, chain, stored)
	return j.unchanged(status.ID) && (!inPlace && decision != leafRefuse || j.Now().Sub(chain.Leaf.NotBefore) < purchase.FreshCertificate)
}

// unchanged reports whether the item's names are those in the request for the certificate of the id.
func (j *Order) unchanged(id int64) bool {
	if last, ok := j.pendingReissue(); ok && (last.ID != id || last.Accepted) {
		return last.Request == j.requestDigest()
	}
	old, known := j.Item.Params[itemparam.OldAltName]
	return !known || sameNames(old, j.Item.Params[itemparam.AltName])
}

// sameNames reports whether two lists hold the same names, in any order and letter case.
func sameNames(a, b string) bool {
	fields := func(list string) []string {
		names := seller.SplitNames(strings.ToLower(list))
		slices.Sort(names)
		return names
	}
	return slices.Equal(fields(a), fields(b))
}
