package crl

import "strconv"

// Reason is why a certificate was revoked, by its name in RFC 5280 5.3.1; "reason N" for a code that has no name.
type Reason string

// The reasons of RFC 5280 5.3.1.
const (
	Unspecified          Reason = "unspecified"
	KeyCompromise        Reason = "keyCompromise"
	CACompromise         Reason = "cACompromise"
	AffiliationChanged   Reason = "affiliationChanged"
	Superseded           Reason = "superseded"
	CessationOfOperation Reason = "cessationOfOperation"
	CertificateHold      Reason = "certificateHold"
	RemoveFromCRL        Reason = "removeFromCRL"
	PrivilegeWithdrawn   Reason = "privilegeWithdrawn"
	AACompromise         Reason = "aACompromise"
)

// reasonOf returns the reason of a code.
func reasonOf(code int) Reason {
	names := []Reason{
		Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded, CessationOfOperation, CertificateHold, "", RemoveFromCRL,
		PrivilegeWithdrawn, AACompromise,
	}
	if code >= 0 && code < len(names) && names[code] != "" {
		return names[code]
	}
	return Reason("reason " + strconv.Itoa(code))
}

// Withdrawn reports whether the CA took the certificate from its owner: another one for the same request would be refused or
// revoked as well, so somebody has to look first.
func (r Reason) Withdrawn() bool {
	switch r {
	case AffiliationChanged, CessationOfOperation, CertificateHold, PrivilegeWithdrawn:
		return true
	}
	return false
}
