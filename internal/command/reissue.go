package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

// freshCertificate is how old a certificate must be before it is reissued for an unchanged request: a panel and our own
// sweep that act on the same day make one reissue (contract 4.6).
const freshCertificate = 24 * time.Hour

// reissueOf is the item parameter reissue_of: which certificate a reissue takes the place of, saved before the seller is
// asked. It is unanswered while the item's newest id is still the one to be replaced (contract 1, 4.6).
type reissueOf struct {
	ID      int64  `json:"id"`               // the id replaced
	Request string `json:"request"`          // SHA-256 of CSR and altname, hex
	Serial  string `json:"serial,omitempty"` // of the certificate in place when the reissue was asked for
	// Accepted is set where the seller reissues in place, which leaves the id: it took the reissue.
	Accepted bool `json:"accepted,omitempty"`
}

// pendingReissue reads the parameter; false where there is none or it cannot be read.
func (j *job) pendingReissue() (reissueOf, bool) {
	var r reissueOf
	raw := j.order.Params[cert.ParamReissueOf]
	if raw == "" {
		return r, false
	}
	if err := json.Unmarshal([]byte(raw), &r); err != nil || r.ID <= 0 {
		j.Log.Warningf("item %d: the parameter %s cannot be read and counts for nothing: %q", j.order.Item, cert.ParamReissueOf, raw)
		return reissueOf{}, false
	}
	return r, true
}

// answered tells whether the seller took the reissue: it has an id of its own, or it is marked as accepted.
func (j *job) answered(r reissueOf) bool { return r.ID != j.id() || r.Accepted }

// unanswered tells whether a reissue was asked for of which nothing was heard.
func (j *job) unanswered() bool {
	pending, ok := j.pendingReissue()
	return ok && !j.answered(pending)
}

// unfollowed tells whether a reissue has its id on the item and nothing else: the run that asked for it was interrupted
// before it showed the item as requested.
func (j *job) unfollowed() bool {
	pending, ok := j.pendingReissue()
	return ok && j.answered(pending) && pending.Serial != "" && pending.Serial == j.order.Params[cert.ParamSerial] && j.hasStatus(cert.ServiceIssued)
}

// settleReissue looks up a reissue of which nothing was heard or that nobody followed. Where it certainly never reached the
// seller its mark is dropped, so that the sweep's own rules decide when it is asked for again.
func (j *job) settleReissue(ctx context.Context) error {
	unfollowed := j.unfollowed()
	if !unfollowed && !j.unanswered() {
		return nil
	}
	report, err := j.newest(ctx, j.id())
	if err != nil {
		return err
	}
	if unfollowed {
		if report.State != cert.StateWaiting && report.State != cert.StateIssued {
			return nil
		}
		return j.underWay(ctx, report)
	}
	report, found, err := j.lostReissue(ctx, report)
	if err != nil {
		return err
	}
	if found || !j.unanswered() {
		return j.underWay(ctx, report)
	}
	return j.save(ctx, cert.ParamReissueOf, "")
}

// underWay shows the item as what it is: reissued at the seller. The next sync does the rest.
func (j *job) underWay(ctx context.Context, report cert.Report) error {
	request, err := j.request()
	if err != nil {
		return err
	}
	_, err = j.reissueAccepted(ctx, report, request, nil)
	return err
}

// requestMark is the SHA-256 of what is asked for: CSR and altname as the panel holds them.
func (j *job) requestMark() string {
	names := cert.SplitNames(j.order.Params[cert.ParamAltName])
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.TrimSpace(j.order.CSR) + "\x00" + strings.Join(names, " ")))
	return hex.EncodeToString(sum[:])
}

// attempts is the item parameter reissue_tried: `TIME COUNT` of the attempts for the certificate in place.
type attempts struct {
	Last  time.Time
	Count int
}

func (j *job) attempts() attempts {
	words := strings.Fields(j.order.Params[cert.ParamReissueTried])
	if len(words) == 0 {
		return attempts{}
	}
	at, err := time.Parse(time.RFC3339, words[0])
	if err != nil {
		return attempts{}
	}
	a := attempts{Last: at, Count: 1}
	if at.After(j.Now().Add(intentWait)) { // the clock was ahead then: when it was is not known
		a.Last = time.Time{}
	}
	if len(words) > 1 {
		if n, err := strconv.Atoi(words[1]); err == nil && n > 0 {
			a.Count = n
		}
	}
	return a
}

// countAttempt saves that the seller is about to be asked.
func (j *job) countAttempt(ctx context.Context) error {
	return j.save(ctx, cert.ParamReissueTried, j.Now().UTC().Format(time.RFC3339)+" "+strconv.Itoa(j.attempts().Count+1))
}

// reissue brings the item's order to a new certificate for its present CSR and names. It sends at most one request and
// none where one is under way, was just answered, or is not needed (contract 4.5, 4.6).
// Then the panel hears service.post<post>.
func (j *job) reissue(ctx context.Context, post string) (ended error, err error) {
	id := j.id()
	if id == 0 {
		return nil, cert.Faultf(cert.FaultMissed, cert.ParamOrderID, "item %d has no order at %s yet: open it first", j.order.Item, j.Trade.Title)
	}
	report, err := j.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	report, found, err := j.lostReissue(ctx, report)
	if err != nil {
		return nil, err
	}
	switch {
	case found:
		j.Log.ExtInfof("item %d: the reissue is id %d, nothing is sent", j.order.Item, report.ID)
	case report.State.Activatable():
		j.Log.ExtInfof("item %d: id %d is not activated yet and takes the present CSR", j.order.Item, report.ID)
		if err := j.activate(ctx, report); err != nil {
			return nil, err
		}
	case report.Undelivered != nil:
		return nil, report.Undelivered
	case report.State == cert.StateWaiting:
		if report, err = j.underWayFor(ctx, report); err != nil {
			return nil, err
		}
	case report.State == cert.StateIssued && j.fresh(report):
		j.Log.ExtInfof("item %d: id %d was issued for this CSR less than a day ago or is not in place yet, nothing is sent", j.order.Item, report.ID)
	case report.State == cert.StateIssued, j.reissuesInPlace() && report.State == cert.StateRefused && j.order.Stored != "":
		if report, err = j.askReissue(ctx, report); err != nil {
			return nil, err
		}
	case report.State == cert.StateUnpaid:
		return nil, j.unpaid(report.ID)
	case report.State == cert.StateReplaced:
		return nil, cert.Faultf(cert.FaultAPI, "status", "%s says that id %d is replaced and not yet by what", j.Trade.Title, report.ID).Again()
	default:
		return nil, cert.Faultf(cert.FaultOrderEnded, "status", "%s says of id %d: %s; it cannot be reissued", j.Trade.Title, report.ID, report.Words)
	}
	if err := j.Panel.Post(ctx, j.order.Item, post); err != nil {
		return nil, err
	}
	return j.afterReissue(ctx, report.ID)
}

// afterReissue follows the new id at once; what fails here is repeated by the panel's sync.
func (j *job) afterReissue(ctx context.Context, id int64) (ended error, err error) {
	report, err := j.newest(ctx, id)
	if err == nil {
		if report.State == cert.StateWaiting && !j.hasStatus(cert.ServiceWaiting) {
			err = j.setStatus(ctx, cert.ServiceRequested)
		}
		if err == nil {
			ended, err = j.judge(ctx, report)
		}
	}
	if err != nil {
		j.Log.Warningf("item %d: the first sync after the reissue failed, the panel repeats it: %v", j.order.Item, err)
	}
	return ended, nil
}

// lostReissue looks for the outcome of a reissue whose answer never came: the item still carries the id that was to be
// replaced (contract 4.6). It returns the report of the newest id and whether that is the reissue that is wanted now: one
// that turns up for an earlier request is the item's, and no answer to this one.
func (j *job) lostReissue(ctx context.Context, report cert.Report) (cert.Report, bool, error) {
	pending, open := j.pendingReissue()
	switch {
	case !open:
		return report, false, nil
	case j.answered(pending):
		return report, pending.Request == j.requestMark() && (report.State == cert.StateWaiting || j.justTaken(report)), nil
	case j.reissuesInPlace():
		if found, err := j.tookPlace(ctx, report, pending); err != nil || found {
			return j.turnedUp(ctx, report, pending, err)
		}
	}
	if report.State != cert.StateIssued {
		return report, false, nil
	}
	next, found, err := j.successor(ctx, report)
	if err != nil || found {
		return j.turnedUp(ctx, next, pending, err)
	}
	if pending.Request != j.requestMark() {
		return report, false, nil // the client wants something else by now; the seller knows whether it may
	}
	if free := j.attempts().Last.Add(intentWait); j.Now().Before(free) {
		return report, false, cert.Faultf(cert.FaultWaiting, cert.ParamReissueOf,
			"the reissue of id %d had no answer and nothing of it shows yet; it is asked for again after %s", report.ID, free.Format(time.RFC3339)).Again()
	}
	j.Log.ExtInfof("item %d: the reissue of id %d asked for at %s never reached the seller", j.order.Item, report.ID, j.attempts().Last.Format(time.RFC3339))
	return report, false, nil
}

// turnedUp writes down for which request a reissue is that was lost and found.
func (j *job) turnedUp(ctx context.Context, report cert.Report, pending reissueOf, err error) (cert.Report, bool, error) {
	if err != nil {
		return report, false, err
	}
	return report, pending.Request == j.requestMark(), j.save(ctx, cert.ParamRequested, pending.Request)
}

// justTaken is a reissue in place that the seller took within the last day and of which nothing shows: the order is issued, with
// the certificate that is to be replaced.
func (j *job) justTaken(report cert.Report) bool {
	_, old := j.showsReplaced(report)
	return old && j.reissuesInPlace() && report.State == cert.StateIssued && j.Now().Sub(j.attempts().Last) <= freshCertificate
}

// successor finds a reissue of the id among the seller's newer ids for the same name: activated, nobody's, and for this
// item's key (contract 4.5). It becomes the item's newest id.
func (j *job) successor(ctx context.Context, report cert.Report) (cert.Report, bool, error) {
	succession, ok := j.seller.(Succession)
	if !ok {
		return report, false, nil
	}
	csr, err := cert.ParseCSR(j.order.CSR)
	if err != nil {
		return report, false, err
	}
	ids, err := succession.Successors(ctx, report.ID, csr.CommonName)
	if err != nil {
		return report, false, err
	}
	taken, _, err := j.claims(ctx, intent{})
	if err != nil {
		return report, false, err
	}
	for _, id := range ids {
		if taken[id] != 0 || slices.Contains(j.lineage(), id) {
			continue
		}
		next, err := j.seller.Report(ctx, id)
		if err != nil {
			return report, false, err
		}
		if err := j.ours(next); err != nil {
			j.Log.ExtInfof("item %d: id %d is not the reissue: %v", j.order.Item, id, err)
			continue
		}
		j.Log.ExtInfof("item %d: id %d is the reissue whose answer was lost", j.order.Item, id)
		return next, true, j.succeed(ctx, id)
	}
	return report, false, nil
}

// askReissue sends the one request, with what it replaces on the item before and the new id right after.
func (j *job) askReissue(ctx context.Context, report cert.Report) (cert.Report, error) {
	reissuer, ok := j.seller.(Reissuer)
	if !ok {
		return report, cert.Faultf(cert.FaultValue, "command", "%s does not reissue", j.Trade.Title)
	}
	if err := j.allowedMethod(ctx); err != nil {
		return report, err
	}
	request, err := j.request()
	if err != nil {
		return report, err
	}
	if err := j.enoughNames(ctx, report, request); err != nil {
		return report, err
	}
	if j.requestChanged() { // the client may have corrected a name, or mistyped another one
		j.warnOfNames(ctx, request)
	}
	pending := reissueOf{ID: report.ID, Request: j.requestMark(), Serial: j.order.Params[cert.ParamSerial]}
	raw, err := json.Marshal(pending)
	if err != nil {
		return report, err
	}
	if err := j.save(ctx, cert.ParamReissueOf, string(raw)); err != nil {
		return report, err
	}
	tried := j.order.Params[cert.ParamReissueTried]
	if err := j.countAttempt(ctx); err != nil {
		return report, err
	}
	j.Log.ExtInfof("item %d: reissue of id %d for %v, proof by %s", j.order.Item, report.ID, request.AllNames(), request.Method)
	j.spending(true) // it costs nothing, but the new id must be written down
	defer j.spending(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buyTime)
	defer cancel()
	id, proofs, err := reissuer.Reissue(ctx, report.ID, request)
	if err != nil {
		return j.reissueFailed(ctx, report, request, tried, err)
	}
	if err := j.accepted(ctx, report.ID, id); err != nil {
		return report, err
	}
	return j.reissueAccepted(ctx, cert.Report{ID: id, State: cert.StateWaiting}, request, proofs)
}

// allowedMethod moves an item away from a way of proof that the Forum does not allow any more: from 2028-03-15 on e-mail
// proves nothing (BR 1.2.2), DNS fits every name.
func (j *job) allowedMethod(ctx context.Context) error {
	method, err := cert.ParseMethod(j.order.Params[cert.ParamMethod])
	if err != nil {
		return err
	}
	if method != cert.MethodEmail || cabforum.MethodEmail.Allowed(j.today(), false) {
		return nil
	}
	j.Log.Warningf("item %d: proof by e-mail is not allowed any more (BR 1.2.2), a DNS record is asked for", j.order.Item)
	return j.save(ctx, cert.ParamMethod, "auth_dnscname")
}

// reissueFailed tells a refusal, after which nothing is pending, from a lost answer, which is looked up at once. Where a
// limit of calls kept the request from being carried out it was no attempt: a day with many certificates must not use up
// the few tries of each (contract 5.3).
func (j *job) reissueFailed(ctx context.Context, report cert.Report, request cert.Request, tried string, reason error) (cert.Report, error) {
	fault := cert.FaultOf(reason)
	limited := fault.Type == cert.FaultLimit && !fault.Unclear
	if limited {
		if err := j.save(ctx, cert.ParamReissueTried, tried); err != nil {
			j.Log.Errorf("item %d: an attempt that was none stays counted: %v", j.order.Item, err)
		}
	}
	if limited || !fault.Unclear && !fault.Retry {
		if err := j.save(ctx, cert.ParamReissueOf, ""); err != nil {
			j.Log.Errorf("item %d: the mark of a refused reissue could not be dropped: %v", j.order.Item, err)
		}
		return report, reason
	}
	next, err := j.newest(ctx, report.ID)
	if pending, ok := j.pendingReissue(); ok && err == nil && j.reissuesInPlace() {
		if found, err := j.tookPlace(ctx, next, pending); err != nil || !found {
			return report, reason
		}
	} else if err != nil || next.ID == report.ID {
		found := false
		if next, found, err = j.successor(ctx, report); err != nil || !found {
			return report, reason
		}
	}
	j.Log.ExtInfof("item %d: the answer to the reissue was lost (%v), it is id %d", j.order.Item, reason, next.ID)
	return j.reissueAccepted(ctx, next, request, nil)
}

// reissueAccepted saves what the client must publish now and shows the item as requested.
func (j *job) reissueAccepted(ctx context.Context, report cert.Report, request cert.Request, proofs []cert.Proof) (cert.Report, error) {
	requested := j.requestMark()
	if pending, ok := j.pendingReissue(); ok { // what the client wants may have changed since
		requested = pending.Request
	}
	if err := j.save(ctx, cert.ParamRequested, requested); err != nil {
		return report, err
	}
	if report.State == cert.StateWaiting {
		if err := j.saveProofs(ctx, report.ID, request, proofs); err != nil {
			return report, err
		}
	}
	return report, j.setStatus(ctx, cert.ServiceRequested)
}

// fresh tells whether the certificate at the seller is for the present request, and less than a day old or still to be put in
// place.
func (j *job) fresh(report cert.Report) bool {
	csr, err := cert.ParseCSR(j.order.CSR)
	if err != nil {
		return false
	}
	chain, err := cert.BuildChain(report.PEM, csr)
	if err != nil || chain.Check(csr, j.wanted(csr)) != nil {
		return false
	}
	_, there := j.inPlace(chain)
	return j.unchanged(report.ID) && (!there || j.Now().Sub(chain.Leaf.NotBefore) < freshCertificate)
}

// unchanged tells whether the names are those that the certificate in place was asked for with.
func (j *job) unchanged(id int64) bool {
	if last, ok := j.pendingReissue(); ok && (last.ID != id || last.Accepted) {
		return last.Request == j.requestMark()
	}
	old, known := j.order.Params[cert.ParamOldAltName]
	return !known || sameNames(old, j.order.Params[cert.ParamAltName])
}

func sameNames(a, b string) bool {
	fields := func(list string) []string {
		names := cert.SplitNames(strings.ToLower(list))
		slices.Sort(names)
		return names
	}
	return slices.Equal(fields(a), fields(b))
}
