package dnsupdate

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

// change is a record to be written or removed.
type change struct {
	zone   string
	record publish.Record
	host   string // that the record is a challenge for
	kind   uint16 // the record's type on the wire
}

// newChange returns the change of a record that Record.CheckDNS has found to be right.
func newChange(zone string, r publish.Record) change {
	return change{zone: zone, record: r, host: r.HostIn(zone), kind: dns.StringToType[string(r.Type)]}
}

// rr returns the record as it is sent.
func (c change) rr() dns.RR {
	header := dns.RR_Header{Name: dns.Fqdn(c.record.Name), Rrtype: c.kind, Class: dns.ClassINET, Ttl: uint32(c.record.TTL)}
	if c.kind == dns.TypeCNAME {
		return &dns.CNAME{Hdr: header, Target: dns.Fqdn(c.record.Value)}
	}
	return &dns.TXT{Hdr: header, Txt: []string{c.record.Value}}
}

// standing returns the records of the change's type at its name from an answer. ErrConflict says that the name does not belong
// to the zone: it lies below a delegation or a DNAME record, where servers take records and never show them.
func (c change) standing(answer *dns.Msg) ([]dns.RR, error) {
	if !answer.Authoritative {
		return nil, fmt.Errorf("%w: the server has no authority for %s, which lies below a delegation (NS records)", publish.ErrConflict, c.record.Name)
	}
	var standing []dns.RR
	for _, rr := range answer.Answer {
		switch header := rr.Header(); {
		case header.Rrtype == dns.TypeDNAME:
			return nil, fmt.Errorf("%w: a DNAME record at %s leads everything below it elsewhere", publish.ErrConflict, plaintext.Line(header.Name))
		case header.Rrtype == c.kind && strings.EqualFold(header.Name, dns.Fqdn(c.record.Name)):
			standing = append(standing, rr)
		}
	}
	return standing, nil
}

// is reports whether a record of the zone has this value.
func (c change) is(rr dns.RR, value string) bool {
	return publish.SameValue(c.record.Type, value, valueOf(rr))
}

// ours returns the records that have the change's value.
func (c change) ours(standing []dns.RR) []dns.RR {
	var found []dns.RR
	for _, rr := range standing {
		if c.is(rr, c.record.Value) {
			found = append(found, rr)
		}
	}
	return found
}

// isAlone reports whether the change's record stands there and no other of its kind.
func (c change) isAlone(standing []dns.RR) bool {
	return len(standing) == 1 && c.is(standing[0], c.record.Value)
}

// replaceable reports whether all records there are the module's own: have the value of the change or one of the old ones.
func (c change) replaceable(standing []dns.RR, old []string) bool {
	for _, rr := range standing {
		known := c.is(rr, c.record.Value)
		for _, value := range old {
			known = known || c.is(rr, value)
		}
		if !known {
			return false
		}
	}
	return len(standing) > 0
}

// valueOf returns a CNAME's target or a TXT record's text. Characters that Record.CheckDNS refuses are escaped in the text,
// so it is not equal to any value of ours then.
func valueOf(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.CNAME:
		return rr.Target
	case *dns.TXT:
		return strings.Join(rr.Txt, "")
	}
	return ""
}

// used is the prerequisite that the name is in use (RFC 2136 2.4.4).
func used(name string) []dns.RR { return []dns.RR{inUse(name, dns.ClassANY)} }

// unused is the prerequisite that none of the names is in use (RFC 2136 2.4.5).
func unused(names ...string) []dns.RR {
	var all []dns.RR
	for _, name := range names {
		all = append(all, inUse(name, dns.ClassNONE))
	}
	return all
}

func inUse(name string, class uint16) dns.RR {
	return &dns.ANY{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeANY, Class: class}}
}

// equals is the prerequisite that the record set is exactly this one (RFC 2136 2.4.2).
func equals(set []dns.RR) []dns.RR { return withClass(set, dns.ClassINET) }

// removals removes exactly these records (RFC 2136 2.5.4).
func removals(set []dns.RR) []dns.RR { return withClass(set, dns.ClassNONE) }

func withClass(set []dns.RR, class uint16) []dns.RR {
	all := make([]dns.RR, 0, len(set))
	for _, rr := range set {
		rr = dns.Copy(rr)
		rr.Header().Class, rr.Header().Ttl = class, 0
		all = append(all, rr)
	}
	return all
}

// foreign reports whether an answer says that the server has no zone with the name: BIND signs this REFUSED, Knot does not. Any
// other answer than one with authority says nothing of that: a zone that the server cannot load now still has its records.
func foreign(answer *dns.Msg) bool {
	return answer.Rcode == dns.RcodeRefused || !answer.Authoritative && (answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeNameError)
}

// led reports whether the answer leads to another name.
func led(answer *dns.Msg) bool {
	for _, rr := range answer.Answer {
		if t := rr.Header().Rrtype; t == dns.TypeCNAME || t == dns.TypeDNAME {
			return true
		}
	}
	return false
}

// apex returns the zone in an answer to a question for a name's SOA record: the record stands among the answers if the name
// is a zone's, beside them if the name lies in the zone (RFC 2308 2). "" if there is none that can hold the name.
func apex(answer *dns.Msg, name string) string {
	for _, section := range [][]dns.RR{answer.Answer, answer.Ns} {
		for _, rr := range section {
			zone := strings.ToLower(strings.TrimSuffix(rr.Header().Name, "."))
			if rr.Header().Rrtype == dns.TypeSOA && publish.IsHostName(zone) && (zone == name || publish.Below(name, zone)) {
				return zone
			}
		}
	}
	return ""
}
