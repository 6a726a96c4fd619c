// Package pkitest makes keys, CSRs and certificates for tests. Only tests import it.
package pkitest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
)

// Day returns midnight UTC of a date.
func Day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// Now is inside the validity of every certificate for which a test sets no dates.
var Now = Day(2026, 4, 10)

// NewKey returns a new P-256 key.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// Authority is a CA: one certificate and its key.
type Authority struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

type change func(*x509.Certificate)

// CATemplate returns the template of the test CAs' certificates.
func CATemplate(name string, serial int64) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: Day(2020, 1, 1), NotAfter: Day(2040, 1, 1),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// NewRoot returns a self-signed CA.
func NewRoot(t testing.TB, name string) Authority {
	t.Helper()
	key := NewKey(t)
	return Authority{sign(t, CATemplate(name, 1), nil, key, &key.PublicKey), key}
}

// sign returns a certificate; without an issuer it is self-signed.
func sign(t testing.TB, template, issuer *x509.Certificate, key *ecdsa.PrivateKey, subject crypto.PublicKey) *x509.Certificate {
	t.Helper()
	if issuer == nil {
		issuer = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, subject, key)
	require.NoError(t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return made
}

// Sub returns an intermediate CA under a.
func (a Authority) Sub(t testing.TB, name string, changes ...change) Authority {
	t.Helper()
	key := NewKey(t)
	return Authority{a.Cross(t, name, key, changes...), key}
}

// Cross returns a's certificate for another CA's name and key.
func (a Authority) Cross(t testing.TB, name string, key *ecdsa.PrivateKey, changes ...change) *x509.Certificate {
	t.Helper()
	template := CATemplate(name, 2)
	for _, c := range changes {
		c(template)
	}
	return sign(t, template, a.Cert, a.Key, &key.PublicKey)
}

// Leaf returns a server certificate of 199 days for the key, as CAs issue them in 2026.
func (a Authority) Leaf(t testing.TB, key crypto.PublicKey, names []string, changes ...change) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xc0ffee), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: Day(2026, 4, 2), NotAfter: Day(2026, 10, 18).Add(-time.Second),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range changes {
		c(template)
	}
	return sign(t, template, a.Cert, a.Key, key)
}

// Serial sets the serial number of a certificate.
func Serial(n int64) change { return func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) } }

// Between sets the validity of a certificate.
func Between(from, to time.Time) change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
}

// PEM returns the certificates as PEM blocks.
func PEM(certs ...*x509.Certificate) string {
	var out strings.Builder
	for _, c := range certs {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return out.String()
}

// RequestPEM returns a CSR for the key.
func RequestPEM(t testing.TB, key crypto.Signer, template x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	require.NoError(t, err)
	return CSRBlock(der)
}

// CSRBlock returns a CSR in PEM.
func CSRBlock(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// CSRFor returns a checked CSR with the common name and further names.
func CSRFor(t testing.TB, key crypto.Signer, cn string, sans ...string) pki.CSR {
	t.Helper()
	csr, err := pki.ParseCSR(RequestPEM(t, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}, DNSNames: sans}))
	require.NoError(t, err)
	return csr
}

// RequireFault checks the type and object of a fault, and that its text contains the words.
func RequireFault(t testing.TB, err error, kind, object, words string) {
	t.Helper()
	require.Error(t, err)
	var failure *fault.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Type, failure.Error())
	require.Equal(t, object, failure.Object, failure.Error())
	require.Contains(t, failure.Message, words)
}

// Named returns the template of a CSR with these names.
func Named(cn string, sans ...string) x509.CertificateRequest {
	return x509.CertificateRequest{Subject: pkix.Name{CommonName: cn}, DNSNames: sans}
}
