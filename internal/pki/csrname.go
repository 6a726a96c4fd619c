package pki

import (
	"crypto/x509"
	"slices"
	"strings"
	"unicode/utf8"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// commonName returns the subject's CN unchanged, or the first SAN if the subject has none. A CSR with two common names
// is refused, because CAs differ in which one they use.
func commonName(request *x509.CertificateRequest) (string, error) {
	name, count := request.Subject.CommonName, 0
	for _, attribute := range request.Subject.Names {
		if attribute.Type.String() == oidCommonName {
			count++
		}
	}
	switch {
	case count > 1:
		return "", refuseCSR("the CSR has %d common names, one is accepted", count)
	case utf8.RuneCountInString(name) > maxCommonName:
		return "", refuseCSR("the CSR's common name is longer than %d characters; put a shorter one of the names there", maxCommonName)
	case name == "" && len(request.DNSNames) > 0:
		name = request.DNSNames[0]
	case name == "":
		return "", refuseCSR("the CSR has no common name")
	}
	return name, nil
}

// requestedName returns a name of the CSR as ASCIIName does. The name goes to the CA in the form that the CSR has,
// because the CSR's signature covers it: unsendable is why it cannot (rules CERT-4); nil if it has the right form apart
// from upper case.
func requestedName(name string) (ascii string, unsendable, err error) {
	if strings.TrimSpace(name) != name {
		return "", nil, refuseCSR("the name %q in the CSR has blanks or line breaks around it", plaintext.Clip(name, 300))
	}
	ascii, err = ASCIIName("csr", name)
	if err != nil || LowerASCII(name) == ascii {
		return ascii, nil, err
	}
	what := "ends with a dot"
	if r, found := invalidCharacter(name); found {
		what = "holds " + Character(r)
	}
	return ascii, refuseCSR("the name %q in the CSR %s; a CSR cannot be changed after it was signed: make a new one with the name %s",
		plaintext.Clip(name, 300), what, ascii), nil
}

// LowerASCII returns the text with A to Z in lower case and all other characters unchanged. strings.ToLower would also
// convert some other characters, such as the Kelvin sign, to Latin letters.
func LowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// invalidCharacter returns the first character of a name that a host name cannot have; false if there is none.
func invalidCharacter(name string) (rune, bool) {
	for _, r := range strings.TrimPrefix(name, "*.") {
		if !alphanumeric(r) && r != '-' && r != '.' {
			return r, true
		}
	}
	return 0, false
}

// checkSANs refuses domain names in a CSR's attributes that are not ASCII (RFC 5280 4.2.1.6), and says which form they
// should have. The parser reports other errors in the attributes.
func checkSANs(attributes element) error {
	for _, name := range sansOf(attributes) {
		if r, found := invalidCharacter(name); found && r >= utf8.RuneSelf {
			if _, unsendable, err := requestedName(name); err != nil || unsendable != nil {
				return fault.Join(err, unsendable)
			}
		}
	}
	return nil
}

// hiddenName returns why a CSR cannot go to a CA that has a domain name where this package and most CAs do not look,
// such as in a second value of the extension request: a CA that looks there would certify a name that nobody ordered.
// It returns nil if there is no such name.
func hiddenName(request *x509.CertificateRequest) error {
	info, _, err := readElement(request.RawTBSCertificateRequest)
	if err != nil {
		return nil
	}
	fields, err := info.children()
	const attributes = 3
	if err != nil || len(fields) <= attributes {
		return nil
	}
	for _, name := range sansOf(fields[attributes]) {
		if !slices.Contains(request.DNSNames, name) {
			return refuseCSR("the CSR asks for the name %q outside of its one list of names (subjectAltName); make a new one with all names in that list", plaintext.Clip(name, 300))
		}
	}
	return nil
}

// sansOf returns the domain names of the extension request in a CSR's attributes (RFC 2985 5.4.2), unchanged; none if
// it cannot be read.
func sansOf(attributes element) []string {
	var names []string
	walk(attributes, func(parts []element) {
		value := parts[len(parts)-1] // an Extension: identifier, perhaps whether it is critical, value
		if len(parts) < 2 || oidText(parts[0]) != oidSAN {
			return
		}
		general, _, err := readElement(value.content)
		if err != nil {
			return
		}
		all, _ := general.children()
		const domainName = 0x82
		for _, one := range all {
			if one.tag == domainName {
				names = append(names, string(one.content))
			}
		}
	})
	return names
}

// walk calls visit with the parts of each constructed element.
func walk(e element, visit func(parts []element)) {
	parts, err := e.children()
	if err != nil || len(parts) == 0 {
		return
	}
	visit(parts)
	for _, part := range parts {
		if part.tag&0x20 != 0 {
			walk(part, visit)
		}
	}
}
