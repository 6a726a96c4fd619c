package watch

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"pmssl/internal/pki"
)

// maxHosts is how many host names of a certificate are looked at.
const maxHosts = 10

// Target is the certificate that an item's sites should serve.
type Target struct {
	Leaf *x509.Certificate // in place, as the panel stores it
	// Earlier are the serials that the item's earlier certificates had, lower-case hex.
	Earlier []string
}

// List is the list of revoked certificates (CRL) that a leaf would be on. The zero value means that the leaf names none by http, by
// which alone such lists are published (BR 7.1.2.11.2).
type List struct {
	URL string `json:"url"`
	// Issuer identifies the leaf's issuer by its name and its key: serial numbers, and lists, are one issuer's. 32 hex digits.
	Issuer string `json:"issuer"`
}

// Host returns the host of the URL in lower case; empty if it cannot be read.
func (l List) Host() string {
	at, err := url.Parse(l.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(at.Host)
}

// ListOf returns the list that a leaf names.
func ListOf(leaf *x509.Certificate) List {
	for _, url := range leaf.CRLDistributionPoints {
		if strings.HasPrefix(url, "http://") && len(url) <= maxCRL {
			sum := sha256.Sum256(slices.Concat(leaf.RawIssuer, []byte{0}, leaf.AuthorityKeyId))
			return List{URL: url, Issuer: hex.EncodeToString(sum[:16])}
		}
	}
	return List{}
}

// host is a name to look at.
type host struct {
	name string // A-labels, lower case
	// guessed says that the certificate does not have this very name: under a wildcard there may be no such site, or one with
	// a certificate of its own.
	guessed bool
}

// hosts returns the names to look at: the leaf's own in their order, the common name first, and for a wildcard its parent and the
// parent's www. At most maxHosts.
func (t Target) hosts() []host {
	names := append([]string{t.Leaf.Subject.CommonName}, t.Leaf.DNSNames...)
	var own, guessed []string
	for _, name := range names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		parent, wildcard := strings.CutPrefix(name, "*.")
		switch {
		case !isHost(parent):
		case wildcard:
			guessed = append(guessed, parent, "www."+parent)
		default:
			own = append(own, name)
		}
	}
	var all []host
	for _, name := range slices.Concat(own, guessed) {
		if !slices.ContainsFunc(all, func(h host) bool { return h.name == name }) {
			all = append(all, host{name, !slices.Contains(own, name)})
		}
	}
	return all[:min(len(all), maxHosts)]
}

// isHost reports whether a text has the form of a fully qualified host name in A-labels, and not that of an IP address.
func isHost(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || !strings.Contains(name, ".") {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// compare returns the outcome of serving a certificate, and why if that is not Current. A certificate with the key of the one in
// place is older if it begins earlier (rules WATCH-2).
func (t Target) compare(served *x509.Certificate) (Outcome, string) {
	serial := pki.Serial(served)
	ends := served.NotAfter.UTC().Format(time.DateOnly)
	sameKey := bytes.Equal(served.RawSubjectPublicKeyInfo, t.Leaf.RawSubjectPublicKeyInfo)
	switch {
	case serial == pki.Serial(t.Leaf):
		return Current, ""
	case slices.Contains(t.Earlier, serial):
		return Old, line("serves the earlier certificate " + serial + ", which ends " + ends)
	case sameKey && served.NotBefore.Before(t.Leaf.NotBefore):
		return Old, line("serves certificate " + serial + ", of the same key and issued before this one, which ends " + ends)
	}
	return Other, line("serves certificate " + serial + " of " + issuerOf(served) + ", which ends " + ends)
}

// issuerOf returns the name of a certificate's issuer for people.
func issuerOf(c *x509.Certificate) string {
	for _, name := range append([]string{c.Issuer.CommonName}, c.Issuer.Organization...) {
		if name = line(name); name != "" {
			return name
		}
	}
	return "an issuer without a name"
}
