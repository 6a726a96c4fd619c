package subscription

import (
	"context"
	"errors"
	"fmt"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// escalateBlocked opens a task in the last week of a certificate if the seller refuses its reissue with an error that does not
// count as an attempt, because that may never end by itself. It returns err.
func (s *sweep) escalateBlocked(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain, err error) error {
	failure := fault.From(err)
	if failure == nil || failure.Type != fault.API || !failure.Retry || !s.lastWeek(stored.Ends()) {
		return err
	}
	text := fmt.Sprintf("the certificate of %s expires on %s and is not reissued: %v", row.name, stored.Ends(), failure.Message)
	return errors.Join(err, j.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text))
}

// escalateOverdue opens a task about challenges that are published and of no use. Only then, and before a mail about them, the
// names are looked up for what keeps the CA from issuing, because that takes a few seconds.
func (s *sweep) escalateOverdue(ctx context.Context, j *sweptItem, as, text string, mail bool) error {
	open, err := j.Panel.OpenTask(ctx, j.Item.Item, as)
	if err != nil {
		return err
	}
	if open == 0 || mail {
		j.obstacles = j.LookForObstacles(ctx)
	}
	return j.OpenTaskUntilStored(ctx, as, text+j.OverdueText(j.obstacles))
}

// firstOverdue is escalateOverdue for the first certificate of an item, about which no mail is sent. The policy none opens no tasks.
func (s *sweep) firstOverdue(ctx context.Context, j *sweptItem) error {
	if s.settings.Policy == cabforum.PolicyNone || !j.HasStatus(item.ServiceWaiting) || !j.Overdue() {
		return nil
	}
	return s.escalateOverdue(ctx, j, asSync, fmt.Sprintf("the order %d of %s: ", j.ID(), j.Item.Name), false)
}

// lastWeek reports whether a certificate ends within lastDays. It returns false under the policy none.
func (s *sweep) lastWeek(ends cabforum.Date) bool {
	return s.settings.Policy != cabforum.PolicyNone && cabforum.DateOf(s.at).DaysUntil(ends) < lastDays
}

// taskText returns the text of the task about a certificate that is not reissued now; empty if no task is needed. A paid day
// without a certificate is a fault (rules SWEEP-3), so the reason is escalated in the last week.
func (s *sweep) taskText(row *sweepRow, decision cabforum.Decision) string {
	last := s.lastWeek(row.expires)
	switch {
	case decision.Reason == cabforum.ReasonTries:
		return fmt.Sprintf("the reissue of %s failed %d times and its certificate expires on %s", row.name, cabforum.MaxTries, row.expires)
	case decision.Reason == cabforum.ReasonUnderWay && row.open && last:
		return fmt.Sprintf("the certificate of %s expires on %s and is not reissued while an operation of the item is open: check the panel's running operations", row.name, row.expires)
	case decision.Reason == cabforum.ReasonNoGain && last && row.expires.AddDays(1).Before(row.paidUntil):
		return fmt.Sprintf("the certificate of %s expires on %s although it is paid until %s: a reissue would not extend it, because the seller's own term ends then (item parameter %s)",
			row.name, row.expires, row.paidUntil, itemparam.TermEnd)
	}
	return ""
}
