package pki

import (
	"crypto/x509"
	"slices"
	"strings"
)

// CAADomains returns the issuer domain names by which CAA records allow the CA that has issued a certificate (RFC 8659 4.2), the usual one
// first; none if the CA is not known here. It is known by the organisation in the issuer's name, which says nothing of trust.
func CAADomains(leaf *x509.Certificate) []string {
	for _, organisation := range leaf.Issuer.Organization {
		for _, ca := range knownCAs() {
			if slices.Contains(ca.organisations, strings.ToLower(strings.TrimSpace(organisation))) {
				return ca.domains
			}
		}
	}
	return nil
}

// knownCA is a CA with the organisations of its intermediates, in lower case, and the issuer domain names of its certification practice
// statement.
type knownCA struct{ organisations, domains []string }

func knownCAs() []knownCA {
	return []knownCA{
		{[]string{"ssl corporation", "ssl corp"}, []string{"ssl.com"}},
		{[]string{"sectigo limited", "comodo ca limited", "the usertrust network"}, []string{"sectigo.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"}},
		{[]string{"digicert inc", "digicert, inc."}, []string{"digicert.com", "symantec.com", "geotrust.com", "rapidssl.com", "thawte.com"}},
		{[]string{"globalsign nv-sa"}, []string{"globalsign.com"}},
		{[]string{"let's encrypt"}, []string{"letsencrypt.org"}},
	}
}
