package app

import (
	"pmssl/internal/dnscheck"
	"pmssl/internal/item"
)

// resolvers returns how commands come to a resolver; nil in a System without connections. Nothing is opened before the
// first look-up.
func resolvers(w System) func(server string) item.Resolver {
	if w.Dial == nil {
		return nil
	}
	return func(server string) item.Resolver {
		return dnscheck.New(dnscheck.Options{Server: server, Conf: w.ResolvConf, Dial: w.Dial})
	}
}
