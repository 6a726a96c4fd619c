package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/pki"
)

// leafOf returns a certificate for the key.
func leafOf(t testing.TB, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return leaf
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return block("PRIVATE KEY", der)
}

func TestTheKeyThatFitsTheCertificateIsFound(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	require.NoError(t, err)
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))
	ec := block("EC PRIVATE KEY", sec1)
	parameters := block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7})
	for name, c := range map[string]struct {
		text string
		key  crypto.Signer
		want string
	}{
		"PKCS #1":                  {text: pkcs1, key: rsaKey, want: pkcs1},
		"PKCS #8":                  {text: pkcs8(t, rsaKey), key: rsaKey, want: pkcs8(t, rsaKey)},
		"SEC 1 behind parameters":  {text: parameters + ec, key: ecKey, want: ec},
		"Ed25519":                  {text: pkcs8(t, edKey), key: edKey, want: pkcs8(t, edKey)},
		"CRLF and other text":      {text: "Bag Attributes\r\n" + strings.ReplaceAll(ec, "\n", "\r\n"), key: ecKey, want: ec},
		"behind another one":       {text: pkcs8(t, other) + ec, key: ecKey, want: ec},
		"another certificate's":    {text: pkcs8(t, other), key: ecKey},
		"another kind":             {text: pkcs1, key: ecKey},
		"encrypted":                {text: block("ENCRYPTED PRIVATE KEY", []byte{48, 0}), key: ecKey},
		"the panel keeps none":     {text: "", key: ecKey},
		"no PEM":                   {text: "e30=", key: ecKey},
		"a certificate":            {text: block("CERTIFICATE", leafOf(t, ecKey).Raw), key: ecKey},
		"behind too many blocks":   {text: strings.Repeat(parameters, 10) + ec, key: ecKey},
		"longer than any key":      {text: strings.Repeat(" ", 70<<10) + ec, key: ecKey},
		"a key with a broken body": {text: strings.Replace(ec, "M", "N", 1), key: ecKey},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := pki.FittingKey(c.text, leafOf(t, c.key))
			assert.Equal(t, c.want != "", ok)
			assert.Equal(t, c.want, got)
		})
	}
}

func FuzzFittingKey(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	leaf := leafOf(f, key)
	f.Add(pkcs8(f, key))
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, ok := pki.FittingKey(text, leaf)
		assert.Equal(t, ok, found != "")
		if again, still := pki.FittingKey(found, leaf); ok {
			assert.True(t, still)
			assert.Equal(t, found, again)
		}
	})
}
