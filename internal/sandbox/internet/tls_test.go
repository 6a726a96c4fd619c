package internet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/internet"
)

// selfSigned returns a certificate for www.example.com with the given validity, and a pool that trusts it.
func selfSigned(t *testing.T, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: from, NotAfter: to, DNSNames: []string{"www.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestAVisitorAcceptsOnlyACertificateThatIsValidNow(t *testing.T) {
	w, at := start(t)
	pair, roots := selfSigned(t, at.now(), at.now().Add(time.Hour))
	require.NoError(t, w.ServeTLS(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "none.example.com" {
			return nil, errors.New("no such site")
		}
		return &pair, nil
	}, internet.WebAddress, internet.WebIPv6))
	for _, address := range []string{internet.WebAddress, internet.WebIPv6} {
		leaf, err := w.Visit(t.Context(), address, "www.example.com", roots)
		require.NoError(t, err)
		assert.Equal(t, "7", leaf.SerialNumber.String())
	}
	for name, row := range map[string]struct {
		address, site string
		roots         *x509.CertPool
		says          string
	}{
		"another name":     {internet.WebAddress, "example.com", roots, "not example.com"},
		"an unknown root":  {internet.WebAddress, "www.example.com", x509.NewCertPool(), "unknown authority"},
		"no certificate":   {internet.WebAddress, "none.example.com", roots, "internal error"},
		"nobody is there":  {internet.CAAddress, "www.example.com", roots, "no route"},
		"an empty address": {"", "www.example.com", roots, "no route"},
	} {
		_, err := w.Visit(t.Context(), row.address, row.site, row.roots)
		assert.ErrorContains(t, err, row.says, name)
	}
	at.advance(2 * time.Hour)
	_, err := w.Visit(t.Context(), internet.WebAddress, "www.example.com", roots)
	require.ErrorContains(t, err, "expired")
}
