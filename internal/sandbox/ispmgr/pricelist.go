package ispmgr

import (
	"strconv"
)

// exportPrices handles pricelist.export (docs/reference/ispmanager.md §3). Other types of services
// are not sold here.
func exportPrices(c *call) answer {
	if kind := c.get("itemtype"); kind != "certificate" {
		return success()
	}
	var list []element
	for _, p := range c.settings.Products {
		if c.get("onlyavailable") == "on" && (p.Inactive || p.HideInOrder) {
			continue
		}
		list = append(list, c.exportedPrice(p))
	}
	return success(list...)
}

func (c *call) exportedPrice(p Product) element {
	price := node("price").with("currency", c.account.Currency)
	for _, months := range p.months() {
		price = price.plus(textNode("period", periodName(months)).with("cost", p.Prices[months].Decimals(4)).
			with("type", "month").with("length", strconv.Itoa(months)))
	}
	e := node("pricelist", textNode("id", strconv.FormatInt(p.ID, 10)), textNode("name", p.Name), textNode("active", onOff(!p.Inactive)))
	if p.HideInOrder {
		e = e.plus(textNode("hideinorder", "on"))
	}
	return e.plus(textNode("itemtype", "7"), node("itemtype_info", textNode("intname", "certificate")), textNode("intname", p.IntName), price)
}

func periodName(months int) string {
	switch {
	case months == 12:
		return "annually"
	case months%12 == 0:
		return strconv.Itoa(months/12) + " years"
	default:
		return strconv.Itoa(months) + " months"
	}
}

// orderable returns the products that the wizard offers.
func (c *call) orderable() []Product {
	var list []Product
	for _, p := range c.settings.Products {
		if !p.Inactive && !p.HideInOrder {
			list = append(list, p)
		}
	}
	return list
}

// orderStart handles certificate.order and certificate.order.pricelist: the first step of the
// wizard (3, 4).
func orderStart(c *call) answer {
	products := c.orderable()
	if c.params.submits() {
		if p, problem := c.pricelist(); problem != nil {
			return refused(problem)
		} else if _, problem := c.period(p); problem != nil {
			return refused(problem)
		}
		return c.next(c.settings.Functions.CSR, c.csrForm)
	}
	periods := map[int]bool{}
	var offered []option
	for _, p := range products {
		for _, months := range p.months() {
			if !periods[months] {
				periods[months] = true
				offered = append(offered, periodOption(months))
			}
		}
	}
	content := []element{slist("period", offered), textNode("period", c.get("period")), textNode("pricelist", c.get("pricelist")), textNode("project", "1")}
	if c.settings.PricelistShape != PricelistOld {
		content = append(content, c.priceElements(products))
	}
	if c.settings.PricelistShape != PricelistV2 {
		content = append(content, c.tariffElements(products))
	}
	return success(content...)
}

func periodOption(months int) option {
	return option{key: strconv.Itoa(months), text: periodName(months)}
}

func (c *call) priceElements(products []Product) element {
	list := node("list").with("name", "pricelist")
	for _, p := range products {
		prices := node("prices")
		for _, months := range p.months() {
			prices = prices.plus(node("price", textNode("period", strconv.Itoa(months)), textNode("cost", p.Prices[months].String()), textNode("currency", c.account.Currency)))
		}
		list = list.plus(node("elem", textNode("id", strconv.FormatInt(p.ID, 10)), textNode("title", p.Name), node("description"), prices))
	}
	return list
}

func (c *call) tariffElements(products []Product) element {
	list := node("list").with("name", "tariflist")
	for _, p := range products {
		list = list.plus(node("elem", textNode("pricelist", strconv.FormatInt(p.ID, 10)), textNode("desc", p.Name), textNode("price", c.localMoney(p.Prices[12]))))
	}
	return list
}

// pricelist returns the product of a step of the wizard.
func (c *call) pricelist() (Product, *Problem) {
	given := c.get("pricelist")
	if given == "" {
		return Product{}, wizardUnavailable()
	}
	id, err := strconv.ParseInt(given, 10, 64)
	p, known := c.server.product(id)
	if err != nil || !known || p.Inactive {
		return Product{}, missed("pricelist", given)
	}
	return p, nil
}

// period returns the term of a step of the wizard in months; the shortest one if none is given.
func (c *call) period(p Product) (int, *Problem) {
	given := c.get("period")
	if given == "" {
		return p.months()[0], nil
	}
	months, err := strconv.Atoi(given)
	if _, offered := p.Prices[months]; err != nil || !offered {
		return 0, badValue("period", given)
	}
	return months, nil
}
