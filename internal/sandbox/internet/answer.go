package internet

import (
	"strings"

	"github.com/miekg/dns"
)

// maxAliases bounds the aliases that one answer follows.
const maxAliases = 8

// reply fills in the answer of a zone to a question (RFC 1034 4.3.2).
func (s recordSets) reply(apex, name string, kind uint16, to *dns.Msg) {
	to.Authoritative = true
	for range maxAliases {
		if cut := s.delegation(apex, name, kind); cut != "" {
			s.refer(cut, to)
			return
		}
		records, exists := s.lookUp(apex, name)
		if !exists {
			if len(to.Answer) == 0 {
				to.Rcode = dns.RcodeNameError
			}
			s.deny(apex, to)
			return
		}
		found := ofKind(records, kind)
		if len(found) > 0 {
			to.Answer = append(to.Answer, found...)
			return
		}
		aliases := ofKind(records, dns.TypeCNAME)
		if len(aliases) == 0 {
			s.deny(apex, to)
			return
		}
		to.Answer = append(to.Answer, aliases[0])
		if name = dns.CanonicalName(aliases[0].(*dns.CNAME).Target); !dns.IsSubDomain(apex, name) {
			return
		}
	}
}

// delegation returns the name between apex and name at which the zone is cut; empty if it is not.
func (s recordSets) delegation(apex, name string, kind uint16) string {
	labels := dns.SplitDomainName(name)
	for i := len(labels) - dns.CountLabel(apex) - 1; i >= 0; i-- {
		cut := dns.Fqdn(strings.Join(labels[i:], "."))
		if len(s.ofType(cut, dns.TypeNS)) > 0 && !(cut == name && kind == dns.TypeDS) {
			return cut
		}
	}
	return ""
}

// refer fills in a referral to the servers of a delegated zone, with their addresses as far as the zone has them.
func (s recordSets) refer(cut string, to *dns.Msg) {
	to.Authoritative = len(to.Answer) > 0
	to.Ns = s.ofType(cut, dns.TypeNS)
	for _, rr := range to.Ns {
		server := dns.CanonicalName(rr.(*dns.NS).Ns)
		to.Extra = append(to.Extra, s.ofType(server, dns.TypeA)...)
		to.Extra = append(to.Extra, s.ofType(server, dns.TypeAAAA)...)
	}
}

// deny fills in the SOA record that says for how long the absence may be kept (RFC 2308).
func (s recordSets) deny(apex string, to *dns.Msg) { to.Ns = s.ofType(apex, dns.TypeSOA) }

// lookUp returns the records at a name, those of a wildcard under the name that was asked for (RFC 4592), and reports
// whether the name exists.
func (s recordSets) lookUp(apex, name string) (records []dns.RR, exists bool) {
	if records, exists = s[name]; exists || s.hasBelow(name) {
		return records, true
	}
	for above := name; above != apex; {
		_, above, _ = strings.Cut(above, ".")
		if above == "" {
			above = "."
		}
		if _, there := s[above]; !there && !s.hasBelow(above) && above != apex {
			continue
		}
		wildcard, there := s["*."+strings.TrimPrefix(above, ".")]
		for _, rr := range wildcard {
			rr = dns.Copy(rr)
			rr.Header().Name = name
			records = append(records, rr)
		}
		return records, there
	}
	return nil, false
}

// hasBelow reports whether a name stands below this one.
func (s recordSets) hasBelow(name string) bool {
	for other := range s {
		if other != name && dns.IsSubDomain(name, other) {
			return true
		}
	}
	return false
}

func ofKind(records []dns.RR, kind uint16) []dns.RR {
	var found []dns.RR
	for _, rr := range records {
		if rr.Header().Rrtype == kind || kind == dns.TypeANY {
			found = append(found, rr)
		}
	}
	return found
}
