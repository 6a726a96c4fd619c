package issuance

import (
	"slices"
	"strings"
)

// ValidationDomain returns the name at which control of a domain is proved: of a wildcard, the name
// behind "*.". It is in lower case.
func ValidationDomain(domain string) string {
	return strings.ToLower(strings.TrimPrefix(domain, "*."))
}

// Mailboxes returns the five addresses of BR 3.2.2.4.4 at the domain and at each domain above it,
// up to the registrable one.
func Mailboxes(domain string) []string {
	var addresses []string
	for _, name := range upTo(domain) {
		for _, mailbox := range []string{"admin", "administrator", "hostmaster", "postmaster", "webmaster"} {
			addresses = append(addresses, mailbox+"@"+name)
		}
	}
	return addresses
}

// Registrable returns the registrable domain above a name: one label below a public suffix.
func Registrable(domain string) string {
	names := upTo(domain)
	return names[len(names)-1]
}

// upTo returns the domain and those above it; the registrable domain is the last one.
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

// isPublicSuffix reports whether a name is a top-level domain or a common second-level suffix such
// as co.uk; a stand-in needs no more.
func isPublicSuffix(name string) bool {
	second, top, nested := strings.Cut(name, ".")
	if !nested {
		return true
	}
	return len(top) == 2 && slices.Contains([]string{"co", "com", "net", "org", "gov", "ac", "edu"}, second)
}

// AltNames returns the subject alternative names of a leaf, the common name first. With single, the
// leaf of a single-domain product also covers the name with and without "www.", that of a wildcard
// its bare domain.
func AltNames(names []string, single bool) []string {
	if !single {
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
