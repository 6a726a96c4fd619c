package crl

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
)

// chunk is how many entries of a list are parsed at once.
const chunk = 1024

// errNoList says that something is no list at all.
var errNoList = errors.New("it is not a list of revoked certificates in DER")

// pieces are the parts of a list, as slices of its bytes.
type pieces struct {
	signed     []byte // TBSCertList
	head       []byte // its fields before the entries
	entries    []byte // the content of revokedCertificates; empty if absent
	extensions []byte // its fields after the entries
	tail       []byte // the fields after it: algorithm and signature
}

// split finds the parts of a list. That their content is right shows when they are parsed.
func split(der []byte) (pieces, error) {
	var outer, signed asn1.RawValue
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) > 0 || !isSequence(outer) {
		return pieces{}, errNoList
	}
	var p pieces
	if p.tail, err = asn1.Unmarshal(outer.Bytes, &signed); err != nil || !isSequence(signed) {
		return pieces{}, errNoList
	}
	p.signed = signed.FullBytes
	var field asn1.RawValue
	rest = signed.Bytes
	for range 4 { // version, signature, issuer, thisUpdate
		if rest, err = asn1.Unmarshal(rest, &field); err != nil {
			return pieces{}, errNoList
		}
	}
	if after, err := asn1.Unmarshal(rest, &field); err == nil && isTime(field) { // nextUpdate
		rest = after
	}
	p.head = signed.Bytes[:len(signed.Bytes)-len(rest)]
	if after, err := asn1.Unmarshal(rest, &field); err == nil && isSequence(field) {
		p.entries, rest = field.Bytes, after
	}
	p.extensions = rest
	return p, nil
}

func isSequence(v asn1.RawValue) bool {
	return v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

func isTime(v asn1.RawValue) bool {
	return v.Class == asn1.ClassUniversal && (v.Tag == asn1.TagUTCTime || v.Tag == asn1.TagGeneralizedTime)
}

// header parses the list without its entries. CheckSignatureFrom of the result checks the signature of the whole list.
func (p pieces) header() (*x509.RevocationList, error) {
	list, err := p.parse(nil, p.extensions)
	if err != nil {
		return nil, err
	}
	list.Raw, list.RawTBSRevocationList = nil, p.signed
	return list, nil
}

// eachEntry calls f for each entry, and ends with its first error. The entries are parsed in small lists made for it: a list of
// 10 MiB has up to half a million of them, which would take some hundred MiB at once. The signatures of the small lists are wrong.
func (p pieces) eachEntry(f func(x509.RevocationListEntry) error) error {
	for left := p.entries; len(left) > 0; {
		rest := left
		var entry asn1.RawValue
		for count := 0; count < chunk && len(rest) > 0; count++ {
			var err error
			if rest, err = asn1.Unmarshal(rest, &entry); err != nil {
				return errNoList
			}
		}
		list, err := p.parse(left[:len(left)-len(rest)], nil)
		if err != nil {
			return err
		}
		for _, entry := range list.RevokedCertificateEntries {
			if err := f(entry); err != nil {
				return err
			}
		}
		left = rest
	}
	return nil
}

// parse parses a list with the head and the tail of this one, and with these entries and extensions.
func (p pieces) parse(entries, extensions []byte) (*x509.RevocationList, error) {
	sequence := func(content ...[]byte) ([]byte, error) {
		value := asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true}
		for _, c := range content {
			value.Bytes = append(value.Bytes, c...)
		}
		return asn1.Marshal(value)
	}
	var err error
	if len(entries) > 0 {
		if entries, err = sequence(entries); err != nil {
			return nil, err
		}
	}
	signed, err := sequence(p.head, entries, extensions)
	if err != nil {
		return nil, err
	}
	der, err := sequence(signed, p.tail)
	if err != nil {
		return nil, err
	}
	return x509.ParseRevocationList(der)
}
