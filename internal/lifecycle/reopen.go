package lifecycle

import (
	"context"

	"github.com/beevik/etree"

	"pmssl/internal/item"
)

// Reopen handles the panel's Reissue: it requests a certificate for the item's present CSR and names, free of charge within the
// paid term. Until that is issued, the old certificate stays on the item.
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
