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

// NewRequest checks an order as the seller's CA would, before anything is bought: the CSR, its names against the product
// (wildcard, number of names), and the validation method against the names. altname is the panel's blank-separated list of
// further names; names that are only in the CSR count as well. sans is how many further names the client ordered as an addon,
// 0 if none. One fault reports all errors; the request beside it holds what could be read, with MethodUnknown for an unknown
// validation method.
func NewRequest(product Product, csrPEM, altname string, sans int, params map[string]string) (Request, error) {
	csr, wrongCSR := pki.ParseCSR(csrPEM)
	return newRequest(product, csr, wrongCSR, altname, sans, params)
}

// NewRequestAgain is NewRequest for a CSR that the CA has certified before. It does not check the form of the CSR's names: the
// CA has accepted it, and a reissue must not fail because of it.
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
		wrong = append(wrong, r.checkEmails())
	}
	if wrongCSR == nil && wrongNames == nil {
		wrong = append(wrong, r.checkCommonName(), r.checkNames(sans), r.checkMethod())
	}
	return r, fault.Join(wrong...)
}

// CheckNames checks the number and kind of the names of CSR and list against the product and the order. A CSR or list that
// cannot be read passes: other checks report it.
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
	return r.checkNames(sans)
}

// CertifiedNames returns how many of the further names of CSR and list are in the leaf.
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

// maxNames is the most names that an order may have; no seller certifies that many at once.
const maxNames = 1000

// furtherNames returns the names of CSR and list without the common name, each once, as A-labels.
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

// checkCommonName checks whether the common name is a wildcard as the product requires.
func (r *Request) checkCommonName() error {
	wild := strings.HasPrefix(r.CSR.CommonName, "*.")
	switch {
	case r.Product.Wildcard && !wild:
		return fault.Errorf(fault.Value, "csr", "%s is a wildcard product: the common name %q must begin with *.", r.Product.title(), pki.DisplayName(r.CSR.CommonName))
	case !r.Product.Wildcard && wild:
		return fault.Errorf(fault.Value, "csr", "%s does not certify wildcards: the common name is %q", r.Product.title(), pki.DisplayName(r.CSR.CommonName))
	}
	return nil
}

// checkMethod refuses a file for wildcard names.
func (r *Request) checkMethod() error {
	if r.Method == MethodFile && r.anyWildcard() {
		return fault.Errorf(fault.Value, itemparam.Method, "a file does not prove control over a wildcard name (BR 3.2.2.4.18); choose DNS or e-mail")
	}
	return nil
}

// checkEmails checks the approvers' addresses of an order by e-mail.
func (r *Request) checkEmails() error {
	if r.Product.Level == DV && len(r.Emails) == 0 {
		return fault.Errorf(fault.Missed, itemparam.Approver, "the order is validated by e-mail and has no approver's address")
	}
	for _, one := range r.Emails {
		if why := emailFlaw(one); why != "" {
			return fault.Errorf(fault.Value, itemparam.Approver, "%q %s", plaintext.Clip(one, 300), why)
		}
	}
	return nil
}

// checkNames checks number and kind of the further names. It removes the implied names of a single-domain product.
func (r *Request) checkNames(sans int) error {
	if !r.Product.MultiDomain {
		// Sellers add www to a single-domain certificate by themselves; panels put it into the CSR (attribute www).
		r.Names = slices.DeleteFunc(r.Names, func(n string) bool { return r.implied(n) })
		if len(r.Names) > 0 {
			return fault.Errorf(fault.Value, "altname", "%s certifies one name, the order has %s beside %s",
				r.Product.title(), plaintext.Clip(pki.DisplayNames(r.Names), 500), pki.DisplayName(r.CSR.CommonName))
		}
		return nil
	}
	if 1+len(r.Names) > r.Product.MaxNames {
		return fault.Errorf(fault.Value, "altname", "%s certifies at most %d names, the order has %d", r.Product.title(), r.Product.MaxNames, 1+len(r.Names))
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

// implied reports whether a single-domain certificate covers the further name anyway: www of the common name, the common name
// without www, the domain of a wildcard, and names that match the wildcard.
func (r *Request) implied(name string) bool {
	cn := r.CSR.CommonName
	return name == "www."+cn || cn == "www."+name || cn == "*."+name || pki.Covers(cn, name)
}

// Implies reports whether a certificate of the request covers the further name without being asked: at products for a single
// name, see implied.
func (r *Request) Implies(name string) bool { return !r.Product.MultiDomain && r.implied(name) }

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

// ExtraSANs returns how many names must be bought beyond those included in the product's price, for an order of so many
// names.
func (r *Request) ExtraSANs(ordered int) int {
	if !r.Product.MultiDomain {
		return 0
	}
	return max(0, r.Product.PaidNames(ordered)-(r.Product.Included-1))
}
