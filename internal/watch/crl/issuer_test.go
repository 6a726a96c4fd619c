package crl_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch/crl"
)

// issuerURL is where leaves say that their issuer's certificate is.
const issuerURL = "http://crl.ca.example/ca.crt"

// leaf returns a leaf of the authority, which names these URLs of its issuer's certificate.
func (a authority) leaf(t testing.TB, urls ...string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: "example.com"}, NotBefore: start(), NotAfter: start().AddDate(0, 6, 0),
		IssuingCertificateURL: urls,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return leaf
}

// issuer asks for the leaf's issuer in a run of its own.
func (w *world) issuer(t testing.TB, leaf *x509.Certificate) (*x509.Certificate, error) {
	t.Helper()
	s := w.open(t)
	issuer, err := s.Issuer(t.Context(), leaf)
	require.NoError(t, s.Close(true, nil))
	return issuer, err
}

func TestTheIssuerThatALeafNamesIsFetchedOnce(t *testing.T) {
	w := newWorld(t)
	w.serve(w.ca.certificate.Raw)
	leaf := w.ca.leaf(t, "ldap://ca.example/", issuerURL)
	for range 3 {
		issuer, err := w.issuer(t, leaf)
		require.NoError(t, err)
		assert.Equal(t, w.ca.certificate.Raw, issuer.Raw)
		w.at = w.at.AddDate(0, 1, 0)
	}
	assert.Equal(t, 1, w.requests())
	w.run(t) // that asks for a list only
	_, err := w.issuer(t, leaf)
	require.NoError(t, err)
	assert.Equal(t, 2, w.requests(), "what no certificate needs is forgotten")
}

func TestCertificatesThatAreNotTheIssuers(t *testing.T) {
	other := newAuthority(t, "Other CA")
	for name, c := range map[string]struct {
		answer func(w *world) []byte
		why    string
	}{
		"no certificate": {func(*world) []byte { return []byte("hello") }, "it is not a certificate in DER"},
		"something behind it": {func(w *world) []byte {
			return append(w.ca.certificate.Raw[:len(w.ca.certificate.Raw):len(w.ca.certificate.Raw)], 0)
		}, "it is not a certificate in DER"},
		"of another CA":               {func(*world) []byte { return other.certificate.Raw }, "it is of CN=Other CA, the issuer is CN=Example CA"},
		"of another key":              {func(*world) []byte { return newAuthority(t, "Example CA").certificate.Raw }, "it did not sign the certificate that names it"},
		"not allowed to sign":         {func(w *world) []byte { return w.ca.leaf(t).Raw }, "it is of CN=example.com"},
		"longer than a certificate":   {func(*world) []byte { return make([]byte, 64<<10+1) }, "it is longer than 64 KiB"},
		"as long as a list may be":    {func(*world) []byte { return make([]byte, 10<<20) }, "it is longer than 64 KiB"},
		"the longest, and no meaning": {func(*world) []byte { return make([]byte, 64<<10) }, "it is not a certificate in DER"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(c.answer(w))
			issuer, err := w.issuer(t, w.ca.leaf(t, issuerURL))
			assert.Nil(t, issuer)
			var failure *crl.Failure
			require.ErrorAs(t, err, &failure)
			assert.True(t, failure.First)
			require.ErrorContains(t, err, "the certificate "+issuerURL+" of the issuer of certificates that were stored without their chain cannot be used: "+c.why)
		})
	}
}

func TestTheIssuerIsAskedForAgainAfterAnHour(t *testing.T) {
	w := newWorld(t)
	w.serveBy(status(http.StatusNotFound))
	leaf := w.ca.leaf(t, issuerURL)
	_, err := w.issuer(t, leaf)
	require.ErrorContains(t, err, "HTTP 404")
	w.serve(w.ca.certificate.Raw)
	w.at = w.at.Add(crl.RetryAfter - time.Second)
	_, err = w.issuer(t, leaf)
	require.ErrorContains(t, err, "tried again later")
	w.at = w.at.Add(time.Second)
	_, err = w.issuer(t, leaf)
	require.NoError(t, err)
	assert.Equal(t, 2, w.requests())
}

// A copy is checked as if it came from the CA.
func TestACopyOfAnIssuerThatIsDamagedIsFetchedAgain(t *testing.T) {
	w := newWorld(t)
	w.serve(w.ca.certificate.Raw)
	leaf := w.ca.leaf(t, issuerURL)
	_, err := w.issuer(t, leaf)
	require.NoError(t, err)
	copies, err := filepath.Glob(filepath.Join(w.folder, "*"+crl.CopySuffix))
	require.NoError(t, err)
	require.Len(t, copies, 1)
	for _, damaged := range [][]byte{nil, []byte("hello"), newAuthority(t, "Example CA").certificate.Raw} {
		require.NoError(t, os.WriteFile(copies[0], damaged, 0o600))
		w.requests()
		issuer, err := w.issuer(t, leaf)
		require.NoError(t, err)
		assert.Equal(t, w.ca.certificate.Raw, issuer.Raw)
		assert.Equal(t, 1, w.requests())
	}
}

// What is asked for an issuer has the bounds of lists.
func TestIssuersThatAreNotAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		urls []string
		why  string
	}{
		"none":            {nil, "does not name its issuer's by http"},
		"https":           {[]string{"https://crl.ca.example/ca.crt"}, "does not name its issuer's by http"},
		"another port":    {[]string{"http://crl.ca.example:22/ca.crt"}, "no other port"},
		"private address": {[]string{"http://192.168.0.1/ca.crt"}, "no public address"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve(w.ca.certificate.Raw)
			_, err := w.issuer(t, w.ca.leaf(t, c.urls...))
			require.ErrorContains(t, err, c.why)
			assert.Empty(t, w.dialed)
		})
	}
	t.Run("a host that does not answer", func(t *testing.T) {
		w := newWorld(t)
		w.serveBy(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s := w.open(t)
		s.SetFetchTime(50 * time.Millisecond)
		for range 5 {
			_, err := s.Issuer(t.Context(), newAuthority(t, "Example CA").leaf(t, issuerURL))
			require.Error(t, err)
		}
		assert.Len(t, w.dialed, 2)
	})
}
