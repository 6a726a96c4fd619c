package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Kinds of faults of a Repository. The first ones are lists that a verifier must not use, then come answers that are no list,
// then connections without a whole answer.
const (
	FaultOld         = "old"          // signed two weeks ago, its nextUpdate is past
	FaultFuture      = "future"       // its thisUpdate is a day ahead
	FaultHuge        = "huge"         // right, and larger than 11 MiB
	FaultForged      = "forged"       // signed by another key in the issuer's name
	FaultWrongIssuer = "wrong_issuer" // of another authority, right in itself
	FaultWrongKeyID  = "wrong_key_id" // its authority key identifier is another one
	FaultWrongPoint  = "wrong_point"  // for another distribution point
	FaultDelta       = "delta"        // only the changes since an earlier list
	FaultIndirect    = "indirect"     // may hold certificates of other issuers
	FaultCritical    = "critical"     // has a critical extension that nobody knows

	FaultGarbage   = "garbage"   // an HTML page with status 200
	FaultTruncated = "truncated" // the first half of the list, as if it were all
	FaultPEM       = "pem"       // the list in PEM; RFC 5280 4.2.1.13 asks for DER
	FaultEmpty     = "empty"     // no content, status 200
	FaultError     = "error"     // status 503
	FaultRedirect  = "redirect"  // status 302 to Location

	FaultUnreachable = "unreachable" // the connection is closed without an answer
	FaultBrokenOff   = "broken_off"  // the connection is closed in the middle of the list
	FaultSlow        = "slow"        // one octet of the list each Delay
	FaultHang        = "hang"        // no answer as long as the client waits
)

// Fault is what is wrong with the CRLs that a Repository serves.
type Fault struct {
	Kind     string `json:"kind"`               // "" for none
	Location string `json:"location,omitempty"` // of a redirect
	Delay    string `json:"delay,omitempty"`    // of the kind slow, such as "250ms"; "" means a second
	Times    int    `json:"times,omitempty"`    // after so many answers all is well again; 0 never ends
	// Revoked are the serial numbers on lists of the kinds from forged to critical, in hexadecimal, each with the reason
	// KeyCompromise. What the authority has revoked is not on them.
	Revoked []string `json:"revoked,omitempty"`
}

// FaultKinds returns the kinds of faults.
func FaultKinds() []string {
	others := []string{
		FaultOld, FaultFuture, FaultHuge, FaultGarbage, FaultTruncated, FaultPEM, FaultEmpty, FaultError, FaultRedirect, FaultUnreachable,
		FaultBrokenOff, FaultSlow, FaultHang,
	}
	return append(slices.Sorted(maps.Keys(falsifiers())), others...)
}

func (f Fault) check() error {
	switch {
	case f.Kind != "" && !slices.Contains(FaultKinds(), f.Kind):
		return fmt.Errorf("unknown kind of fault %q, use one of %v", f.Kind, FaultKinds())
	case f.Kind == FaultRedirect && f.Location == "":
		return errors.New("a fault of kind redirect needs a location")
	case f.Times < 0:
		return errors.New("times of a fault must not be negative")
	}
	if _, err := f.entries(time.Time{}); err != nil {
		return err
	}
	_, err := f.delay()
	return err
}

// entries returns the content of a false list.
func (f Fault) entries(at time.Time) ([]x509.RevocationListEntry, error) {
	var all []x509.RevocationListEntry
	for _, text := range f.Revoked {
		serial, err := parseSerial(text)
		if err != nil {
			return nil, err
		}
		all = append(all, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: at, ReasonCode: KeyCompromise.Code()})
	}
	return all, nil
}

func (f Fault) delay() (time.Duration, error) {
	if f.Delay == "" {
		return time.Second, nil
	}
	d, err := time.ParseDuration(f.Delay)
	if err == nil && d < 0 {
		err = fmt.Errorf("delay %s of a fault is negative", f.Delay)
	}
	return d, err
}

// falsifiers returns the functions that make a list one that a verifier must not use, by the kind of fault. foreign is the key
// of somebody else.
func falsifiers() map[string]func(l *list, foreign crypto.Signer) error {
	return map[string]func(*list, crypto.Signer) error{
		FaultForged: func(l *list, foreign crypto.Signer) error {
			l.key = foreign
			return nil
		},
		FaultWrongIssuer: func(l *list, foreign crypto.Signer) error {
			l.key = foreign
			return l.changeIssuer(foreign, "PMSSL Stand-in Other CA")
		},
		FaultWrongKeyID: func(l *list, foreign crypto.Signer) error {
			return l.changeIssuer(foreign, l.issuer.Subject.CommonName)
		},
		FaultWrongPoint: func(l *list, _ crypto.Signer) error {
			other := listPath(0)
			if l.path == other {
				other = listPath(1)
			}
			l.scope.setPoint("http://" + CRLHost + other)
			return nil
		},
		FaultIndirect: func(l *list, _ crypto.Signer) error {
			l.scope.Indirect = true
			return nil
		},
		FaultDelta: func(l *list, _ crypto.Signer) error {
			base, err := asn1.Marshal(new(big.Int).Sub(l.Number, big.NewInt(1)))
			l.extensions = append(l.extensions, pkix.Extension{Id: deltaID(), Critical: true, Value: base})
			return err
		},
		FaultCritical: func(l *list, _ crypto.Signer) error { return l.pad(true, 1) },
	}
}

// changeIssuer makes the list name an issuer of this name with the key of somebody else.
func (l *list) changeIssuer(foreign crypto.Signer, commonName string) error {
	id, err := keyID(foreign.Public())
	other := *l.issuer
	other.RawSubject, other.Subject.CommonName, other.SubjectKeyId = nil, commonName, id
	l.issuer = &other
	return err
}

// falsify makes the list a false one of this kind, if the kind is one.
func (r *Repository) falsify(l *list, f Fault) error {
	change, isFalse := falsifiers()[f.Kind]
	if !isFalse {
		return nil
	}
	foreign, err := r.foreign()
	if err != nil {
		return err
	}
	if l.RevokedCertificateEntries, err = f.entries(l.ThisUpdate); err != nil {
		return err
	}
	return change(l, foreign)
}

const (
	// oldAge is the age of the list of FaultOld.
	oldAge = 2 * listValidity
	// hugeSize is the least size of the list of FaultHuge.
	hugeSize = 11 << 20
)

// pad adds an extension of this size that no program knows. Its identifier is below the number for examples, RFC 5612.
func (l *list) pad(critical bool, size int) error {
	value, err := asn1.Marshal(strings.Repeat("x", size))
	l.extensions = append(l.extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, Critical: critical, Value: value})
	return err
}

// foreignKey returns a new key of the same type as another one.
func foreignKey(own crypto.Signer) (crypto.Signer, error) {
	if _, isECDSA := own.Public().(*ecdsa.PublicKey); isECDSA {
		return newKey(ECDSA, rand.Reader)
	}
	return newKey(RSA, rand.Reader)
}

// content returns what is served under the path of a list at an instant: the list in DER, or what the fault makes of it.
func (r *Repository) content(path string, f Fault, at time.Time) ([]byte, error) {
	switch f.Kind {
	case FaultOld:
		at = at.Add(-oldAge)
	case FaultFuture:
		at = at.AddDate(0, 0, 1)
	}
	l, err := r.authority.list(path, at)
	if err != nil {
		return nil, err
	}
	if err := r.falsify(l, f); err != nil {
		return nil, err
	}
	if f.Kind == FaultHuge {
		if err := l.pad(false, hugeSize); err != nil {
			return nil, err
		}
	}
	der, err := l.sign(r.authority.random)
	if err != nil {
		return nil, err
	}
	switch f.Kind {
	case FaultTruncated:
		return der[:len(der)/2], nil
	case FaultPEM:
		return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
	case FaultEmpty:
		return nil, nil
	}
	return der, nil
}
