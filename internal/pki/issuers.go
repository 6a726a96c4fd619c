package pki

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// chain returns the leaf with its issuers in order, and the warnings about them.
func (b *Bundle) chain(leaf *x509.Certificate, now time.Time) Chain {
	walk := pathFinder{all: b.Certificates, leaf: leaf, now: now, signed: map[[2]*x509.Certificate]bool{}}
	path, rooted := walk.best()
	c := Chain{Leaf: leaf, Intermediates: path[1:]}
	for _, u := range b.Unreadable {
		words := u.String()
		if !rooted && u.outline.intermediate() && bytes.Equal(path[len(path)-1].RawIssuer, u.outline.subject) {
			words += "; it has the name of the chain's next issuer, without which some clients will not accept the certificate"
		}
		c.Warnings = append(c.Warnings, "left out "+words)
	}
	for _, one := range c.Intermediates {
		if flaw := walk.flaw(one); flaw != "" {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the CA certificate %q (serial %x) of the chain %s, and no other path was delivered",
				shownSubject(one.RawSubject), one.SerialNumber, flaw))
		}
	}
	return c
}

// pathFinder searches the best path from a leaf towards a root.
type pathFinder struct {
	all    []*x509.Certificate
	leaf   *x509.Certificate
	now    time.Time
	signed map[[2]*x509.Certificate]bool // whether the second certificate's key signed the first
}

// best returns the path that clients are most likely to accept, the leaf first and without a self-signed root, and
// whether it leads to such a root. The best path has the fewest CA certificates that are expired or not valid yet
// (rules CERT-2), then the fewest that end before the leaf. Among equal paths, a CA's certificate by another CA is
// better than its self-signed one, because clients that do not know that root accept it as well; then the certificate
// that ends last.
func (w *pathFinder) best() (path []*x509.Certificate, rooted bool) {
	path = slices.MaxFunc(w.paths([]*x509.Certificate{w.leaf}), w.compare)
	if endsInRoot(path) {
		return path[:len(path)-1], true
	}
	return path, false
}

// endsInRoot reports whether a path ends with a self-signed root.
func endsInRoot(path []*x509.Certificate) bool {
	return len(path) > 1 && selfSigned(path[len(path)-1])
}

// paths returns all continuations of the path up to a self-signed or missing root. Each certificate names one issuer by
// name and key, so there are at most as many paths as ways to choose one certificate of each CA: a few hundred for
// MaxCertificates.
func (w *pathFinder) paths(path []*x509.Certificate) [][]*x509.Certificate {
	if endsInRoot(path) {
		return [][]*x509.Certificate{path}
	}
	var found [][]*x509.Certificate
	for _, next := range w.issuers(path) {
		found = append(found, w.paths(append(slices.Clip(path), next))...)
	}
	if len(found) == 0 {
		return [][]*x509.Certificate{path}
	}
	return found
}

// issuers returns the certificates of the CA that signed the last certificate of the path. A CA whose name and key the
// path already has is skipped (RFC 4158 2.4.2), because two CAs that signed each other would form an endless path.
func (w *pathFinder) issuers(path []*x509.Certificate) []*x509.Certificate {
	at := path[len(path)-1]
	var found []*x509.Certificate
	for _, c := range w.all {
		if !c.IsCA || !bytes.Equal(at.RawIssuer, c.RawSubject) || oversized(c) {
			continue
		}
		repeated := slices.ContainsFunc(path, func(p *x509.Certificate) bool {
			return bytes.Equal(p.RawSubject, c.RawSubject) && bytes.Equal(p.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo)
		})
		if !repeated && w.isSigned(at, c) {
			found = append(found, c)
		}
	}
	return found
}

func (w *pathFinder) isSigned(child, parent *x509.Certificate) bool {
	pair := [2]*x509.Certificate{child, parent}
	signed, known := w.signed[pair]
	if !known {
		signed = child.CheckSignatureFrom(parent) == nil
		w.signed[pair] = signed
	}
	return signed
}

// compare is positive if a is the better path.
func (w *pathFinder) compare(a, b []*x509.Certificate) int {
	if c := cmp.Or(w.count(b, w.invalid)-w.count(a, w.invalid), w.count(b, w.short)-w.count(a, w.short)); c != 0 {
		return c
	}
	for i := range min(len(a), len(b)) {
		if c := cmp.Or(crossSigned(a[i])-crossSigned(b[i]), a[i].NotAfter.Compare(b[i].NotAfter), bytes.Compare(a[i].Raw, b[i].Raw)); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

// count returns how many certificates of a path have a property, without the leaf and roots, which are not part of the
// chain.
func (w *pathFinder) count(path []*x509.Certificate, has func(*x509.Certificate) bool) int {
	n := 0
	for _, c := range path[1:] {
		if !selfSigned(c) && has(c) {
			n++
		}
	}
	return n
}

// invalid reports whether a CA certificate is expired or not valid yet.
func (w *pathFinder) invalid(c *x509.Certificate) bool {
	return w.now.After(c.NotAfter) || w.now.Before(c.NotBefore)
}

// short reports whether a CA certificate ends before the leaf does.
func (w *pathFinder) short(c *x509.Certificate) bool { return c.NotAfter.Before(w.leaf.NotAfter) }

// flaw returns what is wrong with a CA certificate's dates; empty if nothing is.
func (w *pathFinder) flaw(c *x509.Certificate) string {
	const day = time.DateOnly
	switch {
	case w.now.After(c.NotAfter):
		return "expired on " + c.NotAfter.UTC().Format(day)
	case w.now.Before(c.NotBefore):
		return "is not valid before " + c.NotBefore.UTC().Format(day)
	case w.short(c):
		return fmt.Sprintf("ends on %s, before the leaf (%s)", c.NotAfter.UTC().Format(day), w.leaf.NotAfter.UTC().Format(day))
	}
	return ""
}

// crossSigned returns 1 for a certificate by another CA and 0 for a self-signed one.
func crossSigned(c *x509.Certificate) int {
	if selfSigned(c) {
		return 0
	}
	return 1
}

// oversized reports whether the key is so large that checking a signature would take long; no public CA has such a key.
func oversized(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() > maxRSABits
}
