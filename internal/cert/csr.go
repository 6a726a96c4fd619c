package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxCSR is the longest CSR that is looked at, in bytes: the seller's own limit for activate (namecheap-ssl-api §3.2).
const MaxCSR = 32767

const (
	minRSABits = 2048 // BR 6.1.5
	maxRSABits = 8192 // no public CA takes more, and checking a signature becomes slow
	// maxCommonName is ub-common-name of RFC 5280 A.1, in characters: a CA cannot put a longer one into a certificate.
	maxCommonName = 64
	oidCommonName = "2.5.4.3"
	oidEmail      = "1.2.840.113549.1.9.1" // emailAddress, PKCS #9
)

// CSR is a checked certificate signing request (RFC 2986).
type CSR struct {
	PEM        string // normalised: one CERTIFICATE REQUEST block
	DER        []byte
	CommonName string   // lower case, A-labels; the first SAN where the subject has none
	Names      []string // DNS names of the SAN extension without the common name, lower case, A-labels, each once
	Key        string   // for people: RSA 2048, ECDSA P-256
	PublicKey  crypto.PublicKey
	Email      string // emailAddress of the subject, empty where there is none or it is no plain address
	// Subject is the rest of the subject's name, for sellers that ask for it beside the CSR.
	Subject Subject
}

// Subject is what a CSR's subject says of the applicant beside the common name: the first value of each attribute as it
// stands there, empty where there is none (RFC 5280 A.1).
type Subject struct {
	Country      string // C, two letters (ISO 3166-1)
	State        string // ST
	Locality     string // L
	Organisation string // O
	Unit         string // OU
}

// ParseCSR reads a PEM CSR and checks what every public CA checks: its own signature, the key (RSA from 2048 to 8192 bits or
// ECDSA P-256, P-384; BR 6.1.5), and that common name and SANs are names that can be certified. Every refusal is a fault
// on object csr: of type missed where there is no text at all, else of type value.
func ParseCSR(text string) (CSR, error) {
	request, block, err := decodeCSR(text)
	if err != nil {
		return CSR{}, err
	}
	key, err := keyName(request.PublicKey) // before the signature: with a huge key its check takes very long
	if err != nil {
		return CSR{}, err
	}
	if err := request.CheckSignature(); err != nil {
		return CSR{}, Faultf(FaultValue, "csr", "the CSR's signature does not match its key: %w", err)
	}
	if len(request.IPAddresses)+len(request.EmailAddresses)+len(request.URIs) > 0 {
		return CSR{}, Faultf(FaultValue, "csr", "the CSR asks for IP addresses, e-mail addresses or URIs; only domain names can be certified")
	}
	csr := CSR{
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: block})),
		DER: block, Key: key, PublicKey: request.PublicKey, Email: subjectEmail(request),
		Subject: subjectOf(request.Subject),
	}
	if len(csr.PEM) > MaxCSR { // line breaks that the text did not have
		return CSR{}, Faultf(FaultValue, "csr", "the CSR is %d bytes long in its normal form, at most %d are accepted", len(csr.PEM), MaxCSR)
	}
	if csr.CommonName, err = commonName(request); err != nil {
		return CSR{}, err
	}
	for _, name := range request.DNSNames {
		ascii, err := requestedName(name)
		if err != nil {
			return CSR{}, err
		}
		if ascii != csr.CommonName && !slices.Contains(csr.Names, ascii) {
			csr.Names = append(csr.Names, ascii)
		}
	}
	return csr, nil
}

func decodeCSR(text string) (*x509.CertificateRequest, []byte, error) {
	if len(text) > MaxCSR {
		return nil, nil, Faultf(FaultValue, "csr", "the CSR is %d bytes long, at most %d are accepted", len(text), MaxCSR)
	}
	if strings.Contains(text, "PRIVATE KEY") {
		return nil, nil, Faultf(FaultValue, "csr", "a private key stands where the CSR belongs")
	}
	block, err := onlyBlock(text)
	if err != nil {
		return nil, nil, err
	}
	request, err := x509.ParseCertificateRequest(block.der)
	if err != nil {
		return nil, nil, Faultf(FaultValue, "csr", "the CSR cannot be read: %w", err)
	}
	return request, block.der, nil
}

// onlyBlock returns the one PEM block of a text that should hold a CSR.
func onlyBlock(text string) (pemBlock, error) {
	refuse := func(format string, args ...any) (pemBlock, error) {
		return pemBlock{}, Faultf(FaultValue, "csr", format, args...)
	}
	blocks := pemBlocks(text)
	switch {
	case strings.Trim(text, " \t\r\n\ufeff") == "":
		return pemBlock{}, Faultf(FaultMissed, "csr", "there is no CSR")
	case len(blocks) == 0:
		return refuse("the CSR is not PEM: -----BEGIN CERTIFICATE REQUEST----- expected")
	case len(blocks) > 1:
		return refuse("there is more than one PEM block where one CSR belongs")
	}
	block := blocks[0]
	switch {
	case block.label != "CERTIFICATE REQUEST" && block.label != "NEW CERTIFICATE REQUEST":
		return refuse("%q stands where the CSR belongs", clip(block.label, maxLabel))
	case block.flaw != "":
		return refuse("the CSR's PEM block cannot be read: %s; copy the CSR again, whole", block.flaw)
	case strings.Trim(block.after, " \t\r\n\ufeff\x00") != "":
		return refuse("something follows the CSR's END line")
	}
	return block, nil
}

// commonName takes the subject's CN, or the first SAN where the subject has none. Two of them are refused: which one a CA
// takes is its own choice.
func commonName(request *x509.CertificateRequest) (string, error) {
	name, count := request.Subject.CommonName, 0
	for _, attribute := range request.Subject.Names {
		if attribute.Type.String() == oidCommonName {
			count++
		}
	}
	switch {
	case count > 1:
		return "", Faultf(FaultValue, "csr", "the CSR has %d common names, one is accepted", count)
	case utf8.RuneCountInString(name) > maxCommonName:
		return "", Faultf(FaultValue, "csr", "the CSR's common name is longer than %d characters; put a shorter one of the names there", maxCommonName)
	case name == "" && len(request.DNSNames) > 0:
		name = request.DNSNames[0]
	case name == "":
		return "", Faultf(FaultValue, "csr", "the CSR has no common name")
	}
	return requestedName(name)
}

// requestedName is AsciiName for what stands in the CSR, which goes to the CA as it is: blanks and line breaks around the
// name cannot be taken away any more.
func requestedName(name string) (string, error) {
	if strings.TrimSpace(name) != name {
		return "", Faultf(FaultValue, "csr", "the name %q in the CSR has blanks or line breaks around it", clip(name, 300))
	}
	return AsciiName("csr", name)
}

// keyName describes the key for people and refuses what BR 6.1.5 and 6.1.6 refuse.
func keyName(key crypto.PublicKey) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		if bits < minRSABits || bits > maxRSABits || bits%8 != 0 {
			return "", Faultf(FaultValue, "csr", "the CSR's RSA key has %d bits, %d to %d in whole bytes are accepted", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return "", Faultf(FaultValue, "csr", "the CSR's RSA key has the unusable exponent %d", k.E)
		}
		return fmt.Sprintf("RSA %d", bits), nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return "ECDSA " + k.Curve.Params().Name, nil
		}
		return "", Faultf(FaultValue, "csr", "the CSR's key is on the curve %s, P-256 and P-384 are accepted", k.Curve.Params().Name)
	case ed25519.PublicKey:
		return "", Faultf(FaultValue, "csr", "the CSR's key is Ed25519, RSA and ECDSA are accepted")
	}
	return "", Faultf(FaultValue, "csr", "the CSR's key is neither RSA nor ECDSA")
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
			if text, ok := attribute.Value.(string); ok && plainAddress(text) {
				return text
			}
		}
	}
	return ""
}

// plainAddress tells whether the text is one e-mail address and nothing else: no name, no list, no line breaks.
func plainAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text
}

// SameKey tells whether a public key is the CSR's.
func (c CSR) SameKey(key crypto.PublicKey) bool {
	own, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(key)
}
