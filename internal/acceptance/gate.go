package acceptance

import (
	"context"
	"errors"
	"fmt"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// gate decides what an acceptance run may do at the seller (rules ACCEPT-2). It is asked with the parameters of every connection that
// the engines make, and before every call is sent.
type gate struct {
	info    seller.Info
	reading bool   // without --yes
	spend   bool   // --spend names the item's product
	address string // of the sandbox; empty at a seller without one
}

// open checks the parameters of a connection.
func (g *gate) open(params map[string]string) error {
	if g.info.Sandbox == nil {
		return nil
	}
	address, err := g.info.Sandbox(params)
	if err != nil {
		return err
	}
	g.address = address
	return nil
}

// connect returns seller.Info.Connect with the check of the parameters before it.
func (g *gate) connect(connect func(map[string]string) (seller.Seller, error)) func(map[string]string) (seller.Seller, error) {
	return func(params map[string]string) (seller.Seller, error) {
		if err := g.open(params); err != nil {
			return nil, err
		}
		return connect(params)
	}
}

// mayPay reports whether this run may pay.
func (g *gate) mayPay() bool { return !g.reading && (g.info.Sandbox != nil || g.spend) }

// allow decides whether a call is sent.
func (g *gate) allow(call exchange.Call) error {
	switch {
	case g.reading && call.Changes:
		return errors.New("this acceptance run only reads")
	case call.Pays && !g.mayPay():
		return errors.New("this acceptance run pays for nothing")
	case call.Pays && g.info.Sandbox != nil && (g.address == "" || call.Address != g.address):
		return fmt.Errorf("this acceptance run pays in the sandbox of %s only", g.info.Title)
	}
	return nil
}

// checkItem refuses an item that is none of the module, and a --spend that does not fit.
func checkItem(ctx context.Context, run *item.Run) (item.Item, error) {
	it, err := run.Panel.LoadItem(ctx, run.Args.Item)
	if err != nil {
		return it, err
	}
	spend := run.Args.Spend
	switch {
	case it.Module != run.Args.Module:
		return it, fault.Errorf(fault.Value, "module", "%s belongs to the processing module %d, not to %d as --module says: nothing was done", it.Label(), it.Module, run.Args.Module)
	case spend != "" && run.Info.Sandbox != nil:
		return it, fault.Errorf(fault.Value, "spend", "--spend is for sellers without a sandbox: at %s an acceptance run pays in the sandbox only", run.Info.Title)
	case spend != "" && spend != it.Template:
		return it, fault.Errorf(fault.Value, "spend", "--spend names %q and the product of %s is %q: nothing was done", item.Brief(spend), it.Label(), item.Brief(it.Template))
	}
	return it, nil
}
