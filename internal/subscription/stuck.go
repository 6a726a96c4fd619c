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

// inTheWay reports to the administrator in a certificate's last week what the seller has against its reissue where that
// counts as no attempt: it may never end by itself. It returns the error that it was given.
func (s *sweep) inTheWay(ctx context.Context, j *sweptItem, row *sweepRow, stored pki.Chain, err error) error {
	failure := fault.From(err)
	if failure == nil || failure.Type != fault.API || !failure.Retry || !s.lastWeek(stored.Ends()) {
		return err
	}
	text := fmt.Sprintf("the certificate of %s ends %s and is not reissued: %v", row.name, stored.Ends(), failure.Message)
	return errors.Join(err, s.Panel.Escalate(ctx, j.Item.Item, 0, asReissue, text))
}

// lastWeek reports whether a certificate is so near its end that people are told, provided that the policy is not to leave
// it.
func (s *sweep) lastWeek(ends cabforum.Date) bool {
	return s.settings.Policy != cabforum.PolicyNone && cabforum.DateOf(s.at).DaysUntil(ends) < lastDays
}

// unattended returns what an administrator has to know of a certificate that is left alone; empty if it is nothing. A paid
// day without a certificate is a fault (rules SWEEP-3), so what holds a reissue back is told in the last week.
func (s *sweep) unattended(row *sweepRow, decision cabforum.Decision) string {
	last := s.lastWeek(row.expires)
	switch {
	case decision.Reason == cabforum.ReasonTries:
		return fmt.Sprintf("the reissue of %s failed %d times, its certificate ends %s", row.name, cabforum.MaxTries, row.expires)
	case decision.Reason == cabforum.ReasonUnderWay && row.open && last:
		return fmt.Sprintf("the certificate of %s ends %s and is not reissued while an operation of the item is open: look at the panel's running operations", row.name, row.expires)
	case decision.Reason == cabforum.ReasonNoGain && last && row.expires.AddDays(1).Before(row.paidUntil):
		return fmt.Sprintf("the certificate of %s ends %s although it is paid until %s: a reissue brings no more, the seller's own term ends there (item parameter %s)",
			row.name, row.expires, row.paidUntil, itemparam.TermEnd)
	}
	return ""
}
