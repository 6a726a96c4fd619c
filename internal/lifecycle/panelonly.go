package lifecycle

import (
	"context"

	"github.com/beevik/etree"

	"pmssl/internal/item"
)

// Suspend reports to the panel that the item is suspended. A certificate cannot be suspended, so nothing is sent to the seller.
func Suspend(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return panelOnly(ctx, run, "suspend")
}

// Resume reports to the panel that the item is active again.
func Resume(ctx context.Context, run *item.Run) (*etree.Document, error) {
	return panelOnly(ctx, run, "resume")
}

// CancelProlong is called when the client switched automatic renewal off. It does nothing: the seller's own renewal is switched
// off whenever the order's status is applied (stopRenewal), and the panel expects no call-back (docs/reference/billmanager.md
// §1.4).
func CancelProlong(ctx context.Context, run *item.Run) (*etree.Document, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	j.Log.ExtInfof("automatic renewal is off in the panel, nothing needs to be done at %s", j.Info.Title)
	return nil, nil
}

// panelOnly runs a command that only concerns the panel.
func panelOnly(ctx context.Context, run *item.Run, what string) (*etree.Document, error) {
	if _, err := Load(ctx, run); err != nil {
		return nil, err
	}
	return nil, run.Panel.Post(ctx, run.Args.Item, what)
}
