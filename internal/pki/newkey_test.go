package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/pki"
)

func pemOf(t *testing.T, label string, der []byte, err error) string {
	t.Helper()
	require.NoError(t, err)
	return block(label, der)
}

func TestANewKeyIsLikeTheOldOne(t *testing.T) {
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	sec1 := func(key *ecdsa.PrivateKey) string {
		der, err := x509.MarshalECPrivateKey(key)
		return pemOf(t, "EC PRIVATE KEY", der, err)
	}
	for name, c := range map[string]struct {
		key   crypto.Signer
		like  string
		kind  string
		label string
	}{
		"RSA, PKCS #1":               {rsa2048, pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048), nil), "RSA 2048", "RSA PRIVATE KEY"},
		"RSA, PKCS #8":               {rsa2048, pkcs8(t, rsa2048), "RSA 2048", "PRIVATE KEY"},
		"ECDSA P-256, SEC 1":         {p256, sec1(p256), "ECDSA P-256", "EC PRIVATE KEY"},
		"ECDSA behind parameters":    {p256, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + sec1(p256), "ECDSA P-256", "EC PRIVATE KEY"},
		"ECDSA P-384, PKCS #8":       {p384, pkcs8(t, p384), "ECDSA P-384", "PRIVATE KEY"},
		"a form that is not a key's": {p256, "no PEM", "ECDSA P-256", "PRIVATE KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			feature := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}
			der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
				Subject:  pkix.Name{CommonName: "example.com", Organization: []string{"Hosting GmbH"}, Country: []string{"DE"}},
				DNSNames: []string{"example.com", "www.example.com"}, ExtraExtensions: []pkix.Extension{feature},
			}, c.key)
			old, err := pki.ParseCSR(pemOf(t, "CERTIFICATE REQUEST", der, err))
			require.NoError(t, err)

			made, key, err := old.WithNewKey(c.like, rand.Reader)
			require.NoError(t, err)

			assert.Equal(t, c.kind, made.Key)
			assert.False(t, made.SameKey(c.key.Public()), "the key is a new one")
			assert.Equal(t, old.CommonName, made.CommonName)
			assert.Equal(t, old.Names, made.Names)
			assert.Equal(t, old.Subject, made.Subject)
			again, err := pki.ParseCSR(made.PEM)
			require.NoError(t, err, "the seller can check it")
			assert.Equal(t, made.PEM, again.PEM)
			request, err := x509.ParseCertificateRequest(made.DER)
			require.NoError(t, err)
			assert.Contains(t, request.Extensions, feature)
			form, rest := pem.Decode([]byte(key))
			require.NotNil(t, form)
			assert.Empty(t, rest)
			assert.Equal(t, c.label, form.Type)
			fitting, fits := made.FittingKey(key)
			assert.True(t, fits)
			assert.Equal(t, key, fitting)
			_, fits = made.FittingKey(c.like)
			assert.False(t, fits)
		})
	}
}

func TestTheHashOfACSRIsThatOfTheRequest(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	request := func() string {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "example.com"}}, key)
		return pemOf(t, "CERTIFICATE REQUEST", der, err)
	}
	text := request()
	assert.Regexp(t, "^[0-9a-f]{64}$", pki.CSRHash(text))
	assert.Equal(t, pki.CSRHash(text), pki.CSRHash("\n"+strings.ReplaceAll(text, "\n", "\r\n")))
	assert.NotEqual(t, pki.CSRHash(text), pki.CSRHash(request()), "another request for the same key")
	assert.Equal(t, pki.CSRHash("none"), pki.CSRHash(" none\n"))
	assert.NotEqual(t, pki.CSRHash("none"), pki.CSRHash("other"))
}
