package ispmanager

import (
	"slices"
	"strings"

	"pmssl/internal/seller"
)

// Names that a multi-domain certificate includes and may have in all, the common name counted (docs/reference/ispmanager.md
// §3: "3 domains incl.").
const (
	includedNames = 3
	maxNames      = 100
)

// knownProducts returns the products of the published price list (docs/reference/ispmanager.md §3). Its tariff ids are
// those of one client area and are not used: an order takes the id from the account's own list.
func knownProducts() []seller.Product {
	return []seller.Product{
		product("positivessl", seller.DV, "PositiveSSL"),
		product("positivessl_wildcard", seller.DV, "PositiveSSL Wildcard"),
		product("positivessl_multi_domain", seller.DV, "PositiveSSL Multi-Domain"),
		product("essentialssl", seller.DV, "EssentialSSL"),
		product("essentialssl_wildcard", seller.DV, "EssentialSSL Wildcard", "Essential Wildcard"),
		product("instantssl", seller.OV, "InstantSSL"),
		product("premiumssl_wildcard", seller.OV, "PremiumSSL Wildcard"),
		product("ev_ssl", seller.EV, "Sectigo EV", "EV SSL"),
		product("rapidssl", seller.DV, "RapidSSL"),
		product("rapidssl_wildcard", seller.DV, "RapidSSL Wildcard"),
		product("quickssl_premium", seller.DV, "QuickSSL Premium"),
		product("true_businessid", seller.OV, "True BusinessID"),
		product("true_businessid_wildcard", seller.OV, "True BusinessID Wildcard"),
		product("true_businessid_ev", seller.EV, "True BusinessID EV"),
		product("ssl123", seller.DV, "SSL123"),
		product("ssl123_wildcard", seller.DV, "SSL123 Wildcard"),
		product("ssl_web_server", seller.OV, "Thawte Web Server", "SSL Web Server"),
		product("thawte_ev", seller.EV, "Thawte EV"),
		product("secure_site", seller.OV, "Secure Site"),
		product("secure_site_ev", seller.EV, "Secure Site EV"),
		product("alphassl", seller.DV, "AlphaSSL"),
		product("alphassl_wildcard", seller.DV, "AlphaSSL Wildcard", "Alpha Wildcard"),
		product("domainssl", seller.DV, "DomainSSL"),
		product("domainssl_wildcard", seller.DV, "DomainSSL Wildcard", "Domain Wildcard"),
		product("organizationssl", seller.OV, "OrganizationSSL", "OrgSSL"),
		product("organizationssl_wildcard", seller.OV, "OrganizationSSL Wildcard", "OrgSSL Wildcard", "Org Wildcard"),
		product("extendedssl", seller.EV, "ExtendedSSL", "GlobalSign EV"),
	}
}

// product returns a product. Its first name says whether it is a wildcard or multi-domain product.
func product(id string, level seller.Level, names ...string) seller.Product {
	p := seller.Product{ID: id, Names: names, Level: level, Included: 1, MaxNames: 1}
	text := " " + strings.ReplaceAll(seller.TemplateID(names[0]), "_", " ") + " "
	p.Wildcard = strings.Contains(text, " wildcard ")
	if strings.Contains(text, " multi ") || strings.Contains(text, " multidomain ") || strings.Contains(text, " san ") || strings.Contains(text, " ucc ") {
		p.MultiDomain, p.Included, p.MaxNames = true, includedNames, maxNames
	}
	return p
}

// levelOf guesses the level of an unknown product from its name. If the guess is too low, the remote's form requires
// the organisation's data and the order ends before anything is bought.
func levelOf(id string) seller.Level {
	parts := strings.Split(id, "_")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(parts, word) })
	}
	switch {
	case has("ev", "extended", "extendedssl"):
		return seller.EV
	case has("ov", "organization", "organisation", "organizationssl", "business", "businessid", "instantssl", "premiumssl"):
		return seller.OV
	}
	return seller.DV
}

// vendors returns the words in product names that name the CA, not the product.
func vendors() []string {
	return []string{"sectigo", "comodo", "geotrust", "thawte", "digicert", "symantec", "globalsign", "verisign"}
}

// templateOf returns the template id for the remote's name of a product, without text in parentheses and without the
// vendor, unless the other words are too general.
func templateOf(name string) string {
	bare := withoutParentheses(name)
	id := seller.TemplateID(bare)
	parts := slices.DeleteFunc(strings.Split(id, "_"), func(part string) bool { return slices.Contains(vendors(), part) })
	telling := slices.ContainsFunc(parts, func(part string) bool {
		return !slices.Contains([]string{"", "ev", "ov", "dv", "ssl", "tls", "wildcard", "san", "multi", "domain", "certificate", "web", "server"}, part)
	})
	if !telling {
		return id
	}
	return strings.Join(parts, "_")
}

func withoutParentheses(name string) string {
	var plain strings.Builder
	depth := 0
	for _, r := range name {
		switch {
		case r == '(':
			depth++
			plain.WriteByte(' ')
		case r == ')' && depth > 0:
			depth--
		case depth == 0:
			plain.WriteRune(r)
		}
	}
	return plain.String()
}

// productNamed returns the product that the remote's name means.
func productNamed(all []seller.Product, name string) (seller.Product, bool) {
	if name == "" {
		return seller.Product{}, false
	}
	for _, p := range all {
		if p.Named(name) {
			return p, true
		}
	}
	id := templateOf(name)
	for _, p := range all {
		if p.ID == id || slices.ContainsFunc(p.Names, func(own string) bool { return templateOf(own) == id }) {
			return p, true
		}
	}
	return seller.Product{}, false
}

// plausibleID reports whether the remote's intname can be a template id.
func plausibleID(intname string) bool {
	id := seller.TemplateID(intname)
	return id != "" && id == strings.ToLower(intname) && len(id) <= 60 && id != "certificate" && strings.ContainsFunc(id, letter)
}
