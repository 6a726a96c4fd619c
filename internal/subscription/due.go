package subscription

import (
	"context"
	"errors"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
)

// decide checks whether the certificate is due under the policy and acts on it.
func (s *sweep) decide(ctx context.Context, j *sweptItem, row *sweepRow) error {
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		row.action = actionNone
		return err
	}
	down := s.down.Of(j.Account)
	if !s.dry && down == nil {
		if err := j.ReconcileReissue(ctx); err != nil {
			row.action = actionWait
			return s.escalateBlocked(ctx, j, row, stored, err)
		}
	}
	decision, err := s.decisionFor(ctx, j, row, stored)
	if err != nil {
		row.action = actionNone
		return err
	}
	row.expires, row.due, row.lead = stored.Ends(), decision.DueOn, decision.Lead
	if decision.LeadCut {
		j.Log.ExtInfof("the lead of %d days is shortened to %d, half of the certificate's lifetime", s.settings.Lead, decision.Lead)
	}
	if !decision.Due {
		return s.skip(ctx, j, row, decision)
	}
	s.due.Add(1)
	if decision.Expired {
		j.Log.Warningf("the certificate of %s expired on %s, within its paid term", row.name, row.expires)
	}
	return s.act(ctx, j, row, stored)
}

// A dueStep is what the policy says about a certificate that is due.
type dueStep int

const (
	dueReissue  dueStep = iota
	dueNothing          // the policy is none
	dueNotify           // the policy is manual: the client is notified
	dueImported         // the panel has no CSR: that of the seller's order is tried
)

// dueStep returns what is done about the item's certificate once it is due. Forecasts use it too.
func (s *sweep) dueStep(j *sweptItem) dueStep {
	switch {
	case s.settings.Policy == cabforum.PolicyNone:
		return dueNothing
	case s.settings.Policy == cabforum.PolicyManual:
		return dueNotify
	case strings.TrimSpace(j.Item.CSR) == "":
		return dueImported
	}
	return dueReissue
}

// act carries out the policy for a certificate that is due.
func (s *sweep) act(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	switch s.dueStep(j) {
	case dueNothing:
		row.action, row.result, row.reason = actionNone, resultSkipped, string(cabforum.ReasonPolicy)
		return nil
	case dueNotify:
		row.action, row.result = actionNotify, resultOK
		if s.dry {
			row.result, row.reason = resultSkipped, "dry run"
			return nil
		}
		return s.notifyClient(ctx, j, row, item.NoticeExpires, true)
	case dueImported:
		return s.actOnImported(ctx, j, row, stored)
	}
	if down := s.down.Of(j.Account); down != nil { // only a reissue needs the seller; clients are notified all the same
		s.skipForOutage(row, actionReissue, down)
		return nil
	}
	return s.actByReissue(ctx, j, row, stored)
}

// actByReissue reissues a certificate that is due.
func (s *sweep) actByReissue(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	row.action, row.result = actionReissue, resultOK
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	return s.escalateBlocked(ctx, j, row, stored, s.reissue(ctx, j, row, stored))
}

// skip records in the row why nothing is done about a certificate now. It opens a task if an administrator has to act.
func (s *sweep) skip(ctx context.Context, j *sweptItem, row *sweepRow, decision cabforum.Decision) error {
	if decision.Reason == cabforum.ReasonEarly {
		return nil
	}
	row.action, row.result, row.reason = actionNone, resultSkipped, string(decision.Reason)
	if decision.Reason == cabforum.ReasonUnderWay {
		row.action = actionWait
	}
	text := s.taskText(row, decision)
	if text == "" || s.dry {
		return nil
	}
	j.Log.Warningf("%s", text)
	return j.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text)
}

// decisionFor returns whether the certificate is due. Under the policy none the answer is that of auto, because the document
// counts the due certificates.
func (s *sweep) decisionFor(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) (cabforum.Decision, error) {
	operations, err := j.Panel.CountOperations(ctx, j.Item.Item)
	if err != nil {
		return cabforum.Decision{}, err
	}
	row.open = operations > 0
	return s.checkOf(j, stored, row.open).Decide(s.at), nil
}

// checkOf returns the input of the decision whether the certificate is due; open says that an operation of the panel for the item
// is. Forecasts use it too.
func (s *sweep) checkOf(j *sweptItem, stored pki.Chain, open bool) cabforum.ReissueCheck {
	tried := j.Attempts()
	check := cabforum.ReissueCheck{
		Settings: s.settings, Active: true, PaidUntil: j.TermEnd(),
		Held:     lifecycle.ValidityOf(stored),
		UnderWay: open || j.waits() || j.Unanswered(),
		Tried:    tried.Last, Tries: tried.Count,
	}
	if s.settings.Policy == cabforum.PolicyNone {
		check.Settings.Policy = cabforum.PolicyAuto
	}
	if end, err := cabforum.ParseDate(j.Item.Params[itemparam.TermEnd]); err == nil {
		check.SellerEnd = end
	}
	return check
}

// waits reports whether an order or a reissue of the item is at the seller.
func (j *sweptItem) waits() bool {
	return j.HasStatus(item.ServiceRequested) || j.HasStatus(item.ServiceWaiting)
}

// askReissue requests the next certificate. If the client is written to about the reissue, the seller confirms first that it waits; known
// is false if it did not say.
func askReissue(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) (outcome lifecycle.Outcome, known bool, err error) {
	outcome, err = j.Reissue(ctx, "reopen")
	if err != nil || outcome.Ended != nil || j.AwaitsNobody() && !j.lastDays(row, stored) {
		return outcome, true, err
	}
	outcome, known = j.ConfirmWaiting(ctx)
	return outcome, known, nil
}

// reissue requests the next certificate. If the seller needs a new proof of control, the client is notified.
func (s *sweep) reissue(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain) error {
	tried := j.Attempts()
	if j.Rotation == lifecycle.KeepKey {
		j.Rotation = s.rotation
	}
	outcome, known, err := askReissue(ctx, j, row, stored)
	if err = errors.Join(outcome.Ended, err); err != nil {
		if fault.From(err).Type == fault.OrderEnded && j.Attempts() == tried {
			// the order at the seller has ended and nothing was sent: this counts as an attempt, or it would be tried every hour
			err = errors.Join(err, j.CountAttempt(ctx))
		}
		return err
	}
	if j.RefusedReason != "" {
		return fault.Errorf(fault.Delivered, "certificate", "%s", j.RefusedReason).Retryable()
	}
	if j.HasStatus(item.ServiceIssued) && j.Item.Params[itemparam.Serial] == stored.Serial() {
		// the administrator has a task already (rules STORE-4)
		return fault.Errorf(fault.OrderEnded, "status", "%s ended the reissue %d; the certificate in place stays", j.Info.Title, j.ID())
	}
	s.reissued.Add(1)
	if !known || !j.HasStatus(item.ServiceWaiting) || j.NotYetValid { // issued, or no status is known yet: the next sweep reads it
		return nil
	}
	return s.remind(ctx, j, row, stored)
}
