package pki

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"

	"pmssl/internal/plaintext"
)

// packed is one file of the client's ZIP.
type packed struct{ name, body string }

// ZIP returns a ZIP file for the client with the leaf, each intermediate, the full chain and a PKCS #7 bundle, in that
// order and with descriptive names. The same chain always gives the same bytes.
func (c Chain) ZIP() ([]byte, error) {
	files, err := c.files()
	if err != nil {
		return nil, err
	}
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

func (c Chain) files() ([]packed, error) {
	bundle, err := c.pkcs7()
	if err != nil {
		return nil, err
	}
	name := c.fileName()
	files := []packed{{name + ".crt", encodePEM(c.Leaf)}}
	for i, one := range c.Intermediates {
		label := fileName(one.Subject.CommonName)
		if label == "" {
			label = "intermediate"
		}
		files = append(files, packed{fmt.Sprintf("%s-%d.crt", label, i+1), encodePEM(one)})
	}
	return append(files, packed{name + "-fullchain.pem", c.PEM()}, packed{name + ".p7b", bundle}), nil
}

// fileName returns the base name of the leaf's files: its common name, else its first DNS name, else "certificate".
func (c Chain) fileName() string {
	for _, name := range append([]string{c.Leaf.Subject.CommonName}, c.Leaf.DNSNames...) {
		if name = fileName(name); name != "" {
			return name
		}
	}
	return "certificate"
}

// pkcs7 returns the degenerate SignedData of RFC 5652 5.2 that Windows servers import.
func (c Chain) pkcs7() (string, error) {
	var raw []byte
	for _, one := range c.all() {
		raw = slices.Concat(raw, one.Raw)
	}
	der, err := pkcs7.DegenerateCertificate(raw)
	if err != nil {
		return "", fmt.Errorf("making the PKCS #7 bundle: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: der})), nil
}

// fileName returns a file name that all archive tools accept: a to z, digits, hyphen and underscore.
func fileName(name string) string {
	var out strings.Builder
	for _, r := range plaintext.Clip(strings.ToLower(name), 100) {
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
