package issuance

import (
	"crypto/x509/pkix"
	"slices"
	"strings"
)

// ValidationDomain is the name that a proof is about: a wildcard is proved by its
// bare domain.
func ValidationDomain(domain string) string {
	return strings.ToLower(strings.TrimPrefix(domain, "*."))
}

// Mailboxes are the five addresses of BR 3.2.2.4.4 at the domain and at each
// domain above it, up to the one that can be registered.
func Mailboxes(domain string) []string {
	var addresses []string
	for _, name := range upTo(domain) {
		for _, mailbox := range []string{"admin", "administrator", "hostmaster", "postmaster", "webmaster"} {
			addresses = append(addresses, mailbox+"@"+name)
		}
	}
	return addresses
}

// Registrable is the domain that a registry sells, under which the name lies.
func Registrable(domain string) string {
	names := upTo(domain)
	return names[len(names)-1]
}

// upTo is the domain and those above it, the registrable one last.
func upTo(domain string) []string {
	names := []string{ValidationDomain(domain)}
	for {
		_, parent, _ := strings.Cut(names[len(names)-1], ".")
		if isPublicSuffix(parent) {
			return names
		}
		names = append(names, parent)
	}
}

// isPublicSuffix knows top-level domains and the common second-level ones; a
// stand-in needs no more.
func isPublicSuffix(name string) bool {
	second, top, nested := strings.Cut(name, ".")
	if !nested {
		return true
	}
	return len(top) == 2 && slices.Contains([]string{"co", "com", "net", "org", "gov", "ac", "edu"}, second)
}

// AltNames are the subject alternative names of a leaf for names, the common
// name first. A single-domain product (alone) covers the name with and without
// "www.", a wildcard its bare domain.
func AltNames(names []string, alone bool) []string {
	if !alone {
		return names
	}
	commonName := names[0]
	if bare, ok := strings.CutPrefix(commonName, "*."); ok {
		return append(names, bare)
	}
	if bare, ok := strings.CutPrefix(commonName, "www."); ok && strings.Contains(bare, ".") {
		return append(names, bare)
	}
	return append(names, "www."+commonName)
}

// Subject holds the common name only for domain validation (BR 7.1.2.7.2), for
// others the organisation, if there is one, and the request's countries.
func Subject(level, commonName, organization string, request Request) pkix.Name {
	name := pkix.Name{CommonName: commonName}
	if len(name.CommonName) > 64 { // RFC 5280 appendix A, ub-common-name
		name.CommonName = ""
	}
	if level != "dv" {
		name.Country = request.Subject.Country
		if organization != "" {
			name.Organization = []string{organization}
		}
	}
	return name
}
