package namecheap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// maxPrice is the highest price that is accepted. It is above any certificate's price, and sums of such prices are exact.
const maxPrice = 1e6

// errOtherTerm is the error of a row for a term that cannot be bought.
var errOtherTerm = errors.New("not a term of 1 to 5 years")

// priceOf reads one Price element and returns the price of the whole term. The account's own price has priority over the
// general one. The type says what a price is for (docs/reference/namecheap.md §7): MULTIPLE for each year of the term, ABSOLUTE
// for the whole term. Without a type, only the price of a term of one year is known.
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

// timesCharged returns how many times a price of the type is charged for the years; false if the type is unknown.
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

// decimals returns how many digits a total has after the decimal point: as many as the price, at least two and at most four,
// as Namecheap charges (docs/reference/namecheap.md §3.1).
func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return min(max(len(fraction), 2), 4)
}
