package doctor

import (
	"context"
	"crypto/md5"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"pmssl/internal/dnscheck"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
)

// zoneOf returns the zone that holds a name, or the finding why that is not known.
func zoneOf(ctx context.Context, resolver *dnscheck.Resolver, name string) (string, *Finding) {
	answer, err := resolver.Query(ctx, name, dns.TypeSOA)
	if err != nil {
		f := failed("check the zone's name servers and its DNSSEC: a zone whose signatures are broken looks like this to every CA", "%s: %v", name, err)
		return "", &f
	}
	for _, rr := range slices.Concat(answer.Answer, answer.Ns) {
		if soa, is := rr.(*dns.SOA); is {
			return strings.ToLower(strings.TrimSuffix(soa.Hdr.Name, ".")), nil
		}
	}
	f := failed("delegate the zone, or correct the name", "%s: no zone in DNS holds it", name)
	return "", &f
}

// maxServers is how many addresses of name servers of a zone are asked.
const maxServers = 12

// checkServers asks each name server of a zone for its serial, and the resolver whether the zone is signed.
func checkServers(ctx context.Context, resolver *dnscheck.Resolver, zone string) []Finding {
	answer, err := resolver.Query(ctx, zone, dns.TypeNS)
	if err != nil {
		return []Finding{failed("check the zone's name servers", "zone %s: %v", zone, err)}
	}
	serials := map[uint32][]string{}
	var silent []string
	asked := 0
	for _, rr := range answer.Answer {
		ns, is := rr.(*dns.NS)
		if !is {
			continue
		}
		host := strings.ToLower(strings.TrimSuffix(ns.Ns, "."))
		addresses, err := resolver.Addresses(ctx, host)
		if err != nil || len(addresses) == 0 {
			silent = append(silent, host+" (no address)")
			continue
		}
		for _, address := range addresses {
			if asked++; asked > maxServers || !dnscheck.Public(address) {
				continue
			}
			serial, err := serialAt(ctx, resolver, net.JoinHostPort(address.String(), "53"), zone)
			if err != nil && dnscheck.NoRoute(err) {
				continue
			}
			if err != nil {
				silent = append(silent, fmt.Sprintf("%s (%s): %v", host, address, err))
				continue
			}
			serials[serial] = append(serials[serial], fmt.Sprintf("%s (%s)", host, address))
		}
	}
	return append(serverFindings(zone, serials, silent), signed(ctx, resolver, zone))
}

// serialAt returns the serial of the zone at one name server.
func serialAt(ctx context.Context, resolver *dnscheck.Resolver, server, zone string) (uint32, error) {
	answer, err := resolver.QueryServer(ctx, server, zone, dns.TypeSOA)
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

func serverFindings(zone string, serials map[uint32][]string, silent []string) []Finding {
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
		return failed("check the zone's DNSSEC and that of its parent", "zone %s: DNSSEC: %v", zone, err)
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
