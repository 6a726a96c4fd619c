package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// MaxCSR is the longest CSR that is accepted, in bytes: Namecheap's limit (docs/reference/namecheap.md §3.2).
const MaxCSR = 32767

const (
	minRSABits = 2048 // BR 6.1.5
	maxRSABits = 8192 // no public CA takes more, and checking a signature becomes slow
	// maxCommonName is ub-common-name of RFC 5280 A.1, in characters: certificates cannot have a longer one.
	maxCommonName = 64
	oidCommonName = "2.5.4.3"
	oidEmail      = "1.2.840.113549.1.9.1" // emailAddress, PKCS #9
)

// CSR is a checked certificate signing request (RFC 2986).
type CSR struct {
	PEM        string // normalised: one CERTIFICATE REQUEST block
	DER        []byte
	CommonName string   // lower case, A-labels; the first SAN if the subject has none
	Names      []string // DNS names of the SAN extension without the common name, lower case, A-labels, each once
	Key        string   // for people: RSA 2048, ECDSA P-256
	PublicKey  crypto.PublicKey
	Email      string // emailAddress of the subject; empty if it is absent or not one address
	// Subject is the rest of the subject's name, for sellers that require it besides the CSR.
	Subject Subject
}

// Subject is what a CSR's subject has about the applicant besides the common name: the first value of each attribute,
// unchanged; empty if absent (RFC 5280 A.1).
type Subject struct {
	Country      string // C, two letters (ISO 3166-1)
	State        string // ST
	Locality     string // L
	Organisation string // O
	Unit         string // OU
}

// ParseCSR reads a PEM CSR and checks what every public CA checks: its signature, its key (RSA from 2048 to 8192 bits
// or ECDSA P-256, P-384; BR 6.1.5), and that common name and SANs can be certified in the form in which the CSR has
// them (rules CERT-3, CERT-4). Errors are faults on object csr: of type missed if there is no text, otherwise of type
// value.
func ParseCSR(text string) (CSR, error) {
	csr, unsendable, err := readCSR(text)
	if err == nil {
		err = unsendable
	}
	if err != nil {
		return CSR{}, err
	}
	return csr, nil
}

// ReadCSR is ParseCSR for the CSR of an order that was accepted already: names in another form are converted instead of
// refused, because such an order must still be processed.
func ReadCSR(text string) (CSR, error) {
	csr, _, err := readCSR(text)
	return csr, err
}

// readCSR reads a CSR. unsendable is why a name cannot go to the CA in the form in which the CSR has it; nil if all
// can.
func readCSR(text string) (csr CSR, unsendable, err error) {
	request, der, err := decodeCSR(text)
	if err != nil {
		return CSR{}, nil, err
	}
	key, err := keyName(request) // before the signature: with a huge key its check takes very long
	if err != nil {
		return CSR{}, nil, err
	}
	if err := checkSignature(request); err != nil {
		return CSR{}, nil, err
	}
	if len(request.IPAddresses)+len(request.EmailAddresses)+len(request.URIs) > 0 {
		return CSR{}, nil, refuseCSR("the CSR asks for IP addresses, e-mail addresses or URIs; only domain names can be certified")
	}
	csr = CSR{
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})),
		DER: der, Key: key, PublicKey: request.PublicKey, Email: subjectEmail(request),
		Subject: subjectOf(request.Subject),
	}
	if len(csr.PEM) > MaxCSR { // line breaks that the text did not have
		return CSR{}, nil, refuseCSR("the CSR is %d bytes long in its normal form, at most %d are accepted", len(csr.PEM), MaxCSR)
	}
	unsendable, err = csr.readNames(request)
	if err != nil {
		return CSR{}, nil, err
	}
	return csr, unsendable, nil
}

// readNames sets the CSR's names. unsendable is why the first name in another form cannot go to the CA.
func (c *CSR) readNames(request *x509.CertificateRequest) (unsendable, err error) {
	name, err := commonName(request)
	if err != nil {
		return nil, err
	}
	if c.CommonName, unsendable, err = requestedName(name); err != nil {
		return nil, err
	}
	if unsendable == nil {
		unsendable = hiddenName(request)
	}
	for _, name := range request.DNSNames {
		ascii, mapped, err := requestedName(name)
		if err != nil {
			return nil, err
		}
		if unsendable == nil {
			unsendable = mapped
		}
		if ascii != c.CommonName && !slices.Contains(c.Names, ascii) {
			c.Names = append(c.Names, ascii)
		}
	}
	return unsendable, nil
}

// keyName returns a description of the key, and refuses keys that BR 6.1.5 and 6.1.6 do not allow.
func keyName(request *x509.CertificateRequest) (string, error) {
	switch k := request.PublicKey.(type) {
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		if bits < minRSABits || bits > maxRSABits || bits%8 != 0 {
			return "", refuseCSR("the CSR's RSA key has %d bits, %d to %d in whole bytes are accepted", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return "", refuseCSR("the CSR's RSA key has the unusable exponent %d", k.E)
		}
		return fmt.Sprintf("RSA %d", bits), nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return "ECDSA " + k.Curve.Params().Name, nil
		}
		return "", refuseCSR("the CSR's key is on the curve %s, P-256 and P-384 are accepted", k.Curve.Params().Name)
	case ed25519.PublicKey:
		return "", refuseCSR("the CSR's key is Ed25519, RSA and ECDSA are accepted")
	}
	if keyOID(request) == oidPSS {
		return "", refuseCSR("the CSR's key is marked for RSA-PSS only; make it as a plain RSA key")
	}
	return "", refuseCSR("the CSR's key is neither RSA nor ECDSA; make an RSA key of 2048 bits or an ECDSA key on P-256")
}

// keyOID returns the identifier of the key's algorithm.
func keyOID(request *x509.CertificateRequest) string {
	spki, _, err := readElement(request.RawSubjectPublicKeyInfo)
	if err != nil {
		return ""
	}
	parts, err := spki.children()
	if err != nil || len(parts) == 0 {
		return ""
	}
	algorithm, err := parts[0].children()
	if err != nil || len(algorithm) == 0 {
		return ""
	}
	return oidText(algorithm[0])
}

func subjectOf(name pkix.Name) Subject {
	first := func(values []string) string {
		if len(values) == 0 {
			return ""
		}
		return strings.TrimSpace(values[0])
	}
	return Subject{
		Country: first(name.Country), State: first(name.Province), Locality: first(name.Locality),
		Organisation: first(name.Organization), Unit: first(name.OrganizationalUnit),
	}
}

func subjectEmail(request *x509.CertificateRequest) string {
	for _, attribute := range request.Subject.Names {
		if attribute.Type.String() == oidEmail {
			if text, ok := attribute.Value.(string); ok && PlainAddress(text) {
				return text
			}
		}
	}
	return ""
}

// PlainAddress reports whether the text is one e-mail address and nothing else: no name, no list, no line breaks.
func PlainAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text
}

// SameKey reports whether the public key is the CSR's.
func (c CSR) SameKey(key crypto.PublicKey) bool {
	own, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(key)
}

// KeyHash returns the SHA-256 of the public key (DER of SubjectPublicKeyInfo) in lower-case hex, which identifies the
// key in the intent and the journal (rules BUY-9); empty if there is no key.
func (c CSR) KeyHash() string {
	der, err := x509.MarshalPKIXPublicKey(c.PublicKey)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// CSRHash returns the SHA-256 of a CSR (DER) in lower-case hex: the same request in another PEM text has the same hash. Of a text
// that is no CSR it is that of the text without the space around it.
func CSRHash(text string) string {
	signed := []byte(strings.TrimSpace(text))
	if csr, err := ReadCSR(text); err == nil {
		signed = csr.DER
	}
	sum := sha256.Sum256(signed)
	return hex.EncodeToString(sum[:])
}

// LeafKeyHash returns the hash of a certificate's public key as CSR.KeyHash does.
func LeafKeyHash(leaf *x509.Certificate) string { return CSR{PublicKey: leaf.PublicKey}.KeyHash() }
