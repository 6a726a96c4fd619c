package crl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxIssuer is the longest certificate of an issuer that is read, in bytes.
	maxIssuer = 64 << 10
	// issuerShare is by how much the time for it is shorter than that for a list.
	issuerShare = 3
)

// Issuer returns the certificate that signed a leaf, which the leaf names by http (caIssuers in authorityInfoAccess, RFC 5280 4.2.2.1): the
// seller may have delivered the leaf without its chain. It is fetched like a list, once; then its copy is used. An error is a
// *Failure if the fetch failed, and may stand beside the certificate if no copy can be kept.
func (s *Store) Issuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	at := slices.IndexFunc(leaf.IssuingCertificateURL, func(address string) bool { return strings.HasPrefix(address, "http://") })
	if at < 0 {
		return nil, errors.New("the certificate does not name its issuer's by http")
	}
	address := leaf.IssuingCertificateURL[at]
	k := s.named(issuerName(leaf, address), address)
	if k == nil {
		return nil, fmt.Errorf("there are more than %d lists", maxLists)
	}
	k.asked = true
	if k.Size > 0 {
		if der, err := s.folder.read(k.Name+copySuffix, maxIssuer); err == nil {
			if issuer, err := issuerOf(leaf, der); err == nil {
				return issuer, nil
			}
		}
	}
	if !s.mayFetch(k) || s.isSilent(address) {
		return nil, errors.New("it could not be fetched, which is tried again later")
	}
	der, err := s.fetch(ctx, address, maxIssuer, s.fetchTime/issuerShare)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var issuer *x509.Certificate
	if err == nil {
		issuer, err = issuerOf(leaf, der)
	}
	if failure := s.noteAnswer(k, address, err); failure != nil {
		failure.Issuer = true
		return nil, failure
	}
	if err := s.keep(k, der); err != nil {
		return issuer, &Failure{address, true, fmt.Errorf("it was read, and no copy can be kept: %w", err), true}
	}
	return issuer, nil
}

// issuerOf reads the certificate of the leaf's issuer, in DER.
func issuerOf(leaf *x509.Certificate, der []byte) (*x509.Certificate, error) {
	issuer, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("it is not a certificate in DER")
	}
	if !bytes.Equal(issuer.RawSubject, leaf.RawIssuer) {
		return nil, fmt.Errorf("it is of %s, the issuer is %s", line(issuer.Subject.String()), line(leaf.Issuer.String()))
	}
	if err := leaf.CheckSignatureFrom(issuer); err != nil {
		return nil, fmt.Errorf("it did not sign the certificate that names it: %w", err)
	}
	return issuer, nil
}

// issuerName returns the name of the copy of an issuer's certificate.
func issuerName(leaf *x509.Certificate, address string) string {
	sum := sha256.Sum256(slices.Concat([]byte("issuer\x00"+address), []byte{0}, leaf.RawIssuer, []byte{0}, leaf.AuthorityKeyId))
	return hex.EncodeToString(sum[:])
}
