package provider

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// NewCSR makes a CSR for a site that AddSite has added: the first name is the common name, all are alternative names. The site keeps
// the key that it has. With newKey it gets a further one, which is used as soon as a certificate for it is installed.
func (p *Provider) NewCSR(newKey bool, names ...string) (string, error) {
	file := p.Web.KeyFile(names[0])
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return p.requestForNewKey(file, names)
	}
	if err != nil {
		return "", err
	}
	if newKey {
		next, err := freeName(strings.TrimSuffix(file, ".pem") + "-%d.pem")
		if err != nil {
			return "", err
		}
		return p.requestForNewKey(next, names)
	}
	key, err := parseKey(raw)
	if err != nil {
		return "", fmt.Errorf("the key of %s: %w", names[0], err)
	}
	return p.request(key, names)
}

// freeName returns the first file name of a pattern with a number that nothing has.
func freeName(pattern string) (string, error) {
	for n := 2; ; n++ {
		name := fmt.Sprintf(pattern, n)
		_, err := os.Lstat(name)
		if errors.Is(err, os.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// requestForNewKey makes a key, writes it into a file, and returns a CSR for it.
func (p *Provider) requestForNewKey(file string, names []string) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), p.options.Random)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return "", err
	}
	return p.request(key, names)
}

func (p *Provider) request(key crypto.Signer, names []string) (string, error) {
	der, err := x509.CreateCertificateRequest(p.options.Random, &x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), err
}

// parseKey reads a private key as openssl or NewCSR has written it.
func parseKey(raw []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	if block.Type == "EC PRIVATE KEY" {
		return x509.ParseECPrivateKey(block.Bytes)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, is := key.(crypto.Signer)
	if !is {
		return nil, fmt.Errorf("it is a key of type %T, which signs nothing", key)
	}
	return signer, nil
}

// csrNames returns the names of a CSR, the common name first; none if it cannot be read.
func csrNames(text string) []string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil
	}
	var names []string
	if request.Subject.CommonName != "" {
		names = append(names, request.Subject.CommonName)
	}
	for _, name := range request.DNSNames {
		if name != request.Subject.CommonName {
			names = append(names, name)
		}
	}
	return names
}
