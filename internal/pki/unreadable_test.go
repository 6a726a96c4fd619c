package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

func certBlock(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// negativeRoot returns a CA's certificate with a negative serial number, which OpenSSL reads and crypto/x509 does not.
func negativeRoot(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/negative-serial-root.pem")
	require.NoError(t, err)
	return string(text)
}

// negative returns the certificate with a negative serial number instead of its own of three bytes, which makes its signature
// invalid.
func negative(t testing.TB, c *x509.Certificate) []byte {
	t.Helper()
	own := []byte{0x02, 0x04, 0x00, 0xc0, 0xff, 0xee}
	require.Equal(t, 1, bytes.Count(c.Raw, own))
	return bytes.Replace(c.Raw, own, []byte{0x02, 0x04, 0xc0, 0xc0, 0xff, 0xee}, 1)
}

// An unreadable block does not affect the leaf and the verified chain; a warning names it.
func TestUnreadableBlockDoesNotStopTheRest(t *testing.T) {
	h := newTestCA(t)
	whole := []string{"Test DV CA 1", "Test Upper CA"}
	leaf, lower, upper := pkitest.PEM(h.leaf), pkitest.PEM(h.lower.Cert), pkitest.PEM(h.upper.Cert)
	printable := bytes.Replace(h.root.Sub(t, "ca example").Cert.Raw, []byte("ca example"), []byte("ca@example"), 1)
	require.NotEqual(t, 0, bytes.Count(printable, []byte("ca@example")))
	lostIssuer := h.root.Sub(t, "Test Issuer", pkitest.Serial(0xc0ffee))
	belowLost := lostIssuer.Leaf(t, &h.key.PublicKey, []string{"example.com"})
	for _, c := range []struct {
		rule     string
		text     string
		chain    []string
		warnings []string // what each warning holds
	}{
		{"a root with a negative serial number", leaf + lower + upper + negativeRoot(t), whole,
			[]string{`block 4 (CERTIFICATE, 308 bytes, subject "Legacy Root"): its serial number is negative`}},
		{"it comes first", negativeRoot(t) + leaf + lower + upper, whole, []string{"block 1"}},
		{"it comes twice", negativeRoot(t) + leaf + lower + upper + negativeRoot(t), whole, []string{"block 1"}},
		{"a PrintableString with @", leaf + lower + upper + certBlock(printable), whole, []string{`subject "ca@example"): a PrintableString`}},
		{"a block cut within its base64 swallows nothing", leaf + lower[:200] + "\n" + lower + upper, whole, []string{"block 2 (CERTIFICATE, 201 bytes): it has no END line"}},
		{"a block cut at the end", leaf + lower + upper + lower[:200], whole, []string{"block 4"}},
		{"a damaged character", leaf + strings.Replace(upper, "MII", "M*I", 1) + lower + upper, whole, []string{`the character U+002A "*"`}},
		{"cut DER", leaf + certBlock(h.root.Cert.Raw[:200]) + lower + upper, whole, []string{"block 2 (CERTIFICATE, 200 bytes"}},
		{"an empty block", leaf + certBlock(nil) + lower + upper, whole, []string{"block 2 (CERTIFICATE, 0 bytes"}},
		{"a damaged BEGIN line", leaf + strings.Replace(lower, "CERTIFICATE-----", "CERTIFICATE----", 1) + lower + upper, whole, []string{"BEGIN line is damaged"}},
		{"a PKCS #7 bundle that is none", leaf + lower + upper + pkcs7Block([]byte("hello")), whole, []string{"block 4 (PKCS7, 5 bytes): it cannot be read as a PKCS #7 bundle"}},
		{"one certificate within a PKCS #7 bundle", p7bOf(t, h.leaf.Raw, derOf(t, negativeRoot(t)), h.lower.Cert.Raw, h.upper.Cert.Raw), whole,
			[]string{`block 1 (certificate in PKCS7, 308 bytes, subject "Legacy Root")`}},
		{"the chain's own part: what can be proved is delivered, and the gap is told", pkitest.PEM(belowLost) + certBlock(negative(t, lostIssuer.Cert)) + upper, []string{},
			[]string{"the chain's next issuer"}},
		{"END and BEGIN on one line", strings.ReplaceAll(leaf+lower+upper, "-----\n-----", "----------"), whole, nil},
		{"line ends of old Macintosh", strings.ReplaceAll(leaf+lower+upper, "\n", "\r"), whole, nil},
		{"line ends written as two characters", strings.ReplaceAll(leaf+lower+upper, "\n", `\n`), whole, nil},
		{"all on one line", strings.ReplaceAll(leaf+lower+upper, "\n", " "), whole, nil},
		{"a byte order mark", "\ufeff" + leaf + lower + upper, whole, nil},
		{"zero bytes behind a certificate", certBlock(append(bytes.Clone(h.leaf.Raw), 0, 0, 0)) + lower + upper, whole, nil},
		{"X509 CERTIFICATE", strings.ReplaceAll(leaf+lower+upper, "CERTIFICATE", "X509 CERTIFICATE"), whole, nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			chain, err := pki.BuildChain([]string{c.text}, h.csr, pkitest.Now)
			require.NoError(t, err)
			assert.True(t, h.csr.SameKey(chain.Leaf.PublicKey))
			assert.Equal(t, c.chain, subjects(chain.Intermediates))
			require.Len(t, chain.Warnings, len(c.warnings), "%q", chain.Warnings)
			for i, words := range c.warnings {
				assert.Contains(t, chain.Warnings[i], words)
				assert.NotContains(t, chain.Warnings[i], "\n")
			}
			named, err := pki.NamedChain([]string{c.text}, "example.com", pkitest.Now)
			require.NoError(t, err)
			assert.Equal(t, chain.Warnings, named.Warnings)
			stored, err := pki.StoredLeaf(c.text)
			require.NoError(t, err)
			assert.True(t, stored.Leaf.Equal(chain.Leaf))
		})
	}
}

// p7bOf returns a degenerate SignedData with any bytes in place of certificates.
func p7bOf(t testing.TB, certs ...[]byte) string {
	t.Helper()
	h := newTestCA(t)
	whole := derOf(t, indefinite(t, h.leaf))
	return pkcs7Block(bytes.Replace(whole, h.leaf.Raw, bytes.Join(certs, nil), 1))
}

// "Nothing delivered" and "unreadable" are different errors: the module waits after the first one only.
func TestAbsentIsNotUnreadable(t *testing.T) {
	h := newTestCA(t)
	leaf := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"})
	for _, c := range []struct {
		rule, text string
		absent     bool
		words      string
	}{
		{"nothing", "", true, ""},
		{"words", "your certificate is on its way", true, "no certificate in PEM form"},
		{"only a CSR", h.csr.PEM, true, "no certificate in PEM form"},
		{"the leaf has a negative serial number", certBlock(negative(t, leaf)) + pkitest.PEM(h.lower.Cert), false,
			"certificate for the order's CSR was delivered and cannot be read: block 1 (CERTIFICATE"},
		{"the leaf is cut", pkitest.PEM(h.leaf)[:300], false, "it has no END line"},
		{"the leaf is cut, CAs follow", pkitest.PEM(h.leaf)[:300] + "\n" + pkitest.PEM(h.lower.Cert), false, "it has no END line"},
		{"an unreadable CA alone", negativeRoot(t), false, "Legacy Root"},
		{"a readable CA alone", pkitest.PEM(h.lower.Cert), false, "none of the 1 certificates"},
		{"a damaged BEGIN line", "-----BEGIN CERTIFICATE----\nMIIB\n-----END CERTIFICATE-----\n", false, "BEGIN line is damaged"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.BuildChain([]string{c.text}, h.csr, pkitest.Now)
			pkitest.RequireFault(t, err, fault.Delivered, "certificate", c.words)
			assert.Equal(t, c.absent, errors.Is(err, pki.ErrNoCertificate))
			assert.Less(t, len(err.Error()), 800)
			_, err = pki.NamedChain([]string{c.text}, "example.com", pkitest.Now)
			assert.Equal(t, c.absent, errors.Is(err, pki.ErrNoCertificate))
			if _, err = pki.StoredLeaf(c.text); c.text == "" || strings.Contains(c.text, "-----BEGIN CERTIFICATE-----") {
				assert.Equal(t, c.absent, errors.Is(err, pki.ErrNoCertificate))
			}
		})
	}
}

// An expired CA certificate is left out if there is another path; otherwise there is a warning (RFC 5280 6.1.3 a).
func TestExpiredCACertificatesAreAvoided(t *testing.T) {
	h := newTestCA(t)
	old := pkitest.NewRoot(t, "Old Root")
	ended := pkitest.Between(pkitest.Day(2010, 1, 1), time.Date(2020, 5, 30, 10, 48, 38, 0, time.UTC))
	crossEnded := old.Cross(t, "Test Root", h.root.Key, ended, pkitest.Serial(3))
	crossShort := old.Cross(t, "Test Root", h.root.Key, pkitest.Between(pkitest.Day(2020, 1, 1), pkitest.Day(2026, 9, 1)), pkitest.Serial(4))
	crossFuture := old.Cross(t, "Test Root", h.root.Key, pkitest.Between(pkitest.Day(2026, 5, 1), pkitest.Day(2050, 1, 1)), pkitest.Serial(5))
	lowerEnded := h.upper.Cross(t, "Test DV CA 1", h.lower.Key, ended, pkitest.Serial(6))
	lowerShort := h.upper.Cross(t, "Test DV CA 1", h.lower.Key, pkitest.Between(pkitest.Day(2020, 1, 1), pkitest.Day(2026, 9, 1)), pkitest.Serial(7))
	upperOfOld := old.Cross(t, "Test Upper CA", h.upper.Key, ended, pkitest.Serial(8))
	lower, upper, root := h.lower.Cert, h.upper.Cert, h.root.Cert
	for _, c := range []struct {
		rule     string
		certs    []*x509.Certificate
		chain    []*x509.Certificate
		warnings []string
	}{
		{"the root's own certificate goes before an ended one by another CA", []*x509.Certificate{h.leaf, lower, upper, root, crossEnded}, []*x509.Certificate{lower, upper}, nil},
		{"one that is not valid yet likewise", []*x509.Certificate{h.leaf, lower, upper, root, crossFuture}, []*x509.Certificate{lower, upper}, nil},
		{"one that ends before the leaf likewise", []*x509.Certificate{h.leaf, lower, upper, root, crossShort}, []*x509.Certificate{lower, upper}, nil},
		{"an issuing CA that was renewed", []*x509.Certificate{h.leaf, lowerEnded, lower, upper}, []*x509.Certificate{lower, upper}, nil},
		{"a valid path by another CA further up", []*x509.Certificate{h.leaf, lower, upperOfOld, upper, root}, []*x509.Certificate{lower, upper}, nil},
		{"one that ends early goes before an ended one", []*x509.Certificate{h.leaf, lowerEnded, lowerShort, upper}, []*x509.Certificate{lowerShort, upper},
			[]string{`"Test DV CA 1" (serial 7) of the chain ends on 2026-09-01, before the leaf (2026-10-17)`}},
		{"the only issuing CA has ended", []*x509.Certificate{h.leaf, lowerEnded, upper, root}, []*x509.Certificate{lowerEnded, upper},
			[]string{`"Test DV CA 1" (serial 6) of the chain expired on 2020-05-30`}},
		{"the only path leads over an ended certificate", []*x509.Certificate{h.leaf, lower, upper, crossEnded}, []*x509.Certificate{lower, upper, crossEnded},
			[]string{`"Test Root" (serial 3) of the chain expired on 2020-05-30, and no other path was delivered`}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, order := range permutations(c.certs) {
				chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
				require.NoError(t, err)
				require.Equal(t, pkitest.PEM(c.chain...), pkitest.PEM(chain.Intermediates...))
				require.Len(t, chain.Warnings, len(c.warnings), "%q", chain.Warnings)
				for i, words := range c.warnings {
					require.Contains(t, chain.Warnings[i], words)
				}
			}
		})
	}
	t.Run("the time is the caller's", func(t *testing.T) {
		text := []string{pkitest.PEM(h.leaf, lower, upper, root, crossEnded)}
		chain, err := pki.BuildChain(text, h.csr, pkitest.Day(2019, 1, 1))
		require.NoError(t, err)
		assert.Len(t, chain.Intermediates, 2, "it ends before the leaf then, too")
	})
}

// A bundle with the maximum of interchangeable CA certificates is searched in limited time.
func TestManyPathsEnd(t *testing.T) {
	h := newTestCA(t)
	key := [5]pkitest.Authority{pkitest.NewRoot(t, "L0")}
	certs := []*x509.Certificate{}
	for level := 1; level < len(key); level++ {
		name := string(rune('A' + level))
		key[level] = key[level-1].Sub(t, name)
		for i := range 3 {
			certs = append(certs, key[level-1].Cross(t, name, key[level].Key, pkitest.Serial(int64(100+i))))
		}
	}
	certs = append(certs, key[4].Leaf(t, &h.key.PublicKey, []string{"example.com"}))
	chain, err := pki.BuildChain([]string{pkitest.PEM(certs...)}, h.csr, pkitest.Now)
	require.NoError(t, err)
	assert.Len(t, chain.Intermediates, 4)
}
