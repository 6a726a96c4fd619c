package doctor

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"

	"pmssl/internal/dnscheck"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

// unanswered returns the finding about a question that got no answer. One whose check had no time left says nothing.
func unanswered(ctx context.Context, mend, format string, args ...any) Finding {
	if ctx.Err() != nil {
		return unchecked("the time of this check was over: "+format, args...)
	}
	return failed(mend, format, args...)
}

// zoneOf returns the zone that holds a name, or the finding why that is not known. The answer for an alias has the zone of its target:
// then the zone of the name above it is asked for.
func zoneOf(ctx context.Context, resolver *dnscheck.Resolver, name string) (string, *Finding) {
	for at := name; at != ""; _, at, _ = strings.Cut(at, ".") {
		answer, err := resolver.Query(ctx, at, dns.TypeSOA)
		if err != nil {
			f := unanswered(ctx, "check the zone's name servers and its DNSSEC: a zone whose signatures are broken looks like this to every CA", "%s: %v", name, err)
			return "", &f
		}
		for _, rr := range slices.Concat(answer.Answer, answer.Ns) {
			if soa, is := rr.(*dns.SOA); is && dns.IsSubDomain(soa.Hdr.Name, dns.Fqdn(at)) {
				return ownZone(name, strings.ToLower(strings.TrimSuffix(soa.Hdr.Name, ".")))
			}
		}
	}
	return ownZone(name, "")
}

// ownZone returns the zone, unless it is one in which domains are registered: then the domain of the name is not delegated.
func ownZone(name, zone string) (string, *Finding) {
	if suffix, registry := publicsuffix.PublicSuffix(name); zone != "" && (!registry || len(zone) > len(suffix)) {
		return zone, nil
	}
	f := failed("have the domain delegated to its name servers, or correct the name", "%s: no zone in DNS holds it", name)
	return "", &f
}

// Limits of what is asked about one zone: a zone has up to 13 name servers, and what its owner writes must not keep doctor busy.
const maxNameServers, maxServers = 13, 24

// nameServer is one public address of a name server.
type nameServer struct{ host, address string }

// String returns the name server for people.
func (n nameServer) String() string { return n.host + " (" + n.address + ")" }

// nameServers returns the public addresses of the name servers of a zone; silent lists those that have no address.
func nameServers(ctx context.Context, resolver *dnscheck.Resolver, zone string) (all []nameServer, silent []string, err error) {
	answer, err := resolver.Query(ctx, zone, dns.TypeNS)
	if err != nil {
		return nil, nil, err
	}
	var hosts []string
	for _, rr := range answer.Answer {
		if ns, is := rr.(*dns.NS); is && len(hosts) < maxNameServers {
			hosts = append(hosts, strings.ToLower(strings.TrimSuffix(ns.Ns, ".")))
		}
	}
	addresses := make([][]netip.Addr, len(hosts))
	var asked parallel.Group
	for i, host := range hosts {
		asked.Go(func() { addresses[i], _ = resolver.Addresses(ctx, host) }) // one without an address is silent
	}
	asked.Wait()
	for i, host := range hosts {
		if len(addresses[i]) == 0 {
			silent = append(silent, host+" (no address)")
		}
		for _, address := range addresses[i] {
			if dnscheck.Public(address) && len(all) < maxServers {
				all = append(all, nameServer{host, address.String()})
			}
		}
	}
	return all, silent, nil
}

// checkServers asks each name server of a zone for its serial, and the resolver whether the zone is signed.
func checkServers(ctx context.Context, resolver *dnscheck.Resolver, zone string) []Finding {
	servers, silent, err := nameServers(ctx, resolver, zone)
	if err != nil {
		return []Finding{unanswered(ctx, "check the zone's name servers", "zone %s: %v", zone, err)}
	}
	serials, failures := make([]uint32, len(servers)), make([]error, len(servers))
	var asked parallel.Group
	for i, server := range servers {
		asked.Go(func() { serials[i], failures[i] = serialAt(ctx, resolver, server, zone) })
	}
	asked.Wait()
	if ctx.Err() != nil {
		return []Finding{unanswered(ctx, "", "zone %s: not every name server was asked", zone)}
	}
	seen, away := map[uint32][]string{}, 0
	for i, server := range servers {
		switch err := failures[i]; {
		case err != nil && dnscheck.NoRoute(err):
			away++
		case err != nil:
			silent = append(silent, fmt.Sprintf("%s: %v", server, err))
		default:
			seen[serials[i]] = append(seen[serials[i]], server.String())
		}
	}
	return append(serverFindings(zone, seen, silent, away), signed(ctx, resolver, zone))
}

// serialAt returns the serial of the zone at one name server.
func serialAt(ctx context.Context, resolver *dnscheck.Resolver, server nameServer, zone string) (uint32, error) {
	answer, err := resolver.QueryServer(ctx, net.JoinHostPort(server.address, "53"), zone, dns.TypeSOA)
	if err != nil {
		return 0, err
	}
	for _, rr := range answer.Answer {
		if soa, is := rr.(*dns.SOA); is && answer.Authoritative {
			return soa.Serial, nil
		}
	}
	return 0, fmt.Errorf("it does not answer for the zone (%s)", dns.RcodeToString[answer.Rcode])
}

// serverFindings returns what the name servers of a zone showed; away is to how many addresses this host has no route.
func serverFindings(zone string, serials map[uint32][]string, silent []string, away int) []Finding {
	var found []Finding
	if len(silent) > 0 {
		found = append(found, failed("repair the name server, or remove it from the zone's NS records and from the delegation: a CA may ask any of them", "zone %s: no answer from %s", zone, some(silent)))
	}
	switch {
	case len(serials) > 1:
		var words []string
		for serial, servers := range serials {
			words = append(words, fmt.Sprintf("%d at %s", serial, strings.Join(servers, ", ")))
		}
		slices.Sort(words)
		found = append(found, warned("wait for the next transfer and run doctor again; if it stays so, check NOTIFY and transfers (AXFR) to the servers behind", "zone %s: different serials: %s", zone, strings.Join(words, "; ")))
	case len(serials) == 0 && away > 0:
		found = append(found, unchecked("zone %s: this host has no route to its name servers", zone))
	case len(serials) == 0 && len(silent) == 0:
		found = append(found, failed("write NS records into the zone and delegate it", "zone %s: no name server with a public address", zone))
	case len(serials) == 1:
		for serial, servers := range serials {
			found = append(found, passed("zone %s: serial %d at %d addresses of name servers", zone, serial, len(servers)))
		}
	}
	return found
}

// signed reports whether the zone is delegated with DNSSEC. That its signatures are good is the resolver's answer to the other
// questions, if it validates.
func signed(ctx context.Context, resolver *dnscheck.Resolver, zone string) Finding {
	answer, err := resolver.Query(ctx, zone, dns.TypeDS)
	if err != nil {
		return unanswered(ctx, "check the zone's DNSSEC and that of its parent", "zone %s: DNSSEC: %v", zone, err)
	}
	for _, rr := range answer.Answer {
		if _, is := rr.(*dns.DS); !is {
			continue
		}
		if answer.AuthenticatedData {
			return passed("zone %s: signed, and the resolver has checked it", zone)
		}
		return passed("zone %s: signed; the resolver does not say that it checks signatures", zone)
	}
	return passed("zone %s: not signed (no DNSSEC)", zone)
}

// challengeSuffixes are the domains that the CNAME records of challenges lead to (docs/reference/unattended.md §1).
func challengeSuffixes() []string { return []string{".sectigo.com.", ".comodoca.com.", ".ssl.com."} }

// waits reports whether the item's order waits at the seller.
func waits(it item.Item) bool {
	status := it.Params[itemparam.ServiceStatus]
	return status == fmt.Sprintf("%d", item.ServiceRequested) || status == fmt.Sprintf("%d", item.ServiceWaiting)
}

// leftChallenge reports a CNAME record for the item's CSR that stands although the module knows of none and the item does not wait:
// it proves nothing any more. The module never removes what it does not know.
func leftChallenge(ctx context.Context, resolver *dnscheck.Resolver, it item.Item, host string) []Finding {
	csr, err := pki.ReadCSR(it.RequestCSR())
	if err != nil || it.Params[itemparam.ChallengesPublished] != "" || waits(it) {
		return nil
	}
	name := fmt.Sprintf("_%x.%s", md5.Sum(csr.DER), host)
	answer, err := resolver.Query(ctx, name, dns.TypeCNAME)
	if err != nil {
		return nil // the other questions say what is wrong with the zone
	}
	for _, rr := range answer.Answer {
		alias, is := rr.(*dns.CNAME)
		if is && slices.ContainsFunc(challengeSuffixes(), func(suffix string) bool { return strings.HasSuffix(strings.ToLower(alias.Target), suffix) }) {
			return []Finding{warned("remove it from the zone by hand if no order waits for it", "a challenge of an earlier order is left: %s CNAME %s", name, alias.Target)}
		}
	}
	return nil
}

// recordStands returns why a published record may still stand; empty if every name server of its zone says that it does not.
func recordStands(ctx context.Context, resolver *dnscheck.Resolver, p publish.Placement) string {
	servers, silent, err := nameServers(ctx, resolver, p.Zone)
	switch {
	case err != nil:
		return fmt.Sprintf("zone %s: %v", p.Zone, err)
	case len(servers) == 0:
		return fmt.Sprintf("zone %s has no name server that could be asked for it", p.Zone)
	case len(silent) > 0:
		return "no answer from " + some(silent)
	}
	failures := make([]error, len(servers))
	var asked parallel.Group
	for i, server := range servers {
		asked.Go(func() { failures[i] = absentAt(ctx, resolver, server, p.Record) })
	}
	asked.Wait()
	away := 0
	for i, err := range failures {
		switch {
		case err != nil && dnscheck.NoRoute(err):
			away++
		case err != nil:
			return fmt.Sprintf("%s: %v", servers[i], err)
		}
	}
	if away == len(servers) {
		return fmt.Sprintf("this host has no route to the name servers of zone %s", p.Zone)
	}
	return ""
}

// absentAt asks one name server for a record that a probe has written. The error says why it may stand there.
func absentAt(ctx context.Context, resolver *dnscheck.Resolver, server nameServer, r publish.Record) error {
	kind := dns.TypeCNAME
	if r.Type == publish.TXT {
		kind = dns.TypeTXT
	}
	answer, err := resolver.QueryServer(ctx, net.JoinHostPort(server.address, "53"), r.Name, kind)
	switch {
	case err != nil:
		return err
	case !answer.Authoritative || answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return fmt.Errorf("it does not answer for %s (%s)", r.Name, dns.RcodeToString[answer.Rcode])
	case slices.ContainsFunc(answer.Answer, func(rr dns.RR) bool { return holds(rr, r) }): // a wildcard answers with another value
		return errors.New("it has the record")
	}
	return nil
}

// holds reports whether a record of DNS has the value of a published one.
func holds(rr dns.RR, r publish.Record) bool {
	switch rr := rr.(type) {
	case *dns.CNAME:
		return publish.SameValue(publish.CNAME, rr.Target, r.Value)
	case *dns.TXT:
		return strings.Join(rr.Txt, "") == r.Value
	}
	return false
}
