package app

import (
	"pmssl/internal/dnscheck"
	"pmssl/internal/item"
)

// newResolver returns the function that makes a resolver for a DNS server; nil if the System has no Dial. Nothing is opened
// before the first look-up.
func newResolver(sys System) func(server string) item.Resolver {
	if sys.Dial == nil {
		return nil
	}
	return func(server string) item.Resolver {
		return dnscheck.New(dnscheck.Options{Server: server, Conf: sys.ResolvConf, Dial: sys.Dial})
	}
}
