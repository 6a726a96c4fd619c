package command

import (
	"context"

	"pmssl/internal/cert"

	"github.com/beevik/etree"
)

// Suspend tells the panel that the item is suspended. A certificate cannot be switched off for a while: nothing is asked
// of the seller.
func Suspend(ctx context.Context, run *Run) (*etree.Document, error) {
	return post(ctx, run, "suspend")
}

// Resume tells the panel that the item is active again.
func Resume(ctx context.Context, run *Run) (*etree.Document, error) {
	return post(ctx, run, "resume")
}

// CancelProlong is told when the client switched automatic renewal off. Nothing is renewed at the seller by itself, so
// there is nothing to switch off; the panel expects no call-back (billmanager-module-protocol §1.4).
func CancelProlong(ctx context.Context, run *Run) (*etree.Document, error) {
	j, err := beginLocal(ctx, run)
	if err != nil {
		return nil, err
	}
	j.Log.ExtInfof("item %d: automatic renewal is off; %s renews nothing by itself", j.order.Item, j.Trade.Title)
	return nil, nil
}

// Close lets the panel delete the item. What stays behind at the seller is named in the log: whole orders are cancelled by
// the seller's support only (namecheap-ssl-api §3.11).
func Close(ctx context.Context, run *Run) (*etree.Document, error) {
	j, err := beginLocal(ctx, run)
	if err != nil {
		return nil, err
	}
	if ids := j.lineage(); len(ids) > 0 {
		j.Log.Warningf("item %d is closed, its orders at %s stay: %s; ask the seller's support where they are to be cancelled or revoked",
			j.order.Item, j.Trade.Title, formatIDs(ids))
	}
	if j.order.Params[cert.ParamIntent] != "" {
		j.Log.Warningf("item %d is closed with a purchase without a clear answer: look for it at %s", j.order.Item, j.Trade.Title)
	}
	return nil, run.Panel.Post(ctx, run.Args.Item, "close")
}

// post is a command that only concerns the panel.
func post(ctx context.Context, run *Run, what string) (*etree.Document, error) {
	if _, err := beginLocal(ctx, run); err != nil {
		return nil, err
	}
	return nil, run.Panel.Post(ctx, run.Args.Item, what)
}
