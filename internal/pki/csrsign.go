package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// checkSignature refuses a CSR that was not signed by its own key, or with an algorithm that no CA accepts.
func checkSignature(request *x509.CertificateRequest) error {
	err := request.CheckSignature()
	var insecure x509.InsecureAlgorithmError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &insecure), errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return refuseCSR("the signature algorithm %s is not accepted: make the CSR with SHA-256", signatureAlgorithm(request.Raw))
	}
	return refuseCSR("the CSR's signature does not match its key: it was changed after it was signed; make a new one (%s)", plainWords(err))
}

// signatureAlgorithm returns the name of the CSR's signature algorithm.
func signatureAlgorithm(der []byte) string {
	whole, _, err := readElement(der)
	if err != nil {
		return "unreadable"
	}
	parts, err := whole.children()
	if err != nil || len(parts) < 2 {
		return "unreadable"
	}
	algorithm, err := parts[1].children()
	if err != nil || len(algorithm) == 0 {
		return "unreadable"
	}
	oid := oidText(algorithm[0])
	known := map[string]string{
		"1.2.840.113549.1.1.2": "MD2", "1.2.840.113549.1.1.3": "MD4", "1.2.840.113549.1.1.4": "MD5", "1.2.840.113549.1.1.5": "SHA-1",
		"1.2.840.113549.1.1.14": "SHA-224", "1.2.840.10045.4.1": "ECDSA with SHA-1", "1.2.840.10045.4.3.1": "ECDSA with SHA-224",
		"1.2.840.10040.4.3": "DSA with SHA-1", "2.16.840.1.101.3.4.3.2": "DSA with SHA-256",
	}
	switch name, named := known[oid]; {
	case named:
		return name
	case oid == oidPSS && len(algorithm) > 1:
		return "RSA-PSS" + pssWords(algorithm[1])
	case oid == oidPSS:
		return "RSA-PSS with SHA-1"
	case strings.HasPrefix(oid, "2.16.840.1.101.3.4.3."):
		return "SHA-3"
	}
	return oid
}

// pssWords returns the unusual salt length of RSA-PSS parameters (RFC 4055 3.1); empty if they have none.
func pssWords(parameters element) string {
	const saltLength = 0xa2
	fields, err := parameters.children()
	if err != nil {
		return ""
	}
	for _, field := range fields {
		if number := field.content; field.tag == saltLength && len(number) > 2 && len(number) < 5 {
			salt := 0
			for _, b := range number[2:] {
				salt = salt<<8 | int(b)
			}
			return fmt.Sprintf(" with a salt of %d bytes", salt)
		}
	}
	return ""
}
