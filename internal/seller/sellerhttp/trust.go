package sellerhttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// settingSellerCA is the option of etc/billmgr.conf that names the file of a Trust.
const settingSellerCA = "SSLSellerCA"

// maxBundle is the longest file of CA certificates that is read, in bytes; the system's have some 250 KiB.
const maxBundle = 16 << 20

// Trust is which CA certificates a seller's TLS certificate is checked against. The zero value is the system's.
type Trust struct {
	Roots *x509.CertPool
	File  string // that Roots came from
}

// TrustOf reads the file that named returns, PEM; nil and an empty name are the system's CA certificates. Errors are
// Value about SSLSellerCA.
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

// readBundle reads a regular file: a pipe in its place must not hang the command.
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

// systemBundles returns the files in which distributions keep the CA certificates, as crypto/x509 looks for them: Debian,
// Red Hat, SUSE, OpenELEC, newer Red Hat, Alpine.
func systemBundles() []string {
	return []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
}

// searched returns where CA certificates were looked for and what to do where they are missing or lack an issuer.
func (t Trust) searched(bundles []string) string {
	if t.File != "" {
		return "not among the CA certificates of " + t.File + ", which " + settingSellerCA + " names"
	}
	for _, file := range bundles {
		if text, err := readBundle(file); err == nil && x509.NewCertPool().AppendCertsFromPEM(text) {
			return "not among the CA certificates of " + file + ": bring them up to date (package ca-certificates); " +
				"for a CA of your own name its file by " + settingSellerCA + " in etc/billmgr.conf"
		}
	}
	return "unknown, for this server has no file of CA certificates (looked for " + strings.Join(bundles, ", ") +
		"): install the package ca-certificates, or name a file by " + settingSellerCA + " in etc/billmgr.conf"
}

// untrusted returns why the certificate of what answered is not the seller's; false where err is about something else.
func (c Config) untrusted(err error) (string, bool) {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var noRoots x509.SystemRootsError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &hostname):
		return fmt.Sprintf("the TLS certificate of what answered is for %s, not for %s: DNS or a proxy leads elsewhere, or the address is wrong",
			namesOf(hostname.Certificate), c.host()), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return lifeOf(invalid.Cert, c.Now()), true
	case errors.As(err, &unknown):
		issuer := "an unnamed CA"
		if unknown.Cert != nil {
			issuer = "the CA " + plaintext.Clip(plaintext.Line(c.topIssuer(err, unknown.Cert)), 200)
		}
		return "the TLS certificate of what answered is issued by " + issuer + ", which is " + c.Trust.searched(systemBundles()) +
			". If the seller does not use this CA, a proxy stands between", true
	case errors.As(err, &noRoots):
		return "the TLS certificate of what answered cannot be checked (" + noRoots.Error() + "): its CA is " + c.Trust.searched(systemBundles()), true
	case errors.As(err, &invalid), errors.As(err, &verification):
		return "the TLS certificate of what answered is not to be trusted: " + bare(err).Error(), true
	}
	return "", false
}

// topIssuer returns the issuer of the last certificate that was sent: the one that would have to be known.
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

// namesOf returns the names of a certificate for people.
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
	state, day := "has ended on", leaf.NotAfter
	if now.Before(leaf.NotBefore) {
		state, day = "is valid only from", leaf.NotBefore
	}
	return fmt.Sprintf("the TLS certificate of what answered (%s) %s %s, and this server's clock says %s: set the clock if it is wrong; else the other side must renew it",
		namesOf(leaf), state, day.UTC().Format(time.DateOnly), now.UTC().Format(time.RFC3339))
}
