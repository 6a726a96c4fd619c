package namecheap

import (
	"pmssl/internal/seller"
)

// The optional interfaces of the client. The command features reports those that the prototype has.
var (
	_ seller.Activator       = (*Client)(nil)
	_ seller.Reissuer        = (*Client)(nil)
	_ seller.ReissueFinder   = (*Client)(nil)
	_ seller.ApproverLister  = (*Client)(nil)
	_ seller.BalanceReporter = (*Client)(nil)

	_ seller.BalanceKeeper     = (*Client)(nil)
	_ seller.Pricer            = (*Client)(nil)
	_ seller.StatusCache       = (*Client)(nil)
	_ seller.OrderValidator    = (*Client)(nil)
	_ seller.ChallengeRetrier  = (*Client)(nil)
	_ seller.ApprovalSender    = (*Client)(nil)
	_ seller.MethodChanger     = (*Client)(nil)
	_ seller.Canceller         = (*Client)(nil)
	_ seller.Revoker           = (*Client)(nil)
	_ seller.CertificateLister = (*Client)(nil)
	_ seller.PriceLister       = (*Client)(nil)
	_ seller.UsageReporter     = (*Client)(nil)
	_ seller.Connected         = (*Client)(nil)
)

// Info describes Namecheap. It connects nothing.
func Info(s seller.Env) seller.Info {
	t := seller.Info{
		Title:        Title,
		Products:     Products(),
		Terms:        []int{12, 24, 36, 48, 60}, // Years of ssl.create, in months (docs/reference/namecheap.md §3.1)
		Vetted:       true,
		MoreNames:    true,
		Issuers:      issuers(),
		AddressParam: "client_ip",
		Prototype:    &Client{},
		Account:      func(params map[string]string) string { return AccountOf(params, s.Getenv) },
		Sandbox:      func(params map[string]string) (string, error) { return SandboxOf(params, s.Getenv) },
		Connect:      connect(s),
		DryRun:       s.DryRun,
	}
	for _, p := range Params() {
		t.Params = append(t.Params, seller.Param(p))
	}
	for _, p := range CustomParams() {
		t.CustomParams = append(t.CustomParams, seller.CustomParam(p))
	}
	return t
}

// issuers returns the domain names in CAA records by which the CAs behind Namecheap may issue: SSL.com since July 2026
// (docs/reference/namecheap.md §4), Sectigo before and for old orders.
func issuers() []string {
	return []string{"ssl.com", "sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}
}

func connect(s seller.Env) func(map[string]string) (seller.Seller, error) {
	return func(params map[string]string) (seller.Seller, error) {
		client, err := New(Options{
			Params: params, Getenv: s.Getenv, Now: s.Now, Sleep: s.Sleep, Jitter: s.Jitter,
			StateDir: s.StateDir, Binary: s.Binary, Log: s.Log, SellerCA: s.SellerCA, DryRun: s.DryRun, Answered: s.Answered, Observer: s.Observer,
		})
		if err != nil {
			return nil, err // not a nil *Client in a Seller
		}
		return client, nil
	}
}
