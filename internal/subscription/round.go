package subscription

import (
	"context"
	"slices"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// note remembers a fault of the whole seller: the round ends for that account (rules SWEEP-9).
func (s *sweep) note(j *sweptItem, err error) {
	failure := fault.From(err)
	if j == nil || j.Account == "" || !failure.SellerFails() || s.down[j.Account] != nil {
		return
	}
	s.down[j.Account] = failure
	s.Log.Warningf("%s does not work for the account %s now; its other items are left for the next sweep", s.Info.Title, j.Account)
}

// left fills the row of an item that is not asked about in this round.
func (s *sweep) left(row *sweepRow, action string, down *fault.Error) {
	row.action, row.result = action, resultSkipped
	row.reason = "left for the next sweep, " + s.Info.Title + " does not work for this account now: " + item.Brief(down.Error())
}

// all does the sweep's work, or that of the one item which --item names: of that one the document always has a row.
func (s *sweep) all(ctx context.Context) error {
	if s.Args.Item == 0 {
		return s.work(ctx)
	}
	order, err := s.named(ctx)
	if err != nil {
		return err
	}
	if err := s.work(ctx); err != nil || len(s.rows) > 0 {
		return err
	}
	return s.explain(ctx, order)
}

// work works on what ends, soonest first, and then on what only waits for the seller: where time or the seller's calls run
// out, the certificates in use have had their turn (rules SWEEP-1).
func (s *sweep) work(ctx context.Context) error {
	var err error
	if s.items, err = s.Panel.ActiveItems(ctx); err != nil {
		return err
	}
	waiting, err := s.chosen(s.Panel.WaitingItems(ctx))
	if err != nil {
		return err
	}
	ending, err := s.chosen(s.Panel.ExpiringBefore(ctx, cabforum.DateOf(s.at).AddDays(s.settings.Lead)))
	if err != nil {
		return err
	}
	for _, it := range ending {
		// A reissue that is under way is synced; what is due about it afterwards is the next sweep's.
		as, work := asReissue, s.decide
		if slices.Contains(waiting, it) {
			as, work = asSync, s.reconcile
		}
		if err := s.each(ctx, it, as, work); err != nil {
			return err
		}
	}
	for _, it := range waiting {
		if slices.Contains(ending, it) {
			continue
		}
		if err := s.each(ctx, it, asSync, s.reconcile); err != nil {
			return err
		}
	}
	return nil
}
