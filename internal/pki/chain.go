package pki

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// Chain is a leaf with the certificates from it towards a root.
type Chain struct {
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate // in order, the leaf's issuer first; a self-signed root is not part of it
	// Warnings are for the log: unreadable blocks, and CA certificates of the chain that clients will not accept.
	Warnings []string
}

// BuildChain finds the leaf with the CSR's key among certificates in any order (PEM blocks CERTIFICATE and PKCS7) and
// orders its issuers. If several leaves have that key, as after a reissue with the same CSR, it returns the one with
// the latest notBefore. Other certificates are left out. An unreadable block does not affect the others; Warnings name
// it. now decides which CA certificates have expired. Every error is a fault of type wrong_certificate. errors.Is(err,
// ErrNoCertificate) reports whether nothing was delivered; otherwise the order's certificate is missing among the
// delivered ones or unreadable.
func BuildChain(blocks []string, csr CSR, now time.Time) (Chain, error) {
	bundle, err := ReadBundle(blocks)
	if err != nil {
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "what was delivered cannot be used: %w", err)
	}
	own := slices.DeleteFunc(slices.Clone(bundle.Certificates), func(c *x509.Certificate) bool { return !csr.SameKey(c.PublicKey) })
	leaves := slices.DeleteFunc(slices.Clone(own), func(c *x509.Certificate) bool { return c.IsCA })
	switch unreadable, found := bundle.unreadableOf(csr); {
	case len(leaves) == 0 && found:
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "the certificate for the order's CSR was delivered and cannot be read: %s", unreadable)
	case len(own) == 0:
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "none of the %d certificates delivered has the key of the order's CSR%s",
			len(bundle.Certificates), bundle.unreadableWords())
	case len(leaves) == 0:
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "the certificate with the key of the order's CSR (serial %x) is a CA certificate%s",
			own[0].SerialNumber, bundle.unreadableWords())
	}
	return bundle.chain(slices.MaxFunc(leaves, compareAge), now), nil
}

// unreadableOf returns an unreadable block that holds a certificate for the CSR's key.
func (b *Bundle) unreadableOf(csr CSR) (Unreadable, bool) {
	key, err := x509.MarshalPKIXPublicKey(csr.PublicKey)
	if err != nil {
		return Unreadable{}, false
	}
	at := slices.IndexFunc(b.Unreadable, func(u Unreadable) bool { return bytes.Equal(u.outline.key, key) })
	if at < 0 {
		return Unreadable{}, false
	}
	return b.Unreadable[at], true
}

// NamedChain is BuildChain for a certificate whose CSR is not known because it was bought elsewhere: the leaf is the
// latest one that covers the common name that the seller shows, or the latest leaf if that name is empty. It must be
// usable for servers. Errors are those of BuildChain.
func NamedChain(blocks []string, commonName string, now time.Time) (Chain, error) {
	bundle, err := ReadBundle(blocks)
	if err != nil {
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "what was delivered cannot be used: %w", err)
	}
	leaves := slices.DeleteFunc(slices.Clone(bundle.Certificates), func(c *x509.Certificate) bool {
		covers := func(has string) bool { return Covers(has, commonName) }
		return c.IsCA || !forServers(c) || !c.NotAfter.After(c.NotBefore) || commonName != "" && !slices.ContainsFunc(c.DNSNames, covers)
	})
	if len(leaves) == 0 {
		return Chain{}, fault.Errorf(fault.Delivered, "certificate", "none of the %d certificates delivered is a server certificate for %q%s",
			len(bundle.Certificates), plaintext.Clip(DisplayName(commonName), 300), bundle.unreadableWords())
	}
	return bundle.chain(slices.MaxFunc(leaves, compareAge), now), nil
}

// compareAge compares certificates by notBefore, then notAfter, then their bytes, so that the result does not depend on
// the order of delivery. A later one is greater.
func compareAge(a, b *x509.Certificate) int {
	return cmp.Or(a.NotBefore.Compare(b.NotBefore), a.NotAfter.Compare(b.NotAfter), bytes.Compare(a.Raw, b.Raw))
}

// selfSigned reports whether a certificate is a root and not a CA's new key certified under the same name. It compares
// the key identifiers, not the signature: many roots are signed with SHA-1, which crypto/x509 does not verify and which
// does not matter for a root.
func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) &&
		(len(c.AuthorityKeyId) == 0 || bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId))
}

// Check checks the chain against the order (rules ARCH-7): the leaf has the CSR's key, covers its common name and all
// further names, is usable for servers and is not a CA certificate. The caller must check that the serial number is
// new. Faults are of type wrong_certificate.
func (c Chain) Check(csr CSR, names []string) error {
	fail := func(format string, args ...any) error {
		return fault.Errorf(fault.Delivered, "certificate", "the leaf (serial %s) "+format, append([]any{c.Serial()}, args...)...)
	}
	if !csr.SameKey(c.Leaf.PublicKey) {
		return fail("has another key than the order's CSR")
	}
	if c.Leaf.IsCA {
		return fail("is a CA certificate")
	}
	for _, name := range append([]string{csr.CommonName}, names...) {
		if !slices.ContainsFunc(c.Leaf.DNSNames, func(has string) bool { return Covers(has, name) }) {
			return fail("does not cover %s, it covers %s", DisplayName(name), plaintext.Clip(DisplayNames(c.Leaf.DNSNames), 500))
		}
	}
	if !forServers(c.Leaf) {
		return fail("is not for servers: its extended key usage lacks serverAuth (BR 7.1.2.7.10)")
	}
	if !c.Leaf.NotAfter.After(c.Leaf.NotBefore) {
		return fail("ends before it begins")
	}
	return nil
}

// forServers reports whether a certificate may be used for servers. Without the extension it may be used for anything
// (RFC 5280 4.2.1.12).
func forServers(leaf *x509.Certificate) bool {
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// Serial returns the leaf's serial number in lower-case hex without leading zeros (rules PARAM-7).
func (c Chain) Serial() string { return Serial(c.Leaf) }

// Serial returns a certificate's serial number in lower-case hex without leading zeros (rules PARAM-7).
func Serial(c *x509.Certificate) string { return fmt.Sprintf("%x", c.SerialNumber) }

// Ends returns the UTC date of the leaf's notAfter.
func (c Chain) Ends() cabforum.Date { return cabforum.DateOf(c.Leaf.NotAfter) }

// OverCap returns a text if the leaf is valid longer than the Forum allows; empty if it is not. Such a certificate is
// stored nevertheless (docs/reference/validity.md §B3.3).
func (c Chain) OverCap() string {
	last := cabforum.LastNotAfter(c.Leaf.NotBefore)
	if !c.Leaf.NotAfter.After(last) {
		return ""
	}
	const stamp = "2006-01-02 15:04:05"
	return fmt.Sprintf("ends at %s UTC; the Baseline Requirements allow %d days for a certificate that begins on %s, until %s UTC",
		c.Leaf.NotAfter.UTC().Format(stamp), cabforum.Cap(c.Leaf.NotBefore), cabforum.DateOf(c.Leaf.NotBefore), last.UTC().Format(stamp))
}

// PEM returns the leaf and then its issuers, in the order for servers.
func (c Chain) PEM() string {
	var out strings.Builder
	for _, one := range c.all() {
		out.WriteString(encodePEM(one))
	}
	return out.String()
}

// LeafPEM returns the leaf alone, ChainPEM its issuers; empty if there are none.
func (c Chain) LeafPEM() string  { return encodePEM(c.Leaf) }
func (c Chain) ChainPEM() string { return strings.TrimPrefix(c.PEM(), c.LeafPEM()) }

func (c Chain) all() []*x509.Certificate {
	return append([]*x509.Certificate{c.Leaf}, c.Intermediates...)
}
