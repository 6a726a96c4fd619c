package ispmanager

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

// tariff is one product of the account's own price list, with the id that an order names.
type tariff struct {
	id      int64
	name    string
	intname string // the remote's internal name, empty if it shows none
	project string // id of the brand, empty if it is not shown
	prices  []seller.Price
	multi   bool // it has the addon for further names
}

// template returns the template id of the tariff's product.
func (t tariff) template() string {
	if plausibleID(t.intname) {
		return strings.ToLower(t.intname)
	}
	if known, found := productNamed(knownProducts(), t.name); found {
		return known.ID
	}
	return templateOf(t.name)
}

// product returns the product that the tariff sells, from knownProducts or else from the tariff's name.
func (t tariff) product() seller.Product {
	id := t.template()
	p, known := seller.FindProduct(knownProducts(), id)
	if !known {
		p, known = productNamed(knownProducts(), t.name)
	}
	if !known {
		p = product(id, levelOf(seller.TemplateID(t.name)), t.name)
	}
	p.ID = id
	p.Names = append([]string{t.name}, slices.DeleteFunc(slices.Clone(p.Names), func(name string) bool { return strings.EqualFold(name, t.name) })...)
	if t.multi && !p.MultiDomain {
		p.MultiDomain, p.Included, p.MaxNames = true, 1, maxNames
	}
	return p
}

// price returns the price of a term; its text is empty if the remote does not show it.
func (t tariff) price(months int) seller.Money {
	for _, p := range t.prices {
		if p.Months == months {
			return p.Cost
		}
	}
	return seller.Money{}
}

// Price reads the price of the purchase from the account's price list; false if the list does not have it.
func (c *Client) Price(ctx context.Context, p seller.Purchase) (seller.Money, bool) {
	t, err := c.tariffFor(ctx, p.Product, p.Months)
	price := t.price(p.Months)
	return price, err == nil && price.Text != ""
}

// tariffFor returns the tariff for a product, from the account's price list as this client has just read it. Two tariffs for one
// template id are a fault: it does not guess.
func (c *Client) tariffFor(ctx context.Context, p seller.Product, months int) (tariff, error) {
	all, known := c.prices.recall(c.now())
	if !known {
		var err error
		if all, err = c.tariffs(ctx); err != nil {
			return tariff{}, err
		}
	}
	var fits []tariff
	for _, t := range all {
		if t.template() == p.ID {
			fits = append(fits, t)
		}
	}
	switch {
	case len(fits) == 0:
		return tariff{}, fault.Errorf(fault.API, "pricelist", "%s sells no %s to this account; it sells %s", Title, p.ID, plaintext.Clip(templates(all), 600))
	case len(fits) > 1:
		return tariff{}, fault.Errorf(fault.API, "pricelist", "%s has two tariffs for %s: tariff %d (%s) and tariff %d (%s)",
			Title, p.ID, fits[0].id, fits[0].name, fits[1].id, fits[1].name)
	}
	if len(fits[0].prices) > 0 && !slices.ContainsFunc(fits[0].prices, func(one seller.Price) bool { return one.Months == months }) {
		return tariff{}, fault.Errorf(fault.API, "period", "%s does not sell %s (tariff %d) for %d months; it sells %s months",
			Title, p.ID, fits[0].id, months, periods(fits[0]))
	}
	return fits[0], nil
}

func templates(all []tariff) string {
	var ids []string
	for _, t := range all {
		ids = append(ids, t.template())
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), ", ")
}

func periods(t tariff) string {
	var all []string
	for _, p := range t.prices {
		all = append(all, idText(int64(p.Months)))
	}
	return strings.Join(all, ", ")
}

// maxTariffs is how many tariffs a price list may have; the published one has 28 for certificates.
const maxTariffs = 1000

// tariffs reads the account's tariffs that have a template id. A tariff without one is left out, so that a panel item
// without a template finds none.
func (c *Client) tariffs(ctx context.Context) ([]tariff, error) {
	at := c.now()
	all, err := c.priceList(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) > maxTariffs {
		return nil, fault.Errorf(fault.API, "pricelist", "%s's list of tariffs has %d entries, at most %d are read", Title, len(all), maxTariffs)
	}
	all = slices.DeleteFunc(all, func(t tariff) bool {
		nameless := !plausibleID(t.template())
		if nameless {
			c.log.Warningf("the tariff %d of %s is left out: its name %q gives no template id", t.id, Title, plaintext.Clip(t.name, 100))
		}
		return nameless
	})
	c.prices.keep(all, at)
	return all, nil
}

// priceList reads the account's tariffs from the export or else from the first step of the order
// (docs/reference/ispmanager.md §3).
func (c *Client) priceList(ctx context.Context) ([]tariff, error) {
	reply, err := c.read(ctx, "pricelist.export", pairs("itemtype", "certificate"))
	if err == nil {
		if all := exported(reply.root); len(all) > 0 {
			return all, nil
		}
		err = fault.Errorf(fault.API, "pricelist.export", "%s exports no tariff of certificates to this account", Title)
	} else if f := failureIn(err); f == nil || f.refusesAccess() {
		return nil, err
	}
	first := err
	for _, function := range []string{"certificate.order.pricelist", "certificate.order"} {
		reply, err := c.read(ctx, function, nil)
		if err != nil {
			c.log.ExtInfof("%s (%s) shows no tariffs: %v", Title, function, err)
			continue
		}
		if all := ordered(reply); len(all) > 0 {
			return all, nil
		}
	}
	return nil, first
}

// exported reads pricelist.export (docs/reference/ispmanager.md §3) without tariffs that cannot be ordered.
func exported(root *sellerhttp.Element) []tariff {
	var all []tariff
	for _, e := range root.All("pricelist") {
		kind := e.Child("itemtype_info").Child("intname").Text()
		t := tariff{id: seller.ParseID(e.Child("id").Text()), name: words(e.Child("name").Text()), project: numberText(e.Child("project").Text())}
		for _, name := range []string{"intname", "certificateintname"} {
			if t.intname == "" {
				t.intname = words(e.Child(name).Text())
			}
		}
		if t.id == 0 || t.name == "" || kind != "" && kind != "certificate" || off(e.Child("active").Text()) || on(e.Child("hideinorder").Text()) {
			continue
		}
		for _, price := range e.All("price") {
			t.prices = append(t.prices, pricesOf(price)...)
		}
		t.multi = slices.ContainsFunc(e.All("addon"), func(addon *sellerhttp.Element) bool {
			return addon.Child("addon_itemtype_info").Child("intname").Text() == "altname"
		})
		all = append(all, t)
	}
	return all
}

// pricesOf reads <price currency><period cost type length/></price> without trials and daily periods.
func pricesOf(e *sellerhttp.Element) []seller.Price {
	var all []seller.Price
	for _, period := range e.All("period") {
		months := monthsOf(period.Attr("length"))
		switch strings.ToLower(period.Attr("type")) {
		case "", "month":
		case "year":
			months *= 12
		default:
			months = 0
		}
		amount, ok := seller.ParseAmount(period.Attr("cost"))
		if months > 0 && ok {
			all = append(all, seller.Price{Months: months, Cost: seller.Money{Amount: amount, Text: words(period.Attr("cost")), Currency: words(e.Attr("currency"))}})
		}
	}
	return all
}

// ordered reads the list of the order's first step in both forms (docs/reference/ispmanager.md §3). The older form has
// no readable prices.
func ordered(reply answer) []tariff {
	var all []tariff
	rows := slices.Concat(reply.rows, reply.tables["pricelist"])
	if len(rows) == 0 {
		rows = reply.tables["tariflist"]
	}
	for _, e := range rows {
		t := tariff{id: seller.ParseID(e.Child("id").Text()), name: words(e.Child("title").Text()), intname: words(e.Child("intname").Text())}
		if t.id == 0 {
			t.id = seller.ParseID(e.Child("pricelist").Text())
		}
		for _, name := range []string{"name", "desc"} {
			if t.name == "" {
				t.name = words(e.Child(name).Text())
			}
		}
		if t.id == 0 || t.name == "" {
			continue
		}
		for _, price := range e.Child("prices").All("price") {
			cost := price.Child("cost").Text()
			amount, ok := seller.ParseAmount(cost)
			if months := monthsOf(price.Child("period").Text()); months > 0 && ok {
				t.prices = append(t.prices, seller.Price{Months: months, Cost: seller.Money{Amount: amount, Text: words(cost), Currency: words(price.Child("currency").Text())}})
			}
		}
		all = append(all, t)
	}
	return all
}

func numberText(text string) string {
	if id := seller.ParseID(text); id > 0 {
		return idText(id)
	}
	return ""
}

func off(text string) bool { return strings.EqualFold(text, "off") || strings.EqualFold(text, "no") }

func on(text string) bool { return strings.EqualFold(text, "on") || strings.EqualFold(text, "yes") }
