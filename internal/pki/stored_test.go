package pki_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
)

type file struct{ name, body string }

func unzip(t testing.TB, raw []byte) []file {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	var files []file
	for _, f := range archive.File {
		entry, err := f.Open()
		require.NoError(t, err)
		body, err := io.ReadAll(entry)
		require.NoError(t, err)
		files = append(files, file{f.Name, string(body)})
	}
	return files
}

func zipOf(t testing.TB, files ...file) string {
	t.Helper()
	var out bytes.Buffer
	packer := zip.NewWriter(&out)
	for _, f := range files {
		entry, err := packer.Create(f.name)
		require.NoError(t, err)
		_, err = io.WriteString(entry, f.body)
		require.NoError(t, err)
	}
	require.NoError(t, packer.Close())
	return out.String()
}

func TestZIPHoldsLeafIntermediatesFullChainAndBundle(t *testing.T) {
	h := newTestCA(t)
	chain := pki.Chain{Leaf: h.leaf, Intermediates: []*x509.Certificate{h.lower.Cert, h.upper.Cert}}
	raw, err := chain.ZIP()
	require.NoError(t, err)
	files := unzip(t, raw)
	require.Len(t, files, 5)
	assert.Equal(t, file{"example_com.crt", pkitest.PEM(h.leaf)}, files[0])
	assert.Equal(t, file{"test_dv_ca_1-1.crt", pkitest.PEM(h.lower.Cert)}, files[1])
	assert.Equal(t, file{"test_upper_ca-2.crt", pkitest.PEM(h.upper.Cert)}, files[2])
	assert.Equal(t, file{"example_com-fullchain.pem", pkitest.PEM(h.leaf, h.lower.Cert, h.upper.Cert)}, files[3])
	assert.Equal(t, "example_com.p7b", files[4].name)

	bundle, err := pkcs7.Parse(derOf(t, files[4].body))
	require.NoError(t, err)
	require.Len(t, bundle.Certificates, 3, "every certificate is in the bundle")
	for i, want := range []*x509.Certificate{h.leaf, h.lower.Cert, h.upper.Cert} {
		assert.True(t, want.Equal(bundle.Certificates[i]))
	}

	again, err := chain.ZIP()
	require.NoError(t, err)
	assert.Equal(t, raw, again, "the same chain gives the same bytes")
}

func TestZIPIsNamedAfterTheLeaf(t *testing.T) {
	h := newTestCA(t)
	for _, c := range []struct {
		rule, cn string
		names    []string
		ca       string
		want     []string
	}{
		{"wildcard", "*.example.com", []string{"*.example.com"}, "CA", []string{"wildcard_example_com.crt", "ca-1.crt", "wildcard_example_com-fullchain.pem", "wildcard_example_com.p7b"}},
		{"no common name: the first SAN", "", []string{"shop.example.com"}, "CA", []string{"shop_example_com.crt", "ca-1.crt", "shop_example_com-fullchain.pem", "shop_example_com.p7b"}},
		{"no name at all", "", nil, "CA", []string{"certificate.crt", "ca-1.crt", "certificate-fullchain.pem", "certificate.p7b"}},
		{"no way out of the folder", "../../etc/passwd", nil, "C:\\CA/..", []string{"etcpasswd.crt", "cca-1.crt", "etcpasswd-fullchain.pem", "etcpasswd.p7b"}},
		{"CA with a name of other letters", "example.com", nil, "ЦС", []string{"example_com.crt", "intermediate-1.crt", "example_com-fullchain.pem", "example_com.p7b"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			ca := h.root.Sub(t, c.ca)
			leaf := ca.Leaf(t, &h.key.PublicKey, []string{"x"}, func(x *x509.Certificate) {
				x.Subject, x.DNSNames = pkix.Name{CommonName: c.cn}, c.names
			})
			raw, err := pki.Chain{Leaf: leaf, Intermediates: []*x509.Certificate{ca.Cert}}.ZIP()
			require.NoError(t, err)
			var names []string
			for _, f := range unzip(t, raw) {
				names = append(names, f.name)
			}
			assert.Equal(t, c.want, names)
		})
	}
}

// TestBundleIsReadByOpenSSL reads the bundle with OpenSSL, as clients do, if it is installed.
func TestBundleIsReadByOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: its reading of the PKCS #7 bundle is not tested here")
	}
	h := newTestCA(t)
	raw, err := pki.Chain{Leaf: h.leaf, Intermediates: []*x509.Certificate{h.lower.Cert, h.upper.Cert}}.ZIP()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "bundle.p7b")
	require.NoError(t, os.WriteFile(path, []byte(unzip(t, raw)[4].body), 0o600))
	out, err := exec.Command(openssl, "pkcs7", "-in", path, "-print_certs").CombinedOutput()
	require.NoError(t, err, string(out))
	printed, err := pki.BuildChain([]string{string(out)}, h.csr, pkitest.Now)
	require.NoError(t, err)
	assert.Equal(t, []string{"Test DV CA 1", "Test Upper CA"}, subjects(printed.Intermediates))
}

func TestStoredFormsAreReadBack(t *testing.T) {
	h := newTestCA(t)
	chain := pki.Chain{Leaf: h.leaf, Intermediates: []*x509.Certificate{h.lower.Cert, h.upper.Cert}}
	raw, err := chain.ZIP()
	require.NoError(t, err)
	encoded := base64.StdEncoding.EncodeToString(raw)
	var broken strings.Builder
	for i := 0; i < len(encoded); i += 76 {
		broken.WriteString(encoded[i:min(i+76, len(encoded))] + "\r\n")
	}
	for _, c := range []struct{ rule, stored string }{
		{"PEM, leaf first", chain.PEM()},
		{"PEM, line ends of Windows", strings.ReplaceAll(chain.PEM(), "\n", "\r\n")},
		{"PEM, root first", pkitest.PEM(h.root.Cert, h.upper.Cert, h.lower.Cert, h.leaf)},
		{"PKCS #7", p7b(t, h.leaf, h.upper.Cert, h.lower.Cert)},
		{"ZIP of ours", string(raw)},
		{"base64 of a ZIP", encoded},
		{"base64 of a ZIP with line breaks", "\n" + broken.String()},
		{"base64 of a ZIP with blanks before each line", strings.ReplaceAll("\n"+broken.String(), "\n", "\n\t ")},
		{"ZIP without compression around PEM", storedZIP(t, chain.PEM())},
		{"ZIP of another module", zipOf(t, file{"readme.txt", "hello"}, file{"ca/", ""}, file{"ca.crt", pkitest.PEM(h.upper.Cert, h.lower.Cert)}, file{"site.crt", pkitest.PEM(h.leaf)})},
		{"ZIP with a PKCS #7 bundle that cannot be read", zipOf(t, file{"site.p7b", pkcs7Block(nest(40))}, file{"site.crt", chain.PEM()})},
		{"ZIP with a PKCS #7 bundle only", zipOf(t, file{"site.p7b", p7b(t, h.leaf, h.upper.Cert, h.lower.Cert)})},
		{"private key beside it", strings.ReplaceAll(pkitest.PEM(h.root.Cert), "CERTIFICATE", "PRIVATE KEY") + chain.PEM()},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := pki.StoredLeaf(c.stored)
			require.NoError(t, err)
			assert.True(t, h.leaf.Equal(got.Leaf))
			assert.Equal(t, []string{"Test DV CA 1", "Test Upper CA"}, subjects(got.Intermediates))
			texts, err := pki.StoredPEM(c.stored)
			require.NoError(t, err)
			rebuilt, err := pki.BuildChain(texts, h.csr, pkitest.Now)
			require.NoError(t, err)
			assert.Equal(t, chain.PEM(), rebuilt.PEM())
		})
	}
}

// storedZIP returns an uncompressed ZIP, which contains the readable PEM.
func storedZIP(t testing.TB, body string) string {
	t.Helper()
	var out bytes.Buffer
	packer := zip.NewWriter(&out)
	entry, err := packer.CreateHeader(&zip.FileHeader{Name: "site.crt", Method: zip.Store})
	require.NoError(t, err)
	_, err = io.WriteString(entry, body)
	require.NoError(t, err)
	require.NoError(t, packer.Close())
	return out.String()
}

func TestUnreadableStoredForms(t *testing.T) {
	h := newTestCA(t)
	good := zipOf(t, file{"site.crt", pkitest.PEM(h.leaf)})
	bomb := file{"bomb.txt", strings.Repeat("0", 3<<20)}
	half := file{"half.txt", strings.Repeat("0", 700<<10)}
	var many []file
	var certs []*x509.Certificate
	for i := range 17 {
		c := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Serial(int64(i+1)))
		certs = append(certs, c)
		many = append(many, file{string(rune('a'+i)) + ".crt", pkitest.PEM(c)})
	}
	for _, c := range []struct{ rule, stored, kind, words string }{
		{"nothing", "", fault.Missed, "no certificate is stored"},
		{"blanks", " \n ", fault.Missed, "no certificate is stored"},
		{"garbage", "certificate", fault.Value, "neither PEM"},
		{"base64 of something else", base64.StdEncoding.EncodeToString([]byte("hello world")), fault.Value, "neither PEM"},
		{"binary", "\x30\x82\x01\x00", fault.Value, "neither PEM"},
		{"cut ZIP", good[:len(good)/2], fault.Value, "ZIP cannot be read"},
		{"ZIP with a damaged file", damaged(good), fault.Value, "ZIP cannot be read"},
		{"ZIP of nothing but a mark", "PK\x03\x04", fault.Value, "ZIP cannot be read"},
		{"ZIP without certificate", zipOf(t, file{"readme.txt", "hello"}), fault.Value, "holds no certificate"},
		{"ZIP bomb", zipOf(t, bomb, file{"site.crt", pkitest.PEM(h.leaf)}), fault.Value, "more than 1048576 bytes"},
		{"ZIP bomb in parts", zipOf(t, half, half, file{"site.crt", pkitest.PEM(h.leaf)}), fault.Value, "more than 1048576 bytes"},
		{"ZIP bomb with a lie about its size", lying(zipOf(t, bomb)), fault.Value, "ZIP cannot be read"},
		{"ZIP of many files", zipOf(t, make([]file, 65)...), fault.Value, "65 files"},
		{"too many certificates in a ZIP", zipOf(t, many...), fault.Value, "more than 16 certificates"},
		{"too many certificates in PEM", pkitest.PEM(certs...), fault.Value, "more than 16 certificates"},
		{"five megabytes", strings.Repeat("A", 5<<20), fault.Value, "bytes long"},
		{"a megabyte of PEM", pkitest.PEM(h.leaf) + strings.Repeat("A", 1<<20), fault.Value, "bytes of PEM"},
		{"cut PEM", strings.TrimSuffix(pkitest.PEM(h.lower.Cert, h.leaf), "-----END CERTIFICATE-----\n"), fault.Value, "block 2 (CERTIFICATE"},
		{"CAs only", pkitest.PEM(h.lower.Cert, h.upper.Cert), fault.Value, "no leaf"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.StoredLeaf(c.stored)
			pkitest.RequireFault(t, err, c.kind, "certificate", c.words)
			assert.Less(t, len(err.Error()), 300)
		})
	}
}

// damaged changes a bit in the first file's compressed bytes.
func damaged(archive string) string {
	raw := []byte(archive)
	raw[30+len("site.crt")+200] ^= 1
	return string(raw)
}

// lying writes a wrong, small size into the ZIP's directory.
func lying(archive string) string {
	raw := []byte(archive)
	at := bytes.Index(raw, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(raw[at+24:], 10)
	return string(raw)
}

func TestStoredLeafIsTheFirstLeaf(t *testing.T) {
	h := newTestCA(t)
	second := h.lower.Leaf(t, &h.key.PublicKey, []string{"example.com"}, pkitest.Serial(2), pkitest.Between(pkitest.Day(2026, 5, 1), pkitest.Day(2026, 9, 1)))
	got, err := pki.StoredLeaf(pkitest.PEM(h.upper.Cert, h.leaf, second))
	require.NoError(t, err)
	assert.True(t, h.leaf.Equal(got.Leaf))
}

func FuzzStoredLeaf(f *testing.F) {
	h := newTestCA(f)
	chain := pki.Chain{Leaf: h.leaf, Intermediates: []*x509.Certificate{h.lower.Cert}}
	raw, err := chain.ZIP()
	require.NoError(f, err)
	f.Add(chain.PEM())
	f.Add(string(raw))
	f.Add(base64.StdEncoding.EncodeToString(raw))
	f.Add(storedZIP(f, chain.PEM()))
	f.Add(p7b(f, h.leaf))
	f.Add("PK\x03\x04")
	f.Fuzz(func(t *testing.T, stored string) {
		got, err := pki.StoredLeaf(stored)
		if err != nil {
			require.Equal(t, "certificate", fault.From(err).Object)
			return
		}
		require.False(t, got.Leaf.IsCA)
		packed, err := got.ZIP()
		require.NoError(t, err)
		again, err := pki.StoredLeaf(string(packed))
		require.NoError(t, err, "what we pack we can read back")
		require.Equal(t, got.PEM(), again.PEM())
		require.NotEmpty(t, got.Serial())
		_ = got.OverCap()
	})
}

// A panel has a million of them.
func TestStoredCertificateIsDecodedOnce(t *testing.T) {
	h := newTestCA(t)
	stored := pkitest.PEM(h.leaf, h.leaf, h.leaf, h.leaf, h.leaf) // ordering its chain takes next to nothing
	decode := testing.AllocsPerRun(20, func() { assert.True(t, pki.HoldsCertificates(stored)) })
	bundle := testing.AllocsPerRun(20, func() { _, _ = pki.ReadBundle([]string{stored}) })
	leaf := testing.AllocsPerRun(20, func() { _, _ = pki.StoredLeaf(stored) })
	assert.Less(t, leaf-bundle, decode, "StoredLeaf decodes no more than ReadBundle does")
}
