package sellerhttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// settingSellerCA is the option of etc/billmgr.conf that names a file of CA certificates.
const settingSellerCA = "SSLSellerCA"

// maxBundle is how much of a file of CA certificates is read, in bytes; the system's files have some 250 KiB.
const maxBundle = 16 << 20

// Trust holds the CA certificates against which a seller's TLS certificate is checked. The zero value means the system's.
type Trust struct {
	Roots *x509.CertPool
	File  string // from which Roots were read
}

// TrustOf reads the PEM file whose name the function returns. A nil function and an empty name mean the system's CA
// certificates. Errors are faults of type value on SSLSellerCA.
func TrustOf(named func() (string, error)) (Trust, error) {
	if named == nil {
		return Trust{}, nil
	}
	file, err := named()
	if err != nil || file == "" {
		return Trust{}, err
	}
	text, err := readBundle(file)
	if err != nil {
		return Trust{}, fault.Errorf(fault.Value, settingSellerCA, "the file of CA certificates that %s names cannot be read: %w", settingSellerCA, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return Trust{}, fault.Errorf(fault.Value, settingSellerCA, "the file %s that %s names has no certificate in PEM form", file, settingSellerCA)
	}
	return Trust{Roots: roots, File: file}, nil
}

// readBundle reads a regular file, which may be a symbolic link. It does not wait for a pipe.
func readBundle(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a regular file", name), err)
	}
	return io.ReadAll(io.LimitReader(file, maxBundle))
}

// systemBundles returns the files of CA certificates that crypto/x509 tries: of Debian, Red Hat, SUSE, OpenELEC, newer Red Hat
// and Alpine.
func systemBundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

// systemFolders returns the folders whose files crypto/x509 reads besides.
func systemFolders() []string { return []string{"/etc/ssl/certs", "/etc/pki/tls/certs"} }

// maxFolder is how many files of a folder are read until one has a certificate.
const maxFolder = 1000

// trusted returns the first place with CA certificates; empty if none has any.
func trusted(files, folders []string) string {
	holds := func(file string) bool {
		text, err := readBundle(file)
		return err == nil && x509.NewCertPool().AppendCertsFromPEM(text)
	}
	for _, file := range files {
		if holds(file) {
			return file
		}
	}
	for _, folder := range folders {
		opened, err := os.Open(folder)
		if err != nil {
			continue
		}
		names, _ := opened.Readdirnames(maxFolder) // of a longer list only the first are read
		_ = opened.Close()
		if slices.ContainsFunc(names, func(name string) bool { return holds(filepath.Join(folder, name)) }) {
			return folder
		}
	}
	return ""
}

// searched returns the second half of an error text about an unknown CA: where CA certificates were looked for and what to do.
func (t Trust) searched(files, folders []string) string {
	if t.File != "" {
		return "not among the CA certificates of " + t.File + ", which " + settingSellerCA + " names"
	}
	if place := trusted(files, folders); place != "" {
		return "not among the CA certificates of " + place + ": update them (package ca-certificates); " +
			"for a CA of your own, set " + settingSellerCA + " in etc/billmgr.conf to its file"
	}
	return "unknown, because this server has no CA certificates (looked for " + strings.Join(append(files, folders...), ", ") +
		"): install the package ca-certificates, or set " + settingSellerCA + " in etc/billmgr.conf to a file"
}

// untrusted returns why the TLS certificate is not trusted; false if err is about something else.
func (c Config) untrusted(err error) (string, bool) {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var noRoots x509.SystemRootsError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate that was presented is for %s, not for %s: DNS or a proxy leads to another host, or the address is wrong",
			namesOf(hostname.Certificate), c.host()), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return lifeOf(invalid.Cert, c.Now()), true
	case errors.As(err, &unknown):
		issuer := "an unnamed CA"
		if unknown.Cert != nil {
			issuer = "the CA " + plaintext.Clip(plaintext.Line(c.topIssuer(err, unknown.Cert)), 200)
		}
		return "the TLS certificate that was presented is issued by " + issuer + ", which is " + c.Trust.searched(systemBundles(), systemFolders()) +
			". If the seller does not use this CA, there is a proxy in between", true
	case errors.As(err, &noRoots):
		return "the TLS certificate that was presented cannot be checked (" + noRoots.Error() + "): its CA is " + c.Trust.searched(systemBundles(), systemFolders()), true
	case errors.As(err, &invalid), errors.As(err, &verification):
		return "the TLS certificate that was presented is not trusted: " + withoutURL(err).Error(), true
	}
	return "", false
}

// topIssuer returns the issuer of the last certificate of the presented chain, which is the CA that is not known.
func (c Config) topIssuer(err error, leaf *x509.Certificate) string {
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) && len(verification.UnverifiedCertificates) > 0 {
		leaf = verification.UnverifiedCertificates[len(verification.UnverifiedCertificates)-1]
	}
	return leaf.Issuer.String()
}

// host returns the seller's host name.
func (c Config) host() string {
	address, err := url.Parse(c.Address)
	if err != nil {
		return "the seller"
	}
	return address.Hostname()
}

// namesOf returns the names of a certificate as one text.
func namesOf(leaf *x509.Certificate) string {
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return plaintext.Clip(plaintext.Line(strings.Join(names, ", ")), 200)
}

// lifeOf returns why a certificate is not valid at the time.
func lifeOf(leaf *x509.Certificate, now time.Time) string {
	state, day := "expired on", leaf.NotAfter
	if now.Before(leaf.NotBefore) {
		state, day = "is valid only from", leaf.NotBefore
	}
	return fmt.Sprintf("the TLS certificate that was presented (%s) %s %s, and this server's clock says %s: correct the clock if it is wrong; otherwise the seller must renew the certificate",
		namesOf(leaf), state, day.UTC().Format(time.DateOnly), now.UTC().Format(time.RFC3339))
}
