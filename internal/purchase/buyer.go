package purchase

import (
	"context"

	"pmssl/internal/item"
)

// Begin locks and loads the item, connects its seller, and restores to the item the purchases that only the journal holds.
func Begin(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := Connect(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := j.LoadProducts(ctx); err != nil {
		return j, err
	}
	return j, j.RestoreFromJournal(ctx)
}

// Buyer is a locked and loaded item that purchases can be made for.
type Buyer struct{ *item.Handle }

// Connect is item.Connect, returned as a Buyer.
func Connect(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.Connect(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}

// ConnectUnchecked is item.ConnectUnchecked, returned as a Buyer.
func ConnectUnchecked(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.ConnectUnchecked(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}
