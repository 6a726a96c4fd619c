package seller_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
)

func TestNamesAreShownInTheirOwnScript(t *testing.T) {
	for given, want := range map[string]string{
		"example.com":                  "example.com",
		"xn--e1afmkfd.xn--p1ai":        "пример.рф (xn--e1afmkfd.xn--p1ai)",
		"*.xn--bcher-kva.example":      "*.bücher.example (*.xn--bcher-kva.example)",
		"xn--zzzzzzzzzzzz.example":     "xn--zzzzzzzzzzzz.example",
		"XN--BCHER-KVA.example":        "XN--BCHER-KVA.example",
		"an earlier request":           "an earlier request",
		"":                             "",
		"*.":                           "*.",
		"a.example.com\nb.example.com": "a.example.com\nb.example.com",
	} {
		assert.Equal(t, want, pki.DisplayName(given), given)
	}
	assert.Equal(t, "example.com, пример.рф (xn--e1afmkfd.xn--p1ai)", pki.DisplayNames([]string{"example.com", "xn--e1afmkfd.xn--p1ai"}))
}

// Names are sent to the seller as A-labels, and errors show them as the client typed them.
func TestInternationalisedNamesAreSentAsALabelsAndShownAsULabels(t *testing.T) {
	multi := seller.Product{ID: "san", Names: []string{"SAN"}, Level: seller.DV, MultiDomain: true, Included: 3, MaxNames: 100}
	r, err := seller.NewRequest(multi, exampleCSR(t), "Пример.рф bücher.example", 0, dns())
	require.NoError(t, err)
	assert.Equal(t, []string{"xn--e1afmkfd.xn--p1ai", "xn--bcher-kva.example"}, r.Names)

	single := seller.Product{ID: "one", Names: []string{"One"}, Level: seller.DV, Included: 1, MaxNames: 1}
	_, err = seller.NewRequest(single, exampleCSR(t), "Пример.рф", 0, dns())
	require.ErrorContains(t, err, "пример.рф")
	_, err = seller.NewRequest(multi, exampleCSR(t), "*.пример.рф", 0, dns())
	require.ErrorContains(t, err, "*.пример.рф")
}

func FuzzDisplayName(f *testing.F) {
	f.Add("xn--e1afmkfd.xn--p1ai")
	f.Add("*.xn--a")
	f.Fuzz(func(t *testing.T, name string) {
		assert.Contains(t, pki.DisplayName(name), name, "the name itself is always there")
	})
}

func exampleCSR(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return pkitest.RequestPEM(t, key, x509.CertificateRequest{Subject: pkix.Name{CommonName: "example.com"}})
}
