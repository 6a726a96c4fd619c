package issuance

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Request is a certificate request that is signed by its own key.
type Request struct {
	*x509.CertificateRequest
	CommonName string // lower case
}

// ParseRequest parses a PEM request and checks its signature. Its errors can be shown to a
// customer.
func ParseRequest(text string) (Request, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, "\r\n", "\n") + "\n"))
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return Request{}, errors.New("no PEM block CERTIFICATE REQUEST found")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		request, err = asOpenSSL(block.Bytes)
	}
	if err != nil {
		return Request{}, errors.New("the request cannot be decoded")
	}
	if err := request.CheckSignature(); err != nil {
		return Request{}, errors.New("the signature does not fit the public key")
	}
	return Request{request, strings.ToLower(strings.TrimSpace(request.Subject.CommonName))}, nil
}

// asOpenSSL parses a request that OpenSSL accepts and crypto/x509 does not: its list of attributes
// is missing, or a PrintableString of its subject has ASCII characters of other types. The
// signature covers the bytes as they came.
func asOpenSSL(der []byte) (*x509.CertificateRequest, error) {
	var whole struct {
		Info      asn1.RawValue
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &whole); err != nil {
		return nil, err
	}
	signed := whole.Info.FullBytes
	var parts []asn1.RawValue // version, subject, key, attributes
	if _, err := asn1.Unmarshal(signed, &parts); err != nil {
		return nil, err
	}
	if len(parts) < 3 {
		return nil, errors.New("the request is too short")
	}
	subject, err := withUTF8(parts[1].FullBytes)
	if err != nil {
		return nil, err
	}
	parts[1] = asn1.RawValue{FullBytes: subject}
	if len(parts) == 3 {
		parts = append(parts, asn1.RawValue{FullBytes: []byte{0xa0, 0}})
	}
	info, err := asn1.Marshal(parts)
	if err != nil {
		return nil, err
	}
	whole.Info = asn1.RawValue{FullBytes: info}
	repaired, err := asn1.Marshal(whole)
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(repaired)
	if err != nil {
		return nil, err
	}
	request.Raw, request.RawTBSCertificateRequest = der, signed
	return request, nil
}

// withUTF8 returns a name whose PrintableStrings are UTF8Strings.
func withUTF8(name []byte) ([]byte, error) {
	var sets []asn1.RawValue
	if _, err := asn1.Unmarshal(name, &sets); err != nil {
		return nil, err
	}
	for i, set := range sets {
		var attributes []struct {
			Type  asn1.ObjectIdentifier
			Value asn1.RawValue
		}
		if _, err := asn1.UnmarshalWithParams(set.FullBytes, &attributes, "set"); err != nil {
			return nil, err
		}
		for n, a := range attributes {
			if a.Value.Tag == asn1.TagPrintableString {
				attributes[n].Value = asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: a.Value.Bytes}
			}
		}
		raw, err := asn1.MarshalWithParams(attributes, "set")
		if err != nil {
			return nil, err
		}
		sets[i] = asn1.RawValue{FullBytes: raw}
	}
	return asn1.Marshal(sets)
}

// CheckKey refuses keys that the Baseline Requirements 6.1.5 do not allow.
func (c Request) CheckKey() error {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 {
			return fmt.Errorf("the RSA key has %d bits, at least 2048 are needed", bits)
		}
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < 256 || bits > 384 {
			return fmt.Errorf("the curve %s is not supported", key.Curve.Params().Name)
		}
	case ed25519.PublicKey:
		return errors.New("keys of type Ed25519 are not supported")
	default:
		return errors.New("the type of the key is not supported")
	}
	return nil
}

// Challenge holds the values that a customer publishes for one request; all its domains share them
// (docs/reference/namecheap.md §5: the form of Sectigo's challenges).
type Challenge struct{ md5, sha256, unique, suffix string }

// NewChallenge computes the values for a PEM request. unique and suffix are the parts that the
// seller adds.
func NewChallenge(csrPEM, unique, suffix string) (Challenge, error) {
	parsed, err := ParseRequest(csrPEM)
	if err != nil {
		return Challenge{}, err
	}
	m, s := md5.Sum(parsed.Raw), sha256.Sum256(parsed.Raw)
	return Challenge{upperHex(m[:]), upperHex(s[:]), unique, suffix}, nil
}

func upperHex(sum []byte) string { return strings.ToUpper(hex.EncodeToString(sum)) }

// FileName returns the name of the file to publish.
func (c Challenge) FileName() string { return c.md5 + ".txt" }

// FileURL returns the address of the file on a domain.
func (c Challenge) FileURL(domain string) string {
	return "http://" + ValidationDomain(domain) + "/.well-known/pki-validation/" + c.FileName()
}

// FileContent returns the content of the file.
func (c Challenge) FileContent() string { return c.sha256 + " " + c.suffix + " " + c.unique }

// HostName returns the name of a domain's CNAME record.
func (c Challenge) HostName(domain string) string {
	return "_" + c.md5 + "." + ValidationDomain(domain)
}

// Target returns the target of the CNAME record.
func (c Challenge) Target() string {
	return c.sha256[:32] + "." + c.sha256[32:] + "." + c.unique + "." + c.suffix
}

// CheckName returns why a DNS name cannot be in a public certificate, or nil.
func CheckName(name string, wildcardAllowed bool) error {
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("it is an IP address")
	}
	if rest, isWildcard := strings.CutPrefix(name, "*."); isWildcard {
		if !wildcardAllowed {
			return errors.New("it is a wildcard")
		}
		name = rest
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return errors.New("it is not a fully qualified domain name")
	}
	for _, label := range labels {
		if !validLabel(label) {
			return fmt.Errorf("label %q is not allowed", label)
		}
	}
	return checkTopLevel(labels[len(labels)-1])
}

func checkTopLevel(label string) error {
	switch label {
	case "local", "localhost", "localdomain", "internal", "intranet", "lan", "corp", "home", "private":
		return errors.New("it is an internal name")
	}
	if strings.Trim(label, "0123456789") == "" {
		return errors.New("its top-level domain is a number")
	}
	return nil
}

func validLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
