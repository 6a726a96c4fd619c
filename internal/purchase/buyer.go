package purchase

import (
	"context"

	"pmssl/internal/item"
)

// Begin locks and loads the item, connects its seller and puts purchases on the item that only the journal remembers.
func Begin(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := Connect(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := j.Assortment(ctx); err != nil {
		return j, err
	}
	return j, j.Recall(ctx)
}

// Buyer is an item under work at which money may be spent.
type Buyer struct{ *item.Handle }

// Connect is connect for whoever may buy.
func Connect(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.Connect(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}

// ConnectAny is ConnectAny for whoever may buy.
func ConnectAny(ctx context.Context, run *item.Run) (*Buyer, error) {
	j, err := item.ConnectAny(ctx, run)
	if j == nil {
		return nil, err
	}
	return &Buyer{j}, err
}
