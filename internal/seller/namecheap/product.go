package namecheap

import (
	"strings"

	"pmssl/internal/seller"
)

// Names that a multi-domain certificate includes and may have in all, the common name counted (docs/reference/namecheap.md
// §4).
const (
	includedNames = 3
	maxNames      = 100
)

// Products returns the table of docs/reference/namecheap.md §4: SSL.com's products with their documented names and those that
// the API uses; the Sectigo names that can still be ordered, with the product that Namecheap delivers instead as Successor;
// and discontinued products. A product that both CAs sold under one name has one entry.
func Products() []seller.Product {
	return []seller.Product{
		single("standard_ssl", seller.DV, "", "Standard SSL", "Standard SSL SSLcom"),
		wildcard("standard_wildcard_ssl", seller.DV, "", "Standard Wildcard SSL", "Standard Wildcard SSL SSLcom"),
		multi("san_certificate", seller.DV, "", "SAN Certificate", "SAN Certificate SSL SSLcom"),
		single("positivessl", seller.DV, "standard_ssl", "PositiveSSL"),
		single("essentialssl", seller.DV, "standard_ssl", "EssentialSSL"),
		wildcard("positivessl_wildcard", seller.DV, "standard_wildcard_ssl", "PositiveSSL Wildcard"),
		wildcard("essentialssl_wildcard", seller.DV, "standard_wildcard_ssl", "EssentialSSL Wildcard"),
		multi("positivessl_multi_domain", seller.DV, "san_certificate", "PositiveSSL Multi Domain"),

		single("high_assurance_ssl", seller.OV, "", "High Assurance SSL", "High Assurance SSL SSLcom"),
		wildcard("ov_wildcard_ssl", seller.OV, "", "OV Wildcard SSL", "OV Wildcard SSL SSLcom"),
		multi("ov_multi_domain_ssl", seller.OV, "", "OV Multi-domain SSL", "OV Multi-domain SSL SSLcom"),
		single("instantssl", seller.OV, "high_assurance_ssl", "InstantSSL"),
		single("instantssl_pro", seller.OV, "high_assurance_ssl", "InstantSSL Pro"),
		single("premiumssl", seller.OV, "high_assurance_ssl", "PremiumSSL"),
		wildcard("premiumssl_wildcard", seller.OV, "ov_wildcard_ssl", "PremiumSSL Wildcard"),
		multi("multi_domain_ssl", seller.OV, "ov_multi_domain_ssl", "Multi Domain SSL"),
		multi("unified_communications", seller.OV, "ov_multi_domain_ssl", "Unified Communications"),

		single("ev_ssl", seller.EV, "", "EV SSL", "EV SSL SSLcom"),
		multi("ev_multi_domain_ssl", seller.EV, "", "EV Multi-Domain SSL", "EV Multi Domain SSL SSLcom", "EV Multi Domain SSL"),

		discontinued(single("comodossl", seller.DV, "standard_ssl", "ComodoSSL")),
		discontinued(single("ev_ssl_sgc", seller.EV, "ev_ssl", "EV SSL SGC")),

		// GeoTrust, RapidSSL, Thawte and Symantec, by the names of the last lists of Type that had them.
		discontinued(single("rapidssl", seller.DV, "standard_ssl", "RapidSSL")),
		discontinued(wildcard("rapidssl_wildcard", seller.DV, "standard_wildcard_ssl", "RapidSSL Wildcard")),
		discontinued(single("quickssl_premium", seller.DV, "standard_ssl", "QuickSSL Premium")),
		discontinued(single("ssl123", seller.DV, "standard_ssl", "SSL123")),
		discontinued(single("true_businessid", seller.OV, "high_assurance_ssl", "True BusinessID")),
		discontinued(wildcard("true_businessid_wildcard", seller.OV, "ov_wildcard_ssl", "True BusinessID Wildcard")),
		discontinued(multi("true_businessid_multi_domain", seller.OV, "ov_multi_domain_ssl", "True BusinessID Multi Domain")),
		discontinued(single("ssl_web_server", seller.OV, "high_assurance_ssl", "SSL Web Server")),
		discontinued(single("sgc_super_certs", seller.OV, "high_assurance_ssl", "SGC Super Certs", "SGC Supercert")),
		discontinued(single("secure_site", seller.OV, "high_assurance_ssl", "Secure Site")),
		discontinued(single("secure_site_pro", seller.OV, "high_assurance_ssl", "Secure Site Pro")),
		discontinued(single("true_businessid_with_ev", seller.EV, "ev_ssl", "True BusinessID with EV")),
		discontinued(single("ssl_webserver_ev", seller.EV, "ev_ssl", "SSL Webserver EV")),
		discontinued(single("secure_site_with_ev", seller.EV, "ev_ssl", "Secure Site with EV")),
		discontinued(single("secure_site_pro_with_ev", seller.EV, "ev_ssl", "Secure Site Pro with EV")),
	}
}

// single returns a product for one name. SSL.com issues new orders since July 2026, also of Sectigo's names (docs/reference/namecheap.md
// §4).
func single(id string, level seller.Level, successor string, names ...string) seller.Product {
	return seller.Product{ID: id, Names: names, Level: level, Included: 1, MaxNames: 1, Successor: successor, Issuers: []string{"ssl.com"}}
}

func wildcard(id string, level seller.Level, successor string, names ...string) seller.Product {
	p := single(id, level, successor, names...)
	p.Wildcard = true
	return p
}

func multi(id string, level seller.Level, successor string, names ...string) seller.Product {
	p := single(id, level, successor, names...)
	p.MultiDomain, p.Included, p.MaxNames = true, includedNames, maxNames
	return p
}

func discontinued(p seller.Product) seller.Product {
	p.Discontinued, p.Issuers = true, nil
	return p
}

// productNamed returns the product with a name of Namecheap and that name as the table spells it; false if there is none.
// getInfo answers with names in lower case (docs/reference/namecheap.md §3.3), and documentation and API differ in blanks and
// hyphens (docs/reference/namecheap.md §4): if no name matches exactly, only letters and digits are compared.
func productNamed(name string) (seller.Product, string, bool) {
	for _, p := range Products() {
		for _, known := range p.Names {
			if strings.EqualFold(known, name) {
				return p, known, true
			}
		}
	}
	spelled := seller.TemplateID(name)
	for _, p := range Products() {
		for _, known := range p.Names {
			if seller.TemplateID(known) == spelled {
				return p, known, true
			}
		}
	}
	return seller.Product{}, "", false
}

// sameOffer reports whether two products are the same, or Namecheap delivers one instead of the other
// (docs/reference/namecheap.md §4).
func sameOffer(a, b seller.Product) bool {
	return a.ID == b.ID || a.ID == b.Successor || b.ID == a.Successor
}

// liveName returns the name with the suffix that the API uses for SSL.com's products, of the product itself or of the one that
// Namecheap delivers instead (docs/reference/namecheap.md §4); empty if none is known. It is tried if the documented name is
// refused as unknown (rules PARAM-4).
func liveName(p seller.Product) string {
	for _, name := range p.Names {
		if strings.HasSuffix(name, " SSLcom") {
			return name
		}
	}
	if next, ok := seller.FindProduct(Products(), p.Successor); ok && p.Successor != p.ID {
		return liveName(next)
	}
	return ""
}
