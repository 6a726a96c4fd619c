package namecheap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	commandPricing = "namecheap.users.getPricing"
	// moreNames is the suffix of rows with the price of a further name of a multi-domain product (docs/reference/namecheap.md
	// §7).
	moreNames = "-moresans"
	// maxShown is how many skipped rows are named in a log line.
	maxShown = 20
)

// Offers returns the products that can be bought, with the account's prices (users.getPricing, docs/reference/namecheap.md §7,
// one request). Namecheap asks clients to cache its prices, so they are up to a day old. The row names of SSL.com's products
// are not documented: a row belongs to a product only if its name has the same letters and digits as one of the product's
// names. A price that cannot be read for certain is left out and logged, never guessed.
func (c *Client) Offers(ctx context.Context) ([]seller.Offer, error) {
	kept, err := c.prices.read()
	if err != nil {
		c.log.Warningf("the cached prices of %s are not used: %v", Title, err)
	}
	if len(kept) > 0 {
		return kept, nil
	}
	offers, err := c.askOffers(ctx, "PURCHASE")
	if err != nil {
		return nil, err
	}
	if err := c.prices.write(offers); err != nil {
		c.log.Warningf("the prices of %s are not cached: %v", Title, err)
	}
	return offers, nil
}

// askOffers requests the prices of an action, PURCHASE or RENEW.
func (c *Client) askOffers(ctx context.Context, action string) ([]seller.Offer, error) {
	reply, err := c.call(ctx, sellerhttp.Read, commandPricing, "ProductType", "SSLCERTIFICATE", "ActionName", action)
	if err != nil {
		return nil, faultOf(err)
	}
	list := newPriceList()
	list.category = action
	list.read(reply.result("UserGetPricingResult"))
	list.logSkipped(c.log)
	offers := list.offers()
	if len(offers) == 0 {
		return nil, list.emptyFault()
	}
	return offers, nil
}

// Price returns the price of the purchase from the cached prices; false if they lack it. Renewals have other prices, which are
// not cached and requested in a dry run only.
func (c *Client) Price(ctx context.Context, p seller.Purchase) (seller.Money, bool) {
	offers, err := c.offersFor(ctx, p.Kind)
	if err != nil {
		c.log.ExtInfof("the price of %s at %s is not known: %v", p.Product.ID, Title, err)
		return seller.Money{}, false
	}
	at := slices.IndexFunc(offers, func(o seller.Offer) bool { return o.Product.ID == p.Product.ID })
	if at < 0 {
		return seller.Money{}, false
	}
	sum, known := seller.Money{}, true
	if p.Kind != seller.KindSANs {
		sum, known = costFor(offers[at].Prices, p.Months)
	}
	if p.Kind != seller.KindRenew && p.SANs > 0 && known {
		var each seller.Money
		each, known = costFor(offers[at].MoreNames, p.Months)
		known = known && (sum.Currency == "" || sum.Currency == each.Currency)
		sum.Amount, sum.Currency = sum.Amount+float64(p.SANs)*each.Amount, each.Currency
	}
	sum.Text = strconv.FormatFloat(sum.Amount, 'f', 2, 64)
	return sum, known && sum.Amount > 0
}

// offersFor returns the offers with the prices of the kind of purchase; none if they are not requested.
func (c *Client) offersFor(ctx context.Context, kind string) ([]seller.Offer, error) {
	switch {
	case kind == seller.KindCreate, kind == seller.KindSANs:
		return c.Offers(ctx)
	case kind == seller.KindRenew && c.dry:
		return c.askOffers(ctx, "RENEW")
	}
	return nil, nil
}

func costFor(prices []seller.Price, months int) (seller.Money, bool) {
	for _, one := range prices {
		if one.Months == months {
			return one.Cost, true
		}
	}
	return seller.Money{}, false
}

// priceList collects prices by template id and term.
type priceList struct {
	category   string // of the rows to read: PURCHASE or RENEW
	base, more map[string]map[int]seller.Price
	unclear    map[string]bool // product and term for which two rows have different prices
	unknown    []string        // names of rows that belong to no product
	invalid    []string        // errors in rows of products
}

func newPriceList() *priceList {
	return &priceList{category: "PURCHASE", base: map[string]map[int]seller.Price{}, more: map[string]map[int]seller.Price{}, unclear: map[string]bool{}}
}

// read reads the rows of the list's category; the answer may also have rows of the other category.
func (l *priceList) read(result *sellerhttp.Element) {
	for _, kind := range result.All("ProductType") {
		for _, category := range kind.All("ProductCategory") {
			if !strings.EqualFold(category.Attr("Name"), l.category) {
				continue
			}
			for _, row := range category.All("Product") {
				l.product(row)
			}
		}
	}
}

func (l *priceList) product(row *sellerhttp.Element) {
	name := row.Attr("Name")
	base, further := strings.CutSuffix(strings.ToLower(name), moreNames)
	p, known := pricedProduct(base)
	if !known || further && !p.MultiDomain {
		l.unknown = append(l.unknown, words(name))
		return
	}
	prices := l.base
	if further {
		prices = l.more
	}
	for _, one := range row.All("Price") {
		price, err := priceOf(one)
		if errors.Is(err, errOtherTerm) {
			continue
		}
		if err != nil {
			l.invalid = append(l.invalid, words(name)+": "+err.Error())
			continue
		}
		l.add(prices, p, further, price)
	}
}

// add stores a price. Two rows may mean one product: "ev-ssl" was sold by both CAs (docs/reference/namecheap.md §4). If their
// prices for a term differ, it is unknown which one a purchase is charged, and neither is used.
func (l *priceList) add(prices map[string]map[int]seller.Price, p seller.Product, further bool, price seller.Price) {
	if prices[p.ID] == nil {
		prices[p.ID] = map[int]seller.Price{}
	}
	old, there := prices[p.ID][price.Months]
	if there && old != price {
		l.unclear[unclearKey(p, further, price.Months)] = true
		l.invalid = append(l.invalid, fmt.Sprintf("%s for %d months costs %s %s in one row and %s %s in another; neither is used",
			p.ID, price.Months, old.Cost.Text, old.Cost.Currency, price.Cost.Text, price.Cost.Currency))
		return
	}
	prices[p.ID][price.Months] = price
}

func unclearKey(p seller.Product, further bool, months int) string {
	return p.ID + " " + strconv.FormatBool(further) + " " + strconv.Itoa(months)
}

// pricedProduct returns the product of a row. The two names in the switch are Namecheap's spellings of Sectigo's names
// (docs/reference/namecheap.md §7).
func pricedProduct(name string) (seller.Product, bool) {
	switch name {
	case "comodossl-multi-domain-ssl":
		name = "Multi Domain SSL"
	case "comodossl-ev-multi-domain-ssl":
		name = "EV Multi Domain SSL"
	}
	p, _, known := productNamed(name)
	return p, known && p.Orderable()
}

// offers returns the offers in the order of Products.
func (l *priceList) offers() []seller.Offer {
	var all []seller.Offer
	for _, p := range Products() {
		prices := l.clear(p, false, l.base[p.ID])
		if len(prices) == 0 {
			continue
		}
		all = append(all, seller.Offer{Name: p.Names[0], Product: p, Prices: prices, MoreNames: l.clear(p, true, l.more[p.ID])})
	}
	return all
}

// clear returns the prices without those that are unclear, the shortest term first.
func (l *priceList) clear(p seller.Product, further bool, prices map[int]seller.Price) []seller.Price {
	var found []seller.Price
	for _, months := range slices.Sorted(maps.Keys(prices)) {
		if !l.unclear[unclearKey(p, further, months)] {
			found = append(found, prices[months])
		}
	}
	return found
}

// logSkipped logs what was left out. Unknown names are logged at a higher level, because Namecheap lists many products that it
// no longer sells.
func (l *priceList) logSkipped(log *panellog.Logger) {
	if len(l.unknown) > 0 {
		log.ExtInfof("%s has prices of products that this module does not sell: %s", Title, shown(l.unknown, ", "))
	}
	if len(l.invalid) > 0 {
		log.Warningf("prices of %s are left out: %s", Title, shown(l.invalid, "; "))
	}
}

// emptyFault returns the fault of an answer without a usable price.
func (l *priceList) emptyFault() *fault.Error {
	text := "it has no price of a product that this module sells"
	if len(l.invalid) > 0 {
		text = "none of its prices can be read: " + shown(l.invalid, "; ")
	}
	return fault.Errorf(fault.API, commandPricing, "%s answers OK, and %s", Title, plaintext.Clip(text, 1000))
}

func shown(all []string, between string) string {
	if len(all) > maxShown {
		return strings.Join(all[:maxShown], between) + fmt.Sprintf(" and %d more", len(all)-maxShown)
	}
	return strings.Join(all, between)
}
