package ispmgr

import (
	"strconv"
	"strings"
)

// basket lists what is not paid and, with a button, deletes from it or pays it
// from the balance (ispmanager-billing-api 4.5).
func basket(c *call) answer {
	if c.params.submits() {
		switch c.get("clicked_button") {
		case "delete", "clearbasket":
			return c.emptyBasket()
		case "free":
			return c.payBasket()
		}
	}
	list, total := node("list").with("name", "itemlist"), Money(0)
	orders := map[string]bool{}
	content := []element{}
	for _, item := range c.unpaid() {
		price := c.server.priceOf(item)
		total += price
		number := strconv.FormatInt(item.BillOrder, 10)
		list = list.plus(node("elem", textNode("id", strconv.FormatInt(item.ID, 10)), textNode("billorder", number),
			textNode("name", item.CommonName), textNode("cost", price.Decimals(4))))
		if !orders[number] {
			orders[number] = true
			content = append(content, textNode("billorder", number))
		}
	}
	return success(append(content, list, textNode("total_sum", total.String()))...)
}

// unpaid are the account's orders without payment.
func (c *call) unpaid() []*Certificate {
	var list []*Certificate
	for _, item := range c.mine() {
		if item.Status == Ordered {
			list = append(list, item)
		}
	}
	return list
}

// mine are all services of the account, oldest first.
func (c *call) mine() []*Certificate {
	var list []*Certificate
	for _, id := range c.server.order {
		if item := c.server.certificates[id]; accountName(item.Account) == accountName(c.account.User) {
			list = append(list, item)
		}
	}
	return list
}

func (s *Server) priceOf(item *Certificate) Money {
	p, _ := s.product(item.Pricelist)
	price, _ := p.price(item.Months, len(item.Domains)-1)
	return price
}

func (c *call) emptyBasket() answer {
	all := c.get("clicked_button") == "clearbasket"
	wanted := strings.Split(c.get("id"), ",")
	found := false
	for _, item := range c.unpaid() {
		for _, id := range wanted {
			if all || strings.TrimSpace(id) == strconv.FormatInt(item.ID, 10) {
				c.server.drop(item, c.now)
				found = true
			}
		}
	}
	if !found && !all {
		return refused(missed("id", c.get("id")))
	}
	return success(node("ok"))
}

func (c *call) payBasket() answer {
	for _, item := range c.unpaid() {
		if problem := c.pay(item); problem != nil {
			return refused(problem)
		}
	}
	return success(node("ok"))
}

func (c *call) pay(item *Certificate) *Problem {
	price := c.server.priceOf(item)
	if c.account.Balance < price {
		return lowBalance(c.settings.FundsErrorType)
	}
	c.charge(item, price)
	c.server.start(item, c.now)
	return nil
}
