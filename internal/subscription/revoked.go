package subscription

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"
)

// revokedTime is how long a sweep works on revoked certificates: a CA may revoke those of all items at once, and what ends soon must
// not wait for all of them.
const revokedTime = 15 * time.Minute

// entryOf returns what a record says about its certificate.
func entryOf(r lifecycle.Revocation) crl.Entry {
	return crl.Entry{Serial: r.Serial, Reason: r.Reason, Date: r.Date}
}

// workOnRevoked works on the items with a revoked certificate that do not wait for the seller: those are synced, and worked on when
// that has ended. Items that it is done with are put into worked, because their certificates are not due in any other way.
func (s *sweep) workOnRevoked(ctx context.Context, ending []int64, waiting, worked set) error {
	began := s.Now()
	items := waiting.without(s.revokedInOrder(ending))
	withWork := slices.DeleteFunc(slices.Clone(items), func(it int64) bool { return !s.hasWork(it) })
	tasks := tasksOf(withWork, task{as: asReissue, begin: s.beginner(), asks: true, work: s.answerRevocation})
	if _, err := s.workOnAll(ctx, tasks, func() bool { return s.Now().Sub(began) < revokedTime }); err != nil {
		return err
	}
	for _, it := range items {
		worked[it] = s.isRevoked(it)
	}
	return nil
}

// keepRevoked keeps what the work on an item has found out about its revoked certificate. It comes after the work on the whole group:
// what is known of revoked certificates does not change meanwhile.
func (s *sweep) keepRevoked(row *sweepRow) {
	if row.inPlace != "" {
		s.revoked.inPlace[row.item] = row.inPlace
	}
	if row.notRevoked {
		delete(s.revoked.found, row.item)
	}
}

// revokedInOrder returns the items of which a certificate is known to be revoked: those whose certificate ends, soonest first, then the
// others in an order that each hour has another one of. If there is no time for all, those that fail in each sweep must not keep the
// others from their turn for ever.
func (s *sweep) revokedInOrder(ending []int64) []int64 {
	revoked := map[int64]bool{}
	for _, it := range slices.Concat(slices.Collect(maps.Keys(s.revoked.records)), slices.Collect(maps.Keys(s.revoked.found))) {
		revoked[it] = true
	}
	var first []int64
	for _, it := range ending {
		if revoked[it] {
			first = append(first, it)
			delete(revoked, it)
		}
	}
	others := slices.Sorted(maps.Keys(revoked))
	hour := rand.New(rand.NewPCG(uint64(s.Now().Unix()/int64(time.Hour.Seconds())), 0))
	hour.Shuffle(len(others), func(a, b int) { others[a], others[b] = others[b], others[a] })
	return slices.Concat(first, others)
}

// hasWork reports whether something may have to be done about the revoked certificate of an item, or about one that was replaced.
func (s *sweep) hasWork(it int64) bool {
	r := s.revoked.records[it]
	switch {
	case s.Args.Item != 0:
		return true
	case s.isRevoked(it):
		return !s.isDone(it, r)
	}
	return s.mayBeOver(it, r)
}

// isRevoked reports whether the certificate in place of an item is known to be revoked. Without the list of items it is taken to be
// the one of the record.
func (s *sweep) isRevoked(it int64) bool {
	if _, found := s.revoked.found[it]; found {
		return true
	}
	r, recorded := s.revoked.records[it]
	serial, listed := s.revoked.inPlace[it]
	return recorded && (!listed || serial == r.Serial) && !s.isReleased(it, r)
}

// isKnownRevoked reports whether this certificate of the item is known to be revoked.
func (s *sweep) isKnownRevoked(it int64, serial string) bool {
	if e, found := s.revoked.found[it]; found && e.Serial == serial {
		return true
	}
	r := s.revoked.records[it]
	return r.Serial == serial && !s.isReleased(it, r)
}

// isReleased reports whether a certificate that was on hold is on its list no more. Others stay revoked for ever, and leave the list
// when they have ended (RFC 5280 3.3).
func (s *sweep) isReleased(it int64, r lifecycle.Revocation) bool {
	return r.Reason == crl.CertificateHold && s.revoked.unlisted[it]
}

// isDone reports whether an earlier sweep did all that is done about a revoked certificate without a person.
func (s *sweep) isDone(it int64, r lifecycle.Revocation) bool {
	if e, found := s.revoked.found[it]; found && (e.Serial != r.Serial || e.Reason != r.Reason || !e.Date.Equal(r.Date)) {
		return false
	}
	if _, listed := s.revoked.inPlace[it]; !listed {
		return false
	}
	return s.policyDone(r)
}

// policyDone reports whether what the policy says was done.
func (s *sweep) policyDone(r lifecycle.Revocation) bool {
	task, told := r.Task == r.Reason, r.WasTold(r.Serial, item.NoticeRevoked)
	switch manual := s.settings.Policy == cabforum.PolicyManual; {
	case s.settings.Policy == cabforum.PolicyNone:
		return true
	case r.Reason == crl.KeyCompromise:
		return task && r.WasTold(r.Serial, item.NoticeNewKey)
	case r.Reason.Withdrawn():
		return task && (told || !manual)
	case manual:
		return told
	}
	return task
}

// mayBeOver reports whether a certificate that was replaced, or is on hold no more, may be forgotten.
func (s *sweep) mayBeOver(it int64, r lifecycle.Revocation) bool {
	return s.isReleased(it, r) || s.isOver(it, r, s.revoked.inPlace[it], false)
}

// isOver reports whether nothing has to be remembered about a certificate that was replaced. A site that serves it is a reason to
// remember that its client was told. seen says that the one in place was seen at its servers when it was delivered.
func (s *sweep) isOver(it int64, r lifecycle.Revocation, inPlace string, seen bool) bool {
	if s.watched != nil {
		last, known := s.watched.state.Seen(it)
		if known && r.Serial != inPlace && last.Serves(r.Serial) {
			return false
		}
		seen = seen || known && last.Outcome == watch.Current && last.Serves(inPlace)
	}
	return r.RevocationOver(inPlace, seen, s.watched != nil, s.Now())
}

// noteRevoked saves on the item that its certificate in place is on the list that it names. It returns what is known then; false
// if the certificate in place is not known to be revoked. What was found is checked against the certificate itself.
func (s *sweep) noteRevoked(ctx context.Context, j *sweptItem) (crl.Entry, error) {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return crl.Entry{}, nil // whoever needs it reports that
	}
	e, found := s.revoked.found[j.Item.Item]
	if found && e.Serial == stored.Serial() && s.isOnList(j.Item.Item, stored) {
		_, err := j.NoteRevocation(ctx, stored, e)
		return e, err
	}
	if r := j.Revocation(); r.Serial == stored.Serial() && !s.isReleased(j.Item.Item, r) {
		return entryOf(r), nil
	}
	return crl.Entry{}, nil
}

// isOnList reports whether the list on which the item's certificate was found is that of the stored one, and of the issuer that signed
// it. Serial numbers are one issuer's, and its name alone is not its own.
func (s *sweep) isOnList(it int64, stored pki.Chain) bool {
	list := watch.ListOf(stored.Leaf)
	issuer := s.revoked.issuers[list.Issuer]
	return list == s.revoked.lists[it] && issuer != nil && stored.Leaf.CheckSignatureFrom(issuer) == nil
}

// answerRevocation does what the policy says about the revoked certificate of an item, or forgets one that was replaced (rules
// REVOKE-5, REVOKE-6).
func (s *sweep) answerRevocation(ctx context.Context, j *sweptItem, row *sweepRow) error {
	stored, err := s.storedLeaf(j, row)
	if err != nil {
		row.action = actionNone
		return err
	}
	row.inPlace = stored.Serial()
	e, err := s.noteRevoked(ctx, j)
	if err != nil {
		row.action = actionNone
		return err
	}
	if e.Serial == "" {
		row.notRevoked = true
		return s.forgetRevoked(ctx, j, stored)
	}
	row.action, row.result, row.reason = actionNone, resultSkipped, reasonRevoked+string(e.Reason)
	if s.settings.Policy == cabforum.PolicyNone {
		return nil
	}
	if down := s.down.Of(j.Account); !s.dry && down == nil {
		if err := j.ReconcileReissue(ctx); err != nil {
			row.action = actionWait
			return s.escalateBlocked(ctx, j, row, stored, err)
		}
	}
	if waits, err := s.isUnderWay(ctx, j); waits || err != nil {
		row.action = actionWait
		return err
	}
	if end := j.TermEnd(); !end.IsZero() && !cabforum.DateOf(s.at).Before(end) {
		row.reason = string(cabforum.ReasonTermOver)
		return nil
	}
	s.due.Add(1)
	return s.actOnRevoked(ctx, j, row, stored, e)
}

// reasonRevoked stands before the reason of a revocation in the document.
const reasonRevoked = "revoked: "

// isUnderWay reports whether a reissue or an operation of the panel is under way for the item.
func (s *sweep) isUnderWay(ctx context.Context, j *sweptItem) (bool, error) {
	operations, err := j.Panel.CountOperations(ctx, j.Item.Item)
	return operations > 0 || j.HasStatus(item.ServiceRequested) || j.HasStatus(item.ServiceWaiting) || j.Unanswered(), err
}

// A revokedStep is what the policy says about a revoked certificate.
type revokedStep int

const (
	revokedReissue  revokedStep = iota
	revokedNewKey               // the key is known to others
	revokedHandOver             // another certificate would be refused or revoked as well: the administrator gets a task
	revokedNotify               // the policy is manual: the client is notified
)

// revokedStep returns what is done about the revoked certificate in place. Forecasts use it too.
func (s *sweep) revokedStep(j *sweptItem, e crl.Entry) revokedStep {
	switch {
	case j.KeyIsKnown():
		return revokedNewKey
	case e.Reason.Withdrawn():
		return revokedHandOver
	case s.settings.Policy == cabforum.PolicyManual:
		return revokedNotify
	}
	return revokedReissue
}

// actOnRevoked answers the revocation of the certificate in place.
func (s *sweep) actOnRevoked(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain, e crl.Entry) error {
	manual := s.settings.Policy == cabforum.PolicyManual
	switch s.revokedStep(j, e) {
	case revokedNewKey:
		return s.answerKnownKey(ctx, j, row, stored, e)
	case revokedHandOver:
		return s.handOver(ctx, j, row, e, manual, item.NextAsk, "was revoked by its authority ("+string(e.Reason)+
			"), which would refuse or revoke another one as well: it is not reissued. Find out why, and press Reissue in the panel if that is settled")
	case revokedNotify:
		return s.tell(ctx, j, row, e, item.NoticeRevoked, item.NextReissue)
	}
	return s.reissueRevoked(ctx, j, row, stored, e)
}

// answerKnownKey replaces a certificate whose key is known to others: with a key that the module makes, if SSLRotateKey is on and
// that can be brought to all servers, else with the client's help.
func (s *sweep) answerKnownKey(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain, e crl.Entry) error {
	if !s.rotatesKnownKey(j) || s.dry {
		return s.askForNewKey(ctx, j, row, e, "")
	}
	if down := s.down.Of(j.Account); down != nil {
		s.skipForOutage(row, actionReissue, down)
		return nil
	}
	row.action, row.result = actionReissue, resultOK
	j.Rotation = lifecycle.RotateKeyOnly
	j.ForRevocation()
	err := s.reissue(ctx, j, row, stored)
	switch {
	case errors.Is(err, lifecycle.ErrKeyKept):
		return s.askForNewKey(ctx, j, row, e, fault.From(err).Message)
	case isFinal(err):
		return errors.Join(err, s.askForNewKey(ctx, j, row, e, fault.From(err).Message))
	}
	return s.escalateBlocked(ctx, j, row, stored, err)
}

// rotatesKnownKey reports whether a key that is known to others is replaced by one that the module makes. Forecasts use it too.
func (s *sweep) rotatesKnownKey(j *sweptItem) bool {
	return s.settings.Policy == cabforum.PolicyAuto && s.rotation != lifecycle.KeepKey && j.Revocation().Task == "" && j.RevokedReissueRefused() == ""
}

// isFinal reports whether the next run would meet the same error again.
func isFinal(err error) bool {
	failure := fault.From(err)
	return failure != nil && !failure.Retry && !failure.OutcomeUnknown && !failure.SellerFails()
}

// askForNewKey has the client make a new key: no authority issues a certificate for one that is known to others. why says why the
// module makes none; it may be empty.
func (s *sweep) askForNewKey(ctx context.Context, j *sweptItem, row *sweepRow, e crl.Entry, why string) error {
	if !s.dry {
		text := fmt.Sprintf("the certificate %s of %s was revoked because its private key is known to others (keyCompromise): it cannot be reissued for the same key. "+
			"The client has to make a new key and reissue the certificate with a CSR for it", e.Serial, row.name)
		if why != "" {
			text += " (" + why + ")"
		}
		if err := j.OpenRevocationTask(ctx, asReissue, text); err != nil {
			return err
		}
	}
	return s.tell(ctx, j, row, e, item.NoticeNewKey, "")
}

// handOver opens a task for the administrator, and writes to the client if mail says so. what follows the name of the certificate.
func (s *sweep) handOver(ctx context.Context, j *sweptItem, row *sweepRow, e crl.Entry, mail bool, next, what string) error {
	if s.dry {
		row.reason += ", a task"
		return nil
	}
	if err := j.OpenRevocationTask(ctx, asReissue, fmt.Sprintf("the certificate %s of %s %s", e.Serial, row.name, what)); err != nil {
		return err
	}
	if !mail {
		return nil
	}
	return s.tell(ctx, j, row, e, item.NoticeRevoked, next)
}

// reissueRevoked reissues the revoked certificate, or hands it over to a person if that was done already or is refused.
func (s *sweep) reissueRevoked(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain, e crl.Entry) error {
	if j.Revocation().Task == e.Reason { // only with --item
		return nil
	}
	if why := j.RevokedReissueRefused(); why != "" {
		return s.handOver(ctx, j, row, e, false, "", "was revoked by its authority ("+string(e.Reason)+") and is not reissued by itself: "+why)
	}
	if down := s.down.Of(j.Account); down != nil {
		s.skipForOutage(row, actionReissue, down)
		return nil
	}
	row.action, row.result = actionReissue, resultOK
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	j.ForRevocation()
	err := s.reissue(ctx, j, row, stored)
	if errors.Is(err, lifecycle.ErrNoCSR) {
		return s.handOver(ctx, j, row, e, true, item.NextReissue, "was revoked by its authority ("+string(e.Reason)+") and is not reissued: "+fault.From(err).Message)
	}
	if isFinal(err) {
		return errors.Join(err, s.handOver(ctx, j, row, e, false, "", "was revoked by its authority ("+string(e.Reason)+") and cannot be reissued: "+fault.From(err).Message))
	}
	return s.escalateBlocked(ctx, j, row, stored, err)
}

// forgetRevoked drops what is known about a certificate that was replaced, once the new one was seen, or that is on hold no more.
func (s *sweep) forgetRevoked(ctx context.Context, j *sweptItem, stored pki.Chain) error {
	r := j.Revocation()
	switch {
	case s.dry || r.Serial == "":
		return nil
	case r.Serial == stored.Serial():
		j.Log.Infof("certificate %s is on hold no more", r.Serial)
	case !s.isOver(j.Item.Item, r, stored.Serial(), j.IsDeployed(stored.Serial())):
		return nil
	}
	return j.DropRevocation(ctx)
}

// tell writes to the client of a revoked certificate, once for each kind of notice. That is noted first: a run that is killed
// meanwhile does not write twice.
func (s *sweep) tell(ctx context.Context, j *sweptItem, row *sweepRow, e crl.Entry, kind, next string) error {
	row.action, row.result = actionNotify, resultOK
	again := s.Args.Resend && s.notified.Load() == 0
	switch {
	case s.dry:
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	case j.Revocation().WasTold(e.Serial, kind) && !again:
		row.result, row.reason = resultSkipped, "told already"
		return nil
	case j.refusedToday() && !again:
		row.result, row.reason = resultSkipped, "tried today"
		return nil
	}
	if sends, err := s.sendsMails(ctx, j.Panel); !sends || err != nil {
		row.result, row.reason = resultSkipped, "no sender"
		return err
	}
	if err := j.NoteRevocationMail(ctx, e, kind, true); err != nil {
		return err
	}
	j.revoked = item.Revoked{Serial: e.Serial, On: cabforum.DateOf(e.Date), Reason: string(e.Reason), Next: next}
	err := s.sendNotice(ctx, j, kind)
	if err != nil {
		if dropped := j.NoteRevocationMail(context.WithoutCancel(ctx), e, kind, false); dropped != nil {
			j.Log.Warningf("the notice is not sent again: %v", dropped)
		}
	}
	return err
}

// sendsMails reports whether a mail can be sent: without a sender only those of the policy manual are tried, which fail with the reason
// (rules SWEEP-6). The administrator has a task about the others, or they are only shown.
func (s *sweep) sendsMails(ctx context.Context, panel item.Settings) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	from, err := panel.Setting(ctx, item.SettingMailFrom)
	return strings.TrimSpace(from) != "" || s.settings.Policy == cabforum.PolicyManual, err
}

// knownRevoked returns what is known of the item's revoked certificates, the one in place first.
func (s *sweep) knownRevoked(it int64) []crl.Entry {
	var all []crl.Entry
	if e, found := s.revoked.found[it]; found {
		all = append(all, e)
	}
	all = append(all, s.revoked.earlier[it]...)
	if r, recorded := s.revoked.records[it]; recorded && !s.isReleased(it, r) && !slices.ContainsFunc(all, func(e crl.Entry) bool { return e.Serial == r.Serial }) {
		all = append(all, entryOf(r))
	}
	return all
}

// mayServeRevoked reports whether the sites of an item are to be looked at in this sweep because they may serve a certificate that
// was not known to be revoked at the last look.
func (s *sweep) mayServeRevoked(seen watch.Seen) bool {
	if s.settings.Policy == cabforum.PolicyNone {
		return false
	}
	r := s.revoked.records[seen.Item]
	return slices.ContainsFunc(s.knownRevoked(seen.Item), func(e crl.Entry) bool {
		return !slices.Contains(seen.Revoked, e.Serial) && !r.WasTold(e.Serial, item.NoticeRevoked, item.NoticeNewKey)
	})
}

// keepLook keeps a look at the sites of an item of which a certificate is revoked.
func (s *sweep) keepLook(l siteLook) {
	if it := l.site.Item; len(s.knownRevoked(it)) > 0 {
		s.revoked.looks[it] = l.look
	}
}

// tellServed writes at once to the clients whose sites serve a revoked certificate, in place or replaced (rules REVOKE-6). It comes
// after the looks: what was reissued and delivered in this sweep is served no more.
func (s *sweep) tellServed(ctx context.Context) error {
	if s.dry || s.watched == nil || s.settings.Policy == cabforum.PolicyNone {
		return nil
	}
	if sends, err := s.sendsMails(ctx, s.Panel); !sends || err != nil {
		return err
	}
	items := slices.Concat(slices.Collect(maps.Keys(s.revoked.records)), slices.Collect(maps.Keys(s.revoked.found)), slices.Collect(maps.Keys(s.revoked.earlier)))
	slices.Sort(items)
	shown := set{}
	for _, row := range s.rows {
		shown[row.item] = true
	}
	var tasks []task
	for _, it := range slices.Compact(items) {
		served := s.servedRevoked(it)
		if len(served) == 0 {
			continue
		}
		tasks = append(tasks, task{item: it, as: asSync, begin: loadItem, work: func(ctx context.Context, j *sweptItem, row *sweepRow) error {
			var problems []error
			for _, e := range served {
				problems = append(problems, s.tellServedItem(ctx, j, row, e, shown[it]))
			}
			return errors.Join(problems...)
		}})
	}
	_, err := s.workOnAll(ctx, tasks, always)
	return err
}

// servedRevoked returns the revoked certificates of an item that its sites served when they were looked at since the revocation is
// known, and whose client was not told before.
func (s *sweep) servedRevoked(it int64) []crl.Entry {
	seen, _ := s.watched.state.Seen(it)
	r := s.revoked.records[it]
	return slices.DeleteFunc(s.knownRevoked(it), func(e crl.Entry) bool {
		return !slices.Contains(seen.Revoked, e.Serial) || !seen.Serves(e.Serial) || r.WasTold(e.Serial, item.NoticeRevoked, item.NoticeNewKey)
	})
}

// tellServedItem writes to the client of one item. shown says that the document has a row about it.
func (s *sweep) tellServedItem(ctx context.Context, j *sweptItem, row *sweepRow, e crl.Entry, shown bool) error {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return err
	}
	inPlace := stored.Serial() == e.Serial
	if j.Revocation().WasTold(e.Serial, item.NoticeRevoked, item.NoticeNewKey) {
		return nil
	}
	if inPlace && j.KeyIsKnown() { // the client is asked for a new key once no reissue is under way
		if waits, err := s.isUnderWay(ctx, j); !waits || err != nil {
			return err
		}
	}
	places := slices.DeleteFunc(slices.Clone(s.revoked.looks[j.Item.Item].Places), func(p watch.Place) bool { return p.Serial != e.Serial })
	j.served = s.servedAt(places)
	next, err := s.nextOf(ctx, j, e, inPlace || j.IsRevoked(stored))
	if err != nil {
		return err
	}
	told := sweepRow{item: row.item, name: row.name}
	if err := s.tell(ctx, j, &told, e, item.NoticeRevoked, next); err != nil {
		return err
	}
	if !shown && row.action == "" {
		row.expires, row.action, row.result, row.reason = stored.Ends(), told.action, told.result, reasonRevoked+string(e.Reason)
	}
	return nil
}

// nextOf returns what the client whose site serves a revoked certificate has to do. revoked says that the one in place is revoked too.
func (s *sweep) nextOf(ctx context.Context, j *sweptItem, e crl.Entry, revoked bool) (string, error) {
	if !revoked {
		return item.NextInstall, nil
	}
	waits, err := s.isUnderWay(ctx, j)
	switch {
	case waits || err != nil:
		return item.NextWait, err
	case e.Reason.Withdrawn() || j.Revocation().Task != "":
		return item.NextAsk, nil
	case s.settings.Policy == cabforum.PolicyManual:
		return item.NextReissue, nil
	}
	return item.NextWait, nil
}
