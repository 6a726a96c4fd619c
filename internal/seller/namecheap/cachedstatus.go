package namecheap

import (
	"context"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// waitingList is the ListType of certificates that the CA works on (docs/reference/namecheap.md §3.4). If the list lacks some
// of them, each is read by getInfo: that costs calls, but no state is wrong.
const waitingList = "InProgress"

// CachedStatus returns StateWaiting and true if the list of waiting certificates has the id. All processes share one walk
// through the list for two minutes: a thousand waiting certificates cost ten calls instead of a thousand. If it returns
// false, only getInfo has the state.
func (c *Client) CachedStatus(ctx context.Context, id int64) (seller.State, bool, error) {
	waits, err := c.waiting.Has(ctx, id)
	if fault.From(err).SellerFails() {
		return seller.StateUnknown, false, err
	}
	if err != nil {
		c.log.ExtInfof("the list of %s does not show the state of the certificate %d: %v", Title, id, err)
	}
	return seller.StateWaiting, waits, nil
}

// inProgress returns the ids that wait for the CA. One walk is enough, because getInfo is asked about an id that it misses.
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
