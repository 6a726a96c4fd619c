package subscription

import (
	"context"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
)

// sweptItem is an item that the sweep works on.
type sweptItem struct{ *lifecycle.Order }

// beginItem locks and loads the item of run.Args.
func beginItem(ctx context.Context, run *item.Run) (*sweptItem, error) {
	order, err := lifecycle.Begin(ctx, run)
	if order == nil {
		return nil, err
	}
	return &sweptItem{order}, err
}

// connectItem loads the item of run.Args without writing anything.
func connectItem(ctx context.Context, run *item.Run) (*sweptItem, error) {
	order, err := lifecycle.Connect(ctx, run)
	if order == nil {
		return nil, err
	}
	return &sweptItem{order}, err
}

// sweptOf returns the item of a handle without locking it.
func sweptOf(j *item.Handle) *sweptItem { return &sweptItem{lifecycle.FromHandle(j)} }
