package crl

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// clockSkew is how far a list's thisUpdate may be ahead of this host's clock.
const clockSkew = 10 * time.Minute

// maxSerialBits is the length of the longest serial number that is looked for: RFC 5280 4.1.2.2 allows 20 octets, some are longer.
const maxSerialBits = 512

// Query asks whether certificates are on the list that they name.
type Query struct {
	URL     string            // of the list, as the certificates have it
	Issuer  *x509.Certificate // that signed them, and signs the list
	Serials []string          // lower-case hex
}

// Entry is a certificate on a list.
type Entry struct {
	Serial string // as in the Query
	Reason Reason
	Date   time.Time // revocationDate
}

// result is a list that was checked and searched.
type result struct {
	thisUpdate, nextUpdate time.Time
	revoked                []Entry // in the order of Query.Serials
}

// read checks a list and looks for the serials of the query.
func (q Query) read(der []byte, now time.Time) (result, error) {
	parts, err := split(der)
	if err != nil {
		return result{}, err
	}
	list, err := parts.header()
	if err != nil {
		return result{}, fmt.Errorf("it cannot be read: %w", err)
	}
	if err := q.check(list, now); err != nil {
		return result{}, err
	}
	found, err := q.search(parts)
	if err != nil {
		return result{}, err
	}
	return result{list.ThisUpdate, list.NextUpdate, found}, nil
}

// check checks all of a list but its entries (RFC 5280 6.3.3).
func (q Query) check(list *x509.RevocationList, now time.Time) error {
	switch {
	case !bytes.Equal(list.RawIssuer, q.Issuer.RawSubject):
		return fmt.Errorf("it is of %s, the certificates are of %s", line(list.Issuer.String()), line(q.Issuer.Subject.String()))
	case len(list.AuthorityKeyId) > 0 && len(q.Issuer.SubjectKeyId) > 0 && !bytes.Equal(list.AuthorityKeyId, q.Issuer.SubjectKeyId):
		return fmt.Errorf("it names the key %x, the issuer of the certificates has %x", clip(list.AuthorityKeyId), clip(q.Issuer.SubjectKeyId))
	}
	if err := list.CheckSignatureFrom(q.Issuer); err != nil {
		return fmt.Errorf("its signature is not that of the certificates' issuer: %w", err)
	}
	switch {
	case list.ThisUpdate.After(now.Add(clockSkew)):
		return fmt.Errorf("it is of the future (%s)", stamp(list.ThisUpdate))
	case list.NextUpdate.IsZero():
		return errors.New("it does not say until when it counts (nextUpdate)")
	case !list.NextUpdate.After(now):
		return fmt.Errorf("it is out of date since %s", stamp(list.NextUpdate))
	}
	return q.checkExtensions(list.Extensions)
}

// Extensions of lists (RFC 5280 5.2) and of their entries (5.3).
func scopeID() asn1.ObjectIdentifier     { return asn1.ObjectIdentifier{2, 5, 29, 28} }
func deltaID() asn1.ObjectIdentifier     { return asn1.ObjectIdentifier{2, 5, 29, 27} }
func numberID() asn1.ObjectIdentifier    { return asn1.ObjectIdentifier{2, 5, 29, 20} }
func authorityID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 35} }
func reasonID() asn1.ObjectIdentifier    { return asn1.ObjectIdentifier{2, 5, 29, 21} }

// checkExtensions refuses lists that do not hold all revoked certificates of this issuer and URL and no others, and those with a
// critical extension that is not known here.
func (q Query) checkExtensions(all []pkix.Extension) error {
	for i, e := range all {
		if slices.ContainsFunc(all[:i], func(before pkix.Extension) bool { return before.Id.Equal(e.Id) }) {
			return fmt.Errorf("it has the extension %s twice", e.Id)
		}
		switch {
		case e.Id.Equal(deltaID()):
			return errors.New("it has only the changes since another list (delta CRL)")
		case e.Id.Equal(scopeID()):
			if err := q.checkScope(e.Value); err != nil {
				return err
			}
		case e.Critical && !e.Id.Equal(numberID()) && !e.Id.Equal(authorityID()):
			return fmt.Errorf("it has the critical extension %s, which is not known here", e.Id)
		}
	}
	return nil
}

// scope is the extension IssuingDistributionPoint (RFC 5280 5.2.5).
type scope struct {
	Point          pointName      `asn1:"optional,tag:0"`
	UserCerts      bool           `asn1:"optional,tag:1"`
	CACerts        bool           `asn1:"optional,tag:2"`
	SomeReasons    asn1.BitString `asn1:"optional,tag:3"`
	Indirect       bool           `asn1:"optional,tag:4"`
	AttributeCerts bool           `asn1:"optional,tag:5"`
}

type pointName struct {
	FullName     []asn1.RawValue  `asn1:"optional,tag:0"`
	RelativeName pkix.RDNSequence `asn1:"optional,tag:1"`
}

// tagURI is the tag of a URI among the forms of names (RFC 5280 4.2.1.6).
const tagURI = 6

// checkScope checks which certificates a list is for.
func (q Query) checkScope(value []byte) error {
	var s scope
	if rest, err := asn1.Unmarshal(value, &s); err != nil || len(rest) > 0 {
		return errors.New("what it says of its scope cannot be read (issuingDistributionPoint)")
	}
	switch {
	case s.Indirect:
		return errors.New("it may hold certificates of other issuers (indirect CRL)")
	case s.CACerts, s.AttributeCerts:
		return errors.New("it is not for certificates of servers")
	case s.SomeReasons.BitLength > 0:
		return errors.New("it is for some reasons only")
	case len(s.Point.RelativeName) > 0:
		return errors.New("it names its distribution point by a part of a name")
	case len(s.Point.FullName) == 0:
		return nil
	}
	var points []string
	for _, name := range s.Point.FullName {
		if name.Class == asn1.ClassContextSpecific && name.Tag == tagURI {
			points = append(points, string(name.Bytes))
		}
	}
	if !slices.Contains(points, q.URL) {
		return fmt.Errorf("it is for another URL than that of the certificates: %q", line(strings.Join(points, " ")))
	}
	return nil
}

// search returns the entries with the serials of the query. All entries are read, because one with a critical extension that is
// not known here makes the list unusable (RFC 5280 5.3).
func (q Query) search(parts pieces) ([]Entry, error) {
	wanted := q.octets()
	found := map[string]Entry{}
	err := parts.eachEntry(func(e x509.RevocationListEntry) error {
		if err := checkEntry(e); err != nil {
			return err
		}
		serial, is := lookUp(wanted, e.SerialNumber)
		reason := reasonOf(e.ReasonCode)
		if !is || reason == RemoveFromCRL { // which only a delta CRL has
			return nil
		}
		if _, twice := found[serial]; !twice || reason == KeyCompromise {
			found[serial] = Entry{serial, reason, e.RevocationTime.UTC()}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, serial := range q.Serials {
		if e, is := found[serial]; is {
			all = append(all, e)
			delete(found, serial)
		}
	}
	return all, nil
}

// octets returns the serials in hex by their octets.
func (q Query) octets() map[string]string {
	wanted := map[string]string{}
	for _, text := range q.Serials {
		if number, ok := new(big.Int).SetString(text, 16); ok && number.Sign() >= 0 && number.BitLen() <= maxSerialBits {
			wanted[string(number.Bytes())] = text
		}
	}
	return wanted
}

// checkEntry returns an error if an entry has a critical extension that is not known here.
func checkEntry(e x509.RevocationListEntry) error {
	for _, extension := range e.Extensions {
		if extension.Critical && !extension.Id.Equal(reasonID()) {
			return fmt.Errorf("an entry has the critical extension %s, which is not known here", extension.Id)
		}
	}
	return nil
}

// lookUp returns the text of a serial number if it is wanted.
func lookUp(wanted map[string]string, number *big.Int) (string, bool) {
	bits := number.BitLen()
	if number.Sign() < 0 || bits > maxSerialBits {
		return "", false
	}
	var octets [maxSerialBits / 8]byte // does not leave the stack
	serial, is := wanted[string(number.FillBytes(octets[:])[len(octets)-(bits+7)/8:])]
	return serial, is
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// clip returns the first octets of a key's identifier.
func clip(id []byte) []byte { return id[:min(len(id), 32)] }
