package ispmanager

import (
	"slices"
	"strings"

	"pmssl/internal/cert"
)

// Names that a multi-domain certificate includes and may have in all, the common name counted (§3: "3 domains incl.").
const (
	includedNames = 3
	mostNames     = 100
)

// knownProducts are the names of the published table of tariffs (§3). Its ids are those of one client area and are never
// used: an order takes the id from the account's own list.
func knownProducts() []cert.Product {
	return []cert.Product{
		product("positivessl", cert.DV, "PositiveSSL"),
		product("positivessl_wildcard", cert.DV, "PositiveSSL Wildcard"),
		product("positivessl_multi_domain", cert.DV, "PositiveSSL Multi-Domain"),
		product("essentialssl", cert.DV, "EssentialSSL"),
		product("essentialssl_wildcard", cert.DV, "EssentialSSL Wildcard", "Essential Wildcard"),
		product("instantssl", cert.OV, "InstantSSL"),
		product("premiumssl_wildcard", cert.OV, "PremiumSSL Wildcard"),
		product("ev_ssl", cert.EV, "Sectigo EV", "EV SSL"),
		product("rapidssl", cert.DV, "RapidSSL"),
		product("rapidssl_wildcard", cert.DV, "RapidSSL Wildcard"),
		product("quickssl_premium", cert.DV, "QuickSSL Premium"),
		product("true_businessid", cert.OV, "True BusinessID"),
		product("true_businessid_wildcard", cert.OV, "True BusinessID Wildcard"),
		product("true_businessid_ev", cert.EV, "True BusinessID EV"),
		product("ssl123", cert.DV, "SSL123"),
		product("ssl123_wildcard", cert.DV, "SSL123 Wildcard"),
		product("ssl_web_server", cert.OV, "Thawte Web Server", "SSL Web Server"),
		product("thawte_ev", cert.EV, "Thawte EV"),
		product("secure_site", cert.OV, "Secure Site"),
		product("secure_site_ev", cert.EV, "Secure Site EV"),
		product("alphassl", cert.DV, "AlphaSSL"),
		product("alphassl_wildcard", cert.DV, "AlphaSSL Wildcard", "Alpha Wildcard"),
		product("domainssl", cert.DV, "DomainSSL"),
		product("domainssl_wildcard", cert.DV, "DomainSSL Wildcard", "Domain Wildcard"),
		product("organizationssl", cert.OV, "OrganizationSSL", "OrgSSL"),
		product("organizationssl_wildcard", cert.OV, "OrganizationSSL Wildcard", "OrgSSL Wildcard", "Org Wildcard"),
		product("extendedssl", cert.EV, "ExtendedSSL", "GlobalSign EV"),
	}
}

// product reads from the name whether wildcards and further names belong to it.
func product(id string, level cert.Level, names ...string) cert.Product {
	p := cert.Product{ID: id, Names: names, Level: level, Included: 1, Most: 1}
	text := " " + strings.ReplaceAll(cert.TemplateID(names[0]), "_", " ") + " "
	p.Wildcard = strings.Contains(text, " wildcard ")
	if strings.Contains(text, " multi ") || strings.Contains(text, " multidomain ") || strings.Contains(text, " san ") || strings.Contains(text, " ucc ") {
		p.MultiDomain, p.Included, p.Most = true, includedNames, mostNames
	}
	return p
}

// levelOf guesses the level of a product that is not in the table by its name. Where the guess is too low, the remote's own
// form asks for the organisation and the order ends before anything is bought.
func levelOf(id string) cert.Level {
	parts := strings.Split(id, "_")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return slices.Contains(parts, word) })
	}
	switch {
	case has("ev", "extended", "extendedssl"):
		return cert.EV
	case has("ov", "organization", "organisation", "organizationssl", "business", "businessid", "instantssl", "premiumssl"):
		return cert.OV
	}
	return cert.DV
}

// vendors are words of sellers' product names that say who signs, not what it is.
func vendors() []string {
	return []string{"sectigo", "comodo", "geotrust", "thawte", "digicert", "symantec", "globalsign", "verisign"}
}

// templateOf is the template id for the remote's name of a product: without what stands in parentheses and without the
// vendor, as long as something telling is left.
func templateOf(name string) string {
	bare := withoutParentheses(name)
	id := cert.TemplateID(bare)
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

// named finds the product that the remote's name means.
func named(all []cert.Product, name string) (cert.Product, bool) {
	if name == "" {
		return cert.Product{}, false
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
	return cert.Product{}, false
}

// plausibleID tells whether the remote's intname can be a template id.
func plausibleID(intname string) bool {
	id := cert.TemplateID(intname)
	return id != "" && id == strings.ToLower(intname) && len(id) <= 60 && id != "certificate" && strings.ContainsFunc(id, letter)
}
