package namecheap

import (
	"strings"
	"time"
)

// validation is the level of validation of a product.
type validation string

const (
	domainValidated       validation = "dv"
	organizationValidated validation = "ov"
	extendedValidated     validation = "ev"
)

// product is one row of docs/reference/namecheap.md §4.
type product struct {
	name      string // as answered in mixed case; the documented one for SSL.com products
	suffixed  string // the SSL.com generation's name as seen in running code
	pricing   string // name in users.getPricing
	level     validation
	wildcard  bool
	multi     bool
	successor string // documented name of the product that replaces it since replacementStart
	yearCents int64  // price of one year
	sanCents  int64  // price of one more name for one year
}

// sslcom reports whether the product belongs to the SSL.com generation: those have no successor.
func (p product) sslcom() bool { return p.successor == "" }

// includedSANs returns the number of names beside the common name that the price includes
// (docs/reference/namecheap.md §4: three domains).
func (p product) includedSANs() int {
	if p.multi {
		return 2
	}
	return 0
}

// maxExtraSANs is the limit of bought names: 100 in all, three of them included (docs/reference/namecheap.md §3.1 and §4).
const maxExtraSANs = 97

// replacementStart returns the time since when new certificates come from SSL.com
// (docs/reference/namecheap.md §0.3).
func replacementStart() time.Time { return time.Date(2026, 7, 11, 0, 0, 0, 0, time.UTC) }

// catalogue returns the price list. The prices are invented, in the right order of magnitude; only
// users.getPricing has the real ones.
func catalogue() []product {
	return []product{
		{name: "Standard SSL", suffixed: "Standard SSL SSLcom", pricing: "standard-ssl-sslcom", level: domainValidated, yearCents: 900},
		{name: "Standard Wildcard SSL", suffixed: "Standard Wildcard SSL SSLcom", pricing: "standard-wildcard-ssl-sslcom", level: domainValidated, wildcard: true, yearCents: 6488},
		{name: "SAN Certificate", suffixed: "SAN Certificate SSL SSLcom", pricing: "san-certificate-ssl-sslcom", level: domainValidated, multi: true, yearCents: 2888, sanCents: 1288},
		{name: "High Assurance SSL", suffixed: "High Assurance SSL SSLcom", pricing: "high-assurance-ssl-sslcom", level: organizationValidated, yearCents: 3988},
		{name: "OV Wildcard SSL", suffixed: "OV Wildcard SSL SSLcom", pricing: "ov-wildcard-ssl-sslcom", level: organizationValidated, wildcard: true, yearCents: 15888},
		{name: "OV Multi-domain SSL", suffixed: "OV Multi-domain SSL SSLcom", pricing: "ov-multi-domain-ssl-sslcom", level: organizationValidated, multi: true, yearCents: 8988, sanCents: 3988},
		{name: "EV SSL", suffixed: "EV SSL SSLcom", pricing: "ev-ssl-sslcom", level: extendedValidated, yearCents: 7888},
		{name: "EV Multi-Domain SSL", suffixed: "EV Multi Domain SSL SSLcom", pricing: "ev-multi-domain-ssl-sslcom", level: extendedValidated, multi: true, yearCents: 16888, sanCents: 6988},

		{name: "PositiveSSL", pricing: "positivessl", level: domainValidated, successor: "Standard SSL", yearCents: 888},
		{name: "EssentialSSL", pricing: "essentialssl", level: domainValidated, successor: "Standard SSL", yearCents: 1888},
		{name: "InstantSSL", pricing: "instantssl", level: organizationValidated, successor: "High Assurance SSL", yearCents: 1888},
		{name: "InstantSSL Pro", pricing: "instantssl-pro", level: organizationValidated, successor: "High Assurance SSL", yearCents: 3988},
		{name: "PremiumSSL", pricing: "premiumssl", level: organizationValidated, successor: "High Assurance SSL", yearCents: 5888},
		{name: "EV SSL", pricing: "ev-ssl", level: extendedValidated, successor: "EV SSL", yearCents: 7888},
		{name: "PositiveSSL Wildcard", pricing: "positivessl-wildcard", level: domainValidated, wildcard: true, successor: "Standard Wildcard SSL", yearCents: 6488},
		{name: "EssentialSSL Wildcard", pricing: "essentialssl-wildcard", level: domainValidated, wildcard: true, successor: "Standard Wildcard SSL", yearCents: 7888},
		{name: "PremiumSSL Wildcard", pricing: "premiumssl-wildcard", level: organizationValidated, wildcard: true, successor: "OV Wildcard SSL", yearCents: 15888},
		{name: "PositiveSSL Multi Domain", pricing: "positivessl-multi-domain", level: domainValidated, multi: true, successor: "SAN Certificate", yearCents: 2888, sanCents: 1288},
		{name: "Multi Domain SSL", pricing: "comodossl-multi-domain-ssl", level: organizationValidated, multi: true, successor: "OV Multi-domain SSL", yearCents: 8988, sanCents: 3988},
		{name: "Unified Communications", pricing: "unified-communications", level: organizationValidated, multi: true, successor: "OV Multi-domain SSL", yearCents: 8988, sanCents: 3988},
		{name: "EV Multi Domain SSL", pricing: "comodossl-ev-multi-domain-ssl", level: extendedValidated, multi: true, successor: "EV Multi-Domain SSL", yearCents: 16888, sanCents: 6988},
	}
}

// isDiscontinued reports whether a product was withdrawn long ago (docs/reference/namecheap.md §4).
// Such products have an error text of their own.
func isDiscontinued(name string) bool {
	name = strings.ToLower(name)
	if name == "ev ssl sgc" || name == "comodossl" {
		return true
	}
	for _, brand := range []string{"geotrust", "rapidssl", "thawte", "symantec", "quickssl", "true businessid", "secure site", "ssl web server", "ssl123", "sgc super certs"} {
		if strings.HasPrefix(name, brand) {
			return true
		}
	}
	return false
}

// find returns the product with a name, among those on sale at the given time. Names are
// case-insensitive. Both generations have an "EV SSL": the newer one is listed first and is found
// while it is on sale.
func (s *Server) find(name string, now time.Time) (product, bool) {
	sslcomOnSale := s.sslcomOnSale(now)
	for _, p := range s.products {
		if p.sslcom() && sslcomOnSale && s.hasName(p, name) || !p.sslcom() && strings.EqualFold(name, p.name) {
			return p, true
		}
	}
	return product{}, false
}

// hasName reports whether an SSL.com product is sold under a name.
func (s *Server) hasName(p product, name string) bool {
	documented := strings.EqualFold(name, p.name)
	suffixed := strings.EqualFold(name, p.suffixed) || strings.EqualFold(name, p.name+" SSLcom")
	switch s.settings.ProductNames {
	case NamesDocumented:
		return documented
	case NamesSuffixed:
		return suffixed
	default:
		return documented || suffixed
	}
}

func (s *Server) sslcomOnSale(now time.Time) bool {
	switch s.settings.Replacement {
	case ReplacementOn:
		return true
	case ReplacementOff:
		return false
	default:
		return !now.Before(replacementStart())
	}
}

// currentProduct returns the product that is sold or issued for p: its successor since the switch
// to SSL.com, p itself before.
func (s *Server) currentProduct(p product, now time.Time) product {
	if p.sslcom() || !s.sslcomOnSale(now) {
		return p
	}
	for _, candidate := range s.products {
		if candidate.sslcom() && candidate.name == p.successor {
			return candidate
		}
	}
	return p
}

// wireName returns the product's name in answers.
func (s *Server) wireName(p product) string {
	if p.sslcom() && s.settings.ProductNames != NamesDocumented {
		return p.suffixed
	}
	return p.name
}

// productOf returns the product of a stored certificate.
func (s *Server) productOf(c *Certificate) product {
	for _, p := range s.products {
		if p.pricing == c.Product {
			return p
		}
	}
	return product{}
}

// sameProduct reports whether a name means the product or its successor or predecessor.
func (s *Server) sameProduct(name string, p product, now time.Time) bool {
	if strings.EqualFold(name, p.name) || strings.EqualFold(name, p.suffixed) {
		return true
	}
	asked, ok := s.find(name, now)
	return ok && (asked.name == p.name || asked.successor == p.name || asked.name == p.successor)
}
