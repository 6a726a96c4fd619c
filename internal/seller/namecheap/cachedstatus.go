package namecheap

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// waitingList is the ListType of certificates that the CA works on (docs/reference/namecheap.md §3.4). Where it means
// something else the ids are missing there and are asked about one by one: more calls, no wrong answer.
const waitingList = "InProgress"

// CachedStatus reports whether the certificate still waits, by one walk through the list that all processes share for two
// minutes; false if the list does not show it as waiting: then only getInfo tells. A thousand certificates that wait cost
// ten calls for each walk instead of a thousand.
func (c *Client) CachedStatus(ctx context.Context, id int64) (seller.State, bool, error) {
	waits, err := c.waiting.Has(ctx, id)
	if fault.From(err).SellerFails() {
		return seller.StateUnknown, false, err
	}
	if err != nil {
		c.log.ExtInfof("the list of %s does not tell where the certificate %d stands: %v", Title, id, err)
	}
	return seller.StateWaiting, waits, nil
}

// inProgress returns the ids that wait for the CA. One walk is enough: an id that it misses is asked about by itself.
func (c *Client) inProgress(ctx context.Context) ([]int64, error) {
	rows, err := c.walk(listing{kind: waitingList}).Once(ctx)
	var ids []int64
	for _, r := range rows {
		if r.State == seller.StateWaiting {
			ids = append(ids, r.ID)
		}
	}
	return ids, err
}
