package standin

import (
	"cmp"
	"crypto/x509"
	"errors"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/issuance"
)

// Leaf describes a leaf certificate that a seller has signed.
type Leaf struct {
	CSR          string   // PEM
	Level        string   // "dv", "ov", "ev"
	Names        []string // the common name first
	AddWWW       bool     // see issuance.AltNames
	Organization issuance.Organization
	// Days of validity; 0 means the limit of the day of issue less MarginDays.
	Days, MarginDays int
	FromMidnight     bool
	// Until is the latest end of the validity; zero means that only the days count.
	Until time.Time
}

var errTermOver = errors.New("the paid term is over")

// Sign signs the leaf at an instant. It fails if the leaf would end before that instant or the CSR
// cannot be read.
func (l Leaf) Sign(authority *ca.Authority, at time.Time) (*x509.Certificate, error) {
	request, err := issuance.ParseRequest(l.CSR)
	if err != nil {
		return nil, err
	}
	days := cmp.Or(l.Days, issuance.LimitsAt(at).LeafDays-l.MarginDays)
	notBefore, notAfter := issuance.Validity(at, days, l.FromMidnight)
	if !l.Until.IsZero() && notAfter.After(l.Until) {
		notAfter = l.Until
	}
	if !notAfter.After(at) {
		return nil, errTermOver
	}
	return authority.Sign(ca.Request{
		CSR: request.CertificateRequest, Subject: issuance.Subject(l.Level, l.Names[0], l.Organization, request),
		DNSNames: issuance.AltNames(l.Names, l.AddWWW), Policies: issuance.Policies(l.Level),
		NotBefore: notBefore, NotAfter: notAfter,
	})
}
