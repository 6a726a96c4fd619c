package ispmgr

import (
	"maps"
	"slices"
)

// Levels of validation.
const (
	DomainValidated       = "dv"
	OrganizationValidated = "ov"
	ExtendedValidated     = "ev"
)

// Product is a tariff. Prices are invented; ids and names are those of the published table
// (docs/reference/ispmanager.md §3).
type Product struct {
	ID          int64         `json:"id"`
	Name        string        `json:"name"`
	IntName     string        `json:"intname"`
	Level       string        `json:"level"`
	Wildcard    bool          `json:"wildcard,omitempty"`
	MaxNames    int           `json:"max_names,omitempty"` // beside the common name
	FreeNames   int           `json:"free_names,omitempty"`
	NamePrice   Money         `json:"name_price,omitempty"` // one more name for a year
	Prices      map[int]Money `json:"prices"`               // by months
	Inactive    bool          `json:"inactive,omitempty"`   // not to be ordered
	HideInOrder bool          `json:"hide_in_order,omitempty"`
}

// DefaultProducts returns the price list.
func DefaultProducts() []Product {
	prices := func(year Money) map[int]Money {
		return map[int]Money{12: year, 24: 2*year - year/9}
	}
	return []Product{
		{ID: 3033, Name: "Sectigo (ex Comodo) PositiveSSL", IntName: "positivessl", Level: DomainValidated, Prices: prices(9_00)},
		{ID: 27648, Name: "Sectigo (ex Comodo) PositiveSSL Multi-Domain", IntName: "positivessl_multi_domain", Level: DomainValidated,
			MaxNames: 99, FreeNames: 2, NamePrice: 12_00, Prices: prices(27_00)},
		{ID: 27650, Name: "Sectigo (ex Comodo) PositiveSSL Wildcard", IntName: "positivessl_wildcard", Level: DomainValidated, Wildcard: true, Prices: prices(79_00)},
		{ID: 2025, Name: "Sectigo (ex Comodo) EssentialSSL", IntName: "essentialssl", Level: DomainValidated, Prices: prices(18_00)},
		{ID: 2026, Name: "Sectigo (ex Comodo) InstantSSL", IntName: "instantssl", Level: OrganizationValidated, Prices: prices(36_00)},
		{ID: 55153, Name: "Sectigo EV", IntName: "sectigo_ev", Level: ExtendedValidated, Prices: prices(108_00)},
		{ID: 1011, Name: "RapidSSL", IntName: "rapidssl", Level: DomainValidated, Prices: map[int]Money{12: 13_50}},
		{ID: 2018, Name: "QuickSSL Premium", IntName: "quickssl_premium", Level: DomainValidated, Prices: prices(54_00), HideInOrder: true},
		{ID: 1013, Name: "SSL123", IntName: "ssl123", Level: DomainValidated, Prices: prices(45_00), Inactive: true},
	}
}

func (p Product) months() []int { return slices.Sorted(maps.Keys(p.Prices)) }

// price returns the price of a term with this number of names beside the common name, and whether
// the term is offered.
func (p Product) price(months, names int) (Money, bool) {
	price, offered := p.Prices[months]
	if extra := names - p.FreeNames; extra > 0 {
		price += p.NamePrice * Money(extra*months) / 12
	}
	return price, offered
}

func (s *Server) product(id int64) (Product, bool) {
	for _, p := range s.settings.Products {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}
