package internet

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// update carries out a dynamic update (RFC 2136 3) and returns the response code. As a policy `zonesub CNAME TXT` says, only
// these two types may be changed.
func (z *Zone) update(m *dns.Msg) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	sets := z.latest()
	if code := z.prerequisites(sets, m.Answer); code != dns.RcodeSuccess {
		return code
	}
	for _, rr := range m.Ns {
		if !dns.IsSubDomain(z.name, dns.CanonicalName(rr.Header().Name)) {
			return dns.RcodeNotZone
		}
		if kind := rr.Header().Rrtype; kind != dns.TypeCNAME && kind != dns.TypeTXT {
			return dns.RcodeRefused
		}
	}
	sets = sets.clone()
	changed := len(z.changes)
	for _, rr := range m.Ns {
		z.apply(sets, rr)
	}
	if len(z.changes) > changed {
		z.replace(sets)
	}
	return dns.RcodeSuccess
}

// apply changes the sets as one record of the update section says (RFC 2136 3.4.2).
func (z *Zone) apply(sets recordSets, rr dns.RR) {
	name := dns.CanonicalName(rr.Header().Name)
	switch rr.Header().Class {
	case dns.ClassANY:
		for _, old := range sets.ofType(name, rr.Header().Rrtype) {
			sets.remove(old)
			z.record(old, false)
		}
	case dns.ClassNONE:
		if sets.remove(rr) {
			z.record(rr, false)
		}
	default:
		if sets.add(rr) {
			z.record(rr, true)
		}
	}
}

func (z *Zone) record(rr dns.RR, added bool) {
	rr = canonical(rr)
	line := strings.Join(strings.Fields(strings.TrimPrefix(rr.String(), rr.Header().String())), " ")
	z.changes = append(z.changes, Change{At: z.now(), Added: added,
		Record: strings.TrimSuffix(rr.Header().Name, ".") + " " + dns.TypeToString[rr.Header().Rrtype] + " " + line})
}

// prerequisites checks the prerequisite section (RFC 2136 3.2). Names are taken literally: a wildcard does not count.
func (z *Zone) prerequisites(sets recordSets, wanted []dns.RR) int {
	equal := recordSets{}
	for _, rr := range wanted {
		head := rr.Header()
		name := dns.CanonicalName(head.Name)
		if !dns.IsSubDomain(z.name, name) {
			return dns.RcodeNotZone
		}
		there := len(sets.ofType(name, head.Rrtype)) > 0
		switch {
		case head.Class == dns.ClassINET:
			equal[name] = append(equal[name], canonical(rr))
		case head.Class == dns.ClassANY && !there && head.Rrtype == dns.TypeANY:
			return dns.RcodeNameError
		case head.Class == dns.ClassANY && !there:
			return dns.RcodeNXRrset
		case head.Class == dns.ClassNONE && there && head.Rrtype == dns.TypeANY:
			return dns.RcodeYXDomain
		case head.Class == dns.ClassNONE && there:
			return dns.RcodeYXRrset
		}
	}
	for name, set := range equal {
		for _, rr := range set {
			if !sameSet(ofKind(set, rr.Header().Rrtype), sets.ofType(name, rr.Header().Rrtype)) {
				return dns.RcodeNXRrset
			}
		}
	}
	return dns.RcodeSuccess
}

func sameSet(a, b []dns.RR) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(one dns.RR) bool {
		return !slices.ContainsFunc(b, func(other dns.RR) bool { return dns.IsDuplicate(one, other) })
	})
}
