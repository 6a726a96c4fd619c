package ispmanager

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// CachedStatus returns StateWaiting and true if the list has the order as waiting. All processes share one reading of
// the list for two minutes. It returns false if the list does not show it, as a list without service_status; then each
// order is read by itself.
func (c *Client) CachedStatus(ctx context.Context, id int64) (seller.State, bool, error) {
	waits, err := c.waiting.Has(ctx, id)
	if fault.From(err).SellerFails() {
		return seller.StateUnknown, false, err
	}
	if err != nil {
		c.log.ExtInfof("the list of %s does not show the state of the order %d: %v", Title, id, err)
	}
	return seller.StateWaiting, waits, nil
}

// inProgress returns the orders on which the CA works, according to the list. One walk is enough, because an order that
// it misses is read by itself.
func (c *Client) inProgress(ctx context.Context) ([]int64, error) {
	at := c.now()
	rows, err := c.walk().Once(ctx)
	if err != nil {
		return nil, err
	}
	c.rows.keep(rows, at) // for the order that is read by itself next
	var ids []int64
	for _, r := range rows {
		if stateOf(r.item, r.service) == seller.StateWaiting && (r.service == serviceRequested || r.service == serviceWaiting) {
			ids = append(ids, r.id)
		}
	}
	return ids, nil
}
