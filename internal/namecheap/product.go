package namecheap

import (
	"strings"

	"pmssl/internal/cert"
)

// Names that a multi-domain certificate includes and may have in all, the common name counted (§4).
const (
	includedNames = 3
	mostNames     = 100
)

// Products is the table of §4: the names of SSL.com's products as documented and as seen on the wire, the Sectigo names that can
// still be ordered, with the product that Namecheap delivers in their place as Successor, and what was discontinued long ago and is
// named there. Products that mean the same in both generations have one entry.
func Products() []cert.Product {
	return []cert.Product{
		single("standard_ssl", cert.DV, "", "Standard SSL", "Standard SSL SSLcom"),
		wildcard("standard_wildcard_ssl", cert.DV, "", "Standard Wildcard SSL", "Standard Wildcard SSL SSLcom"),
		multi("san_certificate", cert.DV, "", "SAN Certificate", "SAN Certificate SSL SSLcom"),
		single("positivessl", cert.DV, "standard_ssl", "PositiveSSL"),
		single("essentialssl", cert.DV, "standard_ssl", "EssentialSSL"),
		wildcard("positivessl_wildcard", cert.DV, "standard_wildcard_ssl", "PositiveSSL Wildcard"),
		wildcard("essentialssl_wildcard", cert.DV, "standard_wildcard_ssl", "EssentialSSL Wildcard"),
		multi("positivessl_multi_domain", cert.DV, "san_certificate", "PositiveSSL Multi Domain"),

		single("high_assurance_ssl", cert.OV, "", "High Assurance SSL", "High Assurance SSL SSLcom"),
		wildcard("ov_wildcard_ssl", cert.OV, "", "OV Wildcard SSL", "OV Wildcard SSL SSLcom"),
		multi("ov_multi_domain_ssl", cert.OV, "", "OV Multi-domain SSL", "OV Multi-domain SSL SSLcom"),
		single("instantssl", cert.OV, "high_assurance_ssl", "InstantSSL"),
		single("instantssl_pro", cert.OV, "high_assurance_ssl", "InstantSSL Pro"),
		single("premiumssl", cert.OV, "high_assurance_ssl", "PremiumSSL"),
		wildcard("premiumssl_wildcard", cert.OV, "ov_wildcard_ssl", "PremiumSSL Wildcard"),
		multi("multi_domain_ssl", cert.OV, "ov_multi_domain_ssl", "Multi Domain SSL"),
		multi("unified_communications", cert.OV, "ov_multi_domain_ssl", "Unified Communications"),

		single("ev_ssl", cert.EV, "", "EV SSL", "EV SSL SSLcom"),
		multi("ev_multi_domain_ssl", cert.EV, "", "EV Multi-Domain SSL", "EV Multi Domain SSL SSLcom", "EV Multi Domain SSL"),

		discontinued(single("comodossl", cert.DV, "standard_ssl", "ComodoSSL")),
		discontinued(single("ev_ssl_sgc", cert.EV, "ev_ssl", "EV SSL SGC")),

		// GeoTrust, RapidSSL, Thawte and Symantec, by the names of the last lists of Type that had them.
		discontinued(single("rapidssl", cert.DV, "standard_ssl", "RapidSSL")),
		discontinued(wildcard("rapidssl_wildcard", cert.DV, "standard_wildcard_ssl", "RapidSSL Wildcard")),
		discontinued(single("quickssl_premium", cert.DV, "standard_ssl", "QuickSSL Premium")),
		discontinued(single("ssl123", cert.DV, "standard_ssl", "SSL123")),
		discontinued(single("true_businessid", cert.OV, "high_assurance_ssl", "True BusinessID")),
		discontinued(wildcard("true_businessid_wildcard", cert.OV, "ov_wildcard_ssl", "True BusinessID Wildcard")),
		discontinued(multi("true_businessid_multi_domain", cert.OV, "ov_multi_domain_ssl", "True BusinessID Multi Domain")),
		discontinued(single("ssl_web_server", cert.OV, "high_assurance_ssl", "SSL Web Server")),
		discontinued(single("sgc_super_certs", cert.OV, "high_assurance_ssl", "SGC Super Certs", "SGC Supercert")),
		discontinued(single("secure_site", cert.OV, "high_assurance_ssl", "Secure Site")),
		discontinued(single("secure_site_pro", cert.OV, "high_assurance_ssl", "Secure Site Pro")),
		discontinued(single("true_businessid_with_ev", cert.EV, "ev_ssl", "True BusinessID with EV")),
		discontinued(single("ssl_webserver_ev", cert.EV, "ev_ssl", "SSL Webserver EV")),
		discontinued(single("secure_site_with_ev", cert.EV, "ev_ssl", "Secure Site with EV")),
		discontinued(single("secure_site_pro_with_ev", cert.EV, "ev_ssl", "Secure Site Pro with EV")),
	}
}

func single(id string, level cert.Level, successor string, names ...string) cert.Product {
	return cert.Product{ID: id, Names: names, Level: level, Included: 1, Most: 1, Successor: successor}
}

func wildcard(id string, level cert.Level, successor string, names ...string) cert.Product {
	p := single(id, level, successor, names...)
	p.Wildcard = true
	return p
}

func multi(id string, level cert.Level, successor string, names ...string) cert.Product {
	p := single(id, level, successor, names...)
	p.MultiDomain, p.Included, p.Most = true, includedNames, mostNames
	return p
}

func discontinued(p cert.Product) cert.Product {
	p.Discontinued = true
	return p
}

// productNamed finds the product that a name of Namecheap means, and that name as the table spells it; false where none is known.
// Answers of getInfo have the names in lower case (§3.3), and documents and wire differ in blanks and hyphens (§4): where no name
// fits as it is written, letters and digits alone decide.
func productNamed(name string) (cert.Product, string, bool) {
	for _, p := range Products() {
		for _, known := range p.Names {
			if strings.EqualFold(known, name) {
				return p, known, true
			}
		}
	}
	spelled := cert.TemplateID(name)
	for _, p := range Products() {
		for _, known := range p.Names {
			if cert.TemplateID(known) == spelled {
				return p, known, true
			}
		}
	}
	return cert.Product{}, "", false
}

// sameOffer tells whether two products are the same one or a product and the one that Namecheap delivers in its place (§4).
func sameOffer(a, b cert.Product) bool {
	return a.ID == b.ID || a.ID == b.Successor || b.ID == a.Successor
}

// liveName is the name with the suffix that SSL.com's products carry on the wire, of the product itself or of the one that Namecheap
// delivers in its place (§4); empty where none is known. It is asked for where the documented name is refused as unknown
// (contract 1).
func liveName(p cert.Product) string {
	for _, name := range p.Names {
		if strings.HasSuffix(name, " SSLcom") {
			return name
		}
	}
	if next, ok := cert.FindProduct(Products(), p.Successor); ok && p.Successor != p.ID {
		return liveName(next)
	}
	return ""
}
