package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/pki"
)

// writer encodes an element from its tag and parts.
type writer func(tag byte, parts ...[]byte) []byte

// derElement encodes an element in DER.
func derElement(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	}
	return append([]byte{tag, 0x82, byte(len(content) >> 8), byte(len(content))}, content...)
}

// openElement encodes an element of indefinite length.
func openElement(tag byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
}

// rawRequest has the parts of a CSR, which is signed correctly.
type rawRequest struct {
	key        *ecdsa.PrivateKey
	subject    []byte
	attributes []byte
	outer, own writer
}

func (r rawRequest) text(t *testing.T) string {
	spki, err := x509.MarshalPKIXPublicKey(&r.key.PublicKey)
	require.NoError(t, err)
	signed := r.own(0x30, []byte{2, 1, 0}, r.subject, spki, r.attributes)
	digest := sha256.Sum256(signed)
	signature, err := r.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	require.NoError(t, err)
	bits, err := asn1.Marshal(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})
	require.NoError(t, err)
	algorithm := derElement(0x30, oid(t, 1, 2, 840, 10045, 4, 3, 2))
	der := r.outer(0x30, signed, algorithm, bits)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func oid(t *testing.T, numbers ...int) []byte {
	der, err := asn1.Marshal(asn1.ObjectIdentifier(numbers))
	require.NoError(t, err)
	return der
}

// extensions returns an extension request for domain names.
func extensions(t *testing.T, names ...string) []byte {
	var all []byte
	for _, name := range names {
		all = append(all, derElement(0x82, []byte(name))...)
	}
	san, err := asn1.Marshal(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: derElement(0x30, all)})
	require.NoError(t, err)
	return derElement(0x30, san)
}

// A CSR is sent unchanged after the payment, so a CSR that other programs may read differently or not at all is refused
// before, even if its signature is correct.
func TestAmbiguousCSRIsRefused(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	subject, err := asn1.Marshal(pkix.Name{CommonName: "example.com"}.ToRDNSequence())
	require.NoError(t, err)
	asked, microsoft := oid(t, 1, 2, 840, 113549, 1, 9, 14), oid(t, 1, 3, 6, 1, 4, 1, 311, 2, 1, 14)
	attribute := func(kind []byte, values ...[]byte) []byte { return derElement(0x30, kind, derElement(0x31, values...)) }
	usual := derElement(0xa0, attribute(asked, extensions(t, "example.com", "www.example.com")))
	const notDER, hidden = "not written in DER", `"shop.example.com" outside of its one list of names`
	for name, row := range map[string]struct {
		subject, attributes []byte
		outer, own          writer
		refused             string // part of the error, empty if accepted
	}{
		"usual":                     {subject, usual, derElement, derElement, ""},
		"without attributes":        {subject, nil, derElement, derElement, ""},
		"outer length open":         {subject, usual, openElement, derElement, notDER},
		"signed part's length open": {subject, usual, derElement, openElement, notDER},
		"subject's length too long": {slices.Concat([]byte{0x30, 0x82, 0}, subject[1:]), usual, derElement, derElement, notDER},
		"names in a second value":   {subject, derElement(0xa0, attribute(asked, extensions(t, "example.com"), extensions(t, "shop.example.com"))), derElement, derElement, hidden},
		"names in Microsoft's form": {subject, derElement(0xa0, attribute(microsoft, extensions(t, "shop.example.com"))), derElement, derElement, hidden},
		"another field for attributes": {
			subject, derElement(0xa1, attribute(asked, extensions(t, "example.com"))), derElement, derElement,
			"the CSR cannot be read: one of its fields is of another type than belongs there; make a new one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pki.ParseCSR(rawRequest{key, row.subject, row.attributes, row.outer, row.own}.text(t))
			if row.refused == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, row.refused)
		})
	}
	accepted := rawRequest{key, subject, derElement(0xa0, attribute(microsoft, extensions(t, "shop.example.com"))), derElement, derElement}
	_, err = pki.ReadCSR(accepted.text(t))
	assert.NoError(t, err, "an order that was accepted before is followed")
}
