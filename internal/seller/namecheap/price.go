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
	// moreNames ends the name of the row that prices a further name of a multi-domain product (docs/reference/namecheap.md
	// §7).
	moreNames = "-moresans"
	// maxShown is how many names of rows that nothing is known of go to the log.
	maxShown = 20
)

// Offers returns the products that can be bought, each at the account's price of its terms (users.getPricing,
// docs/reference/namecheap.md §7, one request). Namecheap asks for its prices to be kept, so they are up to a day old.
// Names of its rows for SSL.com's products are not documented: a row is a product's only where its name has the letters and
// digits of one of the product's names, and what cannot be read for certain is left out and logged. A price is never
// guessed.
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
		c.log.Warningf("the prices of %s are not kept: %v", Title, err)
	}
	return offers, nil
}

// askOffers asks for the prices of an action, PURCHASE or RENEW.
func (c *Client) askOffers(ctx context.Context, action string) ([]seller.Offer, error) {
	reply, err := c.call(ctx, sellerhttp.Read, commandPricing, "ProductType", "SSLCERTIFICATE", "ActionName", action)
	if err != nil {
		return nil, faultOf(err)
	}
	list := newPriceList()
	list.category = action
	list.read(reply.result("UserGetPricingResult"))
	list.tell(c.log)
	offers := list.offers()
	if len(offers) == 0 {
		return nil, list.none()
	}
	return offers, nil
}

// Price returns what the purchase costs by the kept prices; false where they do not tell. Renewals have prices of their
// own, which are asked for in a dry run only: they are not kept.
func (c *Client) Price(ctx context.Context, p seller.Purchase) (seller.Money, bool) {
	offers, err := c.offersFor(ctx, p.Kind)
	if err != nil {
		c.log.ExtInfof("what %s costs at %s is not known: %v", p.Product.ID, Title, err)
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

// offersFor returns the offers that tell the price of a purchase of the kind; none where they are not asked for.
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
	category   string // of the rows that count: PURCHASE or RENEW
	base, more map[string]map[int]seller.Price
	unclear    map[string]bool // product and term that two rows price differently
	unknown    []string        // names of rows that are no product's
	odd        []string        // what is wrong with rows that are
}

func newPriceList() *priceList {
	return &priceList{category: "PURCHASE", base: map[string]map[int]seller.Price{}, more: map[string]map[int]seller.Price{}, unclear: map[string]bool{}}
}

// read takes the rows of the list's category; an answer may have those of the other one as well, which are other prices.
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
			l.odd = append(l.odd, words(name)+": "+err.Error())
			continue
		}
		l.add(prices, p, further, price)
	}
}

// add keeps a price. "ev-ssl" is a product of both generations (docs/reference/namecheap.md §4): where two rows of one
// product and term differ, nobody can tell which one a purchase is charged, and neither is given.
func (l *priceList) add(prices map[string]map[int]seller.Price, p seller.Product, further bool, price seller.Price) {
	if prices[p.ID] == nil {
		prices[p.ID] = map[int]seller.Price{}
	}
	old, there := prices[p.ID][price.Months]
	if there && old != price {
		l.unclear[unclearKey(p, further, price.Months)] = true
		l.odd = append(l.odd, fmt.Sprintf("%s for %d months is priced %s %s and %s %s, neither is given",
			p.ID, price.Months, old.Cost.Text, old.Cost.Currency, price.Cost.Text, price.Cost.Currency))
		return
	}
	prices[p.ID][price.Months] = price
}

func unclearKey(p seller.Product, further bool, months int) string {
	return p.ID + " " + strconv.FormatBool(further) + " " + strconv.Itoa(months)
}

// pricedProduct finds the product of a row. The first two are Namecheap's own spellings of Sectigo's names
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

// offers are in the order of the table of products.
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

// clear returns the prices that two rows do not contradict each other about, the shortest term first.
func (l *priceList) clear(p seller.Product, further bool, prices map[int]seller.Price) []seller.Price {
	var found []seller.Price
	for _, months := range slices.Sorted(maps.Keys(prices)) {
		if !l.unclear[unclearKey(p, further, months)] {
			found = append(found, prices[months])
		}
	}
	return found
}

// tell logs what was left out. Names that nothing is known of are many: Namecheap lists what it gave up years ago.
func (l *priceList) tell(log *panellog.Logger) {
	if len(l.unknown) > 0 {
		log.ExtInfof("%s prices products that are not sold here: %s", Title, shown(l.unknown, ", "))
	}
	if len(l.odd) > 0 {
		log.Warningf("prices of %s are left out: %s", Title, shown(l.odd, "; "))
	}
}

// none returns the fault of an answer without a single price. The connection works: it is about what came.
func (l *priceList) none() *fault.Error {
	text := "it prices no product that is sold here"
	if len(l.odd) > 0 {
		text = "none of its prices can be read for certain: " + shown(l.odd, "; ")
	}
	return fault.Errorf(fault.API, commandPricing, "%s answers OK, and %s", Title, plaintext.Clip(text, 1000))
}

func shown(all []string, between string) string {
	if len(all) > maxShown {
		return strings.Join(all[:maxShown], between) + fmt.Sprintf(" and %d more", len(all)-maxShown)
	}
	return strings.Join(all, between)
}
