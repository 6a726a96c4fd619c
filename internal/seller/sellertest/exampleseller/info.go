// Package exampleseller is an invented seller, built by following docs/add-a-seller.md: the smallest one that passes
// the suite of sellertest. It takes the CSR with the order, stores our reference with it, and reissues and renews in
// place. Only tests import it.
package exampleseller

import (
	"net"
	"net/url"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// Title is the seller's name for people.
const Title = "Example"

// Names of the connection parameters.
const (
	paramURL   = "url"
	paramUser  = "username"
	paramToken = "token"
)

// The optional interfaces of the client.
var (
	_ seller.Seller          = (*Client)(nil)
	_ seller.OrderReferencer = (*Client)(nil)
	_ seller.Prolonger       = (*Client)(nil)
	_ seller.Reissuer        = (*Client)(nil)
)

// Info describes the seller.
func Info(env seller.Env) seller.Info {
	return seller.Info{
		Title:  Title,
		Params: []seller.Param{{Name: paramURL}, {Name: paramUser}, {Name: paramToken, Crypted: true}, {Name: seller.ParamAlterMethods, Default: "on"}},
		Terms:  []int{12, 24},
		Products: []seller.Product{
			{ID: "example_dv", Names: []string{"Example DV"}, Level: seller.DV, Included: 1, MaxNames: 1},
			{ID: "example_old", Names: []string{"Example Old"}, Level: seller.DV, Included: 1, MaxNames: 1, Discontinued: true, Successor: "example_dv"},
		},
		Prototype: &Client{},
		Account:   accountOf,
		DryRun:    env.DryRun,
		Connect: func(params map[string]string) (seller.Seller, error) {
			client, err := newClient(env, params)
			if err != nil {
				return nil, err // not a nil *Client in a Seller
			}
			return client, nil
		},
	}
}

// accountOf returns the account's name, which is the name of its lock (rules BUY-1).
func accountOf(params map[string]string) string {
	return strings.ToLower(strings.TrimSpace(params[paramURL]) + " " + strings.TrimSpace(params[paramUser]))
}

// checkParams returns a fault of type missed or value.
func checkParams(params map[string]string) error {
	for _, name := range []string{paramURL, paramUser, paramToken} {
		if strings.TrimSpace(params[name]) == "" {
			return fault.Errorf(fault.Missed, name, "the connection to %s lacks %s", Title, name)
		}
	}
	address, err := url.Parse(strings.TrimSpace(params[paramURL]))
	if err != nil || address.Host == "" || address.User != nil {
		return fault.Errorf(fault.Value, paramURL, "the address of %s is not a URL", Title)
	}
	local := address.Hostname() == "localhost" || net.ParseIP(address.Hostname()).IsLoopback()
	if address.Scheme != "https" && (address.Scheme != "http" || !local) {
		return fault.Errorf(fault.Value, paramURL, "the address of %s must begin with https://, the token would travel in the clear", Title)
	}
	return nil
}
