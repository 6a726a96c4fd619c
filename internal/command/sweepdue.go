package command

import (
	"context"
	"errors"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// decide holds one certificate against the policy and acts on it.
func (s *sweep) decide(ctx context.Context, j *job, row *sweepRow) error {
	stored, err := pki.StoredLeaf(j.order.Stored)
	if err != nil {
		row.action = actionNone
		return err
	}
	down := s.down[j.account]
	if !s.dry && down == nil {
		if err := j.reconcileReissue(ctx); err != nil {
			row.action = actionWait
			return s.inTheWay(ctx, j, row, stored, err)
		}
	}
	verdict, err := s.judge(ctx, j, row, stored)
	if err != nil {
		row.action = actionNone
		return err
	}
	row.expires, row.due, row.lead = stored.Ends(), verdict.On, verdict.Lead
	if verdict.Cut {
		s.Log.ExtInfof("item %d: the lead of %d days is cut to %d, half of the certificate's life", j.order.Item, s.settings.Lead, verdict.Lead)
	}
	if !verdict.Due {
		return s.spare(ctx, j, row, verdict)
	}
	s.due++
	if verdict.Expired {
		s.Log.Warningf("item %d: the certificate of %s has expired on %s inside its paid term", j.order.Item, row.name, row.expires)
	}
	switch {
	case s.settings.Policy == cabforum.PolicyNone:
		row.action, row.result, row.reason = actionNone, resultSkipped, string(cabforum.ReasonPolicy)
		return nil
	case s.settings.Policy == cabforum.PolicyManual:
		row.action, row.result = actionTell, resultOK
		if s.dry {
			row.result, row.reason = resultSkipped, "dry run"
			return nil
		}
		return s.tell(ctx, j, row, NoticeExpires, true)
	case strings.TrimSpace(j.order.CSR) == "":
		return s.withoutCSR(ctx, j, row)
	case down != nil: // clients are told all the same
		s.left(row, actionReissue, down)
		return nil
	}
	row.action, row.result = actionReissue, resultOK
	if s.dry {
		row.result, row.reason = resultSkipped, "dry run"
		return nil
	}
	return s.inTheWay(ctx, j, row, stored, s.reissue(ctx, j, row, stored))
}

// spare is a certificate on which nothing is done now.
func (s *sweep) spare(ctx context.Context, j *job, row *sweepRow, verdict cabforum.Verdict) error {
	if verdict.Reason == cabforum.ReasonEarly {
		return nil
	}
	row.action, row.result, row.reason = actionNone, resultSkipped, string(verdict.Reason)
	if verdict.Reason == cabforum.ReasonUnderWay {
		row.action = actionWait
	}
	text := s.unattended(row, verdict)
	if text == "" || s.dry {
		return nil
	}
	s.Log.Warningf("item %d: %s", j.order.Item, text)
	return s.Panel.Manual(ctx, j.order.Item, 0, asReissue, text)
}

// judge asks the rules whether the certificate is due. Under the policy none the answer is the one of auto: the document
// says how many were left.
func (s *sweep) judge(ctx context.Context, j *job, row *sweepRow, stored pki.Chain) (cabforum.Verdict, error) {
	operations, err := s.Panel.Operations(ctx, j.order.Item)
	if err != nil {
		return cabforum.Verdict{}, err
	}
	row.open = operations > 0
	tried := j.attempts()
	standing := cabforum.Standing{
		Settings: s.settings, Active: true, PaidUntil: j.termEnd(),
		Held:     life(stored),
		UnderWay: row.open || j.hasStatus(item.ServiceRequested) || j.hasStatus(item.ServiceWaiting) || j.unanswered(),
		Tried:    tried.Last, Tries: tried.Count,
	}
	if s.settings.Policy == cabforum.PolicyNone {
		standing.Settings.Policy = cabforum.PolicyAuto
	}
	if end, err := cabforum.ParseDate(j.order.Params[itemparam.TermEnd]); err == nil {
		standing.SellerEnd = end
	}
	return standing.Judge(s.at), nil
}

func life(stored pki.Chain) *cabforum.Validity {
	return &cabforum.Validity{NotBefore: stored.Leaf.NotBefore, NotAfter: stored.Leaf.NotAfter}
}

// reissue asks for the next certificate; where the seller wants a new proof the client is told.
func (s *sweep) reissue(ctx context.Context, j *job, row *sweepRow, stored pki.Chain) error {
	tried := j.attempts()
	ended, err := j.reissue(ctx, "reopen")
	if err = errors.Join(ended, err); err != nil {
		if fault.From(err).Type == fault.OrderEnded && j.attempts() == tried {
			// the order at the seller has ended and nothing was sent: that counts as well, or it would be tried every hour
			err = errors.Join(err, j.countAttempt(ctx))
		}
		return err
	}
	if j.refused != "" {
		return fault.Errorf(fault.Delivered, "certificate", "%s", j.refused).Retryable()
	}
	if j.hasStatus(item.ServiceIssued) && j.order.Params[itemparam.Serial] == stored.Serial() {
		// the administrator has a task already (contract 4.4)
		return fault.Errorf(fault.OrderEnded, "status", "%s ended the reissue %d; the certificate in place stays", j.Info.Title, j.id())
	}
	s.reissued++
	if !j.hasStatus(item.ServiceWaiting) || j.notYet { // issued, or nothing is known of it yet: the next sweep looks again
		return nil
	}
	return s.remind(ctx, j, row, stored)
}
