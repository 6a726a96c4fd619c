package observe

import (
	"net/netip"
	"slices"
)

// translated is where IPv4 addresses are within IPv6 (RFC 6052 2.1): resolvers of networks without IPv4 answer with such
// addresses.
func translated() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// reserved are the networks that netip counts as global and that the Internet does not reach (RFC 6890): this network, shared
// addresses of providers, protocol assignments, benchmarks, the former class E, local translation, 6to4 and site-local ones.
// Those for documentation are not among them: tests use them.
func reserved() []netip.Prefix {
	var all []netip.Prefix
	for _, network := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b:1::/48", "100::/64", "2002::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(network))
	}
	return all
}

// public reports whether a CA could reach the address. Nothing is sent to others because a client's zone names them.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if translated().Contains(a) {
		last := a.As16()
		a = netip.AddrFrom4([4]byte(last[12:]))
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// publicText is public for an address as text.
func publicText(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && public(a)
}
