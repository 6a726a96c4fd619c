package namecheap_test

import (
	"testing"
	"time"

	"pmssl/internal/seller/namecheap"
	"pmssl/internal/seller/sellertest"
)

// TestConformsToSeller runs the conformance suite of sellers against the stand-in of the API.
func TestConformsToSeller(t *testing.T) {
	standIn := sellertest.Program{
		Name: "sandbox-namecheap", Args: []string{"--no-rate-limit"}, AddressVariable: namecheap.AddressVariable, Secret: "api_key",
		Connection: func(at sellertest.Addresses) map[string]string {
			return map[string]string{
				"username": at.Account["user"], "api_user": at.Account["user"], "api_key": at.Account["key"], "client_ip": "127.0.0.1",
				"limit_minute": "0", "limit_hour": "0", "limit_day": "0",
			}
		},
		Requests: map[sellertest.Request]sellertest.Command{
			sellertest.Buy: {Name: "namecheap.ssl.create"}, sellertest.Renew: {Name: "namecheap.ssl.renew"},
			sellertest.Activate: {Name: "namecheap.ssl.activate"}, sellertest.Reissue: {Name: "namecheap.ssl.reissue"},
		},
		Refusal: map[string]any{"kind": "api_error", "number": "2010324", "text": "Years is invalid"},
	}
	sellertest.Run(t, sellertest.Subject{
		Info: namecheap.Info, Product: "standard_ssl", Months: 12,
		WrongLogin: map[string]string{"api_key": "ffffffffffffffffffffffffffffffff"},
		RenewAfter: 350 * 24 * time.Hour, // ssl.renew opens 30 days before the end (docs/reference/namecheap.md §3.7)
		Open:       standIn.Build(t),
	})
}
