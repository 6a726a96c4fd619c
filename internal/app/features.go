package app

import (
	"github.com/beevik/etree"

	"pmssl/internal/seller"
)

// features returns the document about what this module can do (docs/reference/billmanager.md §2). It uses the table and the
// seller's Info only: no file, no database, no network.
func (t table) features(info seller.Info) *etree.Document {
	doc := etree.NewDocument()
	root := doc.CreateElement("doc")
	root.CreateElement("itemtypes").CreateElement("itemtype").CreateAttr("name", "certificate")
	params := root.CreateElement("params")
	for _, p := range info.Params {
		e := params.CreateElement("param")
		e.CreateAttr("name", p.Name)
		if p.Crypted {
			e.CreateAttr("crypted", "yes")
		}
	}
	for _, p := range info.CustomParams {
		e := params.CreateElement("customparam")
		e.CreateAttr("name", p.Name)
		e.CreateAttr("unique", "yes")
		if p.Default != "" {
			e.CreateAttr("defval", p.Default)
		}
	}
	list := root.CreateElement("features")
	for _, r := range t {
		if r.offered(info) {
			list.CreateElement("feature").CreateAttr("name", r.name)
		}
	}
	templates := root.CreateElement("templates")
	for _, p := range info.Products {
		if info.Sells(p) {
			addTemplate(templates, p)
		}
	}
	return doc
}

// addTemplate adds one product. Newer panels read the attribute id, older ones name, so both are written
// (docs/reference/billmanager.md §2).
func addTemplate(templates *etree.Element, p seller.Product) {
	e := templates.CreateElement("template")
	e.CreateAttr("id", p.ID)
	e.CreateAttr("name", p.ID)
	for _, a := range []struct {
		name string
		is   bool
	}{
		{"wildcard", p.Wildcard},
		{"multidomain", p.MultiDomain},
		{"idn", true}, // names are sent to the seller as A-labels
		{"orginfo", p.Level != seller.DV},
		{"authemail", true},
		{"authdnstxt", true},
		{"authhttp", !p.Wildcard}, // a file does not prove control over a wildcard name (BR 3.2.2.4.18)
	} {
		if a.is {
			e.CreateAttr(a.name, "yes")
		}
	}
}
