package lifecycle

import (
	"context"

	"pmssl/internal/item"
	"pmssl/internal/purchase"
)

// Order is an item under work with all that its order at the seller goes through.
type Order struct{ *purchase.Buyer }

// Begin locks and loads the item, connects its seller and puts purchases on the item that only the journal remembers.
func Begin(ctx context.Context, run *item.Run) (*Order, error) {
	b, err := purchase.Begin(ctx, run)
	if b == nil {
		return nil, err
	}
	return &Order{b}, err
}

// Connect locks, loads and connects without any change and without a question to the seller.
func Connect(ctx context.Context, run *item.Run) (*Order, error) {
	b, err := purchase.Connect(ctx, run)
	if b == nil {
		return nil, err
	}
	return &Order{b}, err
}

// Local locks and loads the item without looking at the seller.
func Local(ctx context.Context, run *item.Run) (*Order, error) {
	j, err := item.Local(ctx, run)
	if j == nil {
		return nil, err
	}
	return Of(j), err
}

// Of returns the order of an item that is loaded already.
func Of(j *item.Handle) *Order { return &Order{&purchase.Buyer{Handle: j}} }
