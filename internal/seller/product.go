package seller

import (
	"strings"

	"pmssl/internal/cabforum"
)

// Level is how thoroughly the subject of a certificate is validated; the zero value is an unknown level.
type Level = cabforum.Level

// The levels of BR 7.1.2.7: control over the domain only, the organisation too, extended validation.
const (
	DV = cabforum.DV
	OV = cabforum.OV
	EV = cabforum.EV
)

// Product is one kind of certificate that a seller offers.
type Product struct {
	ID          string   // template id that a tariff names (pricelist.intname): lower case, `_` for anything else
	Names       []string // the seller's names, the one to send first in front; all are recognised in answers
	Level       Level
	Wildcard    bool // the common name begins with `*.`
	MultiDomain bool // further names beside the common name
	Included    int  // names within the price, the common name counted; 1 for single-domain products
	Most        int  // names that can be bought at the most, the common name counted
	// Discontinued products are recognised on existing items and refused for new orders; Successor is the template id to
	// order instead.
	Discontinued bool
	Successor    string
}

// Named reports whether the seller's name means this product; upper and lower case are the same.
func (p Product) Named(name string) bool {
	for _, known := range p.Names {
		if strings.EqualFold(known, strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// Orderable reports whether the product can be bought now: it has a level that is known and is not discontinued.
func (p Product) Orderable() bool { return p.Level >= DV && p.Level <= EV && !p.Discontinued }

// title returns the product's name for people.
func (p Product) title() string {
	if len(p.Names) == 0 {
		return p.ID
	}
	return p.Names[0]
}

// TemplateID turns a seller's product name into a template id: lower case, a `_` for each run of anything that is not
// a letter or digit (rules PARAM-21).
func TemplateID(name string) string {
	var id strings.Builder
	gap := false
	for _, r := range strings.ToLower(strings.TrimSpace(name)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && id.Len() > 0 {
				id.WriteByte('_')
			}
			gap = false
			id.WriteRune(r)
			continue
		}
		gap = true
	}
	return id.String()
}

// FindProduct looks a template id up; false if no product has it.
func FindProduct(all []Product, id string) (Product, bool) {
	for _, p := range all {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// PaidNames returns how many names beyond the common name the client has paid for: those within the product's price, or
// those ordered as an addon if these are more. Everything that decides about the number of names asks here. An addon that
// the tariff lacks or that was not ordered counts as 0: a missing number is never taken for "any number" (rules BUY-20).
func (p Product) PaidNames(ordered int) int {
	if !p.MultiDomain {
		return 0
	}
	return max(ordered, p.Included-1, 0)
}
