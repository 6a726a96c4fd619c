package ca

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"
	"time"
)

// listValidity is the time from thisUpdate to nextUpdate. BR 7.2.1 allows 10 days.
const listValidity = 7 * 24 * time.Hour

// CRL returns the list of one shard of the intermediate (CRLURLs) as it is at an instant, in DER.
func (a *Authority) CRL(shard int, at time.Time) ([]byte, error) {
	l, err := a.list(listPath(shard), at)
	if err != nil {
		return nil, err
	}
	return l.sign(a.random)
}

// list is a CRL before it is signed.
type list struct {
	x509.RevocationList
	path       string // below CRLHost
	scope      scope
	extensions []pkix.Extension // further ones
	issuer     *x509.Certificate
	key        crypto.Signer
}

// scope is the extension IssuingDistributionPoint (RFC 5280 5.2.5).
type scope struct {
	Point     pointName `asn1:"optional,tag:0"`
	UserCerts bool      `asn1:"optional,tag:1"`
	CACerts   bool      `asn1:"optional,tag:2"`
	Indirect  bool      `asn1:"optional,tag:4"`
}

type pointName struct {
	FullName []asn1.RawValue `asn1:"optional,tag:0"`
}

// Identifiers of extensions of lists.
func scopeID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 28} }
func deltaID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 27} }

// setPoint sets the address that the list says it is for.
func (s *scope) setPoint(url string) {
	s.Point.FullName = []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(url)}}
}

// list returns the list of a path below CRLHost as it is at an instant. Certificates that are revoked later are not on it.
func (a *Authority) list(path string, at time.Time) (*list, error) {
	state, err := a.revoked.read()
	if err != nil {
		return nil, err
	}
	l := &list{path: path, issuer: a.intermediate, key: a.key}
	l.ThisUpdate = at.UTC().Truncate(time.Second)
	l.NextUpdate = l.ThisUpdate.Add(listValidity)
	// The number grows with time and, at the same instant, with the changes.
	l.Number = new(big.Int).Lsh(big.NewInt(l.ThisUpdate.Unix()), 20)
	l.Number.Add(l.Number, big.NewInt(state.Changes))
	l.scope.setPoint("http://" + CRLHost + path)
	if path == rootListPath {
		l.issuer, l.key, l.scope.CACerts = a.root, a.rootKey, true
		return l, nil
	}
	l.scope.UserCerts = true
	for _, r := range state.Revoked {
		serial, err := parseSerial(r.Serial)
		if err != nil {
			return nil, err
		}
		if listPath(shardOf(serial)) == path && !r.Time.After(l.ThisUpdate) {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries,
				x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.Time, ReasonCode: r.Reason.Code()})
		}
	}
	return l, nil
}

// sign returns the list in DER.
func (l *list) sign(random io.Reader) ([]byte, error) {
	value, err := asn1.Marshal(l.scope)
	if err != nil {
		return nil, err
	}
	l.ExtraExtensions = append([]pkix.Extension{{Id: scopeID(), Critical: true, Value: value}}, l.extensions...)
	der, err := x509.CreateRevocationList(random, &l.RevocationList, l.issuer, l.key)
	if err != nil {
		return nil, fmt.Errorf("sign CRL: %w", err)
	}
	return der, nil
}
