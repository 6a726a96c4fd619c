package ispmgr

import (
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/standin"
)

// basket lists the unpaid orders and renewals. With a button it deletes them or pays them from the
// balance (docs/reference/ispmanager.md §4.5).
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
	var content []element
	for _, entry := range c.basketEntries() {
		total += entry.price
		number := strconv.FormatInt(entry.order, 10)
		list = list.plus(node("elem", textNode("id", entry.id), textNode("billorder", number),
			textNode("name", entry.item.CommonName), textNode("cost", entry.price.Decimals(4))))
		content = append(content, textNode("billorder", number))
	}
	return success(append(content, list, textNode("total_sum", total.String()))...)
}

// basketEntry is an unpaid order or renewal. The id of an order is the id of its service, the id of
// a renewal is the number of its bill.
type basketEntry struct {
	id    string
	order int64
	item  *Certificate
	price Money
	pay   func()
	drop  func()
}

func (c *call) basketEntries() []basketEntry {
	var list []basketEntry
	for _, item := range c.ownServices() {
		if item.Status == Ordered {
			list = append(list, basketEntry{
				strconv.FormatInt(item.ID, 10), item.BillOrder, item, c.server.priceOf(item),
				func() { c.server.start(item, c.now) }, func() { c.server.drop(item, c.now) },
			})
		}
		p, _ := c.server.product(item.Pricelist)
		for _, renewal := range item.Renewals {
			forget := func() {
				item.Renewals = slices.DeleteFunc(item.Renewals, func(r Renewal) bool { return r.BillOrder == renewal.BillOrder })
			}
			price, _ := p.price(renewal.Months, len(item.Domains)-1)
			pay := func() { c.server.extend(item, renewal.Months, c.now); forget() }
			list = append(list, basketEntry{strconv.FormatInt(renewal.BillOrder, 10), renewal.BillOrder, item, price, pay, forget})
		}
	}
	return list
}

// ownServices returns all services of the account, oldest first.
func (c *call) ownServices() []*Certificate {
	var list []*Certificate
	for _, item := range c.server.certificates.All() {
		if standin.AccountName(item.Account) == standin.AccountName(c.account.User) {
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
	wanted := strings.FieldsFunc(c.get("id"), func(r rune) bool { return r == ',' || r == ' ' })
	found := false
	for _, entry := range c.basketEntries() {
		if all || slices.Contains(wanted, entry.id) {
			entry.drop()
			found = true
		}
	}
	if !found && !all {
		return refused(missed("id", c.get("id")))
	}
	return success(node("ok"))
}

func (c *call) payBasket() answer {
	for _, entry := range c.basketEntries() {
		if c.account.Balance < entry.price {
			return refused(lowBalance(c.settings.FundsErrorType))
		}
		c.charge(entry.item, entry.price)
		entry.pay()
	}
	return success(node("ok"))
}
