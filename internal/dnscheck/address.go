package dnscheck

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sort"
	"syscall"

	"github.com/miekg/dns"
)

// Addresses returns the IPv4 and IPv6 addresses of a host (A-labels), sorted, each once; none if the host does not exist or has
// none. If the look-up of one kind has no answer, the error says why; addresses of the other kind are returned beside it.
func (r *Resolver) Addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	var found []netip.Addr
	var failures []error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		answer, err := r.ask(ctx, host, kind)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		for _, rr := range answer.Answer {
			if address, is := addressOf(rr); is {
				found = append(found, address)
			}
		}
	}
	// Not slices.SortFunc, which is compiled anew for each type.
	sort.Slice(found, func(i, j int) bool { return found[i].Less(found[j]) })
	return slices.Compact(found), errors.Join(failures...)
}

// addressOf returns the address in an A or AAAA record. An IPv4 address within IPv6 (::ffff:192.0.2.1) becomes the IPv4 address,
// which is where a connection to it goes.
func addressOf(rr dns.RR) (netip.Addr, bool) {
	var raw []byte
	switch rr := rr.(type) {
	case *dns.A:
		raw = rr.A
	case *dns.AAAA:
		raw = rr.AAAA
	}
	address, ok := netip.AddrFromSlice(raw)
	return address.Unmap(), ok
}

// translated is where IPv4 addresses are within IPv6 (RFC 6052 2.1): resolvers of networks without IPv4 answer with such
// addresses.
func translated() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// globalIPv6 is the only part of IPv6 from which public addresses are given out (IANA, Internet Protocol Version 6 Address Space).
func globalIPv6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// reserved are the networks that netip or globalIPv6 count as global and that the Internet does not reach (RFC 6890): this
// network, shared addresses of providers, protocol assignments, 6to4 and its relays, benchmarks, the former class E. Those for
// documentation are not among them: tests use them.
func reserved() []netip.Prefix {
	var all []netip.Prefix
	for _, network := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/23", "2002::/16",
	} {
		all = append(all, netip.MustParsePrefix(network))
	}
	return all
}

// Public reports whether the Internet reaches an address: it is not private, local to a link or host, multicast, reserved, or such
// an address in the form of IPv6. Nothing is sent to other addresses because somebody's zone names them.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" {
		return false
	}
	if translated().Contains(a) {
		last := a.As16()
		a = netip.AddrFrom4([4]byte(last[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !globalIPv6().Contains(a) {
		return false
	}
	return !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// NoRoute reports whether a connection failed because this host cannot send to the address at all, as hosts without IPv6 cannot
// to IPv6 addresses.
func NoRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL)
}
