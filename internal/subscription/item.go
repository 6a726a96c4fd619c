package subscription

import (
	"context"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
)

// sweptItem is an item that the sweep works on.
type sweptItem struct {
	*lifecycle.Order
	obstacles []item.NameObstacle // why names cannot be certified, as far as that was looked up
	served    []item.Served       // places that serve an old or revoked certificate, for the notice about that
	revoked   item.Revoked        // the revoked certificate, for the notice about that
}

// beginner locks and loads the item of run.Args, and prepares what the work needs.
type beginner func(ctx context.Context, run *item.Run) (*sweptItem, error)

// beginner returns beginItem or, in a dry run, connectItem: it writes nothing, not even an id from the journal.
func (s *sweep) beginner() beginner {
	if s.dry {
		return connectItem
	}
	return beginItem
}

// beginItem locks and loads the item of run.Args and connects its seller.
func beginItem(ctx context.Context, run *item.Run) (*sweptItem, error) {
	order, err := lifecycle.Begin(ctx, run)
	if order == nil {
		return nil, err
	}
	return &sweptItem{Order: order}, err
}

// connectItem loads the item of run.Args without writing anything.
func connectItem(ctx context.Context, run *item.Run) (*sweptItem, error) {
	order, err := lifecycle.Connect(ctx, run)
	if order == nil {
		return nil, err
	}
	return &sweptItem{Order: order}, err
}

// loadItem locks and loads the item of run.Args without its seller: what is done next must not fail because the seller's account
// does not work any more.
func loadItem(ctx context.Context, run *item.Run) (*sweptItem, error) {
	order, err := lifecycle.Load(ctx, run)
	if order == nil {
		return nil, err
	}
	return &sweptItem{Order: order}, err
}

// sweptOf returns the item of a handle without locking it.
func sweptOf(j *item.Handle) *sweptItem { return &sweptItem{Order: lifecycle.FromHandle(j)} }
