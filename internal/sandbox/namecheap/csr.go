package namecheap

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// csr is a certificate request that passed the checks which every public
// authority makes.
type csr struct {
	*x509.CertificateRequest
	commonName string // lower case
}

func parseCSR(text string) (csr, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, "\r\n", "\n") + "\n"))
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return csr{}, errors.New("no PEM block CERTIFICATE REQUEST found")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return csr{}, errors.New("the request cannot be decoded")
	}
	if err := request.CheckSignature(); err != nil {
		return csr{}, errors.New("the signature does not fit the public key")
	}
	return csr{request, strings.ToLower(strings.TrimSpace(request.Subject.CommonName))}, nil
}

// checkKey refuses keys that the Baseline Requirements 6.1.5 do not allow.
func (c csr) checkKey() error {
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

// proof holds the values of namecheap-ssl-api.md 5 for one request: all of its
// domains share them.
type proof struct{ md5, sha256, unique, suffix string }

func newProof(csrPEM, unique, suffix string) (proof, error) {
	parsed, err := parseCSR(csrPEM)
	if err != nil {
		return proof{}, err
	}
	m, s := md5.Sum(parsed.Raw), sha256.Sum256(parsed.Raw)
	return proof{upperHex(m[:]), upperHex(s[:]), unique, suffix}, nil
}

func upperHex(sum []byte) string { return strings.ToUpper(hex.EncodeToString(sum)) }

func (p proof) fileName() string    { return p.md5 + ".txt" }
func (p proof) fileContent() string { return p.sha256 + " " + p.suffix + " " + p.unique }

func (p proof) hostName(domain string) string { return "_" + p.md5 + "." + provedName(domain) }

func (p proof) target() string {
	return p.sha256[:32] + "." + p.sha256[32:] + "." + p.unique + "." + p.suffix
}

// checkName tells what is wrong with a DNS name for a public certificate.
func checkName(name string, wildcardAllowed bool) error {
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
