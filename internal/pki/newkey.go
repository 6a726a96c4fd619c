package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
)

// PEM labels of private keys (RFC 5958, RFC 8017, RFC 5915).
const (
	labelPKCS8 = "PRIVATE KEY"
	labelPKCS1 = "RSA PRIVATE KEY"
	labelSEC1  = "EC PRIVATE KEY"
)

// oidTLSFeature is the extension of certificates that must be stapled (RFC 7633).
const oidTLSFeature = "1.3.6.1.5.5.7.1.24"

// WithNewKey makes a private key of the kind and size of the CSR's key, and a CSR for it with the same subject and the same
// names. like is the text of the present private key: the new one has the same form (PKCS #8, PKCS #1 or SEC 1, in PEM). The
// requested extensions that are kept are the names and the TLS feature (RFC 7633).
func (c CSR) WithNewKey(like string, random io.Reader) (csr CSR, key string, err error) {
	request, _, err := decodeCSR(c.PEM)
	if err != nil {
		return CSR{}, "", err
	}
	signer, err := newKeyLike(c.PublicKey, random)
	if err != nil {
		return CSR{}, "", err
	}
	template := &x509.CertificateRequest{RawSubject: request.RawSubject, DNSNames: request.DNSNames, ExtraExtensions: keptExtensions(request)}
	der, err := x509.CreateCertificateRequest(random, template, signer)
	if err != nil {
		return CSR{}, "", fmt.Errorf("make a CSR for a new key: %w", err)
	}
	csr, err = ReadCSR(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
	if err != nil {
		return CSR{}, "", err
	}
	key, err = encodeKey(signer, like)
	return csr, key, err
}

// newKeyLike makes a private key of the kind and size of a public one.
func newKeyLike(public crypto.PublicKey, random io.Reader) (crypto.Signer, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return rsa.GenerateKey(random, k.N.BitLen())
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(k.Curve, random)
	}
	return nil, fmt.Errorf("no key of the kind %T can be made", public)
}

func keptExtensions(request *x509.CertificateRequest) []pkix.Extension {
	var kept []pkix.Extension
	for _, extension := range request.Extensions {
		if extension.Id.String() == oidTLSFeature {
			kept = append(kept, extension)
		}
	}
	return kept
}

// encodeKey returns a private key in PEM, in the form of another one.
func encodeKey(key crypto.Signer, like string) (string, error) {
	form := labelPKCS8
	if block, _ := pem.Decode([]byte(like)); block != nil {
		form = block.Type
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if form == labelPKCS1 {
			return string(pem.EncodeToMemory(&pem.Block{Type: form, Bytes: x509.MarshalPKCS1PrivateKey(k)})), nil
		}
	case *ecdsa.PrivateKey:
		if form == labelSEC1 || form == "EC PARAMETERS" {
			der, err := x509.MarshalECPrivateKey(k)
			if err != nil {
				return "", err
			}
			return string(pem.EncodeToMemory(&pem.Block{Type: labelSEC1, Bytes: der})), nil
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: labelPKCS8, Bytes: der})), nil
}
