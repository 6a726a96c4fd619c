package subscription

import (
	"context"
	"errors"
	"fmt"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
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
	return errors.Join(err, s.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text))
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
