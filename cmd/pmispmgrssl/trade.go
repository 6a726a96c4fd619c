package main

import (
	"pmssl/internal/command"
	"pmssl/internal/ispmanager"
	"pmssl/internal/module"
)

// What the module offers beyond buying stands and falls with these: features asks the prototype for them.
var (
	_ command.Seller            = (*ispmanager.Client)(nil)
	_ command.Marker            = (*ispmanager.Client)(nil)
	_ command.Prolonger         = (*ispmanager.Client)(nil)
	_ command.Reissuer          = (*ispmanager.Client)(nil)
	_ command.ApproverLister    = (*ispmanager.Client)(nil)
	_ command.BalanceTeller     = (*ispmanager.Client)(nil)
	_ command.Glancer           = (*ispmanager.Client)(nil)
	_ command.Pricer            = (*ispmanager.Client)(nil)
	_ command.ProofRetrier      = (*ispmanager.Client)(nil)
	_ command.ApprovalSender    = (*ispmanager.Client)(nil)
	_ command.Canceller         = (*ispmanager.Client)(nil)
	_ command.RenewalStopper    = (*ispmanager.Client)(nil)
	_ command.CertificateLister = (*ispmanager.Client)(nil)
	_ command.PriceLister       = (*ispmanager.Client)(nil)
	_ command.Cataloguer        = (*ispmanager.Client)(nil)
	_ command.Prober            = (*ispmanager.Client)(nil)
)

// trade is ISPmanager's billing in the words of the commands. Nothing is connected before Connect's seller is asked
// something.
func trade(s module.Surroundings) command.Trade {
	t := command.Trade{
		Title:     ispmanager.Title,
		Products:  ispmanager.Products(s.StateDir, s.Binary),
		Terms:     []int{1, 3, 6, 12, 24, 36, 48, 60}, // periods of orders (ispmanager-billing-api §3); the tariff's own list decides
		Vetted:    true,
		Prototype: &ispmanager.Client{},
		Account:   ispmanager.AccountOf,
		Connect:   connect(s),
		DryRun:    s.DryRun,
	}
	for _, p := range ispmanager.Params() {
		t.Params = append(t.Params, command.Param(p))
	}
	return t
}

func connect(s module.Surroundings) func(map[string]string) (command.Seller, error) {
	return func(params map[string]string) (command.Seller, error) {
		client, err := ispmanager.New(ispmanager.Options{
			Params: params, Now: s.Now, Sleep: s.Sleep, Jitter: s.Jitter, StateDir: s.StateDir, Binary: s.Binary, Log: s.Log, SellerCA: s.SellerCA, DryRun: s.DryRun,
		})
		if err != nil {
			return nil, err // not a nil *Client in a Seller
		}
		return client, nil
	}
}
