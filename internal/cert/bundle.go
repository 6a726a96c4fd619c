package cert

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/smallstep/pkcs7"
)

// MaxCertificates is how many different certificates one answer or stored bundle may hold: real chains have at most five.
const MaxCertificates = 16

const (
	// maxBundle is how many bytes of PEM one answer or stored bundle may have: far above any chain.
	maxBundle = 1 << 20
	beginCert = "-----BEGIN CERTIFICATE-----"
	beginP7   = "-----BEGIN PKCS7-----"
)

// readCertificates reads every certificate of the PEM blocks CERTIFICATE and PKCS7, each once, in the order in which they
// come. Blocks of other types are passed over.
func readCertificates(texts []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	size := 0
	for _, text := range texts {
		if size += len(text); size > maxBundle {
			return nil, fmt.Errorf("there are more than %d bytes of PEM", maxBundle)
		}
		blocks, err := decodeBlocks(unindent(text))
		if err != nil {
			return nil, err
		}
		for _, block := range blocks {
			some, err := readBlock(block)
			if err != nil {
				return nil, err
			}
			if all, err = join(all, some); err != nil {
				return nil, err
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is no certificate in PEM form")
	}
	return all, nil
}

// join adds the certificates that are not there yet; sellers repeat them, and a ZIP of ours holds the leaf three times.
func join(all, some []*x509.Certificate) ([]*x509.Certificate, error) {
	for _, c := range some {
		if slices.ContainsFunc(all, c.Equal) {
			continue
		}
		if all = append(all, c); len(all) > MaxCertificates {
			return nil, fmt.Errorf("there are more than %d certificates", MaxCertificates)
		}
	}
	return all, nil
}

// decodeBlocks finds the PEM blocks that carry certificates. encoding/pem passes over what it cannot decode, so the BEGIN
// lines are counted: one without its block is damage.
func decodeBlocks(text string) ([]*pem.Block, error) {
	var blocks []*pem.Block
	begun := strings.Count(text, beginCert) + strings.Count(text, beginP7)
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" || block.Type == "PKCS7" {
			blocks = append(blocks, block)
		}
	}
	if len(blocks) < begun {
		return nil, fmt.Errorf("of %d PEM blocks %d are damaged: base64 or END line", begun, begun-len(blocks))
	}
	return blocks, nil
}

func readBlock(block *pem.Block) ([]*x509.Certificate, error) {
	if block.Type == "PKCS7" {
		return readPKCS7(block.Bytes)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("a certificate cannot be read: %w", err)
	}
	return []*x509.Certificate{c}, nil
}

// readPKCS7 takes the certificates out of a SignedData (RFC 5652 5.1). Its signatures, if any, mean nothing here.
func readPKCS7(raw []byte) ([]*x509.Certificate, error) {
	if err := checkBER(raw); err != nil {
		return nil, fmt.Errorf("a PKCS #7 bundle cannot be read: %w", err)
	}
	signed, err := pkcs7.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("a PKCS #7 bundle cannot be read: %w", err)
	}
	return signed.Certificates, nil
}

// unindent takes the blanks around each line away: PEM must begin at the line's start, and both forms and XML indent it.
func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

func encodePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
