package cert

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"

	"github.com/smallstep/pkcs7"
)

// MaxCertificates is how many certificates one answer or stored bundle may hold: real chains have at most five.
const MaxCertificates = 16

// Chain is a leaf with the certificates that lead from it towards a root.
type Chain struct {
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate // in order, the leaf's issuer first; a self-signed root is not part of it
}

// BuildChain picks the leaf out of certificates in any order (by the CSR's key, else the one that no other was issued by)
// and puts the others into order behind it. Certificates that do not belong to the chain are left out. Faults of type
// wrong_certificate: nothing parses, no leaf for our key.
func BuildChain(blocks []string, csr CSR) (Chain, error) {
	all, err := parseCertificates(blocks)
	if err != nil {
		return Chain{}, err
	}
	var chain Chain
	for _, c := range all {
		if !c.IsCA && csr.SameKey(c.PublicKey) {
			chain.Leaf = c
			break
		}
	}
	if chain.Leaf == nil {
		return Chain{}, Faultf(FaultDelivered, "certificate", "none of the %d certificates delivered has the key of the order's CSR", len(all))
	}
	chain.Intermediates = issuers(chain.Leaf, all)
	return chain, nil
}

func parseCertificates(blocks []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, text := range blocks {
		rest := []byte(text)
		for len(all) <= MaxCertificates {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type != "CERTIFICATE" {
				continue
			}
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, Faultf(FaultDelivered, "certificate", "a certificate cannot be read: %w", err)
			}
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, Faultf(FaultDelivered, "certificate", "there is no certificate in PEM form")
	}
	if len(all) > MaxCertificates {
		return nil, Faultf(FaultDelivered, "certificate", "more than %d certificates in one answer", MaxCertificates)
	}
	return all, nil
}

// issuers walks from the leaf upwards by signature, up to a self-signed or missing root.
func issuers(leaf *x509.Certificate, all []*x509.Certificate) []*x509.Certificate {
	var path []*x509.Certificate
	for at := leaf; ; {
		next := slices.IndexFunc(all, func(c *x509.Certificate) bool {
			return c.IsCA && c != at && !slices.Contains(path, c) &&
				bytes.Equal(at.RawIssuer, c.RawSubject) && at.CheckSignatureFrom(c) == nil
		})
		if next < 0 {
			return path
		}
		at = all[next]
		if bytes.Equal(at.RawIssuer, at.RawSubject) { // a root is in every browser already
			return path
		}
		path = append(path, at)
	}
}

// Check holds the chain against the order (design rule 7): the CSR's key, every name covered, usable for servers.
// Faults are of type wrong_certificate.
func (c Chain) Check(csr CSR, names []string) error {
	if !csr.SameKey(c.Leaf.PublicKey) {
		return Faultf(FaultDelivered, "certificate", "the leaf (serial %s) has another key than the order's CSR", c.Serial())
	}
	for _, name := range names {
		if !slices.ContainsFunc(c.Leaf.DNSNames, func(has string) bool { return Covers(has, name) }) {
			return Faultf(FaultDelivered, "certificate", "the leaf (serial %s) does not cover %s, it covers %s",
				c.Serial(), name, clip(strings.Join(c.Leaf.DNSNames, ", "), 500))
		}
	}
	if !c.Leaf.NotAfter.After(c.Leaf.NotBefore) {
		return Faultf(FaultDelivered, "certificate", "the leaf (serial %s) ends before it begins", c.Serial())
	}
	return nil
}

// Serial is the leaf's serial number in lower-case hex without leading zeros (contract 1).
func (c Chain) Serial() string { return fmt.Sprintf("%x", c.Leaf.SerialNumber) }

// Ends is the UTC date of the leaf's notAfter.
func (c Chain) Ends() cabforum.Date { return cabforum.DateOf(c.Leaf.NotAfter) }

// OverCap says in words that the leaf lives longer than the Forum allows, and is empty where it does not. Such a
// certificate is stored all the same (validity page B3.3).
func (c Chain) OverCap() string {
	days, most := cabforum.Days(c.Leaf.NotBefore, c.Leaf.NotAfter), cabforum.Cap(c.Leaf.NotBefore)
	if days <= most {
		return ""
	}
	return fmt.Sprintf("lives %d days, the Baseline Requirements allow %d for a certificate issued on %s", days, most, cabforum.DateOf(c.Leaf.NotBefore))
}

// PEM is the leaf and then its chain, as servers want them.
func (c Chain) PEM() string {
	var out strings.Builder
	for _, one := range append([]*x509.Certificate{c.Leaf}, c.Intermediates...) {
		out.WriteString(encodePEM(one))
	}
	return out.String()
}

func encodePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// ZIP packs the chain for the client: the leaf, each intermediate, the full chain and a PKCS #7 bundle under speaking
// names. The same chain always gives the same bytes.
func (c Chain) ZIP() ([]byte, error) {
	name := fileName(c.Leaf.Subject.CommonName)
	if name == "" && len(c.Leaf.DNSNames) > 0 {
		name = fileName(c.Leaf.DNSNames[0])
	}
	bundle, err := c.pkcs7()
	if err != nil {
		return nil, err
	}
	files := []struct{ name, body string }{{name + ".crt", encodePEM(c.Leaf)}}
	for i, one := range c.Intermediates {
		label := fileName(one.Subject.CommonName)
		if label == "" {
			label = fmt.Sprintf("intermediate-%d", i+1)
		}
		files = append(files, struct{ name, body string }{fmt.Sprintf("%s-%d.crt", label, i+1), encodePEM(one)})
	}
	files = append(files, struct{ name, body string }{name + "-fullchain.pem", c.PEM()}, struct{ name, body string }{name + ".p7b", bundle})
	var out bytes.Buffer
	packer := zip.NewWriter(&out)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: c.Leaf.NotBefore.UTC().Truncate(2 * time.Second)}
		entry, err := packer.CreateHeader(header)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", file.name, err)
		}
		if _, err := entry.Write([]byte(file.body)); err != nil {
			return nil, fmt.Errorf("packing %s: %w", file.name, err)
		}
	}
	if err := packer.Close(); err != nil {
		return nil, fmt.Errorf("packing the certificate: %w", err)
	}
	return out.Bytes(), nil
}

// pkcs7 is the degenerate SignedData of RFC 5652 5.2 that Windows servers import.
func (c Chain) pkcs7() (string, error) {
	raw := slices.Clone(c.Leaf.Raw)
	for _, one := range c.Intermediates {
		raw = append(raw, one.Raw...)
	}
	der, err := pkcs7.DegenerateCertificate(raw)
	if err != nil {
		return "", fmt.Errorf("making the PKCS #7 bundle: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der})), nil
}

// fileName makes a name that no archive tool trips over.
func fileName(name string) string {
	var out strings.Builder
	for _, r := range clip(strings.ToLower(name), 100) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			out.WriteRune(r)
		case r == '*':
			out.WriteString("wildcard")
		case r == '.', r == ' ', r == '_':
			out.WriteByte('_')
		}
	}
	return strings.Trim(out.String(), "_-")
}

// maxUnpacked is how much of one file of a stored ZIP is read: far above any chain, far below a ZIP bomb.
const maxUnpacked = 1 << 20

// StoredPEM reads what the panel's certificate.crt holds: PEM, a ZIP, or base64 of a ZIP (contract 4.2). It gives the
// certificates that the stored bundle contains, or an error that says why it cannot be read.
func StoredPEM(stored string) ([]string, error) {
	text := strings.TrimSpace(stored)
	switch {
	case text == "":
		return nil, Faultf(FaultMissed, "certificate", "no certificate is stored")
	case strings.Contains(text, "-----BEGIN CERTIFICATE-----"):
		return []string{text}, nil
	case strings.HasPrefix(stored, "PK\x03\x04"):
		return unzipPEM([]byte(stored))
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || !bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		return nil, Faultf(FaultValue, "certificate", "what is stored is neither PEM, nor a ZIP, nor base64 of a ZIP")
	}
	return unzipPEM(raw)
}

func unzipPEM(raw []byte) ([]string, error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, Faultf(FaultValue, "certificate", "the stored ZIP cannot be read: %w", err)
	}
	var found []string
	for i, file := range archive.File {
		if i >= 4*MaxCertificates {
			break
		}
		entry, err := file.Open()
		if err != nil {
			return nil, Faultf(FaultValue, "certificate", "the stored ZIP cannot be read: %w", err)
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(io.LimitReader(entry, maxUnpacked))
		_ = entry.Close()
		if err != nil {
			return nil, Faultf(FaultValue, "certificate", "the stored ZIP cannot be read: %w", err)
		}
		if strings.Contains(body.String(), "-----BEGIN CERTIFICATE-----") && !slices.Contains(found, body.String()) {
			found = append(found, body.String())
		}
	}
	if len(found) == 0 {
		return nil, Faultf(FaultValue, "certificate", "the stored ZIP holds no certificate")
	}
	return found, nil
}

// StoredLeaf finds the leaf in what the panel stores: the first certificate that is not a CA's.
func StoredLeaf(stored string) (Chain, error) {
	blocks, err := StoredPEM(stored)
	if err != nil {
		return Chain{}, err
	}
	all, err := parseCertificates(dedupe(blocks))
	if err != nil {
		return Chain{}, err
	}
	for _, c := range all {
		if !c.IsCA {
			return Chain{Leaf: c, Intermediates: issuers(c, all)}, nil
		}
	}
	return Chain{}, Faultf(FaultValue, "certificate", "what is stored holds no leaf certificate")
}

// dedupe keeps each certificate once: a ZIP of ours holds the leaf alone and again in the full chain.
func dedupe(blocks []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, text := range blocks {
		rest := []byte(text)
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			mark := sha256.Sum256(block.Bytes)
			if key := hex.EncodeToString(mark[:]); block.Type == "CERTIFICATE" && !seen[key] {
				seen[key] = true
				out = append(out, string(pem.EncodeToMemory(block)))
			}
		}
	}
	return out
}
