package main

import (
	"pmssl/internal/command"
	"pmssl/internal/module"
	"pmssl/internal/namecheap"
)

// What the module offers beyond buying stands and falls with these: features asks the prototype for them.
var (
	_ command.Activator      = (*namecheap.Client)(nil)
	_ command.Reissuer       = (*namecheap.Client)(nil)
	_ command.Succession     = (*namecheap.Client)(nil)
	_ command.ApproverLister = (*namecheap.Client)(nil)
	_ command.BalanceTeller  = (*namecheap.Client)(nil)

	_ command.Pricer            = (*namecheap.Client)(nil)
	_ command.Glancer           = (*namecheap.Client)(nil)
	_ command.Examiner          = (*namecheap.Client)(nil)
	_ command.ProofRetrier      = (*namecheap.Client)(nil)
	_ command.ApprovalSender    = (*namecheap.Client)(nil)
	_ command.ProofChanger      = (*namecheap.Client)(nil)
	_ command.Canceller         = (*namecheap.Client)(nil)
	_ command.Revoker           = (*namecheap.Client)(nil)
	_ command.CertificateLister = (*namecheap.Client)(nil)
	_ command.PriceLister       = (*namecheap.Client)(nil)
)

// trade is Namecheap in the words of the commands. Nothing is connected before Connect's seller is asked something.
func trade(s module.Surroundings) command.Trade {
	t := command.Trade{
		Title:        namecheap.Title,
		Products:     namecheap.Products(),
		Terms:        []int{12, 24, 36, 48, 60}, // Years of ssl.create, in months (namecheap-ssl-api §3.1)
		Vetted:       true,
		MoreNames:    true,
		Issuers:      issuers(),
		AddressParam: "client_ip",
		Prototype:    &namecheap.Client{},
		Account:      func(params map[string]string) string { return namecheap.AccountOf(params, s.Getenv) },
		Connect:      connect(s),
		DryRun:       s.DryRun,
	}
	for _, p := range namecheap.Params() {
		t.Params = append(t.Params, command.Param(p))
	}
	for _, p := range namecheap.CustomParams() {
		t.CustomParams = append(t.CustomParams, command.CustomParam(p))
	}
	return t
}

// issuers are the CAs whose certificates Namecheap sells, by the names under which their statements of practice take CAA
// records: SSL.com since July 2026 (namecheap-ssl-api §4), Sectigo before and for old orders.
func issuers() []string {
	return []string{"ssl.com", "sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}
}

func connect(s module.Surroundings) func(map[string]string) (command.Seller, error) {
	return func(params map[string]string) (command.Seller, error) {
		client, err := namecheap.New(namecheap.Options{
			Params: params, Getenv: s.Getenv, Now: s.Now, Sleep: s.Sleep, Jitter: s.Jitter,
			StateDir: s.StateDir, Binary: s.Binary, Log: s.Log, SellerCA: s.SellerCA, DryRun: s.DryRun,
		})
		if err != nil {
			return nil, err // not a nil *Client in a Seller
		}
		return client, nil
	}
}
