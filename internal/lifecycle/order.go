package lifecycle

import (
	"context"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
)

// Order is a locked and loaded item with the steps of its order at the seller: activation, status, storing, reissue, renewal.
type Order struct {
	*purchase.Buyer
	// Unattended is what this run found out about doing without the client.
	Unattended Unattended
	// Rotation says which key a reissue is for. The client's own Reissue keeps it.
	Rotation Rotation
	// SweepTurn is noted as the turn of a delivery for which nothing was asked: just before the sweep began, and later for each item that
	// the sweep works on. It is zero in a command for one item.
	SweepTurn time.Time
	askedNow  bool // the seller was asked in this run to look at the challenges
	// forRevocation says that the sweep reissues the stored certificate because it is revoked.
	forRevocation bool
	// accepted is the status of the order that the seller's answer to a submission of this run shows, see acceptedStatus. Its ID is 0
	// if no answer showed one, and once it was used.
	accepted seller.OrderStatus
	inferred bool // the status that this run applied last is such a one
	// movedFromMail says that the item was moved from e-mail to another validation method for a reissue that no seller has taken yet.
	movedFromMail bool
	// boughtNow says that this run has bought the order, so that nothing was submitted for it before.
	boughtNow bool
}

// Begin locks and loads the item, connects its seller, and restores to the item the purchases that only the journal holds.
func Begin(ctx context.Context, run *item.Run) (*Order, error) {
	b, err := purchase.Begin(ctx, run)
	if b == nil {
		return nil, err
	}
	return &Order{Buyer: b}, err
}

// Connect locks and loads the item and connects its seller. It changes nothing and sends the seller nothing.
func Connect(ctx context.Context, run *item.Run) (*Order, error) {
	b, err := purchase.Connect(ctx, run)
	if b == nil {
		return nil, err
	}
	return &Order{Buyer: b}, err
}

// Load locks and loads the item without connecting its seller.
func Load(ctx context.Context, run *item.Run) (*Order, error) {
	j, err := item.Load(ctx, run)
	if j == nil {
		return nil, err
	}
	return FromHandle(j), err
}

// FromHandle returns the order of an item that is already loaded.
func FromHandle(j *item.Handle) *Order { return &Order{Buyer: &purchase.Buyer{Handle: j}} }
