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
	ID          string   // template id that a tariff names (pricelist.intname): lower case, `_` for other characters
	Names       []string // the seller's names; the first is sent, all are recognised in answers
	Level       Level
	Wildcard    bool // the common name begins with `*.`
	MultiDomain bool // it certifies names besides the common name
	Included    int  // names included in the price, with the common name; 1 for single-domain products
	MaxNames    int  `json:"Most"` // the most names that can be bought, with the common name; the catalogue file has the key Most
	// Discontinued products are recognised on existing items and refused for new orders; Successor is the template id to
	// order instead.
	Discontinued bool
	Successor    string
	// Issuers are the issuer domain names by which CAA records allow the CA that issues new orders of the product (RFC 8659 4.2), the
	// usual one first; empty if that is not known.
	Issuers []string `json:"-"`
}

// Named reports whether the product has the seller's name, in upper or lower case.
func (p Product) Named(name string) bool {
	for _, known := range p.Names {
		if strings.EqualFold(known, strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// Orderable reports whether the product can be bought: its level is known and it is not discontinued.
func (p Product) Orderable() bool { return p.Level >= DV && p.Level <= EV && !p.Discontinued }

// title returns the product's name for people.
func (p Product) title() string {
	if len(p.Names) == 0 {
		return p.ID
	}
	return p.Names[0]
}

// TemplateID returns the template id of a seller's product name: lower case, with one `_` for each run of characters that are
// neither letters a to z nor digits (rules PARAM-21).
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

// FindProduct returns the product with the template id; false if there is none.
func FindProduct(all []Product, id string) (Product, bool) {
	for _, p := range all {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

// PaidNames returns how many names besides the common name the client has paid for: those included in the product's price,
// or those ordered as an addon if they are more. It is the only place that decides about the number of names. ordered is 0 if
// the tariff lacks the addon or it was not ordered; a missing number never means "any number" (rules BUY-20).
func (p Product) PaidNames(ordered int) int {
	if !p.MultiDomain {
		return 0
	}
	return max(ordered, p.Included-1, 0)
}
