package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/plaintext"
)

// MaxCertificates is how many different certificates one answer or stored bundle may have; real chains have at most five.
const MaxCertificates = 16

const (
	// maxBundle is how many bytes of PEM one answer or stored bundle may have; any chain has far fewer.
	maxBundle = 1 << 20
	beginCert = "-----BEGIN CERTIFICATE-----"
	beginP7   = "-----BEGIN PKCS7-----"
)

// ErrNoCertificate is the cause of a fault about texts without any certificate block, which means that nothing was
// delivered yet. Texts with an unreadable certificate never have this cause.
var ErrNoCertificate = errors.New("there is no certificate in PEM form")

// Bundle is the content of PEM texts.
type Bundle struct {
	Certificates []*x509.Certificate // each once, in the order of the texts
	Unreadable   []Unreadable        // blocks that should have been certificates
}

// ReadBundle reads every certificate of the PEM blocks CERTIFICATE, X509 CERTIFICATE and PKCS7. An unreadable block is
// returned in Unreadable and does not affect the others. Blocks of other types, such as a CSR, are ignored (rules
// CERT-1). It returns ErrNoCertificate if the texts have no certificate block, and another error if they have too many
// bytes or blocks.
func ReadBundle(texts []string) (Bundle, error) {
	size := 0
	for _, text := range texts {
		if size += len(text); size > maxBundle {
			return Bundle{}, errLongBundle()
		}
	}
	all := make([]pemText, len(texts))
	for i, text := range texts {
		all[i] = parsePEM(text)
	}
	return bundleOf(all)
}

func errLongBundle() error { return fmt.Errorf("there are more than %d bytes of PEM", maxBundle) }

// pemText is a text and its PEM blocks.
type pemText struct {
	text   string
	blocks []pemBlock
}

func parsePEM(text string) pemText { return pemText{text, pemBlocks(text)} }

// holdsCertificates reports whether the text has a certificate block, readable or not.
func (p pemText) holdsCertificates() bool { return slices.ContainsFunc(p.blocks, certificateLabel) }

// bundleOf is ReadBundle for texts whose blocks are decoded already.
func bundleOf(texts []pemText) (Bundle, error) {
	var b Bundle
	size, number := 0, 0
	for _, text := range texts {
		if size += len(text.text); size > maxBundle {
			return Bundle{}, errLongBundle()
		}
		for _, block := range text.blocks {
			if !certificateLabel(block) {
				continue
			}
			number++
			if err := b.read(number, block); err != nil {
				return Bundle{}, err
			}
		}
	}
	if len(b.Certificates)+len(b.Unreadable) == 0 {
		return Bundle{}, ErrNoCertificate
	}
	return b, nil
}

// certificateLabel reports whether a block should hold certificates. If its BEGIN line is damaged, the first word
// decides.
func certificateLabel(b pemBlock) bool {
	switch b.label {
	case "CERTIFICATE", "X509 CERTIFICATE", "PKCS7":
		return true
	case "CERTIFICATE REQUEST":
		return false
	}
	return b.flaw != "" && strings.HasPrefix(b.label, "CERTIFICATE") && !strings.Contains(b.label, "REQ")
}

// read adds the content of one block.
func (b *Bundle) read(number int, block pemBlock) error {
	unreadable := Unreadable{Number: number, Label: block.label, Size: block.size(), Reason: block.flaw}
	if block.flaw != "" {
		return b.refuse(unreadable)
	}
	if block.label != "PKCS7" {
		return b.add(unreadable, block.der)
	}
	all, err := bundled(block.der)
	if err != nil {
		unreadable.Reason = fmt.Sprintf("it cannot be read as a PKCS #7 bundle (%v)", err)
		return b.refuse(unreadable)
	}
	unreadable.Label = "certificate in PKCS7"
	for _, der := range all {
		unreadable.Size = len(der)
		if err := b.add(unreadable, der); err != nil {
			return err
		}
	}
	return nil
}

// add reads one certificate. Repeated certificates are added once: sellers repeat them, and the ZIP that this package
// writes has the leaf three times.
func (b *Bundle) add(as Unreadable, der []byte) error {
	if e, rest, err := readElement(der); err == nil && padded(rest) {
		der = e.full
	}
	c, err := parseCertificate(der)
	if err != nil {
		as.outline = outlineOf(der)
		as.Subject, as.Reason = shownSubject(as.outline.subject), refusalWords(err)
		return b.refuse(as)
	}
	if slices.ContainsFunc(b.Certificates, c.Equal) {
		return nil
	}
	b.Certificates = append(b.Certificates, c)
	return b.checkCount()
}

// parseCertificate reads a certificate. A CA copies the key from the CSR, so the key forms that ParseCSR accepts are
// read here as well. Signatures are checked over the original bytes.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, refused := x509.ParseCertificate(der)
	if refused == nil {
		return c, nil
	}
	normalised, err := normaliseCertificate(der)
	if err != nil {
		return nil, refused
	}
	if c, err = x509.ParseCertificate(normalised); err != nil {
		return nil, refused
	}
	whole, _, err := readElement(der)
	if err != nil {
		return nil, refused
	}
	parts, err := whole.children()
	if err != nil {
		return nil, refused
	}
	c.Raw, c.RawTBSCertificate, c.RawSubjectPublicKeyInfo = der, parts[0].full, outlineOf(der).key
	return c, nil
}

// normaliseCertificate returns a copy of a certificate with its key in the form that crypto/x509 reads.
func normaliseCertificate(der []byte) ([]byte, error) {
	key := outlineOf(der).key
	spki, _, err := readElement(key)
	if err != nil {
		return nil, err
	}
	normalised, err := normaliseKey(spki)
	if err != nil {
		return nil, err
	}
	whole, rest, err := readElement(der)
	if err != nil || len(rest) > 0 {
		return nil, errors.New("something follows the certificate")
	}
	parts, err := whole.children()
	if err != nil {
		return nil, err
	}
	signed := parts[0]
	before, after, _ := bytes.Cut(signed.content, key)
	parts[0].full = encode(signed.tag, before, normalised, after)
	var all [][]byte
	for _, part := range parts {
		all = append(all, part.full)
	}
	return encode(whole.tag, all...), nil
}

// refuse adds an unreadable block, each once.
func (b *Bundle) refuse(one Unreadable) error {
	repeated := func(u Unreadable) bool {
		return u.Label == one.Label && u.Size == one.Size && u.Reason == one.Reason &&
			bytes.Equal(u.outline.subject, one.outline.subject) && bytes.Equal(u.outline.key, one.outline.key)
	}
	if slices.ContainsFunc(b.Unreadable, repeated) {
		return nil
	}
	b.Unreadable = append(b.Unreadable, one)
	return b.checkCount()
}

func (b *Bundle) checkCount() error {
	if len(b.Certificates)+len(b.Unreadable) > MaxCertificates {
		return fmt.Errorf("there are more than %d certificates", MaxCertificates)
	}
	return nil
}

// unreadableWords returns a text about all unreadable blocks, of limited length and with a separator before it; empty
// if there are none.
func (b *Bundle) unreadableWords() string {
	if len(b.Unreadable) == 0 {
		return ""
	}
	var words []string
	for _, u := range b.Unreadable {
		words = append(words, u.String())
	}
	return "; cannot be read: " + plaintext.Clip(strings.Join(words, "; "), 500)
}

// bundled returns the certificates of a SignedData (RFC 5652 5.1) in DER, unchanged. Its signatures are not checked. A
// full PKCS #7 parser is not used, because it would refuse all certificates if it cannot read one of them.
func bundled(raw []byte) ([][]byte, error) {
	if err := checkBER(raw); err != nil {
		return nil, err
	}
	fields, err := signedDataFields(raw)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	const first = 3 // behind version, algorithms, content
	for _, field := range fields[min(first, len(fields)):] {
		if field.tag != tagContext0 {
			continue
		}
		certificates, err := field.children()
		if err != nil {
			return nil, err
		}
		for _, c := range certificates {
			all = append(all, c.full)
		}
	}
	return all, nil
}

// signedDataFields returns the fields of the SignedData in a ContentInfo.
func signedDataFields(raw []byte) ([]element, error) {
	outer, _, err := readElement(raw)
	if err != nil {
		return nil, err
	}
	info, err := outer.children()
	signedData := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	if err != nil || len(info) < 2 || !bytes.Equal(info[0].full, signedData) || info[1].tag != tagContext0 {
		return nil, errors.New("it is not SignedData")
	}
	content, err := info[1].children()
	if err != nil || len(content) != 1 || content[0].tag != tagSequence {
		return nil, errors.New("it is not SignedData")
	}
	return content[0].children()
}

func encodePEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
