package ispmanager

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// CachedStatus reports whether the order still waits, by one reading of the list that all processes share for two minutes;
// false if the list does not say so. A list without service_status does not: there each order is looked at by itself.
func (c *Client) CachedStatus(ctx context.Context, id int64) (seller.State, bool, error) {
	waits, err := c.waiting.Has(ctx, id)
	if fault.From(err).SellerFails() {
		return seller.StateUnknown, false, err
	}
	if err != nil {
		c.log.ExtInfof("the list of %s does not tell where the order %d stands: %v", Title, id, err)
	}
	return seller.StateWaiting, waits, nil
}

// inProgress returns the orders of which the list itself says that the CA works on them. One walk is enough: an order that
// it misses is looked at by itself.
func (c *Client) inProgress(ctx context.Context) ([]int64, error) {
	rows, err := c.walk().Once(ctx)
	var ids []int64
	for _, r := range rows {
		if stateOf(r.item, r.service) == seller.StateWaiting && (r.service == serviceRequested || r.service == serviceWaiting) {
			ids = append(ids, r.id)
		}
	}
	return ids, err
}
