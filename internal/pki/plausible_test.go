package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/pki"
)

func TestNamesOfRecordsAndFiles(t *testing.T) {
	for text, want := range map[string]bool{
		"example.org": true, "_x.Example.org.": true, "a-b": true, "": false, ".": false, "a..b": false, "a b": false, "ä.org": false, "*.example.org": false,
		"a/b": false, strings.Repeat("a", 64) + ".org": false, strings.Repeat("a.", 130): false,
	} {
		assert.Equal(t, want, pki.RecordName(text), text)
	}
	for text, want := range map[string]bool{"ABC.txt": true, "a_b-c": true, ".hidden": false, "a/b": false, "../a": false, "a b": false, "a%20": false, strings.Repeat("a", 256): false} {
		assert.Equal(t, want, pki.FileName(text), text)
	}
	for text, want := range map[string]bool{
		"admin@example.org": true, "a+b@c.de": true, "": false, "a": false, "a@b": false, "@b.de": false, "a b@c.de": false, "a@b@c.de": false, "<a@b.de>": false, "a,b@c.de": false,
	} {
		assert.Equal(t, want, pki.PlausibleEmail(text), text)
	}
}

func TestCSRSubject(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{
		CommonName: "example.org", Country: []string{"DE"}, Province: []string{" Berlin "}, Locality: []string{"Mitte"},
		Organization: []string{"Example GmbH"}, OrganizationalUnit: []string{"IT"},
	}}, key)
	require.NoError(t, err)
	csr, err := pki.ParseCSR(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	require.NoError(t, err)
	assert.Equal(t, pki.Subject{Country: "DE", State: "Berlin", Locality: "Mitte", Organisation: "Example GmbH", Unit: "IT"}, csr.Subject)
}
