package seller

import (
	"crypto/x509"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

// NewRequest checks an order as the seller's CA would, before anything is bought: the CSR, its names against the
// product (wildcard, number of names), the validation method against the names. altname is the panel's blank-separated list
// of further names; names that only the CSR carries count as well. sans is how many further names the client ordered as an
// addon, 0 if none. Everything that is wrong is reported in one fault; the request then holds what could be
// read all the same.
func NewRequest(product Product, csrPEM, altname string, sans int, params map[string]string) (Request, error) {
	csr, wrongCSR := pki.ParseCSR(csrPEM)
	return newRequest(product, csr, wrongCSR, altname, sans, params)
}

// NewRequestAgain is NewRequest for a CSR that the CA has certified before: the form of its names is the CA's concern, and
// a reissue must not fail for it.
func NewRequestAgain(product Product, csrPEM, altname string, sans int, params map[string]string) (Request, error) {
	csr, wrongCSR := pki.ReadCSR(csrPEM)
	return newRequest(product, csr, wrongCSR, altname, sans, params)
}

func newRequest(product Product, csr pki.CSR, wrongCSR error, altname string, sans int, params map[string]string) (Request, error) {
	names, wrongNames := furtherNames(csr, altname)
	method, wrongMethod := ParseMethod(params[itemparam.Method])
	r := Request{Product: product, CSR: csr, Names: names, Method: method, Params: params, Emails: splitEmails(params[itemparam.Approver])}
	wrong := []error{wrongCSR, wrongNames, wrongMethod}
	if wrongMethod == nil && method == MethodEmail {
		wrong = append(wrong, r.fitEmails())
	}
	if wrongCSR == nil && wrongNames == nil {
		wrong = append(wrong, r.fitSubject(), r.fitNames(sans), r.fitMethod())
	}
	return r, fault.Join(wrong...)
}

// CheckNames refuses names of CSR and list that do not fit the product or that nobody paid for. What cannot be read is
// refused by its own check and passes here.
func CheckNames(product Product, csrPEM, altname string, sans int) error {
	csr, err := pki.ParseCSR(csrPEM)
	if err != nil {
		return nil
	}
	names, err := furtherNames(csr, altname)
	if err != nil {
		return nil
	}
	r := Request{Product: product, CSR: csr, Names: names}
	return r.fitNames(sans)
}

// CertifiedNames returns how many of the further names of CSR and list the leaf carries.
func CertifiedNames(csrPEM, altname string, leaf *x509.Certificate) int {
	csr, err := pki.ReadCSR(csrPEM)
	if err != nil {
		return 0
	}
	names, err := furtherNames(csr, altname)
	if err != nil {
		return 0
	}
	return len(slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(leaf.DNSNames, func(has string) bool { return strings.EqualFold(has, name) })
	}))
}

// maxNames is how many further names are looked at; no seller certifies that many at once.
const maxNames = 1000

func furtherNames(csr pki.CSR, altname string) ([]string, error) {
	names := slices.Clone(csr.Names)
	for _, word := range SplitNames(altname) {
		ascii, err := pki.ASCIIName("altname", word)
		if err != nil {
			return nil, err
		}
		if ascii != csr.CommonName && !slices.Contains(names, ascii) {
			names = append(names, ascii)
		}
		if len(names) > maxNames {
			return nil, fault.Errorf(fault.Value, "altname", "the order has more than %d names", maxNames)
		}
	}
	return names, nil
}

func splitEmails(list string) []string {
	var emails []string
	for _, one := range strings.Split(list, ",") {
		if one = strings.TrimSpace(one); one != "" {
			emails = append(emails, one)
		}
	}
	return emails
}

// fitSubject holds the common name against the product.
func (r *Request) fitSubject() error {
	wild := strings.HasPrefix(r.CSR.CommonName, "*.")
	switch {
	case r.Product.Wildcard && !wild:
		return fault.Errorf(fault.Value, "csr", "%s is a wildcard product: the common name %q must begin with *.", r.Product.title(), pki.DisplayName(r.CSR.CommonName))
	case !r.Product.Wildcard && wild:
		return fault.Errorf(fault.Value, "csr", "%s does not certify wildcards: the common name is %q", r.Product.title(), pki.DisplayName(r.CSR.CommonName))
	}
	return nil
}

// fitMethod holds the validation method against the names.
func (r *Request) fitMethod() error {
	if r.Method == MethodFile && r.anyWildcard() {
		return fault.Errorf(fault.Value, itemparam.Method, "a file does not prove control over a wildcard name (BR 3.2.2.4.18); choose DNS or e-mail")
	}
	return nil
}

func (r *Request) fitEmails() error {
	if r.Product.Level == DV && len(r.Emails) == 0 {
		return fault.Errorf(fault.Missed, itemparam.Approver, "the order asks for proof by e-mail and names no approver's address")
	}
	for _, one := range r.Emails {
		if why := emailFlaw(one); why != "" {
			return fault.Errorf(fault.Value, itemparam.Approver, "%q %s", plaintext.Clip(one, 300), why)
		}
	}
	return nil
}

func (r *Request) fitNames(sans int) error {
	if !r.Product.MultiDomain {
		// Sellers add www to a single-domain certificate by themselves; panels put it into the CSR (attribute www).
		r.Names = slices.DeleteFunc(r.Names, func(n string) bool { return r.implied(n) })
		if len(r.Names) > 0 {
			return fault.Errorf(fault.Value, "altname", "%s certifies one name, the order has %s beside %s",
				r.Product.title(), plaintext.Clip(pki.DisplayNames(r.Names), 500), pki.DisplayName(r.CSR.CommonName))
		}
		return nil
	}
	if 1+len(r.Names) > r.Product.Most {
		return fault.Errorf(fault.Value, "altname", "%s certifies at most %d names, the order has %d", r.Product.title(), r.Product.Most, 1+len(r.Names))
	}
	if paid := r.Product.PaidNames(sans); len(r.Names) > paid {
		return fault.Errorf(fault.Value, "altname", "the client gave %d names beside the common name (in the CSR and the list) and the order pays for %d: "+
			"order more names, or give fewer", len(r.Names), paid)
	}
	for _, name := range r.Names {
		if strings.HasPrefix(name, "*.") && !r.Product.Wildcard {
			return fault.Errorf(fault.Value, "altname", "%s does not certify wildcards: %q", r.Product.title(), pki.DisplayName(name))
		}
	}
	return nil
}

// implied reports whether a single-name certificate covers the further name without being asked: www of the common name
// and the reverse, the bare domain of a wildcard, and what the wildcard itself stands for.
func (r *Request) implied(name string) bool {
	cn := r.CSR.CommonName
	return name == "www."+cn || cn == "www."+name || cn == "*."+name || pki.Covers(cn, name)
}

func (r *Request) anyWildcard() bool {
	for _, name := range r.AllNames() {
		if strings.HasPrefix(name, "*.") {
			return true
		}
	}
	return false
}

// AllNames returns the common name and then the further names.
func (r *Request) AllNames() []string {
	return append([]string{r.CSR.CommonName}, r.Names...)
}

// ExtraSANs returns how many names go beyond those within the product's price, of those that the client ordered.
func (r *Request) ExtraSANs(ordered int) int {
	if !r.Product.MultiDomain {
		return 0
	}
	return max(0, r.Product.PaidNames(ordered)-(r.Product.Included-1))
}
