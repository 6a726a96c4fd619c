package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// Object identifiers of keys, signature algorithms and extensions (RFC 3279, RFC 4055, RFC 5280).
const (
	oidRSAKey   = "1.2.840.113549.1.1.1"
	oidPSS      = "1.2.840.113549.1.1.10"
	oidCurveKey = "1.2.840.10045.2.1"
	oidSAN      = "2.5.29.17"
)

// remedyDamaged is what a client can do about a CSR of which a part was lost.
const remedyDamaged = "copy it again, from the BEGIN line to the END line, or make a new one"

func refuseCSR(format string, args ...any) error {
	return fault.Errorf(fault.Value, "csr", format, args...)
}

// decodeCSR reads a CSR's text. der is the CSR as it was signed, without padding after it.
func decodeCSR(text string) (request *x509.CertificateRequest, der []byte, err error) {
	if len(text) > MaxCSR {
		return nil, nil, refuseCSR("the CSR is %d bytes long, at most %d are accepted", len(text), MaxCSR)
	}
	text = fromUTF16(text)
	if strings.Contains(text, "PRIVATE KEY") {
		return nil, nil, refuseCSR("a private key stands where the CSR belongs")
	}
	block, err := onlyBlock(text)
	if err != nil {
		return nil, nil, err
	}
	whole, rest, err := readElement(block.der)
	switch {
	case err != nil:
		return nil, nil, refuseCSR("the CSR cannot be read: it is cut off or damaged; %s", remedyDamaged)
	case !padded(rest):
		return nil, nil, refuseCSR("the CSR cannot be read: something follows the request inside its PEM block; %s", remedyDamaged)
	}
	request, err = parseRequest(whole)
	return request, whole.full, err
}

// fromUTF16 converts text with the byte order mark of UTF-16, which Windows programs save as "Unicode", to UTF-8. Other
// text is returned unchanged.
func fromUTF16(text string) string {
	var order binary.ByteOrder
	switch {
	case strings.HasPrefix(text, "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(text, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return text
	}
	raw := []byte(text[2 : len(text)-len(text)%2])
	units := make([]uint16, 0, len(raw)/2)
	for pair := range slices.Chunk(raw, 2) {
		units = append(units, order.Uint16(pair))
	}
	return string(utf16.Decode(units))
}

// onlyBlock returns the only PEM block of a text that should hold a CSR.
func onlyBlock(text string) (pemBlock, error) {
	blank := func(r rune) bool { return unicode.IsSpace(r) || invisible(r) || r == 0 }
	blocks := pemBlocks(text)
	switch {
	case strings.TrimFunc(text, blank) == "":
		return pemBlock{}, fault.Errorf(fault.Missed, "csr", "there is no CSR")
	case len(blocks) == 0:
		return pemBlock{}, refuseCSR("the CSR is not PEM: -----BEGIN CERTIFICATE REQUEST----- expected")
	case len(blocks) > 1:
		return pemBlock{}, refuseCSR("there is more than one PEM block where one CSR belongs")
	}
	block := blocks[0]
	switch {
	case block.label != "CERTIFICATE REQUEST" && block.label != "NEW CERTIFICATE REQUEST":
		return pemBlock{}, refuseCSR("%q stands where the CSR belongs", plaintext.Clip(block.label, maxLabel))
	case block.flaw != "":
		return pemBlock{}, refuseCSR("the CSR's PEM block cannot be read: %s; %s", block.flaw, remedyDamaged)
	case strings.TrimFunc(block.after, blank) != "":
		return pemBlock{}, refuseCSR("something follows the CSR's END line")
	}
	return block, nil
}

// parseRequest reads the structure of a CSR (RFC 2986). If crypto/x509 refuses a CSR that has only one possible
// meaning, it is read from a normalised copy. Its signature is still checked over the original bytes, and only these
// are sent to the seller.
func parseRequest(whole element) (*x509.CertificateRequest, error) {
	parts, err := whole.children()
	if err != nil || len(parts) != 3 || parts[0].tag != tagSequence {
		return nil, refuseCSR("the CSR cannot be read: its structure is not that of a CSR (RFC 2986); %s", remedyDamaged)
	}
	request, wrong := x509.ParseCertificateRequest(whole.full)
	if wrong == nil {
		return request, nil
	}
	if !canonical(whole) { // other programs may read it differently or not at all
		return nil, refuseCSR("the CSR cannot be read: it is not written in DER (RFC 2986); %s", remedyDamaged)
	}
	info, err := normaliseInfo(parts[0])
	if err != nil {
		return nil, err
	}
	request, err = x509.ParseCertificateRequest(encode(tagSequence, info, parts[1].full, parts[2].full))
	if err != nil {
		refused := fault.Errorf(fault.Value, "csr", "the CSR cannot be read: %s; make a new one", plainWords(err))
		return nil, refused
	}
	request.Raw, request.RawTBSCertificateRequest = whole.full, parts[0].full
	return request, nil
}

// plainWords returns the text of an error of crypto/x509 or encoding/asn1 without package names.
func plainWords(err error) string {
	var structure asn1.StructuralError
	if errors.As(err, &structure) && strings.HasPrefix(structure.Msg, "tags don't match") { // with Go's own structures behind it
		return "one of its fields is of another type than belongs there"
	}
	return strings.NewReplacer("x509: ", "", "asn1: ", "", "structure error: ", "", "syntax error: ", "").Replace(err.Error())
}

// normaliseInfo returns a copy of the signed part that crypto/x509 reads, although attributes may be missing,
// PrintableStrings in the subject may have characters that the type does not allow, the RSA key may lack its NULL, and
// the EC point may be compressed. It refuses everything without a certain meaning.
func normaliseInfo(info element) ([]byte, error) {
	fields, err := info.children()
	const version, subject, key, attributes = 0, 1, 2, 3
	if err != nil || len(fields) < attributes || len(fields) > attributes+1 {
		return nil, refuseCSR("the CSR cannot be read: its structure is not that of a CSR (RFC 2986); %s", remedyDamaged)
	}
	name, err := normaliseName(fields[subject])
	if err != nil {
		return nil, err
	}
	spki, err := normaliseKey(fields[key])
	if err != nil {
		return nil, refuseCSR("the CSR's key %w", err)
	}
	own := encode(tagContext0)
	if len(fields) > attributes {
		own = fields[attributes].full
		if err := checkSANs(fields[attributes]); err != nil {
			return nil, err
		}
	}
	return encode(tagSequence, fields[version].full, name, spki, own), nil
}

// normaliseName returns a copy of the subject in which the type of each string allows its characters.
func normaliseName(name element) ([]byte, error) {
	attributes, err := attributesOf(name.full)
	if err != nil {
		return nil, refuseCSR("the CSR's subject cannot be read; %s", remedyDamaged)
	}
	var sets [][]byte
	for _, a := range attributes {
		oid, err := asn1.Marshal(a.oid)
		if err != nil {
			return nil, refuseCSR("the CSR's subject cannot be read; %s", remedyDamaged)
		}
		value, err := a.normalised()
		if err != nil {
			return nil, err
		}
		sets = append(sets, encode(tagSet, encode(tagSequence, oid, value)))
	}
	return encode(tagSequence, sets...), nil
}

// Tags of string types in a subject (X.680).
const (
	tagUTF8      = 0x0c
	tagNumeric   = 0x12
	tagPrintable = 0x13
	tagIA5       = 0x16
)

// normalised returns the attribute's value. If it is printable ASCII that its type does not allow, the copy is a
// UTF8String. Other characters that the type does not allow are refused, because their meaning is not certain.
func (a attribute) normalised() ([]byte, error) {
	text := a.text()
	switch a.value.tag {
	case tagPrintable, tagNumeric, tagIA5:
		for i := range len(text) {
			if text[i] < ' ' || text[i] > '~' {
				return nil, a.refuse(text, i)
			}
		}
		return encode(tagUTF8, []byte(text)), nil
	case tagUTF8:
		for i, r := range text {
			if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd") {
				return nil, refuseCSR("the CSR's %s is not text in UTF-8 (byte 0x%02x); make a new CSR with Latin letters there", a.name(), text[i])
			}
		}
	}
	return a.value.full, nil
}

// refuse returns the error for the character at i.
func (a attribute) refuse(text string, i int) error {
	r, _ := utf8.DecodeRuneInString(text[i:])
	if r == utf8.RuneError {
		r = rune(text[i])
	}
	return refuseCSR("the CSR's %s holds %s, which its text type cannot have; make a new CSR with Latin letters there, or encode it as UTF8String",
		a.name(), Character(r))
}

// name returns the attribute's name as clients know it.
func (a attribute) name() string {
	switch oid := a.oid.String(); oid {
	case oidCommonName:
		return "common name (CN)"
	case "2.5.4.6":
		return "country (C)"
	case "2.5.4.7":
		return "locality (L)"
	case "2.5.4.8":
		return "state (ST)"
	case "2.5.4.10":
		return "organisation (O)"
	case "2.5.4.11":
		return "organisational unit (OU)"
	case oidEmail:
		return "e-mail address (emailAddress)"
	default:
		return "subject attribute " + oid
	}
}

// normaliseKey returns a copy of a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) that crypto/x509 reads. Its errors continue
// a sentence that begins with the key.
func normaliseKey(spki element) ([]byte, error) {
	unreadable := errors.New("cannot be read; " + remedyDamaged)
	parts, err := spki.children()
	if err != nil || len(parts) != 2 {
		return nil, unreadable
	}
	algorithm, err := parts[0].children()
	if err != nil || len(algorithm) == 0 || len(algorithm) > 2 {
		return nil, unreadable
	}
	switch oidText(algorithm[0]) {
	case oidRSAKey:
		if len(algorithm) == 1 { // RFC 3279 2.3.1 asks for NULL; without it the key is the same one
			return encode(tagSequence, encode(tagSequence, algorithm[0].full, []byte{asn1.TagNull, 0}), parts[1].full), nil
		}
	case oidCurveKey:
		if len(algorithm) != 2 || algorithm[1].tag != asn1.TagOID {
			return nil, errors.New("gives its curve by numbers; make the key on a named curve, P-256 or P-384")
		}
		return normalisePoint(parts[0], oidText(algorithm[1]), parts[1])
	}
	return spki.full, nil
}

// normalisePoint returns the key with its point uncompressed, which is equivalent to the compressed form of SEC 1
// 2.3.3.
func normalisePoint(algorithm element, curveOID string, key element) ([]byte, error) {
	curves := map[string]elliptic.Curve{"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(), "1.3.132.0.33": elliptic.P224()}
	curve, known := curves[curveOID]
	if !known {
		return nil, fmt.Errorf("is on the curve %s, P-256 and P-384 are accepted", curveOID)
	}
	if len(key.content) < 2 || key.content[1] != 2 && key.content[1] != 3 {
		return encode(tagSequence, algorithm.full, key.full), nil
	}
	noPoint := errors.New("is not a point of its curve; make a new key")
	x, y := elliptic.UnmarshalCompressed(curve, key.content[1:])
	if x == nil {
		return nil, noPoint
	}
	size := (curve.Params().BitSize + 7) / 8
	full := slices.Concat([]byte{4}, x.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size)))
	public, err := ecdsa.ParseUncompressedPublicKey(curve, full)
	if err != nil {
		return nil, noPoint
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, noPoint
	}
	return spki, nil
}

func oidText(e element) string {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(e.full, &oid); err != nil {
		return ""
	}
	return oid.String()
}

// encode returns an element in DER.
func encode(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	head := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		head = append(head, byte(n))
	case n < 1<<8:
		head = append(head, 0x81, byte(n))
	case n < 1<<16:
		head = append(head, 0x82, byte(n>>8), byte(n))
	default:
		head = append(head, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(head, content...)
}
