package pki

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"pmssl/internal/fault"
)

const (
	// maxStored is the longest content of the panel's column that is read, in bytes.
	maxStored = 4 << 20
	// maxFiles is how many files a stored ZIP may have: each certificate, the chain in several forms, a readme.
	maxFiles = 64
	zipMagic = "PK\x03\x04"
)

// StoredPEM reads the content of the panel's column certificate.crt: PEM, a ZIP, or base64 of a ZIP (rules STORE-2). It
// returns the texts that hold certificates. Errors are faults of type missed if nothing is stored, and of type value if
// it cannot be read.
func StoredPEM(stored string) ([]string, error) {
	found, err := readStored(stored)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(found))
	for i, one := range found {
		texts[i] = one.text
	}
	return texts, nil
}

// readStored is StoredPEM with the blocks of the texts, which are decoded once.
func readStored(stored string) ([]pemText, error) {
	text := strings.TrimSpace(stored)
	switch {
	case text == "":
		missed := fault.Errorf(fault.Missed, "certificate", "no certificate is stored")
		missed.Err = ErrNoCertificate
		return nil, missed
	case len(stored) > maxStored:
		return nil, fault.Errorf(fault.Value, "certificate", "what is stored is %d bytes long, at most %d are read", len(stored), maxStored)
	case strings.HasPrefix(stored, zipMagic): // before PEM, because an uncompressed ZIP contains readable PEM
		return unzipPEM([]byte(stored))
	}
	if plain := parsePEM(text); plain.holdsCertificates() {
		return []pemText{plain}, nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || !bytes.HasPrefix(raw, []byte(zipMagic)) {
		return nil, fault.Errorf(fault.Value, "certificate", "what is stored is neither PEM, nor a ZIP, nor base64 of a ZIP")
	}
	return unzipPEM(raw)
}

// HoldsCertificates reports whether a text has a certificate block, readable or not.
func HoldsCertificates(text string) bool { return parsePEM(text).holdsCertificates() }

func unzipPEM(raw []byte) ([]pemText, error) {
	found, err := unzip(raw)
	if err != nil {
		return nil, fault.Errorf(fault.Value, "certificate", "the stored ZIP cannot be read: %w", err)
	}
	if len(found) == 0 {
		return nil, fault.Errorf(fault.Value, "certificate", "the stored ZIP holds no certificate in PEM form")
	}
	return found, nil
}

// unzip reads at most maxBundle bytes from all files together, whatever sizes the archive claims. PKCS #7 bundles are
// returned only if there is no plain certificate: they repeat the certificates, and an unreadable bundle must not make
// the others unusable.
func unzip(raw []byte) ([]pemText, error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	if len(archive.File) > maxFiles {
		return nil, fmt.Errorf("it has %d files, at most %d are read", len(archive.File), maxFiles)
	}
	var plain, bundles []pemText
	left := maxBundle
	for _, file := range archive.File {
		body, err := unzipFile(file, left)
		if err != nil {
			return nil, err
		}
		left -= len(body)
		content := parsePEM(body)
		switch {
		case strings.Contains(body, beginP7) && !strings.Contains(body, beginCert):
			bundles = append(bundles, content)
		case content.holdsCertificates():
			plain = append(plain, content)
		}
	}
	if len(plain) > 0 {
		return plain, nil
	}
	return bundles, nil
}

func unzipFile(file *zip.File, left int) (string, error) {
	entry, err := file.Open()
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(entry, int64(left)+1))
	_ = entry.Close() // ReadAll has reported a wrong checksum
	if err != nil {
		return "", err
	}
	if len(body) > left {
		return "", fmt.Errorf("it has more than %d bytes of content", maxBundle)
	}
	return string(body), nil
}

// StoredLeaf returns the leaf in the stored content, which is the first certificate that is not a CA certificate, with
// its issuers in order. Warnings name unreadable blocks. Errors are faults as those of StoredPEM; errors.Is(err,
// ErrNoCertificate) reports whether no certificate is stored.
func StoredLeaf(stored string) (Chain, error) {
	texts, err := readStored(stored)
	if err != nil {
		return Chain{}, err
	}
	bundle, err := bundleOf(texts)
	if err != nil {
		return Chain{}, fault.Errorf(fault.Value, "certificate", "what is stored cannot be read: %w", err)
	}
	for _, c := range bundle.Certificates {
		if !c.IsCA {
			return bundle.chain(c, c.NotBefore), nil // the time only decides which issuers are best, which does not matter here
		}
	}
	return Chain{}, fault.Errorf(fault.Value, "certificate", "what is stored holds no leaf certificate%s", bundle.unreadableWords())
}
