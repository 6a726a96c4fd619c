package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/pki"
)

func TestTheCAOfACertificateIsKnownByItsOrganisation(t *testing.T) {
	for organisation, want := range map[string]string{
		"SSL Corporation": "ssl.com", "SSL Corp": "ssl.com", "Sectigo Limited": "sectigo.com", " COMODO CA Limited": "sectigo.com", "DigiCert Inc": "digicert.com",
		"DigiCert, Inc.": "digicert.com", "GlobalSign nv-sa": "globalsign.com", "Let's Encrypt": "letsencrypt.org", "Somebody": "", "": "",
	} {
		leaf := &x509.Certificate{Issuer: pkix.Name{Organization: []string{organisation}}}
		got := pki.CAADomains(leaf)
		if want == "" {
			assert.Empty(t, got, organisation)
			continue
		}
		assert.Equal(t, want, got[0], organisation)
	}
	assert.Empty(t, pki.CAADomains(&x509.Certificate{}))
}
