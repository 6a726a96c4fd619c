package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"pmssl/internal/dnscheck"
	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// maxServers is how many name servers of a zone are looked at, maxAddresses how many addresses in all: zones have up
	// to 13, and what a zone's owner writes must not keep the module busy.
	maxServers   = 16
	maxAddresses = 48
	dnsPort      = "53"
)

// record looks at a DNS record at every address of every name server that the zone or its parent names, and then through
// the resolver.
func (o *Observer) record(ctx context.Context, p publish.Placement) (publish.Sight, error) {
	addresses, err := o.authorities(ctx, p.Zone)
	if err != nil {
		return publish.Sight{}, err
	}
	sight, err := o.atServers(ctx, addresses, p)
	if err != nil || !sight.Seen {
		return sight, err
	}
	if why := o.atResolver(ctx, p.Record); why != "" {
		sight.Seen, sight.Why = false, why
	}
	return sight, nil
}

// atServers looks at a record at each of the authoritative servers, until one does not show it.
func (o *Observer) atServers(ctx context.Context, addresses []string, p publish.Placement) (publish.Sight, error) {
	sight := publish.Sight{Seen: true}
	reached := false
	for _, address := range addresses {
		one, err := o.atServer(ctx, address, p)
		switch {
		case ctx.Err() != nil:
			return publish.Sight{}, ctx.Err()
		case err != nil && dnscheck.NoRoute(err) && isIPv6(address): // a host without IPv6 sees nothing there, a CA may
			continue
		case err != nil:
			return publish.Sight{Why: err.Error(), NegativeTTL: sight.NegativeTTL}, nil
		}
		reached = true
		sight.NegativeTTL = max(sight.NegativeTTL, one.NegativeTTL)
		if !one.Seen {
			one.NegativeTTL = sight.NegativeTTL
			return one, nil
		}
	}
	if !reached {
		return publish.Sight{Why: "none of the name servers of " + p.Zone + " can be reached from here"}, nil
	}
	return sight, nil
}

// errResolver is wrapped if the resolver has no answer about a zone. That may pass by itself, and it may be the zone's fault.
var errResolver = errors.New("the resolver has no answer (a zone whose DNSSEC is broken looks like this to every CA)")

func isIPv6(address string) bool { return strings.HasPrefix(address, "[") }

// authorities returns the addresses, host:port, of the name servers that the zone itself and its parent name.
func (o *Observer) authorities(ctx context.Context, zone string) ([]string, error) {
	o.mu.Lock()
	known := o.known[zone]
	o.mu.Unlock()
	if len(known) > 0 {
		return known, nil
	}
	all, err := o.findAuthorities(ctx, zone)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[zone] = all
	return all, nil
}

func (o *Observer) findAuthorities(ctx context.Context, zone string) ([]string, error) {
	answer, err := o.resolver.Query(ctx, zone, dns.TypeNS)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errResolver, err)
	}
	names := serversOf(answer.Answer, zone)
	names = append(names, o.delegation(ctx, zone)...)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("no name server of %s is in DNS: the zone is not delegated", zone)
	}
	var all []string
	for _, name := range names[:min(len(names), maxServers)] {
		found, err := o.addresses(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, address := range found {
			if !dnscheck.Public(address) {
				return nil, fmt.Errorf("the name server %s of %s has the address %s, which no CA can reach", name, zone, address)
			}
			all = append(all, net.JoinHostPort(address.String(), dnsPort))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the name servers of %s have no addresses", zone)
	}
	return all[:min(len(all), maxAddresses)], nil
}

// serversOf returns the names of the NS records of the zone, in lower case without a final dot.
func serversOf(records []dns.RR, zone string) []string {
	var names []string
	for _, rr := range records {
		if ns, is := rr.(*dns.NS); is && strings.EqualFold(ns.Hdr.Name, dns.Fqdn(zone)) {
			names = append(names, strings.ToLower(strings.TrimSuffix(ns.Ns, ".")))
		}
	}
	return names
}

// delegation returns the name servers to which the parent zone delegates. A parent that cannot be asked adds none: what it
// would name is most often what the zone names.
func (o *Observer) delegation(ctx context.Context, zone string) []string {
	_, parent, found := strings.Cut(zone, ".")
	if !found {
		return nil
	}
	answer, err := o.resolver.Query(ctx, parent, dns.TypeSOA)
	if err != nil {
		return nil
	}
	apex := apexOf(answer)
	if apex == "" {
		return nil
	}
	servers, err := o.resolver.Query(ctx, apex, dns.TypeNS)
	if err != nil {
		return nil
	}
	for _, name := range serversOf(servers.Answer, apex) {
		addresses, err := o.addresses(ctx, name)
		if err != nil {
			continue
		}
		for _, address := range addresses {
			if !dnscheck.Public(address) {
				continue
			}
			referral, err := o.queryServer(ctx, net.JoinHostPort(address.String(), dnsPort), zone, dns.TypeNS)
			if err == nil && referral.Rcode == dns.RcodeSuccess {
				return append(serversOf(referral.Answer, zone), serversOf(referral.Ns, zone)...)
			}
		}
	}
	return nil
}

// apexOf returns the zone that the answer to a question for SOA is from.
func apexOf(answer *dns.Msg) string {
	for _, rr := range slices.Concat(answer.Answer, answer.Ns) {
		if soa, is := rr.(*dns.SOA); is {
			return strings.ToLower(strings.TrimSuffix(soa.Hdr.Name, "."))
		}
	}
	return ""
}

// addresses returns the addresses of a host, through the resolver. The error wraps errResolver.
func (o *Observer) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := o.resolver.Addresses(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errResolver, err)
	}
	return found, nil
}

// atServer looks at a record at one authoritative server.
func (o *Observer) atServer(ctx context.Context, server string, p publish.Placement) (publish.Sight, error) {
	answer, err := o.queryServer(ctx, server, p.Record.Name, typeOf(p.Record))
	if err != nil {
		return publish.Sight{}, err
	}
	sight := publish.Sight{NegativeTTL: o.negativeTTL(ctx, server, p.Zone)}
	if !answer.Authoritative {
		sight.Why = fmt.Sprintf("the name server %s does not answer for %s (%s)", server, p.Zone, dns.RcodeToString[answer.Rcode])
		return sight, nil
	}
	if gone, err := o.hidden(ctx, server, p); err != nil || gone {
		sight.HostGone, sight.Why = gone, fmt.Sprintf("at the name server %s", server)
		return sight, err
	}
	sight.Why = differs(answer, p.Record, "the name server "+server)
	sight.Seen = sight.Why == ""
	return sight, nil
}

// atResolver returns what the resolver shows instead of the record; empty if it shows the record.
func (o *Observer) atResolver(ctx context.Context, r publish.Record) string {
	answer, err := o.resolver.Query(ctx, r.Name, typeOf(r))
	if err != nil {
		return fmt.Errorf("%w: %w", errResolver, err).Error()
	}
	return differs(answer, r, "the resolver")
}

func typeOf(r publish.Record) uint16 {
	if r.Type == publish.TXT {
		return dns.TypeTXT
	}
	return dns.TypeCNAME
}

// differs returns what an answer shows instead of the record; empty if it shows the record. A name has one CNAME; of TXT
// records another one may stand beside ours.
func differs(answer *dns.Msg, r publish.Record, where string) string {
	values := valuesOf(answer, r)
	if slices.ContainsFunc(values, func(value string) bool { return publish.SameValue(r.Type, value, r.Value) }) {
		return ""
	}
	if len(values) == 0 {
		return fmt.Sprintf("%s has no %s at %s", where, r.Type, r.Name)
	}
	return fmt.Sprintf("%s has %q at %s", where, plaintext.Clip(values[0], 300), r.Name)
}

// valuesOf returns the values of the records of the type at the name.
func valuesOf(answer *dns.Msg, r publish.Record) []string {
	var values []string
	for _, rr := range answer.Answer {
		if !strings.EqualFold(rr.Header().Name, dns.Fqdn(r.Name)) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			values = append(values, strings.TrimSuffix(rr.Target, "."))
		case *dns.TXT:
			values = append(values, strings.Join(rr.Txt, ""))
		}
	}
	return values
}

// hidden reports whether the host above the record has no records of its own and a wildcard that would answer for it: the
// record has taken the host out of DNS (RFC 4592 2.2.2). A wildcard reaches down to the next name with records of its own.
func (o *Observer) hidden(ctx context.Context, server string, p publish.Placement) (bool, error) {
	_, host, _ := strings.Cut(p.Record.Name, ".")
	for _, above := range publish.ParentsOf(host, p.Zone) {
		there, err := o.hasRecords(ctx, server, host)
		if err != nil || there {
			return false, err
		}
		if there, err = o.hasRecords(ctx, server, "*."+above); err != nil || there {
			return there, err
		}
		host = above
	}
	return false, nil
}

// hasRecords reports whether the server has a record at the name of one of the types that a host is reached by.
func (o *Observer) hasRecords(ctx context.Context, server, name string) (bool, error) {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX} {
		answer, err := o.queryServer(ctx, server, name, kind)
		if err != nil {
			return false, err
		}
		if len(answer.Answer) > 0 { // of the type, or the alias that leads to it
			return true, nil
		}
	}
	return false, nil
}

// negativeTTL returns how long resolvers may keep what the zone does not have (RFC 2308 5); 0 if the server does not say.
func (o *Observer) negativeTTL(ctx context.Context, server, zone string) time.Duration {
	answer, err := o.queryServer(ctx, server, zone, dns.TypeSOA)
	if err != nil {
		return 0
	}
	for _, rr := range answer.Answer {
		if soa, is := rr.(*dns.SOA); is {
			return time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
		}
	}
	return 0
}
