package pki_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

// csrFiles are CSRs from other programs; OpenSSL verifies all of them.
var csrFiles = []string{"ideographic-dot", "soft-hyphen", "trailing-dot", "u-label", "zero-width-space", "no-attributes", "bom",
	"bang-printable", "email-printable", "underscore-printable", "md5", "pss-salt-222"}

func csrFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/csr/" + name + ".csr")
	require.NoError(t, err)
	return string(text)
}

// handmade returns a CSR of the given parts, signed by the key.
func handmade(t testing.TB, key *ecdsa.PrivateKey, subject, spki []byte, attributes ...byte) string {
	t.Helper()
	wrapped := func(v any) []byte {
		der, err := asn1.Marshal(v)
		require.NoError(t, err)
		return der
	}
	sequence := func(parts ...[]byte) []byte {
		var all []byte
		for _, part := range parts {
			all = append(all, part...)
		}
		return wrapped(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: all})
	}
	info := sequence([]byte{2, 1, 0}, subject, spki, attributes)
	digest := sha256.Sum256(info)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	require.NoError(t, err)
	algorithm := sequence(wrapped(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}))
	return pkitest.CSRBlock(sequence(info, algorithm, wrapped(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})))
}

func subjectDER(t testing.TB, name pkix.Name) []byte {
	t.Helper()
	der, err := asn1.Marshal(name.ToRDNSequence())
	require.NoError(t, err)
	return der
}

func spkiDER(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return der
}

// compressedKey returns the key with its point in the compressed form of SEC 1 2.3.3.
func compressedKey(t testing.TB, key *ecdsa.PublicKey) []byte {
	t.Helper()
	curve, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7})
	require.NoError(t, err)
	full, err := key.Bytes() // 4, then both coordinates
	require.NoError(t, err)
	short := append([]byte{2 + full[64]&1}, full[1:33]...)
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: asn1.RawValue{FullBytes: curve}},
		asn1.BitString{Bytes: short, BitLength: 8 * 33},
	})
	require.NoError(t, err)
	return der
}

func compressed(t testing.TB, template x509.CertificateRequest) string {
	t.Helper()
	key := pkitest.NewKey(t)
	return handmade(t, key, subjectDER(t, template.Subject), compressedKey(t, &key.PublicKey), 0xa0, 0)
}

// withoutNULL returns a CSR of an RSA key whose algorithm lacks the NULL parameter.
func withoutNULL(t testing.TB, cn string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	_, err = asn1.Unmarshal(spkiDER(t, &key.PublicKey), &spki)
	require.NoError(t, err)
	oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1})
	require.NoError(t, err)
	spki.Algorithm = asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: oid}
	bare, err := asn1.Marshal(spki)
	require.NoError(t, err)
	info, err := asn1.Marshal(struct {
		Version    int
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Attributes asn1.RawValue
	}{0, asn1.RawValue{FullBytes: subjectDER(t, pkix.Name{CommonName: cn})}, asn1.RawValue{FullBytes: bare}, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true}})
	require.NoError(t, err)
	digest := sha256.Sum256(info)
	signature, err := rsa.SignPKCS1v15(nil, key, 5, digest[:]) // 5 is crypto.SHA256
	require.NoError(t, err)
	der, err := asn1.Marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		asn1.RawValue{FullBytes: info},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
	require.NoError(t, err)
	return pkitest.CSRBlock(der)
}

func withExtra(oid asn1.ObjectIdentifier, tag int, text string) []byte {
	name, _ := asn1.Marshal(pkix.RDNSequence{
		{{Type: oid, Value: asn1.RawValue{Tag: tag, Bytes: []byte(text)}}},
		{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "example.com"}},
	})
	return name
}

// A CSR with only one possible meaning is accepted (rules CERT-3), and the signed bytes are sent to the seller.
func TestCSRsFromOtherProgramsAreAccepted(t *testing.T) {
	key := pkitest.NewKey(t)
	spki := spkiDER(t, &key.PublicKey)
	plain := pkitest.RequestPEM(t, key, pkitest.Named("example.com"))
	der := derOf(t, plain)
	oneLine := base64.StdEncoding.EncodeToString(der)
	utf16LE := "\xff\xfe"
	for _, unit := range utf16.Encode([]rune(plain)) {
		utf16LE += string([]byte{byte(unit), byte(unit >> 8)})
	}
	for _, c := range []struct{ rule, text string }{
		{"no attributes at all", csrFile(t, "no-attributes")},
		{"a byte order mark", csrFile(t, "bom")},
		{"! in a PrintableString", csrFile(t, "bang-printable")},
		{"@ in a PrintableString", csrFile(t, "email-printable")},
		{"_ in a PrintableString", csrFile(t, "underscore-printable")},
		{": in a PrintableString", handmade(t, key, withExtra(asn1.ObjectIdentifier{2, 5, 4, 11}, asn1.TagPrintableString, "dept: web"), spki, 0xa0, 0)},
		{"an RSA key without NULL", withoutNULL(t, "example.com")},
		{"a compressed point", compressed(t, pkitest.Named("example.com"))},
		{"no attributes and a compressed point", handmade(t, key, subjectDER(t, pkix.Name{CommonName: "example.com"}), compressedKey(t, &key.PublicKey))},
		{"zero bytes behind it", pkitest.CSRBlock(append(append([]byte(nil), der...), 0, 0, 0))},
		{"zero bytes behind END", plain + "\x00\x00"},
		{"one line", "-----BEGIN CERTIFICATE REQUEST-----" + oneLine + "-----END CERTIFICATE REQUEST-----"},
		{"one line with blanks", strings.ReplaceAll(plain, "\n", " ")},
		{"line ends written as two characters", strings.ReplaceAll(plain, "\n", `\n`)},
		{"line ends of old Macintosh", strings.ReplaceAll(plain, "\n", "\r")},
		{"tabs and no-break spaces", strings.ReplaceAll(plain, "\n", "\t\u00a0\n")},
		{"a zero width space from a web page", strings.Replace(plain, "\n", "\u200b\n", 3)},
		{"UTF-16 of Windows", utf16LE},
		{"without padding", "-----BEGIN CERTIFICATE REQUEST-----\n" + strings.TrimRight(oneLine, "=") + "\n-----END CERTIFICATE REQUEST-----\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			csr, err := pki.ParseCSR(c.text)
			require.NoError(t, err)
			assert.Equal(t, "example.com", csr.CommonName)
			block, rest := pem.Decode([]byte(csr.PEM))
			require.NotNil(t, block)
			assert.Empty(t, rest)
			assert.Equal(t, "CERTIFICATE REQUEST", block.Type)
			assert.Equal(t, csr.DER, block.Bytes)
			if sent, _ := pem.Decode([]byte(strings.TrimPrefix(c.text, "\ufeff"))); sent != nil && sent.Type == block.Type {
				assert.Equal(t, strings.TrimRight(string(sent.Bytes), "\x00"), strings.TrimRight(string(csr.DER), "\x00"), "the signed bytes are not touched")
			}
			again, err := pki.ParseCSR(csr.PEM)
			require.NoError(t, err)
			assert.True(t, again.SameKey(csr.PublicKey))
		})
	}
}

// A certificate has the key in the form of the CSR: a form that is accepted in a CSR must be accepted in the certificate.
func TestCertificateWithACompressedPointIsDelivered(t *testing.T) {
	h := newTestCA(t)
	csr, err := pki.ParseCSR(handmade(t, h.key, subjectDER(t, pkix.Name{CommonName: "example.com"}), compressedKey(t, &h.key.PublicKey), 0xa0, 0))
	require.NoError(t, err)
	var whole struct {
		Signed    asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	_, err = asn1.Unmarshal(h.leaf.Raw, &whole)
	require.NoError(t, err)
	signed := strings.Replace(string(whole.Signed.Bytes), string(h.leaf.RawSubjectPublicKeyInfo), string(compressedKey(t, &h.key.PublicKey)), 1)
	tbs, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: []byte(signed)})
	require.NoError(t, err)
	digest := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, h.lower.Key, digest[:])
	require.NoError(t, err)
	whole.Signed, whole.Signature = asn1.RawValue{FullBytes: tbs}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	leaf, err := asn1.Marshal(whole)
	require.NoError(t, err)
	_, err = x509.ParseCertificate(leaf)
	require.Error(t, err, "the fixture is one that crypto/x509 does not read")

	chain, err := pki.BuildChain([]string{certBlock(leaf) + pkitest.PEM(h.lower.Cert, h.upper.Cert)}, csr, pkitest.Now)
	require.NoError(t, err)
	assert.Empty(t, chain.Warnings)
	assert.Equal(t, []string{"Test DV CA 1", "Test Upper CA"}, subjects(chain.Intermediates))
	require.NoError(t, chain.Check(csr, []string{"www.example.com"}))
	archive, err := chain.ZIP()
	require.NoError(t, err)
	stored, err := pki.StoredLeaf(string(archive))
	require.NoError(t, err)
	assert.Equal(t, leaf, stored.Leaf.Raw, "what is stored is what the CA signed")
}

// The error names the field and the character, and says what to do.
func TestRefusedCSRsSayWhatToDo(t *testing.T) {
	key := pkitest.NewKey(t)
	spki := spkiDER(t, &key.PublicKey)
	der := derOf(t, pkitest.RequestPEM(t, key, pkitest.Named("example.com")))
	organisation, email := asn1.ObjectIdentifier{2, 5, 4, 10}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	subject := subjectDER(t, pkix.Name{CommonName: "example.com"})
	oid := func(numbers ...int) asn1.RawValue {
		raw, err := asn1.Marshal(asn1.ObjectIdentifier(numbers))
		require.NoError(t, err)
		return asn1.RawValue{FullBytes: raw}
	}
	curveKey := func(parameters asn1.RawValue, point []byte) []byte {
		raw, err := asn1.Marshal(struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: parameters}, asn1.BitString{Bytes: point, BitLength: 8 * len(point)}})
		require.NoError(t, err)
		return raw
	}
	for _, c := range []struct{ rule, text, words string }{
		{"MD5", csrFile(t, "md5"), "the signature algorithm MD5 is not accepted: make the CSR with SHA-256"},
		{"PSS with another salt", csrFile(t, "pss-salt-222"), "the signature algorithm RSA-PSS with a salt of 222 bytes is not accepted: make the CSR with SHA-256"},
		{"an umlaut in a PrintableString", handmade(t, key, withExtra(organisation, asn1.TagPrintableString, "Müller"), spki, 0xa0, 0),
			`the CSR's organisation (O) holds the character U+00FC "ü"`},
		{"Latin-1 in a PrintableString", handmade(t, key, withExtra(organisation, asn1.TagPrintableString, "M\xfcller"), spki, 0xa0, 0),
			`the CSR's organisation (O) holds the character U+00FC "ü"`},
		{"a line break in a PrintableString", handmade(t, key, withExtra(organisation, asn1.TagPrintableString, "A\nB"), spki, 0xa0, 0), "organisation (O) holds the character U+000A"},
		{"Latin-1 in an IA5String", handmade(t, key, withExtra(email, asn1.TagIA5String, "m\xfcller@example.com"), spki, 0xa0, 0), "e-mail address (emailAddress) holds"},
		{"no UTF-8 in a UTF8String", handmade(t, key, withExtra(organisation, asn1.TagUTF8String, "M\xfcller"), spki, 0xa0, 0), "organisation (O) is not text in UTF-8 (byte 0xfc)"},
		{"a curve by numbers", handmade(t, key, subject, curveKey(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: []byte{2, 1, 1}}, []byte{4, 1, 2}), 0xa0, 0), "gives its curve by numbers"},
		{"a curve of another kind", handmade(t, key, subject, curveKey(oid(1, 3, 132, 0, 10), []byte{4, 1, 2}), 0xa0, 0), "on the curve 1.3.132.0.10, P-256 and P-384"},
		{"a compressed point that is none", handmade(t, key, subject, curveKey(oid(1, 2, 840, 10045, 3, 1, 7), append([]byte{2}, make([]byte, 10)...)), 0xa0, 0), "not a point of its curve"},
		{"cut off", pkitest.CSRBlock(der[:len(der)-20]), "it is cut off or damaged; copy it again"},
		{"something behind it", pkitest.CSRBlock(append(append([]byte(nil), der...), 5, 0)), "something follows the request"},
		{"a character of no base64", strings.Replace(pkitest.CSRBlock(der), "MI", "MI\u20ac", 1), `the character U+20AC "€" after 2 characters`},
		{"cut base64", strings.Replace(pkitest.CSRBlock(der), "MI", "M", 1), "cannot be read"},
		{"a structure of something else", pkitest.CSRBlock([]byte{0x30, 3, 2, 1, 1}), "not that of a CSR"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.ParseCSR(c.text)
			pkitest.RequireFault(t, err, fault.Value, "csr", c.words)
			for _, words := range []string{"asn1", "x509", "%!"} {
				assert.NotContains(t, err.Error(), words)
			}
			assert.Less(t, len(err.Error()), 500)
		})
	}
}

// A name goes to the CA in the form of the CSR: a name that ASCIIName would change is refused, with the name to use (rules
// CERT-4).
func TestNamesOfACSRMustHaveTheirFinalForm(t *testing.T) {
	key := pkitest.NewKey(t)
	subject := subjectDER(t, pkix.Name{CommonName: "example.com"})
	rawSAN := func(name string) []byte { // a dNSName with bytes beyond ASCII
		general := append([]byte{0x82, byte(len(name))}, name...)
		value := append([]byte{0x30, byte(len(general))}, general...)
		extension, err := asn1.Marshal([]pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}})
		require.NoError(t, err)
		set := append([]byte{0x31, byte(len(extension))}, extension...)
		oid, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14})
		require.NoError(t, err)
		pair := append(oid, set...)
		sequence := append([]byte{0x30, byte(len(pair))}, pair...)
		return append([]byte{0xa0, byte(len(sequence))}, sequence...)
	}
	for _, c := range []struct{ rule, text, character, remedy string }{
		{"a zero width space", csrFile(t, "zero-width-space"), "U+200B", "the name example.com"},
		{"a soft hyphen", csrFile(t, "soft-hyphen"), "U+00AD", "the name example.com"},
		{"an ideographic full stop", csrFile(t, "ideographic-dot"), "U+3002", "the name example.com"},
		{"a U-label", csrFile(t, "u-label"), `U+00FC "ü"`, "the name xn--bcher-kva.example.com"},
		{"a trailing dot", csrFile(t, "trailing-dot"), "ends with a dot", "the name example.com"},
		{"full-width letters", pkitest.RequestPEM(t, key, pkitest.Named("ｅxample.com")), "U+FF45", "the name example.com"},
		{"the Kelvin sign, which becomes k", pkitest.RequestPEM(t, key, pkitest.Named("\u212aiosk.example.com")), "U+212A", "the name kiosk.example.com"},
		{"a byte order mark", pkitest.RequestPEM(t, key, pkitest.Named("\ufeffexample.com")), "U+FEFF", "the name example.com"},
		{"a wildcard", pkitest.RequestPEM(t, key, pkitest.Named("*.bücher.example.com")), "U+00FC", "the name *.xn--bcher-kva.example.com"},
		{"a trailing dot in a SAN", pkitest.RequestPEM(t, key, pkitest.Named("example.com", "www.example.com.")), "ends with a dot", "the name www.example.com"},
		{"a U-label in a SAN", handmade(t, key, subject, spkiDER(t, &key.PublicKey), rawSAN("bücher.example.com")...), `U+00FC "ü"`, "the name xn--bcher-kva.example.com"},
		{"a zero width space in a SAN", handmade(t, key, subject, spkiDER(t, &key.PublicKey), rawSAN("www.example.com\u200b")...), "U+200B", "the name www.example.com"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := pki.ParseCSR(c.text)
			pkitest.RequireFault(t, err, fault.Value, "csr", c.character)
			assert.Contains(t, err.Error(), c.remedy)
			_, err = seller.NewRequest(seller.Product{ID: "p", Level: seller.DV, Included: 1, MaxNames: 1}, c.text, "", 0, nil)
			assert.ErrorContains(t, err, c.character, "refused before buying")
		})
	}
	t.Run("letter case is no difference", func(t *testing.T) {
		csr, err := pki.ParseCSR(pkitest.RequestPEM(t, key, pkitest.Named("WWW.Example.COM", "XN--bcher-KVA.example.com")))
		require.NoError(t, err)
		assert.Equal(t, "www.example.com", csr.CommonName)
		assert.Equal(t, []string{"xn--bcher-kva.example.com"}, csr.Names)
	})
	t.Run("an order that was accepted before is still followed", func(t *testing.T) {
		csr, err := pki.ReadCSR(csrFile(t, "u-label"))
		require.NoError(t, err)
		assert.Equal(t, "xn--bcher-kva.example.com", csr.CommonName)
	})
}
