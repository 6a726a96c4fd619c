package subscription

import (
	"context"
	"slices"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// noteOutage records a fault that affects every order of the account: the sweep skips the account's other items (rules
// SWEEP-9).
func (s *sweep) noteOutage(j *sweptItem, err error) {
	failure := fault.From(err)
	if j == nil || j.Account == "" || !failure.SellerFails() || !s.down.Note(j.Account, failure) {
		return
	}
	s.Log.Warningf("%s does not work for the account %s now; its other items are left for the next sweep", s.Info.Title, j.Account)
}

// skipForOutage fills the row of an item that is skipped because its account does not work now.
func (s *sweep) skipForOutage(row *sweepRow, action string, down *fault.Error) {
	row.action, row.result = action, resultSkipped
	row.reason = "left for the next sweep, " + s.Info.Title + " does not work for this account now: " + item.Brief(down.Error())
}

// run works on all items, or on the one of --item, for which the document always has a row. Then it looks at their sites.
func (s *sweep) run(ctx context.Context) error {
	if err := s.openWatch(ctx); err != nil {
		return err
	}
	if err := s.work(ctx); err != nil {
		return err
	}
	if err := s.watchSites(ctx); err != nil {
		return err
	}
	return s.tellServed(ctx)
}

func (s *sweep) work(ctx context.Context) error {
	if s.Args.Item == 0 {
		return s.workOnItems(ctx)
	}
	order, err := s.loadNamed(ctx)
	if err != nil {
		return err
	}
	s.showDelivery(ctx, order)
	if err := s.workOnItems(ctx); err != nil || len(s.rows) > 0 {
		return err
	}
	return s.explain(ctx, order)
}

// workOnItems works on the items whose certificate is revoked, then on those whose certificate is due, those that end first in
// front, then on those that only wait for the seller. If the time or the seller's call limit runs out, the certificates in use were handled first (rules SWEEP-1).
func (s *sweep) workOnItems(ctx context.Context) error {
	var err error
	if s.items, err = s.Panel.ActiveItems(ctx); err != nil {
		return err
	}
	if err := s.findRevoked(ctx); err != nil {
		return err
	}
	waiting, err := s.filterNamed(s.Panel.WaitingItems(ctx))
	if err != nil {
		return err
	}
	ending, err := s.filterNamed(s.Panel.ExpiringBefore(ctx, cabforum.DateOf(s.at).AddDays(s.settings.Lead)))
	if err != nil {
		return err
	}
	// A reissue that is under way is synced; the next sweep decides what is due after it.
	waits, worked := setOf(waiting), set{}
	if err := s.workOnRevoked(ctx, ending, waits, worked); err != nil {
		return err
	}
	return s.workOnListed(ctx, ending, waiting, worked)
}

// workOnListed works on the items whose certificate is due, then on those that end or wait; not on those that were worked on.
func (s *sweep) workOnListed(ctx context.Context, ending, waiting []int64, worked set) error {
	waits := setOf(waiting)
	due := tasksOf(worked.without(waits.without(ending)), task{as: asReissue, begin: s.beginner(), asks: true, work: s.decide})
	if _, err := s.workOnAll(ctx, due, always); err != nil {
		return err
	}
	worked.add(itemsOf(due))
	early, err := s.workOnDeferred(ctx, waits, worked)
	if err != nil {
		return err
	}
	rest := tasksOf(worked.without(slices.Concat(ending, waiting)), task{as: asSync, begin: s.beginner(), asks: true, work: s.reconcile})
	if _, err := s.workOnAll(ctx, rest, always); err != nil {
		return err
	}
	if err := s.leftovers(ctx, setOf(slices.Concat(waiting, early))); err != nil {
		return err
	}
	if err := s.deliveries(ctx); err != nil {
		return err
	}
	return s.rotations(ctx)
}

// leftovers removes challenges that stayed when their certificates were stored, or when their orders ended. Those of the items of done
// were looked at already.
func (s *sweep) leftovers(ctx context.Context, done set) error {
	published, err := s.filterNamed(s.Panel.PublishedItems(ctx))
	if err != nil {
		return err
	}
	_, err = s.workOnAll(ctx, tasksOf(done.without(published), task{as: asSync, begin: loadItem, work: s.withdraw}), always)
	return err
}
