package cert

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
)

// Chain is a leaf with the certificates that lead from it towards a root.
type Chain struct {
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate // in order, the leaf's issuer first; a self-signed root is not part of it
}

// BuildChain picks the leaf out of certificates in any order (PEM blocks CERTIFICATE and PKCS7) by the CSR's key and puts
// its issuers into order behind it. Where several leaves have that key, as after a reissue with an unchanged CSR, the one
// with the latest notBefore is taken. Certificates that do not belong to the chain are left out; a block that cannot be
// read is an error, because a chain that lost a part on the way must not be stored as if it were whole. Every error is
// a fault of type wrong_certificate.
func BuildChain(blocks []string, csr CSR) (Chain, error) {
	all, err := readCertificates(blocks)
	if err != nil {
		return Chain{}, Faultf(FaultDelivered, "certificate", "what was delivered cannot be used: %w", err)
	}
	ours := slices.DeleteFunc(slices.Clone(all), func(c *x509.Certificate) bool { return !csr.SameKey(c.PublicKey) })
	leaves := slices.DeleteFunc(slices.Clone(ours), func(c *x509.Certificate) bool { return c.IsCA })
	switch {
	case len(ours) == 0:
		return Chain{}, Faultf(FaultDelivered, "certificate", "none of the %d certificates delivered has the key of the order's CSR", len(all))
	case len(leaves) == 0:
		return Chain{}, Faultf(FaultDelivered, "certificate", "the certificate with the key of the order's CSR (serial %x) is a CA's", ours[0].SerialNumber)
	}
	leaf := slices.MaxFunc(leaves, youngest)
	return Chain{Leaf: leaf, Intermediates: issuers(leaf, all)}, nil
}

// NamedChain is BuildChain for a certificate whose CSR is not at hand, one that was bought elsewhere: the leaf is picked by
// the name that the seller gives it, the latest one that covers it; an empty name takes the latest leaf. It has to be
// made for servers. Every error is a fault of type wrong_certificate.
func NamedChain(blocks []string, commonName string) (Chain, error) {
	all, err := readCertificates(blocks)
	if err != nil {
		return Chain{}, Faultf(FaultDelivered, "certificate", "what was delivered cannot be used: %w", err)
	}
	leaves := slices.DeleteFunc(slices.Clone(all), func(c *x509.Certificate) bool {
		covers := func(has string) bool { return Covers(has, commonName) }
		return c.IsCA || !forServers(c) || !c.NotAfter.After(c.NotBefore) || commonName != "" && !slices.ContainsFunc(c.DNSNames, covers)
	})
	if len(leaves) == 0 {
		return Chain{}, Faultf(FaultDelivered, "certificate", "none of the %d certificates delivered is a server's for %q", len(all), clip(ShownName(commonName), 300))
	}
	leaf := slices.MaxFunc(leaves, youngest)
	return Chain{Leaf: leaf, Intermediates: issuers(leaf, all)}, nil
}

// youngest orders certificates by notBefore, then notAfter, then bytes, so that the order of delivery decides nothing.
func youngest(a, b *x509.Certificate) int {
	return cmp.Or(a.NotBefore.Compare(b.NotBefore), a.NotAfter.Compare(b.NotAfter), bytes.Compare(a.Raw, b.Raw))
}

// issuers walks from the leaf upwards by signature, up to a self-signed or missing root (design rule 7). The root itself
// is in every browser already and is left out.
func issuers(leaf *x509.Certificate, all []*x509.Certificate) []*x509.Certificate {
	path := []*x509.Certificate{leaf}
	for {
		next := issuer(path, all)
		if next == nil || selfSigned(next) {
			return path[1:]
		}
		path = append(path, next)
	}
}

// issuer finds who signed the last certificate of the path; nil where nobody did. A CA may come with several certificates
// (cross-signed): a certificate issued by another CA is preferred to the self-signed one, because it also serves
// clients that do not know that root yet, and then the one that lives longest. A CA whose name and key the path has already
// is not taken again (RFC 4158 2.4.2): two CAs that signed each other would go on for ever.
func issuer(path, all []*x509.Certificate) *x509.Certificate {
	at := path[len(path)-1]
	var found []*x509.Certificate
	for _, c := range all {
		if !c.IsCA || !bytes.Equal(at.RawIssuer, c.RawSubject) || oversized(c) {
			continue
		}
		repeated := slices.ContainsFunc(path, func(p *x509.Certificate) bool {
			return bytes.Equal(p.RawSubject, c.RawSubject) && bytes.Equal(p.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo)
		})
		if !repeated && at.CheckSignatureFrom(c) == nil {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MaxFunc(found, func(a, b *x509.Certificate) int {
		return cmp.Or(foreign(a)-foreign(b), a.NotAfter.Compare(b.NotAfter), bytes.Compare(a.Raw, b.Raw))
	})
}

func foreign(c *x509.Certificate) int {
	if selfSigned(c) {
		return 0
	}
	return 1
}

// selfSigned tells a root from a CA that signed a new key of its own under its own name. The key identifiers decide, not the
// signature: many roots are signed with SHA-1, which is not verified any more and does not matter in a root.
func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) &&
		(len(c.AuthorityKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId))
}

// oversized keys make checking a signature slow enough to hold a process up; no public CA has one.
func oversized(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() > maxRSABits
}

// Check holds the chain against the order (design rule 7): the CSR's key, its common name and every further name covered,
// usable for servers, not a CA's. Whether the serial is new is for the caller to say. Faults are of type wrong_certificate.
func (c Chain) Check(csr CSR, names []string) error {
	fail := func(format string, args ...any) error {
		return Faultf(FaultDelivered, "certificate", "the leaf (serial %s) "+format, append([]any{c.Serial()}, args...)...)
	}
	if !csr.SameKey(c.Leaf.PublicKey) {
		return fail("has another key than the order's CSR")
	}
	if c.Leaf.IsCA {
		return fail("is a CA's certificate")
	}
	for _, name := range append([]string{csr.CommonName}, names...) {
		if !slices.ContainsFunc(c.Leaf.DNSNames, func(has string) bool { return Covers(has, name) }) {
			return fail("does not cover %s, it covers %s", ShownName(name), clip(ShownNames(c.Leaf.DNSNames), 500))
		}
	}
	if !forServers(c.Leaf) {
		return fail("is not made for servers: its extended key usage lacks serverAuth (BR 7.1.2.7.10)")
	}
	if !c.Leaf.NotAfter.After(c.Leaf.NotBefore) {
		return fail("ends before it begins")
	}
	return nil
}

// forServers is RFC 5280 4.2.1.12: a certificate without the extension is good for anything.
func forServers(leaf *x509.Certificate) bool {
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// Serial is the leaf's serial number in lower-case hex without leading zeros (contract 1).
func (c Chain) Serial() string { return fmt.Sprintf("%x", c.Leaf.SerialNumber) }

// Ends is the UTC date of the leaf's notAfter.
func (c Chain) Ends() cabforum.Date { return cabforum.DateOf(c.Leaf.NotAfter) }

// OverCap says in words that the leaf lives longer than the Forum allows, and is empty where it does not. Such a
// certificate is stored all the same (validity page B3.3).
func (c Chain) OverCap() string {
	last := cabforum.LastNotAfter(c.Leaf.NotBefore)
	if !c.Leaf.NotAfter.After(last) {
		return ""
	}
	const stamp = "2006-01-02 15:04:05"
	return fmt.Sprintf("ends at %s UTC, the Baseline Requirements allow %d days for a certificate that begins on %s: until %s UTC",
		c.Leaf.NotAfter.UTC().Format(stamp), cabforum.Cap(c.Leaf.NotBefore), cabforum.DateOf(c.Leaf.NotBefore), last.UTC().Format(stamp))
}

// PEM is the leaf and then its chain, as servers want them.
func (c Chain) PEM() string {
	var out strings.Builder
	for _, one := range c.all() {
		out.WriteString(encodePEM(one))
	}
	return out.String()
}

func (c Chain) all() []*x509.Certificate {
	return append([]*x509.Certificate{c.Leaf}, c.Intermediates...)
}
