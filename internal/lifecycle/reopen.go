package lifecycle

import (
	"context"

	"github.com/beevik/etree"

	"pmssl/internal/item"
)

// Reopen runs the panel's Reissue: a certificate for the item's present CSR and names, free of charge inside the paid
// term. While it waits for proof, the old certificate stays on the item.
func Reopen(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Begin(ctx, run)
	if err != nil {
		return nil, err
	}
	outcome, err := j.Reissue(ctx, "reopen")
	if err != nil {
		return nil, err
	}
	return nil, outcome.Ended
}
