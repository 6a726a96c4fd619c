package subscription

import (
	"context"
	"fmt"
	"slices"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// reasonDate is the reason for which a due certificate is not found: its item parameter has another date. The other reasons
// are those of cabforum.
const reasonDate = "the item parameter " + itemparam.ExpireDate + " is %s, but the stored certificate expires on %s: run --command sync_item --item %d"

// loadNamed returns the item of --item. An item that does not exist or belongs to another binary is an error, because the
// document would not mention it.
func (s *sweep) loadNamed(ctx context.Context) (item.Item, error) {
	order, err := s.Panel.LoadItem(ctx, s.Args.Item)
	if err != nil {
		return order, err
	}
	if order.Binary != "" && order.Binary != s.Binary {
		return order, fault.Errorf(fault.Value, "processingmodule", "item %d (%s) belongs to the module %s, this is %s",
			order.Item, order.Name, order.Binary, s.Binary)
	}
	return order, nil
}

// explain adds the row that says why nothing is done about the item of --item (rules SWEEP-10). It changes nothing.
func (s *sweep) explain(ctx context.Context, order item.Item) error {
	j := sweptOf(item.NewHandle(s.Run, order))
	row := sweepRow{item: order.Item, name: order.Name, paidUntil: j.TermEnd(), action: actionNone, result: resultSkipped}
	watched, err := s.Panel.ExpiringBefore(ctx, cabforum.Date{Year: 9999, Month: 12, Day: 31})
	if err != nil {
		return err
	}
	if order.Stored == "" {
		row.reason = string(cabforum.ReasonNoCertificate)
		s.rows = append(s.rows, row)
		return nil
	}
	stored, err := pki.StoredLeaf(order.Stored)
	if err != nil {
		row.result, row.reason = resultError, err.Error()
		s.failed++
		s.rows = append(s.rows, row)
		return nil
	}
	decision, err := s.decisionFor(ctx, j, &row, stored)
	if err != nil {
		return err
	}
	row.expires, row.due, row.lead = stored.Ends(), decision.DueOn, decision.Lead
	shown := order.Params[itemparam.ExpireDate]
	switch {
	case shown != "" && !slices.Contains(watched, order.Item):
		row.reason = string(cabforum.ReasonInactive)
	case s.settings.Policy == cabforum.PolicyNone:
		row.reason = string(cabforum.ReasonPolicy)
	case decision.Due:
		row.result, row.reason = resultError, fmt.Sprintf(reasonDate, orNone(shown), row.expires, order.Item)
		s.failed++
	default:
		row.reason = string(decision.Reason)
	}
	s.rows = append(s.rows, row)
	return nil
}

// WrongDate returns why the sweep does not find the item when its certificate is due; empty if it does.
func WrongDate(it item.Item, stored pki.Chain) string {
	if shown := it.Params[itemparam.ExpireDate]; shown != stored.Ends().String() {
		return fmt.Sprintf(reasonDate, orNone(item.Brief(shown)), stored.Ends(), it.Item)
	}
	return ""
}

// orNone returns the value, or "not set" if it is empty.
func orNone(value string) string {
	if value == "" {
		return "not set"
	}
	return value
}
