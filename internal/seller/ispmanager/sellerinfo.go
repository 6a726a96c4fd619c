package ispmanager

import (
	"pmssl/internal/seller"
)

// The optional interfaces of the client. The command features reports those that the prototype has.
var (
	_ seller.Seller            = (*Client)(nil)
	_ seller.OrderReferencer   = (*Client)(nil)
	_ seller.Prolonger         = (*Client)(nil)
	_ seller.Reissuer          = (*Client)(nil)
	_ seller.ApproverLister    = (*Client)(nil)
	_ seller.BalanceReporter   = (*Client)(nil)
	_ seller.StatusCache       = (*Client)(nil)
	_ seller.Pricer            = (*Client)(nil)
	_ seller.ChallengeRetrier  = (*Client)(nil)
	_ seller.ApprovalSender    = (*Client)(nil)
	_ seller.Canceller         = (*Client)(nil)
	_ seller.RenewalStopper    = (*Client)(nil)
	_ seller.CertificateLister = (*Client)(nil)
	_ seller.ChargeLister      = (*Client)(nil)
	_ seller.PriceLister       = (*Client)(nil)
	_ seller.Cataloguer        = (*Client)(nil)
	_ seller.Prober            = (*Client)(nil)
	_ seller.Connected         = (*Client)(nil)
	_ seller.OrderPreviewer    = (*Client)(nil)
)

// Info describes ISPmanager's billing. It connects nothing.
func Info(s seller.Env) seller.Info {
	t := seller.Info{
		Title:     Title,
		Products:  Products(s.StateDir, s.Binary),
		Terms:     []int{1, 3, 6, 12, 24, 36, 48, 60}, // periods of orders (docs/reference/ispmanager.md §3); the tariff's own list decides
		Vetted:    true,
		Prototype: &Client{},
		Account:   AccountOf,
		Connect:   connect(s),
		DryRun:    s.DryRun,
	}
	for _, p := range Params() {
		t.Params = append(t.Params, seller.Param(p))
	}
	return t
}

func connect(s seller.Env) func(map[string]string) (seller.Seller, error) {
	return func(params map[string]string) (seller.Seller, error) {
		client, err := New(Options{
			Params: params, Now: s.Now, Sleep: s.Sleep, Jitter: s.Jitter, StateDir: s.StateDir, Binary: s.Binary, Log: s.Log, SellerCA: s.SellerCA, DryRun: s.DryRun, Answered: s.Answered, Observer: s.Observer,
		})
		if err != nil {
			return nil, err // not a nil *Client in a Seller
		}
		return client, nil
	}
}
