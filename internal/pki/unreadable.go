package pki

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode"

	"pmssl/internal/plaintext"
)

// Unreadable is a block of a bundle that cannot be read.
type Unreadable struct {
	Number  int    // position among the bundle's blocks, from 1
	Label   string // CERTIFICATE or PKCS7, or "certificate in PKCS7"
	Size    int    // in bytes
	Subject string // common name, or else the first attribute of the subject; empty if unreadable
	Reason  string
	outline outline
}

// String returns the block's number, label, size and subject and the reason: "block 3 (CERTIFICATE, 308 bytes, subject
// \"Legacy Root\"): its serial number is negative".
func (u Unreadable) String() string {
	subject := ""
	if u.Subject != "" {
		subject = fmt.Sprintf(", subject %q", u.Subject)
	}
	return fmt.Sprintf("block %d (%s, %d bytes%s): %s", u.Number, plaintext.Clip(u.Label, maxLabel), u.Size, subject, u.Reason)
}

// outline is the part of a certificate's structure that can be read although crypto/x509 refuses the certificate.
// Nothing in it is verified.
type outline struct {
	issuer, subject, key []byte // DER of the names and of the public key; nil if they cannot be read
}

// intermediate reports whether the certificate has another name than its issuer.
func (o outline) intermediate() bool { return len(o.subject) > 0 && !bytes.Equal(o.issuer, o.subject) }

// outlineOf reads the outline of a certificate (RFC 5280 4.1).
func outlineOf(der []byte) outline {
	certificate, _, err := readElement(der)
	if err != nil || certificate.tag != tagSequence {
		return outline{}
	}
	parts, err := certificate.children()
	if err != nil || len(parts) == 0 || parts[0].tag != tagSequence {
		return outline{}
	}
	fields, err := parts[0].children()
	if err != nil {
		return outline{}
	}
	if len(fields) > 0 && fields[0].tag == tagContext0 { // the version
		fields = fields[1:]
	}
	const issuer, subject, key = 2, 4, 5 // behind serial number and algorithm; validity stands between the names
	if len(fields) <= key {
		return outline{}
	}
	return outline{issuer: fields[issuer].full, subject: fields[subject].full, key: fields[key].full}
}

// shownSubject returns the common name of a Name, or its first attribute, as printable text of limited length.
func shownSubject(name []byte) string {
	attributes, err := attributesOf(name)
	if err != nil || len(attributes) == 0 {
		return ""
	}
	shown := attributes[0].text()
	for _, a := range attributes {
		if a.oid.Equal(asn1.ObjectIdentifier{2, 5, 4, 3}) {
			shown = a.text()
			break
		}
	}
	return plaintext.Clip(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(shown, "?")), 100)
}

// attribute is one attribute of a Name (RFC 5280 4.1.2.4) with its value, unchanged.
type attribute struct {
	oid   asn1.ObjectIdentifier
	value element
}

// text returns the value's bytes, which are the text in UTF-8 and in the string types of one byte per character.
func (a attribute) text() string { return string(a.value.content) }

// attributesOf reads a Name without checking its characters.
func attributesOf(name []byte) ([]attribute, error) {
	sequence, _, err := readElement(name)
	if err != nil {
		return nil, err
	}
	sets, err := sequence.children()
	if err != nil {
		return nil, err
	}
	var found []attribute
	for _, set := range sets {
		pairs, err := set.children()
		if err != nil {
			return nil, err
		}
		for _, pair := range pairs {
			parts, err := pair.children()
			if err != nil {
				return nil, err
			}
			var oid asn1.ObjectIdentifier
			if len(parts) != 2 {
				return nil, fmt.Errorf("an attribute of the name has %d parts", len(parts))
			}
			if _, err := asn1.Unmarshal(parts[0].full, &oid); err != nil {
				return nil, err
			}
			found = append(found, attribute{oid: oid, value: parts[1]})
		}
	}
	return found, nil
}

// refusalWords returns in plain words why crypto/x509 refuses a certificate.
func refusalWords(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "negative serial"):
		return "its serial number is negative (RFC 5280 4.1.2.2)"
	case strings.Contains(text, "PrintableString"):
		return "a PrintableString in it holds a character that this type does not have (X.680 41.4)"
	case strings.Contains(text, "trailing data"):
		return "something follows the certificate in its block"
	}
	return "it cannot be read as a certificate (" + strings.TrimPrefix(text, "x509: ") + ")"
}

// padded reports whether the bytes after a certificate or CSR are only padding: zero bytes and line ends.
func padded(rest []byte) bool {
	return len(bytes.Trim(rest, "\x00\r\n")) == 0
}
