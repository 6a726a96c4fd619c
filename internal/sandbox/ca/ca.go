// Package ca is a small certification authority for the stand-in sellers: a
// self-signed root, one intermediate under it and leaves for web servers.
//
// Leaves name CRL distribution points and the address of their issuer's certificate, as those of
// public authorities do. The authority keeps what is revoked and signs CRLs; Repository serves them.
//
// It signs real certificate requests, so that what a stand-in delivers can be
// verified with openssl or crypto/x509 like a bought certificate. It is for
// development only: its root is trusted by nobody, and it never asks who owns
// a name. The stand-in seller decides that.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// Algorithm is the type of the authority's own keys.
type Algorithm string

// The algorithms an Authority can be made with.
const (
	ECDSA Algorithm = "ecdsa" // P-256
	RSA   Algorithm = "rsa"   // 2048 bits
)

// serialBits is the size of a leaf's serial number. The Baseline Requirements
// 7.1 ask for at least 64 random bits; public authorities use 128.
const serialBits = 128

// Authority signs leaves with its intermediate. It is safe for concurrent use.
type Authority struct {
	root, intermediate *x509.Certificate
	rootKey, key       crypto.Signer // of the root and of the intermediate
	random             io.Reader
	revoked            *revoked
}

// New returns an authority that is kept in memory only. random is the source of keys and serial
// numbers; nil means crypto/rand.
func New(algorithm Algorithm, random io.Reader) (*Authority, error) {
	hierarchy, err := newHierarchy(algorithm, orDefault(random))
	if err != nil {
		return nil, err
	}
	return hierarchy.authority(orDefault(random), ""), nil
}

// Root returns the self-signed certificate that a verifier must trust.
func (a *Authority) Root() *x509.Certificate { return a.root }

// Intermediate returns the certificate that signs the leaves.
func (a *Authority) Intermediate() *x509.Certificate { return a.intermediate }

// Request describes the content of a leaf. The public key comes from CSR; subject and extensions of
// CSR are not copied: as at a public authority, the issuer decides what the certificate contains.
type Request struct {
	CSR       *x509.CertificateRequest
	Subject   pkix.Name
	DNSNames  []string // subject alternative names, at least one
	Policies  []x509.OID
	NotBefore time.Time
	NotAfter  time.Time // inclusive, RFC 5280 4.1.2.5
}

// Sign issues a leaf for serverAuth with a random serial number. It refuses a request that its own
// key did not sign, a request without names, and a validity that ends before it begins or after the
// intermediate.
func (a *Authority) Sign(request Request) (*x509.Certificate, error) {
	if err := a.check(request); err != nil {
		return nil, err
	}
	serial, err := randomSerial(a.random)
	if err != nil {
		return nil, err
	}
	id, err := keyID(request.CSR.PublicKey)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               request.Subject,
		DNSNames:              request.DNSNames,
		Policies:              request.Policies,
		NotBefore:             request.NotBefore.UTC(),
		NotAfter:              request.NotAfter.UTC(),
		KeyUsage:              leafKeyUsage(request.CSR.PublicKey),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		SubjectKeyId:          id,
		IssuingCertificateURL: []string{"http://" + IssuerHost + intermediateCertPath},
		CRLDistributionPoints: []string{CRLURL(serial)},
	}
	der, err := x509.CreateCertificate(a.random, template, a.intermediate, request.CSR.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate for %q: %w", request.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func (a *Authority) check(request Request) error {
	switch {
	case request.CSR == nil:
		return errors.New("no certificate request given")
	case len(request.DNSNames) == 0:
		return errors.New("no DNS names given for the certificate")
	case !request.NotAfter.After(request.NotBefore):
		return fmt.Errorf("certificate would end at %s, before it begins at %s",
			request.NotAfter.UTC().Format(time.RFC3339), request.NotBefore.UTC().Format(time.RFC3339))
	case request.NotAfter.After(a.intermediate.NotAfter):
		return fmt.Errorf("certificate would end at %s, after its issuer at %s",
			request.NotAfter.UTC().Format(time.RFC3339), a.intermediate.NotAfter.Format(time.RFC3339))
	}
	if err := request.CSR.CheckSignature(); err != nil {
		return fmt.Errorf("certificate request is not signed by its own key: %w", err)
	}
	return nil
}

// EncodePEM returns a certificate in PEM, with a line break at its end.
func EncodePEM(certificate *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
}

func leafKeyUsage(key any) x509.KeyUsage {
	if _, isRSA := key.(*rsa.PublicKey); isRSA {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}

func orDefault(random io.Reader) io.Reader {
	if random == nil {
		return rand.Reader
	}
	return random
}

func randomSerial(random io.Reader) (*big.Int, error) {
	serial, err := rand.Int(random, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil // zero is not allowed, RFC 5280 4.1.2.2
}

func newKey(algorithm Algorithm, random io.Reader) (crypto.Signer, error) {
	switch algorithm {
	case ECDSA:
		return ecdsa.GenerateKey(elliptic.P256(), random)
	case RSA:
		return rsa.GenerateKey(random, 2048)
	default:
		return nil, fmt.Errorf("unknown key algorithm %q, use %s or %s", algorithm, ECDSA, RSA)
	}
}

// CutPEM removes the second base64 line of a PEM certificate, as if a part was lost in transport.
func CutPEM(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 {
		return text
	}
	return strings.Join(append(lines[:2:2], lines[3:]...), "\n")
}
