package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

// unsignedRSA returns a CSR whose RSA key has the given modulus, with an invalid signature. It is enough for all checks before
// that of the signature, and needs no generated key of thousands of bits.
func unsignedRSA(t testing.TB, modulus *big.Int, exponent int) string {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: modulus, E: exponent})
	require.NoError(t, err)
	subject, err := asn1.Marshal(pkix.Name{CommonName: "example.com"}.ToRDNSequence())
	require.NoError(t, err)
	der, err := asn1.Marshal(struct {
		Info struct {
			Version    int
			Subject    asn1.RawValue
			Key        asn1.RawValue
			Attributes asn1.RawValue
		}
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		Info: struct {
			Version    int
			Subject    asn1.RawValue
			Key        asn1.RawValue
			Attributes asn1.RawValue
		}{0, asn1.RawValue{FullBytes: subject}, asn1.RawValue{FullBytes: spki}, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true}},
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue},
		Signature: asn1.BitString{Bytes: make([]byte, 256), BitLength: 2048},
	})
	require.NoError(t, err)
	return pkitest.CSRBlock(der)
}

// modulus returns an odd number with exactly so many bits.
func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Add(n, big.NewInt(12345))
}

func TestCSRKeyIsRSAFrom2048To8192OrP256P384(t *testing.T) {
	rsaKey := func(bits int) crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		require.NoError(t, err)
		return key
	}
	curveKey := func(curve elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		return key
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for _, c := range []struct{ rule, csr, key, refusal string }{
		{"RSA 2048", pkitest.RequestPEM(t, rsaKey(2048), pkitest.Named("example.com")), "RSA 2048", ""},
		{"RSA 4096", pkitest.RequestPEM(t, rsaKey(4096), pkitest.Named("example.com")), "RSA 4096", ""},
		{"P-256", pkitest.RequestPEM(t, curveKey(elliptic.P256()), pkitest.Named("example.com")), "ECDSA P-256", ""},
		{"P-384", pkitest.RequestPEM(t, curveKey(elliptic.P384()), pkitest.Named("example.com")), "ECDSA P-384", ""},
		{"P-224", pkitest.RequestPEM(t, curveKey(elliptic.P224()), pkitest.Named("example.com")), "", "curve P-224"},
		{"P-521", pkitest.RequestPEM(t, curveKey(elliptic.P521()), pkitest.Named("example.com")), "", "curve P-521"},
		{"Ed25519", pkitest.RequestPEM(t, edKey, pkitest.Named("example.com")), "", "Ed25519"},
		{"RSA 1024", unsignedRSA(t, modulus(1024), 65537), "", "1024 bits"},
		{"RSA 2047", unsignedRSA(t, modulus(2047), 65537), "", "2047 bits"},
		{"RSA in half bytes (BR 6.1.5)", unsignedRSA(t, modulus(2049), 65537), "", "2049 bits"},
		{"RSA 8192 gets as far as its signature", unsignedRSA(t, modulus(8192), 65537), "", "signature"},
		{"RSA 2040", unsignedRSA(t, modulus(2040), 65537), "", "2040 bits"},
		{"RSA 8200", unsignedRSA(t, modulus(8200), 65537), "", "8200 bits"},
		{"RSA 8193", unsignedRSA(t, modulus(8193), 65537), "", "8193 bits"},
		{"RSA of 100,000 bits is refused unverified", unsignedRSA(t, modulus(100000), 65537), "", "100000 bits"},
		{"even exponent (BR 6.1.6)", unsignedRSA(t, modulus(2048), 65536), "", "unusable exponent"},
		{"exponent 1", unsignedRSA(t, modulus(2048), 1), "", "unusable exponent"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			csr, err := pki.ParseCSR(c.csr)
			if c.refusal != "" {
				pkitest.RequireFault(t, err, fault.Value, "csr", c.refusal)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.key, csr.Key)
		})
	}
}

func TestCSRMustBeOneValidPEMBlock(t *testing.T) {
	key := pkitest.NewKey(t)
	good := pkitest.RequestPEM(t, key, pkitest.Named("example.com"))
	block, _ := pem.Decode([]byte(good))
	broken := append([]byte(nil), block.Bytes...)
	broken[len(broken)-1] ^= 1
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	for _, c := range []struct{ rule, text, kind, words string }{
		{"nothing", "", fault.Missed, "no CSR"},
		{"blanks only", " \n\t\r\n", fault.Missed, "no CSR"},
		{"text", "please certify example.com", fault.Value, "not PEM"},
		{"END line missing", strings.Split(good, "-----END")[0], fault.Value, "it has no END line"},
		{"40 KB", strings.Repeat("A", 40<<10), fault.Value, "40960 bytes"},
		{"a private key", private, fault.Value, "a private key stands where the CSR belongs"},
		{"a private key behind the CSR", good + private, fault.Value, "a private key stands where the CSR belongs"},
		{"a certificate", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"), fault.Value, `"CERTIFICATE" stands`},
		{"two CSRs", good + good, fault.Value, "more than one"},
		{"text behind it", good + "regards, Bob", fault.Value, "something follows"},
		{"a damaged CSR before it", strings.Replace(good, "-----END", "-----BEND", 1) + good, fault.Value, "more than one"},
		{"broken signature", pkitest.CSRBlock(broken), fault.Value, "signature"},
		{"trailing data", pkitest.CSRBlock(append(append([]byte(nil), block.Bytes...), 5, 0)), fault.Value, "cannot be read"},
		{"empty block", pkitest.CSRBlock(nil), fault.Value, "cannot be read"},
		{"cut DER", pkitest.CSRBlock(block.Bytes[:len(block.Bytes)/2]), fault.Value, "cannot be read"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.ParseCSR(c.text)
			pkitest.RequireFault(t, err, c.kind, "csr", c.words)
			assert.NotContains(t, err.Error(), strings.Split(private, "\n")[1], "the key must not be in the message")
		})
	}
}

func TestCSRIsNormalisedToOneRequestBlock(t *testing.T) {
	key := pkitest.NewKey(t)
	good := pkitest.RequestPEM(t, key, pkitest.Named("example.com"))
	block, _ := pem.Decode([]byte(good))
	block.Headers = map[string]string{"Comment": "from a form"}
	for _, c := range []struct{ rule, text string }{
		{"as it should be", good},
		{"line ends of Windows", strings.ReplaceAll(good, "\n", "\r\n")},
		{"NEW CERTIFICATE REQUEST", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")},
		{"indented", "\n   " + strings.ReplaceAll(good, "\n", "\n   ")},
		{"openssl -text before it", "Certificate Request:\n    Data:\n        Version: 1\n" + good},
		{"PEM headers", string(pem.EncodeToMemory(block))},
	} {
		t.Run(c.rule, func(t *testing.T) {
			csr, err := pki.ParseCSR(c.text)
			require.NoError(t, err)
			assert.Equal(t, good, csr.PEM)
			assert.Equal(t, block.Bytes, csr.DER)
			assert.True(t, csr.SameKey(&key.PublicKey))
		})
	}
}

func TestCSRNames(t *testing.T) {
	key := pkitest.NewKey(t)
	for _, c := range []struct {
		rule  string
		csr   x509.CertificateRequest
		cn    string
		names []string
	}{
		{"common name only", pkitest.Named("example.com"), "example.com", nil},
		{"lower case", pkitest.Named("WWW.Example.COM", "Shop.EXAMPLE.com"), "www.example.com", []string{"shop.example.com"}},
		{"the common name is not repeated, nor any other", pkitest.Named("example.com", "example.com", "a.example.com", "A.example.com", "b.example.com"),
			"example.com", []string{"a.example.com", "b.example.com"}},
		{"without common name the first SAN", pkitest.Named("", "first.example.com", "second.example.com"), "first.example.com", []string{"second.example.com"}},
		{"wildcard", pkitest.Named("*.example.com", "example.com"), "*.example.com", []string{"example.com"}},
		{"a common name of 64 characters", pkitest.Named(strings.Repeat("a", 52) + ".example.com"), strings.Repeat("a", 52) + ".example.com", nil},
		{"a SAN longer than a common name may be", pkitest.Named("", strings.Repeat("a", 60)+".example.com"), strings.Repeat("a", 60) + ".example.com", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			csr, err := pki.ParseCSR(pkitest.RequestPEM(t, key, c.csr))
			require.NoError(t, err)
			assert.Equal(t, c.cn, csr.CommonName)
			assert.Equal(t, c.names, csr.Names)
		})
	}
}

func TestCSRWithoutCertifiableNamesIsRefused(t *testing.T) {
	key := pkitest.NewKey(t)
	address, err := url.Parse("https://example.com/")
	require.NoError(t, err)
	subject := pkix.Name{CommonName: "example.com"}
	twice := pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "evil.example.com"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "example.com"}}}
	for _, c := range []struct {
		rule  string
		csr   x509.CertificateRequest
		words string
	}{
		{"no name at all", x509.CertificateRequest{Subject: pkix.Name{Organization: []string{"Example Ltd"}}}, "no common name"},
		{"IP address as SAN", x509.CertificateRequest{Subject: subject, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}, "IP addresses"},
		{"e-mail address as SAN", x509.CertificateRequest{Subject: subject, EmailAddresses: []string{"a@example.com"}}, "e-mail"},
		{"URI as SAN", x509.CertificateRequest{Subject: subject, URIs: []*url.URL{address}}, "URIs"},
		{"two common names", x509.CertificateRequest{Subject: twice}, "2 common names"},
		{"IP address as common name", pkitest.Named("192.0.2.1"), "IP address"},
		{"a company as common name", pkitest.Named("Example Ltd"), "cannot be certified"},
		{"single label", pkitest.Named("intranet"), "one label"},
		{"single label as SAN", pkitest.Named("example.com", "intranet"), "one label"},
		{"line break in the common name", pkitest.Named("example.com\nevil.com"), "cannot be certified"},
		{"line break behind the common name", pkitest.Named("example.com\n"), "blanks or line breaks"},
		{"blank before a SAN", pkitest.Named("example.com", " a.example.com"), "blanks or line breaks"},
		{"NUL in the common name", pkitest.Named("example.com\x00.evil.com"), "cannot be certified"},
		{"common name of over 64 characters (ub-common-name)", pkitest.Named(strings.Repeat("a", 53) + ".example.com"), "longer than 64 characters"},
		{"wildcard over a public suffix", pkitest.Named("*.co.uk"), "public suffix"},
		{"double wildcard", pkitest.Named("*.*.example.com"), "asterisk"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.ParseCSR(pkitest.RequestPEM(t, key, c.csr))
			pkitest.RequireFault(t, err, fault.Value, "csr", c.words)
		})
	}
}

// A CSR in one line of base64 becomes longer with line breaks, and must still be within the seller's limit.
func TestCSRLimitAppliesToTheNormalForm(t *testing.T) {
	key := pkitest.NewKey(t)
	oneLine := func(names int) string {
		sans := make([]string, names)
		for i := range sans {
			sans[i] = fmt.Sprintf("n%04d.example.com", i)
		}
		block, _ := pem.Decode([]byte(pkitest.RequestPEM(t, key, pkitest.Named("example.com", sans...))))
		return "-----BEGIN CERTIFICATE REQUEST-----\n" + base64.StdEncoding.EncodeToString(block.Bytes) + "\n-----END CERTIFICATE REQUEST-----\n"
	}
	const limit, over = 1240, 1268
	csr, err := pki.ParseCSR(oneLine(limit))
	require.NoError(t, err)
	require.Len(t, csr.Names, limit)
	require.LessOrEqual(t, len(csr.PEM), pki.MaxCSR)

	text := oneLine(over)
	require.LessOrEqual(t, len(text), pki.MaxCSR, "as it comes it is within the limit")
	_, err = pki.ParseCSR(text)
	pkitest.RequireFault(t, err, fault.Value, "csr", "in its normal form")
}

func TestCSREmailIsOnePlainAddressOrNothing(t *testing.T) {
	key := pkitest.NewKey(t)
	for _, c := range []struct{ rule, in, want string }{
		{"plain", "admin@example.com", "admin@example.com"},
		{"a list", "a@example.com, b@example.com", ""},
		{"with a name", "Bob <bob@example.com>", ""},
		{"line break", "a@example.com\nBcc: b@example.com", ""},
		{"none", "nobody", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			subject := pkix.Name{CommonName: "example.com", ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: c.in}}}
			csr, err := pki.ParseCSR(pkitest.RequestPEM(t, key, x509.CertificateRequest{Subject: subject}))
			require.NoError(t, err)
			assert.Equal(t, c.want, csr.Email)
		})
	}
}

func TestSameKeyComparesTypesAndValues(t *testing.T) {
	own, other := pkitest.NewKey(t), pkitest.NewKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	csr, rsaCSR := pkitest.CSRFor(t, own, "example.com"), pkitest.CSRFor(t, rsaKey, "example.com")
	copied := rsa.PublicKey{N: new(big.Int).Set(rsaKey.N), E: rsaKey.E}
	assert.True(t, csr.SameKey(&own.PublicKey))
	assert.False(t, csr.SameKey(&other.PublicKey))
	assert.False(t, csr.SameKey(&rsaKey.PublicKey))
	assert.True(t, rsaCSR.SameKey(&copied))
	assert.False(t, rsaCSR.SameKey(&rsa.PublicKey{N: rsaKey.N, E: 3}))
	assert.False(t, csr.SameKey(nil))
	assert.False(t, pki.CSR{}.SameKey(&own.PublicKey), "a CSR without key has no key in common with anything")
}

func FuzzParseCSR(f *testing.F) {
	good := pkitest.RequestPEM(f, pkitest.NewKey(f), pkitest.Named("example.com", "*.example.com"))
	f.Add(good)
	f.Add(strings.ReplaceAll(good, "\n", "\r\n"))
	f.Add(unsignedRSA(f, modulus(2048), 65537))
	f.Add("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n")
	for _, name := range csrFiles {
		f.Add(csrFile(f, name))
	}
	f.Add(compressed(f, pkitest.Named("example.com")))
	f.Add(withoutNULL(f, "example.com"))
	f.Add(strings.ReplaceAll(good, "\n", " "))
	f.Fuzz(func(t *testing.T, text string) {
		csr, err := pki.ParseCSR(text)
		if err != nil {
			require.Equal(t, "csr", fault.From(err).Object)
			return
		}
		again, err := pki.ParseCSR(csr.PEM)
		require.NoError(t, err, "what was accepted is accepted again in its normal form")
		require.Equal(t, csr.PEM, again.PEM)
		require.Equal(t, csr.CommonName, again.CommonName)
		require.Equal(t, csr.Names, again.Names)
		for _, name := range append([]string{csr.CommonName}, csr.Names...) {
			ascii, err := pki.ASCIIName("csr", name)
			require.NoError(t, err)
			require.Equal(t, ascii, name)
		}
		read, err := pki.ReadCSR(text)
		require.NoError(t, err)
		require.Equal(t, csr, read)
	})
}
