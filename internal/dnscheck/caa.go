package dnscheck

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxAlias is the number of CNAMEs of one answer that are followed; resolvers follow fewer.
const maxAlias = 16

// critical is the flag of a CAA property that a CA must understand (RFC 8659 4.1, bit 0 of the octet).
const critical = 1 << 7

// authorizations returns the CAA records in an answer for the name, or for the target of its CNAMEs. Other records in the
// answer are ignored.
func authorizations(answer *dns.Msg, name string) []*dns.CAA {
	owner := target(answer, name)
	var records []*dns.CAA
	for _, record := range answer.Answer {
		if caa, ok := record.(*dns.CAA); ok && caa.Hdr.Class == dns.ClassINET && dns.CanonicalName(caa.Hdr.Name) == owner {
			records = append(records, caa)
		}
	}
	return records
}

// target returns the last target of the CNAMEs in an answer for the name, the name itself if there are none; fully qualified
// and in lower case.
func target(answer *dns.Msg, name string) string {
	alias := map[string]string{}
	for _, record := range answer.Answer {
		if cname, ok := record.(*dns.CNAME); ok {
			alias[dns.CanonicalName(cname.Hdr.Name)] = dns.CanonicalName(cname.Target)
		}
	}
	owner := dns.CanonicalName(name)
	for range maxAlias {
		next, ok := alias[owner]
		if !ok {
			break
		}
		owner = next
	}
	return owner
}

// hasOwner reports whether the answer has any record for the name itself.
func hasOwner(answer *dns.Msg, name string) bool {
	return slices.ContainsFunc(answer.Answer, func(record dns.RR) bool {
		return dns.CanonicalName(record.Header().Name) == dns.CanonicalName(name)
	})
}

// Authorization is what the CAA records for a name say.
type Authorization struct {
	// Allowed are the issuer domain names of the CAs that may issue: in lower case and the order of the records, without parameters.
	// Restricted is false if no record restricts who issues; restricted without any issuer means that no CA may issue.
	Allowed    []string
	Restricted bool
	// Domain is the name at which the records were found: the name itself or the closest parent that has any. Owner is the name whose
	// records they are: that of Domain, or the target of its CNAMEs. Both are A-labels in lower case; empty if there are no records.
	Domain, Owner string
	// Property is the one that restricts: issue or issuewild, or the critical one that no CA understands, which forbids all (RFC 8659
	// 4.5); empty if none does.
	Property string
}

// Forbidden reports whether a critical property that no CA understands keeps all of them from issuing.
func (a Authorization) Forbidden() bool {
	return a.Restricted && a.Property != issue && a.Property != issueWild
}

// Names of the properties that restrict who issues.
const issue, issueWild = "issue", "issuewild"

// evaluate returns what one CAA record set says of the name or, with wildcard, of `*.name` (RFC 8659 4).
func evaluate(records []*dns.CAA, wildcard bool) Authorization {
	byTag := map[string][]string{}
	for _, record := range records {
		tag := strings.ToLower(record.Tag)
		if record.Flag&critical != 0 && !understood(tag) {
			return Authorization{Restricted: true, Property: tag} // 4.5: a CA that does not know the property must not issue
		}
		byTag[tag] = append(byTag[tag], record.Value)
	}
	var a Authorization
	property := issue
	if _, found := byTag[issueWild]; wildcard && found { // 4.3: replaces issue
		property = issueWild
	}
	values, restricts := byTag[property]
	if !restricts {
		return a
	}
	a.Restricted, a.Property = true, property
	for _, value := range values {
		if issuer := issuerOf(value); issuer != "" && !slices.Contains(a.Allowed, issuer) {
			a.Allowed = append(a.Allowed, issuer)
		}
	}
	return a
}

// understood reports whether CAs of web site certificates know the property: RFC 8659 4.2 to 4.4, BR 3.2.2.4.13 to .15
// (contacts) and RFC 9495 (mail).
func understood(tag string) bool {
	switch tag {
	case "issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail":
		return true
	}
	return false
}

// issuerOf returns the issuer domain name of an issue or issuewild property in lower case, without its parameters. It returns
// an empty name if the property has none or breaks the syntax of RFC 8659 4.2; both allow no CA.
func issuerOf(value string) string {
	name, _, _ := strings.Cut(value, ";")
	name = strings.ToLower(strings.Trim(name, " \t"))
	if len(name) > 253 {
		return ""
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return ""
		}
	}
	return name
}

// isLabel reports whether a label matches `(ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))`.
func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(label, isForeign)
}

// isForeign reports whether a label in lower case cannot contain the rune.
func isForeign(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
}
