package ca

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"time"
)

// hierarchy is the part of an authority that is stored: both certificates and both private keys.
type hierarchy struct {
	root, intermediate       *x509.Certificate
	rootKey, intermediateKey crypto.Signer
}

// authority returns an authority that keeps what is revoked in dir, or in memory if that is empty.
func (h *hierarchy) authority(random io.Reader, dir string) *Authority {
	return &Authority{
		root: h.root, intermediate: h.intermediate, rootKey: h.rootKey, key: h.intermediateKey, random: random, revoked: &revoked{dir: dir},
	}
}

// rootValidity returns a validity that covers every simulated date, so that the authority needs no
// clock.
func rootValidity() (notBefore, notAfter time.Time) {
	return time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2069, 12, 31, 23, 59, 59, 0, time.UTC)
}

func newHierarchy(algorithm Algorithm, random io.Reader) (*hierarchy, error) {
	rootKey, err := newKey(algorithm, random)
	if err != nil {
		return nil, err
	}
	intermediateKey, err := newKey(algorithm, random)
	if err != nil {
		return nil, err
	}
	rootTemplate, err := issuerTemplate("PMSSL Stand-in Root CA", random)
	if err != nil {
		return nil, err
	}
	root, err := issue(rootTemplate, rootTemplate, rootKey.Public(), rootKey, random)
	if err != nil {
		return nil, fmt.Errorf("issue root: %w", err)
	}
	template, err := issuerTemplate("PMSSL Stand-in TLS Intermediate CA", random)
	if err != nil {
		return nil, err
	}
	anyPolicy, err := x509.OIDFromInts([]uint64{2, 5, 29, 32, 0}) // RFC 5280 4.2.1.4
	if err != nil {
		return nil, err
	}
	template.MaxPathLenZero = true
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.Policies = []x509.OID{anyPolicy}
	template.IssuingCertificateURL = []string{"http://" + IssuerHost + rootPath}
	template.CRLDistributionPoints = []string{"http://" + CRLHost + rootListPath}
	intermediate, err := issue(template, root, intermediateKey.Public(), rootKey, random)
	if err != nil {
		return nil, fmt.Errorf("issue intermediate: %w", err)
	}
	return &hierarchy{root: root, intermediate: intermediate, rootKey: rootKey, intermediateKey: intermediateKey}, nil
}

func issuerTemplate(commonName string, random io.Reader) (*x509.Certificate, error) {
	serial, err := randomSerial(random)
	if err != nil {
		return nil, err
	}
	notBefore, notAfter := rootValidity()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: commonName, Organization: []string{"PMSSL stand-in, not a real CA"}, Country: []string{"GB"}},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

func issue(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer, random io.Reader) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(random, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
