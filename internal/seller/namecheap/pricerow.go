package namecheap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// maxPrice is above any certificate's price and keeps sums exact.
const maxPrice = 1e6

// errOtherTerm is a row for a term that nobody can buy.
var errOtherTerm = errors.New("no term of 1 to 5 years")

// priceOf reads one Price element: what the whole term costs. The account's own price goes before the general one, each
// with the type that says what it is for (docs/reference/namecheap.md §7): MULTIPLE for one year of the term, ABSOLUTE for
// all of it. Without a type the price of one year is known and that of a longer term is not.
func priceOf(row *sellerhttp.Element) (seller.Price, error) {
	years := intOf(row.Attr("Duration"))
	if years < 1 || years > 5 || !strings.EqualFold(row.Attr("DurationType"), "YEAR") {
		return seller.Price{}, errOtherTerm
	}
	text, kind := ownOrGeneral(row)
	each, ok := seller.ParseAmount(text)
	if !ok || each <= 0 || each > maxPrice {
		return seller.Price{}, fmt.Errorf("the price %q for %d years is not a price", words(text), years)
	}
	times, known := timesCharged(kind, years)
	if !known {
		return seller.Price{}, fmt.Errorf("the price %q for %d years is of the unknown type %q", words(text), years, words(kind))
	}
	currency := strings.ToUpper(row.Attr("Currency"))
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return seller.Price{}, fmt.Errorf("the price %q for %d years is in the unknown currency %q", words(text), years, words(currency))
	}
	cost := seller.Money{Text: strconv.FormatFloat(each*float64(times), 'f', decimals(text), 64), Currency: currency}
	if cost.Amount, ok = seller.ParseAmount(cost.Text); !ok {
		return seller.Price{}, fmt.Errorf("the price %q for %d years cannot be multiplied", words(text), years)
	}
	return seller.Price{Months: 12 * years, Cost: cost}, nil
}

// ownOrGeneral returns the account's own price and its type, or the general ones if the account has none.
func ownOrGeneral(row *sellerhttp.Element) (text, kind string) {
	text = row.Attr("YourPrice")
	if amount, ok := seller.ParseAmount(text); text == "" || ok && amount == 0 {
		return row.Attr("Price"), row.Attr("PricingType")
	}
	return text, row.Attr("YourPriceType")
}

// timesCharged returns how many times a price of the type is charged for the years; false if the type is not known.
func timesCharged(kind string, years int) (int, bool) {
	switch kind := strings.ToUpper(kind); {
	case kind == "MULTIPLE":
		return years, true
	case kind == "ABSOLUTE", kind == "ABSOULTE": // the latter is how the documentation spells it
		return 1, true
	case kind == "" && years == 1: // both types mean the same here
		return 1, true
	}
	return 0, false
}

// decimals returns how many digits behind the point a total has: as many as the price, two at the least and four at the
// most, which is what Namecheap charges in (docs/reference/namecheap.md §3.1).
func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return min(max(len(fraction), 2), 4)
}
