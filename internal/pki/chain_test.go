package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

// testCA is a hierarchy of a root, two CAs below it and a leaf for key.
type testCA struct {
	root, upper, lower pkitest.Authority
	key                *ecdsa.PrivateKey
	csr                pki.CSR
	leaf               *x509.Certificate
}

func newTestCA(t testing.TB) testCA {
	t.Helper()
	h := testCA{root: pkitest.NewRoot(t, "Test Root"), key: pkitest.NewKey(t)}
	h.upper = h.root.Sub(t, "Test Upper CA")
	h.lower = h.upper.Sub(t, "Test DV CA 1")
	h.csr = pkitest.CSRFor(t, h.key, "example.com")
	h.leaf = h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com", "www.example.com"})
	return h
}

// permutations returns the certificates in every order.
func permutations(certs []*x509.Certificate) [][]*x509.Certificate {
	if len(certs) < 2 {
		return [][]*x509.Certificate{certs}
	}
	var all [][]*x509.Certificate
	for i := range certs {
		rest := append(append([]*x509.Certificate(nil), certs[:i]...), certs[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]*x509.Certificate{certs[i]}, p...))
		}
	}
	return all
}

func subjects(certs []*x509.Certificate) []string {
	names := []string{}
	for _, c := range certs {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

func p7b(t testing.TB, certs ...*x509.Certificate) string {
	t.Helper()
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	der, err := pkcs7.DegenerateCertificate(raw)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}))
}

func TestChainDoesNotDependOnTheOrder(t *testing.T) {
	h := newTestCA(t)
	other := pkitest.NewRoot(t, "Foreign Root")
	for _, c := range []struct {
		rule  string
		certs []*x509.Certificate
		want  []string
	}{
		{"whole, the root left out", []*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert, h.root.Cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"root missing", []*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"duplicates", []*x509.Certificate{h.leaf, h.leaf, h.lower.Cert, h.lower.Cert, h.upper.Cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"foreign certificates", []*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert, other.Cert, other.Leaf(t, &pkitest.NewKey(t).PublicKey, []string{"example.com"})},
			[]string{"Test DV CA 1", "Test Upper CA"}},
		{"a gap ends it", []*x509.Certificate{h.leaf, h.upper.Cert, h.root.Cert}, []string{}},
		{"leaf alone", []*x509.Certificate{h.leaf}, []string{}},
		{"a CA of the same name and another key did not sign it", []*x509.Certificate{h.leaf, h.upper.Sub(t, "Test DV CA 1").Cert, h.upper.Cert}, []string{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, order := range permutations(c.certs) {
				chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
				require.NoError(t, err)
				require.True(t, h.leaf.Equal(chain.Leaf))
				require.Equal(t, c.want, subjects(chain.Intermediates))
			}
		})
	}
}

func TestChainIsReadInEveryForm(t *testing.T) {
	h := newTestCA(t)
	for _, c := range []struct {
		rule   string
		blocks []string
	}{
		{"one text", []string{pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert)}},
		{"a text each", []string{pkitest.PEM(h.upper.Cert), pkitest.PEM(h.leaf), pkitest.PEM(h.lower.Cert)}},
		{"line ends of Windows", []string{strings.ReplaceAll(pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert), "\n", "\r\n")}},
		{"indented in the answer", []string{"\n      " + strings.ReplaceAll(pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert), "\n", "\n      ")}},
		{"text between", []string{"subject=CN=example.com\n" + pkitest.PEM(h.leaf) + "\nissuer\n" + pkitest.PEM(h.lower.Cert, h.upper.Cert) + "end"}},
		{"twenty times the same", []string{strings.Repeat(pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert), 20)}},
		{"empty texts between", []string{"", pkitest.PEM(h.leaf, h.lower.Cert), "", pkitest.PEM(h.upper.Cert)}},
		{"PKCS #7", []string{p7b(t, h.upper.Cert, h.leaf, h.lower.Cert)}},
		{"PKCS #7 of the CAs beside the leaf", []string{pkitest.PEM(h.leaf), p7b(t, h.upper.Cert, h.lower.Cert)}},
		{"PKCS #7 in BER with indefinite lengths, as Java writes it", []string{indefinite(t, h.leaf, h.lower.Cert, h.upper.Cert)}},
		{"other PEM blocks", []string{h.csr.PEM + pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert)}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			chain, err := pki.BuildChain(c.blocks, h.csr, pkitest.Now)
			require.NoError(t, err)
			assert.True(t, h.leaf.Equal(chain.Leaf))
			assert.Equal(t, []string{"Test DV CA 1", "Test Upper CA"}, subjects(chain.Intermediates))
		})
	}
}

// indefinite wraps the content of a degenerate SignedData into elements of indefinite length (X.690 8.1.3.6).
func indefinite(t testing.TB, certs ...*x509.Certificate) string {
	t.Helper()
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	open := func(tag byte, content ...byte) []byte {
		return append(append([]byte{tag, 0x80}, content...), 0, 0)
	}
	signedData := []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2}
	data := []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1}
	body := append([]byte{2, 1, 1, 0x31, 0}, open(0x30, data...)...)
	body = append(body, open(0xa0, raw...)...)
	body = append(body, 0x31, 0)
	der := open(0x30, append(signedData, open(0xa0, open(0x30, body...)...)...)...)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}))
}

func TestNewestLeafWithTheCSRsKey(t *testing.T) {
	h := newTestCA(t)
	older := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Serial(7), pkitest.Between(pkitest.Day(2026, 3, 20), pkitest.Day(2027, 1, 1)))
	sameDay := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Serial(8), pkitest.Between(h.leaf.NotBefore, h.leaf.NotAfter.Add(-time.Hour)))
	for _, order := range permutations([]*x509.Certificate{h.leaf, older, sameDay, h.lower.Cert}) {
		chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
		require.NoError(t, err)
		require.Equal(t, "c0ffee", chain.Serial())
	}
}

func TestLeafWithoutBasicConstraintsIsALeaf(t *testing.T) {
	h := newTestCA(t)
	plain := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.BasicConstraintsValid = false })
	chain, err := pki.BuildChain([]string{pkitest.PEM(h.lower.Cert, plain)}, h.csr, pkitest.Now)
	require.NoError(t, err)
	assert.True(t, plain.Equal(chain.Leaf))
	assert.Equal(t, []string{"Test DV CA 1"}, subjects(chain.Intermediates))
}

func TestBuildChainRefusesOtherAnswers(t *testing.T) {
	h := newTestCA(t)
	caOfOurs := h.root.Cross(t, "example.com", h.key)
	foreign := h.lower.Leaf(t, &pkitest.NewKey(t).PublicKey, []string{"example.com"})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var many []*x509.Certificate
	for i := range pki.MaxCertificates {
		many = append(many, h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Serial(int64(100+i))))
	}
	whole := pkitest.PEM(h.leaf, h.lower.Cert)
	for _, c := range []struct {
		rule   string
		blocks []string
		words  string
	}{
		{"no text", nil, "no certificate in PEM form"},
		{"empty", []string{""}, "no certificate in PEM form"},
		{"words", []string{"your certificate is on its way"}, "no certificate in PEM form"},
		{"only the CSR", []string{h.csr.PEM}, "no certificate in PEM form"},
		{"leaf for another key", []string{pkitest.PEM(foreign, h.lower.Cert)}, "none of the 2 certificates delivered has the key"},
		{"leaf for a key of another kind", []string{pkitest.PEM(h.lower.Leaf(t, &rsaKey.PublicKey, []string{"example.com"}))}, "none of the 1 certificates"},
		{"CAs only", []string{pkitest.PEM(h.lower.Cert, h.root.Cert)}, "none of the 2 certificates"},
		{"a CA's certificate for our key", []string{pkitest.PEM(caOfOurs)}, "is a CA certificate"},
		{"more certificates than belong into an answer", []string{pkitest.PEM(append(many, h.leaf)...)}, "more than 16 certificates"},
		{"the same in many texts", strings.SplitAfter(pkitest.PEM(append(many, h.leaf)...), "-----END CERTIFICATE-----\n"), "more than 16 certificates"},
		{"a megabyte of text", []string{strings.Repeat("x", 1<<20), whole}, "bytes of PEM"},
		{"no certificate inside", []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hello")}))}, "cannot be read"},
		{"the leaf is cut", []string{pkitest.PEM(h.lower.Cert) + whole[:300]}, "block 2 (CERTIFICATE, 300 bytes): it has no END line"},
		{"the leaf's base64 is damaged", []string{strings.Replace(whole, "MII", "M!I", 1)}, `the character U+0021 "!" after 1 characters`},
		{"something follows the leaf in its block", []string{certBlock(append(append([]byte(nil), h.leaf.Raw...), 5, 0))}, "for the order's CSR was delivered and cannot be read: block 1"},
		{"PKCS #7 of nothing", []string{p7b(t)}, "no certificate in PEM form"},
		{"PKCS #7 that is none", []string{"-----BEGIN PKCS7-----\naGVsbG8=\n-----END PKCS7-----\n"}, "PKCS #7"},
		{"PKCS #7 with something behind it", []string{pkcs7Block(append(derOf(t, p7b(t, h.leaf)), 0))}, "follows the outermost"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.BuildChain(c.blocks, h.csr, pkitest.Now)
			pkitest.RequireFault(t, err, fault.Delivered, "certificate", c.words)
		})
	}
}

func pkcs7Block(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der}))
}

func derOf(t testing.TB, text string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	return block.Bytes
}

// Without the check before the parser, the overlapping elements are read 2^27 times, which takes hours for 126 bytes.
func TestHostilePKCS7IsRefusedAtOnce(t *testing.T) {
	const pairs, end = 27, 2 + 4*27 + 16
	overlapping := []byte{0x30, end - 2}
	for range pairs {
		overlapping = append(overlapping, 0x30, 0x02, 0x30, byte(end-len(overlapping)-4))
	}
	overlapping = append(overlapping, make([]byte, 16)...)
	for _, c := range []struct {
		rule string
		der  []byte
		word string
	}{
		{"elements that reach beyond their parent", overlapping, "longer than what holds it"},
		{"nested without end", []byte(strings.Repeat("\x30\x80", 1<<18)), "too deep"},
		{"nested deep", nest(40), "too deep"},
		{"indefinite without end", []byte{0x30, 0x80, 5, 0}, "does not end"},
		{"primitive of indefinite length", []byte{0x04, 0x80, 0, 0}, "primitive"},
		{"cut header", []byte{0x30}, "cut short"},
		{"length beyond the bundle", []byte{0x30, 0x82, 0xff}, "longer than"},
		{"length of eight bytes", []byte{0x30, 0x88, 1, 1, 1, 1, 1, 1, 1, 1}, "longer than"},
		{"long tag without end", []byte{0x3f, 0x81, 0x81, 0x81}, "cut short"},
		{"long tag without length", []byte{0x3f, 0x81, 0x01}, "cut short"},
		{"long tag with a content that is too long", []byte{0x3f, 0x81, 0x01, 0x05, 0}, "longer than"},
		{"empty", nil, "cut short"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.BuildChain([]string{pkcs7Block(c.der)}, pki.CSR{}, pkitest.Now)
			pkitest.RequireFault(t, err, fault.Delivered, "certificate", c.word)
		})
	}
}

// nest returns elements nested to the depth.
func nest(depth int) []byte {
	inner := []byte{5, 0}
	for range depth {
		inner = append([]byte{0x30, byte(len(inner))}, inner...)
	}
	return inner
}

func TestCrossSignedCAs(t *testing.T) {
	h := newTestCA(t)
	old := pkitest.NewRoot(t, "Old Root")
	rootByOld := old.Cross(t, "Test Root", h.root.Key, pkitest.Between(pkitest.Day(2020, 1, 1), pkitest.Day(2035, 1, 1))) // ends before the root's own
	rootByOldShort := old.Cross(t, "Test Root", h.root.Key, pkitest.Serial(3), pkitest.Between(pkitest.Day(2020, 1, 1), pkitest.Day(2030, 1, 1)))
	t.Run("the certificate by another CA is better than the self-signed one", func(t *testing.T) {
		for _, order := range permutations([]*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert, h.root.Cert, rootByOld}) {
			chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
			require.NoError(t, err)
			require.Equal(t, []string{"Test DV CA 1", "Test Upper CA", "Test Root"}, subjects(chain.Intermediates))
			require.Equal(t, "Old Root", chain.Intermediates[2].Issuer.CommonName)
		}
	})
	t.Run("of several, the one that ends last", func(t *testing.T) {
		for _, order := range permutations([]*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert, rootByOldShort, rootByOld}) {
			chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
			require.NoError(t, err)
			require.True(t, chain.Intermediates[2].Equal(rootByOld))
		}
	})
	t.Run("CAs that signed each other do not form an endless path", func(t *testing.T) {
		a, b := pkitest.NewKey(t), pkitest.NewKey(t)
		first := pkitest.Authority{Cert: pkitest.CATemplate("CA A", 1), Key: a}
		second := pkitest.Authority{Cert: pkitest.CATemplate("CA B", 1), Key: b}
		aByB, bByA := second.Cross(t, "CA A", a), first.Cross(t, "CA B", b)
		leaf := pkitest.Authority{Cert: aByB, Key: a}.Leaf(t, &h.key.PublicKey, []string{"example.com"})
		for _, order := range permutations([]*x509.Certificate{leaf, aByB, bByA, aByB, bByA}) {
			chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
			require.NoError(t, err)
			require.Equal(t, []string{"CA A", "CA B"}, subjects(chain.Intermediates))
		}
	})
	t.Run("a CA's new key certified under the same name is not a root", func(t *testing.T) {
		rolled := h.root.Sub(t, "Test Root", func(c *x509.Certificate) { c.AuthorityKeyId = h.root.Cert.SubjectKeyId })
		leaf := rolled.Leaf(t, &h.key.PublicKey, []string{"example.com"})
		for _, order := range permutations([]*x509.Certificate{leaf, rolled.Cert, h.root.Cert}) {
			chain, err := pki.BuildChain([]string{pkitest.PEM(order...)}, h.csr, pkitest.Now)
			require.NoError(t, err)
			require.Len(t, chain.Intermediates, 1)
			require.True(t, chain.Intermediates[0].Equal(rolled.Cert))
		}
	})
}

func TestChainCheck(t *testing.T) {
	h := newTestCA(t)
	for _, c := range []struct {
		rule  string
		leaf  *x509.Certificate
		names []string
		words string
	}{
		{"as ordered", h.leaf, []string{"www.example.com"}, ""},
		{"a wildcard covers a name", h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com", "*.example.com"}), []string{"shop.example.com", "*.example.com"}, ""},
		{"names in upper case", h.lower.Leaf(t, &h.key.PublicKey, []string{"EXAMPLE.com", "WWW.example.com"}), []string{"www.example.com"}, ""},
		{"usable for anything", h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.ExtKeyUsage = nil }), nil, ""},
		{"another key", h.lower.Leaf(t, &pkitest.NewKey(t).PublicKey, []string{"example.com"}), nil, "another key"},
		{"a further name missing", h.leaf, []string{"www.example.com", "shop.example.com"}, "does not cover shop.example.com, it covers example.com, www.example.com"},
		{"the common name missing", h.lower.Leaf(t, &h.key.PublicKey, []string{"www.example.com"}), []string{"www.example.com"}, "does not cover example.com"},
		{"a name only in the subject does not count", h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.DNSNames = []string{"other.com"} }), nil, "does not cover example.com"},
		{"a CA's", h.root.Cross(t, "example.com", h.key), nil, "is a CA certificate"},
		{"not for servers", h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil, "serverAuth"},
		{"ends before it begins", h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Between(pkitest.Day(2026, 4, 2), pkitest.Day(2026, 4, 1))), nil, "ends before it begins"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := pki.Chain{Leaf: c.leaf}.Check(h.csr, c.names)
			if c.words == "" {
				require.NoError(t, err)
				return
			}
			pkitest.RequireFault(t, err, fault.Delivered, "certificate", c.words)
		})
	}
}

func TestSerialIsLowerCaseHexWithoutLeadingZeros(t *testing.T) {
	h := newTestCA(t)
	for _, c := range []struct{ number, want string }{
		{"1", "1"}, {"255", "ff"}, {"171", "ab"}, {"4096", "1000"},
		{"1208925819614629174706175", "ffffffffffffffffffff"}, {"9223372036854775808", "8000000000000000"},
	} {
		n, ok := new(big.Int).SetString(c.number, 10)
		require.True(t, ok)
		leaf := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.SerialNumber = n })
		assert.Equal(t, c.want, pki.Chain{Leaf: leaf}.Serial())
	}
}

func TestEndsIsTheDateInUTC(t *testing.T) {
	h := newTestCA(t)
	zone := time.FixedZone("far east", 14*3600)
	leaf := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Between(pkitest.Day(2026, 4, 2), time.Date(2026, 10, 19, 2, 0, 0, 0, zone)))
	assert.Equal(t, cabforum.Date{Year: 2026, Month: 10, Day: 18}, pki.Chain{Leaf: leaf}.Ends())
}

// The examples of docs/reference/validity.md §A2.1 and §A2.2: the last allowed second, and one more.
func TestOverCapOneSecondAfterTheLastAllowedNotAfter(t *testing.T) {
	at := func(text string) time.Time {
		got, err := time.Parse("2006-01-02 15:04:05", text)
		require.NoError(t, err)
		return got
	}
	h := newTestCA(t)
	for _, c := range []struct{ notBefore, last, words string }{
		{"2020-09-01 00:00:00", "2021-10-03 23:59:59", "398 days"},
		{"2026-03-14 23:59:59", "2027-04-16 23:59:58", "398 days"},
		{"2026-03-15 00:00:00", "2026-09-30 23:59:59", "200 days"},
		{"2027-03-14 23:59:59", "2027-09-30 23:59:58", "200 days"},
		{"2027-03-15 00:00:00", "2027-06-22 23:59:59", "100 days"},
		{"2029-03-14 23:59:59", "2029-06-22 23:59:58", "100 days"},
		{"2029-03-15 00:00:00", "2029-04-30 23:59:59", "47 days"},
		{"2032-02-01 00:00:00", "2032-03-18 23:59:59", "47 days"},
	} {
		t.Run(c.notBefore, func(t *testing.T) {
			made := func(notAfter time.Time) pki.Chain {
				return pki.Chain{Leaf: h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Between(at(c.notBefore), notAfter))}
			}
			assert.Empty(t, made(at(c.last)).OverCap())
			over := made(at(c.last).Add(time.Second)).OverCap()
			assert.Contains(t, over, c.words)
			assert.Contains(t, over, c.last)
			assert.Contains(t, made(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)).OverCap(), c.words, "an end that RFC 5280 4.1.2.5 calls none")
		})
	}
}

func TestPEMIsLeafFirst(t *testing.T) {
	h := newTestCA(t)
	chain, err := pki.BuildChain([]string{pkitest.PEM(h.root.Cert, h.upper.Cert, h.leaf, h.lower.Cert)}, h.csr, pkitest.Now)
	require.NoError(t, err)
	assert.Equal(t, pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert), chain.PEM())
}

// firstKey returns the key of the first certificate of the text. With it a chain can be built from many inputs, and the same
// chain in each process of the fuzzer.
func firstKey(text string) crypto.PublicKey {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			return c.PublicKey
		}
	}
	return nil
}

func FuzzBuildChain(f *testing.F) {
	h := newTestCA(f)
	f.Add(pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert, h.root.Cert), h.csr.PEM)
	f.Add(p7b(f, h.upper.Cert, h.leaf), h.csr.PEM)
	f.Add(indefinite(f, h.leaf, h.lower.Cert), h.csr.PEM)
	f.Add(pkcs7Block(nest(31)), h.csr.PEM)
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "")
	f.Add(pkitest.PEM(h.leaf, h.lower.Cert), "")
	unreadable, err := os.ReadFile("testdata/negative-serial-root.pem")
	require.NoError(f, err)
	whole := pkitest.PEM(h.leaf, h.lower.Cert)
	f.Add(whole+string(unreadable), h.csr.PEM)
	f.Add(string(unreadable)+whole[:len(whole)/2], h.csr.PEM)
	f.Add(strings.ReplaceAll(whole, "-----\n-----", "----------"), h.csr.PEM)
	f.Fuzz(func(t *testing.T, text, request string) {
		csr, err := pki.ParseCSR(request)
		if err != nil {
			csr = pki.CSR{PublicKey: firstKey(text)}
		}
		chain, err := pki.BuildChain([]string{text}, csr, pkitest.Now)
		if err != nil {
			require.Equal(t, fault.Delivered, fault.From(err).Type)
			return
		}
		require.True(t, csr.SameKey(chain.Leaf.PublicKey))
		at := chain.Leaf
		for _, next := range chain.Intermediates {
			require.NoError(t, at.CheckSignatureFrom(next))
			at = next
		}
		again, err := pki.BuildChain([]string{chain.PEM()}, csr, pkitest.Now)
		require.NoError(t, err)
		require.Equal(t, chain.PEM(), again.PEM(), "a chain built is built the same again")
		_, err = chain.ZIP()
		require.NoError(t, err)
	})
}

func TestNamedChainFindsTheLeafByItsName(t *testing.T) {
	h := newTestCA(t)
	other := h.lower.Leaf(t, &pkitest.NewKey(t).PublicKey, []string{"example.org"})
	all := []string{pkitest.PEM(other, h.upper.Cert, h.leaf, h.lower.Cert)}
	for name, want := range map[string]string{"example.com": "example.com", "www.example.com": "example.com", "EXAMPLE.org": "example.org"} {
		chain, err := pki.NamedChain(all, name, pkitest.Now)
		require.NoError(t, err, name)
		assert.Equal(t, want, chain.Leaf.DNSNames[0])
		assert.Equal(t, []string{"Test DV CA 1", "Test Upper CA"}, subjects(chain.Intermediates))
	}
	chain, err := pki.NamedChain([]string{pkitest.PEM(h.leaf)}, "", pkitest.Now)
	require.NoError(t, err, "no name: the only leaf")
	assert.True(t, h.leaf.Equal(chain.Leaf))
	for name, blocks := range map[string][]string{
		"another name": {pkitest.PEM(other)}, "CAs only": {pkitest.PEM(h.lower.Cert, h.upper.Cert)}, "nothing": nil, "damaged": {"-----BEGIN CERTIFICATE-----\nAA"},
	} {
		_, err := pki.NamedChain(blocks, "example.com", pkitest.Now)
		require.Error(t, err, name)
		assert.Equal(t, fault.Delivered, fault.From(err).Type, name)
	}
}
