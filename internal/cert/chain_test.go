package cert_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// house is a usual hierarchy: a root, two CAs below it and a leaf for key.
type house struct {
	root, upper, lower authority
	key                *ecdsa.PrivateKey
	csr                cert.CSR
	leaf               *x509.Certificate
}

func newHouse(t testing.TB) house {
	t.Helper()
	h := house{root: newRoot(t, "Test Root"), key: newKey(t)}
	h.upper = h.root.sub(t, "Test Upper CA")
	h.lower = h.upper.sub(t, "Test DV CA 1")
	h.csr = csrFor(t, h.key, "example.com")
	h.leaf = h.lower.leaf(t, &h.key.PublicKey, []string{"example.com", "www.example.com"})
	return h
}

// permutations of up to five certificates.
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

func TestChainIsTheSameFromAnyOrder(t *testing.T) {
	h := newHouse(t)
	other := newRoot(t, "Foreign Root")
	for _, c := range []struct {
		rule  string
		certs []*x509.Certificate
		want  []string
	}{
		{"whole, the root left out", []*x509.Certificate{h.leaf, h.lower.cert, h.upper.cert, h.root.cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"root missing", []*x509.Certificate{h.leaf, h.lower.cert, h.upper.cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"duplicates", []*x509.Certificate{h.leaf, h.leaf, h.lower.cert, h.lower.cert, h.upper.cert}, []string{"Test DV CA 1", "Test Upper CA"}},
		{"foreign certificates", []*x509.Certificate{h.leaf, h.lower.cert, h.upper.cert, other.cert, other.leaf(t, &newKey(t).PublicKey, []string{"example.com"})},
			[]string{"Test DV CA 1", "Test Upper CA"}},
		{"a gap ends it", []*x509.Certificate{h.leaf, h.upper.cert, h.root.cert}, []string{}},
		{"leaf alone", []*x509.Certificate{h.leaf}, []string{}},
		{"a CA of the same name and another key did not sign it", []*x509.Certificate{h.leaf, h.upper.sub(t, "Test DV CA 1").cert, h.upper.cert}, []string{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, order := range permutations(c.certs) {
				chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
				require.NoError(t, err)
				require.True(t, h.leaf.Equal(chain.Leaf))
				require.Equal(t, c.want, subjects(chain.Intermediates))
			}
		})
	}
}

func TestChainIsReadFromAnyForm(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		rule   string
		blocks []string
	}{
		{"one text", []string{pemOf(h.leaf, h.lower.cert, h.upper.cert)}},
		{"a text each", []string{pemOf(h.upper.cert), pemOf(h.leaf), pemOf(h.lower.cert)}},
		{"line ends of Windows", []string{strings.ReplaceAll(pemOf(h.leaf, h.lower.cert, h.upper.cert), "\n", "\r\n")}},
		{"indented in the answer", []string{"\n      " + strings.ReplaceAll(pemOf(h.leaf, h.lower.cert, h.upper.cert), "\n", "\n      ")}},
		{"text between", []string{"subject=CN=example.com\n" + pemOf(h.leaf) + "\nissuer\n" + pemOf(h.lower.cert, h.upper.cert) + "end"}},
		{"twenty times the same", []string{strings.Repeat(pemOf(h.leaf, h.lower.cert, h.upper.cert), 20)}},
		{"empty texts between", []string{"", pemOf(h.leaf, h.lower.cert), "", pemOf(h.upper.cert)}},
		{"PKCS #7", []string{p7b(t, h.upper.cert, h.leaf, h.lower.cert)}},
		{"PKCS #7 of the CAs beside the leaf", []string{pemOf(h.leaf), p7b(t, h.upper.cert, h.lower.cert)}},
		{"PKCS #7 in BER with indefinite lengths, as Java writes it", []string{indefinite(t, h.leaf, h.lower.cert, h.upper.cert)}},
		{"other PEM blocks", []string{h.csr.PEM + pemOf(h.leaf, h.lower.cert, h.upper.cert)}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			chain, err := cert.BuildChain(c.blocks, h.csr, now)
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

func TestYoungestLeafWithOurKeyIsTaken(t *testing.T) {
	h := newHouse(t)
	older := h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, serial(7), between(day(2026, 3, 20), day(2027, 1, 1)))
	sameDay := h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, serial(8), between(h.leaf.NotBefore, h.leaf.NotAfter.Add(-time.Hour)))
	for _, order := range permutations([]*x509.Certificate{h.leaf, older, sameDay, h.lower.cert}) {
		chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
		require.NoError(t, err)
		require.Equal(t, "c0ffee", chain.Serial())
	}
}

func TestLeafWithoutBasicConstraintsIsALeaf(t *testing.T) {
	h := newHouse(t)
	plain := h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.BasicConstraintsValid = false })
	chain, err := cert.BuildChain([]string{pemOf(h.lower.cert, plain)}, h.csr, now)
	require.NoError(t, err)
	assert.True(t, plain.Equal(chain.Leaf))
	assert.Equal(t, []string{"Test DV CA 1"}, subjects(chain.Intermediates))
}

func TestNothingIsBuiltFromAnAnswerThatIsNotWhatWasAsked(t *testing.T) {
	h := newHouse(t)
	caOfOurs := h.root.cross(t, "example.com", h.key)
	foreign := h.lower.leaf(t, &newKey(t).PublicKey, []string{"example.com"})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var many []*x509.Certificate
	for i := range cert.MaxCertificates {
		many = append(many, h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, serial(int64(100+i))))
	}
	whole := pemOf(h.leaf, h.lower.cert)
	for _, c := range []struct {
		rule   string
		blocks []string
		words  string
	}{
		{"no text", nil, "no certificate in PEM form"},
		{"empty", []string{""}, "no certificate in PEM form"},
		{"words", []string{"your certificate is on its way"}, "no certificate in PEM form"},
		{"only the CSR", []string{h.csr.PEM}, "no certificate in PEM form"},
		{"leaf for another key", []string{pemOf(foreign, h.lower.cert)}, "none of the 2 certificates delivered has the key"},
		{"leaf for a key of another kind", []string{pemOf(h.lower.leaf(t, &rsaKey.PublicKey, []string{"example.com"}))}, "none of the 1 certificates"},
		{"CAs only", []string{pemOf(h.lower.cert, h.root.cert)}, "none of the 2 certificates"},
		{"a CA's certificate for our key", []string{pemOf(caOfOurs)}, "is a CA's"},
		{"more certificates than belong into an answer", []string{pemOf(append(many, h.leaf)...)}, "more than 16 certificates"},
		{"the same in many texts", strings.SplitAfter(pemOf(append(many, h.leaf)...), "-----END CERTIFICATE-----\n"), "more than 16 certificates"},
		{"a megabyte of text", []string{strings.Repeat("x", 1<<20), whole}, "bytes of PEM"},
		{"no certificate inside", []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hello")}))}, "cannot be read"},
		{"the leaf is cut", []string{pemOf(h.lower.cert) + whole[:300]}, "block 2 (CERTIFICATE, 300 bytes): it has no END line"},
		{"the leaf's base64 is damaged", []string{strings.Replace(whole, "MII", "M!I", 1)}, `the character U+0021 "!" after 1 characters`},
		{"something follows the leaf in its block", []string{certBlock(append(append([]byte(nil), h.leaf.Raw...), 5, 0))}, "for the order's CSR was delivered and cannot be read: block 1"},
		{"PKCS #7 of nothing", []string{p7b(t)}, "no certificate in PEM form"},
		{"PKCS #7 that is none", []string{"-----BEGIN PKCS7-----\naGVsbG8=\n-----END PKCS7-----\n"}, "PKCS #7"},
		{"PKCS #7 with something behind it", []string{pkcs7Block(append(derOf(t, p7b(t, h.leaf)), 0))}, "follows the outermost"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := cert.BuildChain(c.blocks, h.csr, now)
			requireFault(t, err, cert.FaultDelivered, "certificate", c.words)
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

// Without the check in front of the parser the overlapping elements are read 2^27 times: hours for 126 bytes.
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
			_, err := cert.BuildChain([]string{pkcs7Block(c.der)}, cert.CSR{}, now)
			requireFault(t, err, cert.FaultDelivered, "certificate", c.word)
		})
	}
}

// nest is an element within an element and so on.
func nest(depth int) []byte {
	inner := []byte{5, 0}
	for range depth {
		inner = append([]byte{0x30, byte(len(inner))}, inner...)
	}
	return inner
}

func TestCrossSignedCAs(t *testing.T) {
	h := newHouse(t)
	old := newRoot(t, "Old Root")
	rootByOld := old.cross(t, "Test Root", h.root.key, between(day(2020, 1, 1), day(2035, 1, 1))) // ends before the root's own
	rootByOldShort := old.cross(t, "Test Root", h.root.key, serial(3), between(day(2020, 1, 1), day(2030, 1, 1)))
	t.Run("the certificate by another CA is preferred to the self-signed one", func(t *testing.T) {
		for _, order := range permutations([]*x509.Certificate{h.leaf, h.lower.cert, h.upper.cert, h.root.cert, rootByOld}) {
			chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
			require.NoError(t, err)
			require.Equal(t, []string{"Test DV CA 1", "Test Upper CA", "Test Root"}, subjects(chain.Intermediates))
			require.Equal(t, "Old Root", chain.Intermediates[2].Issuer.CommonName)
		}
	})
	t.Run("of several the one that lives longest", func(t *testing.T) {
		for _, order := range permutations([]*x509.Certificate{h.leaf, h.lower.cert, h.upper.cert, rootByOldShort, rootByOld}) {
			chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
			require.NoError(t, err)
			require.True(t, chain.Intermediates[2].Equal(rootByOld))
		}
	})
	t.Run("CAs that signed each other end", func(t *testing.T) {
		a, b := newKey(t), newKey(t)
		first := authority{caTemplate("CA A", 1), a}
		second := authority{caTemplate("CA B", 1), b}
		aByB, bByA := second.cross(t, "CA A", a), first.cross(t, "CA B", b)
		leaf := authority{aByB, a}.leaf(t, &h.key.PublicKey, []string{"example.com"})
		for _, order := range permutations([]*x509.Certificate{leaf, aByB, bByA, aByB, bByA}) {
			chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
			require.NoError(t, err)
			require.Equal(t, []string{"CA A", "CA B"}, subjects(chain.Intermediates))
		}
	})
	t.Run("a CA that signed a new key under its own name is no root", func(t *testing.T) {
		rolled := h.root.sub(t, "Test Root", func(c *x509.Certificate) { c.AuthorityKeyId = h.root.cert.SubjectKeyId })
		leaf := rolled.leaf(t, &h.key.PublicKey, []string{"example.com"})
		for _, order := range permutations([]*x509.Certificate{leaf, rolled.cert, h.root.cert}) {
			chain, err := cert.BuildChain([]string{pemOf(order...)}, h.csr, now)
			require.NoError(t, err)
			require.Len(t, chain.Intermediates, 1)
			require.True(t, chain.Intermediates[0].Equal(rolled.cert))
		}
	})
}

func TestChainIsHeldAgainstTheOrder(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		rule  string
		leaf  *x509.Certificate
		names []string
		words string
	}{
		{"as ordered", h.leaf, []string{"www.example.com"}, ""},
		{"a wildcard covers a name", h.lower.leaf(t, &h.key.PublicKey, []string{"example.com", "*.example.com"}), []string{"shop.example.com", "*.example.com"}, ""},
		{"names in upper case", h.lower.leaf(t, &h.key.PublicKey, []string{"EXAMPLE.com", "WWW.example.com"}), []string{"www.example.com"}, ""},
		{"usable for anything", h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.ExtKeyUsage = nil }), nil, ""},
		{"another key", h.lower.leaf(t, &newKey(t).PublicKey, []string{"example.com"}), nil, "another key"},
		{"a further name missing", h.leaf, []string{"www.example.com", "shop.example.com"}, "does not cover shop.example.com, it covers example.com, www.example.com"},
		{"the common name missing", h.lower.leaf(t, &h.key.PublicKey, []string{"www.example.com"}), []string{"www.example.com"}, "does not cover example.com"},
		{"a name only in the subject does not count", h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.DNSNames = []string{"other.com"} }), nil, "does not cover example.com"},
		{"a CA's", h.root.cross(t, "example.com", h.key), nil, "is a CA's"},
		{"not for servers", h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil, "serverAuth"},
		{"ends before it begins", h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, between(day(2026, 4, 2), day(2026, 4, 1))), nil, "ends before it begins"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			err := cert.Chain{Leaf: c.leaf}.Check(h.csr, c.names)
			if c.words == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, cert.FaultDelivered, "certificate", c.words)
		})
	}
}

func TestSerialIsLowerCaseHexWithoutLeadingZeros(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct{ number, want string }{
		{"1", "1"}, {"255", "ff"}, {"171", "ab"}, {"4096", "1000"},
		{"1208925819614629174706175", "ffffffffffffffffffff"}, {"9223372036854775808", "8000000000000000"},
	} {
		n, ok := new(big.Int).SetString(c.number, 10)
		require.True(t, ok)
		leaf := h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, func(c *x509.Certificate) { c.SerialNumber = n })
		assert.Equal(t, c.want, cert.Chain{Leaf: leaf}.Serial())
	}
}

func TestEndIsTheDateInUTC(t *testing.T) {
	h := newHouse(t)
	zone := time.FixedZone("far east", 14*3600)
	leaf := h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, between(day(2026, 4, 2), time.Date(2026, 10, 19, 2, 0, 0, 0, zone)))
	assert.Equal(t, cabforum.Date{Year: 2026, Month: 10, Day: 18}, cert.Chain{Leaf: leaf}.Ends())
}

// The vectors of validity page A2.1 and A2.2: the last legal second, and one more.
func TestOverCapBeginsOneSecondAfterTheLastLegalNotAfter(t *testing.T) {
	at := func(text string) time.Time {
		got, err := time.Parse("2006-01-02 15:04:05", text)
		require.NoError(t, err)
		return got
	}
	h := newHouse(t)
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
			made := func(notAfter time.Time) cert.Chain {
				return cert.Chain{Leaf: h.lower.leaf(t, &h.key.PublicKey, []string{"example.com"}, between(at(c.notBefore), notAfter))}
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
	h := newHouse(t)
	chain, err := cert.BuildChain([]string{pemOf(h.root.cert, h.upper.cert, h.leaf, h.lower.cert)}, h.csr, now)
	require.NoError(t, err)
	assert.Equal(t, pemOf(h.leaf, h.lower.cert, h.upper.cert), chain.PEM())
}

// firstKey is the key of the first certificate of the text: with it a chain can be built of many inputs, and the same one in
// each of the fuzzer's processes.
func firstKey(text string) crypto.PublicKey {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			return c.PublicKey
		}
	}
	return nil
}

func FuzzBuildChain(f *testing.F) {
	h := newHouse(f)
	f.Add(pemOf(h.leaf, h.lower.cert, h.upper.cert, h.root.cert), h.csr.PEM)
	f.Add(p7b(f, h.upper.cert, h.leaf), h.csr.PEM)
	f.Add(indefinite(f, h.leaf, h.lower.cert), h.csr.PEM)
	f.Add(pkcs7Block(nest(31)), h.csr.PEM)
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "")
	f.Add(pemOf(h.leaf, h.lower.cert), "")
	f.Fuzz(func(t *testing.T, text, request string) {
		csr, err := cert.ParseCSR(request)
		if err != nil {
			csr = cert.CSR{PublicKey: firstKey(text)}
		}
		chain, err := cert.BuildChain([]string{text}, csr, now)
		if err != nil {
			require.Equal(t, cert.FaultDelivered, cert.FaultOf(err).Type)
			return
		}
		require.True(t, csr.SameKey(chain.Leaf.PublicKey))
		at := chain.Leaf
		for _, next := range chain.Intermediates {
			require.NoError(t, at.CheckSignatureFrom(next))
			at = next
		}
		again, err := cert.BuildChain([]string{chain.PEM()}, csr, now)
		require.NoError(t, err)
		require.Equal(t, chain.PEM(), again.PEM(), "a chain built is built the same again")
		_, err = chain.ZIP()
		require.NoError(t, err)
	})
}
