package ispmgr

import (
	"strconv"

	"pmssl/internal/sandbox/issuance"
)

// prolong handles service.prolong: more months for the same service, charged at once, not
// idempotent (docs/reference/ispmanager.md §8).
func prolong(c *call) answer {
	item, problem := c.own()
	switch {
	case problem != nil:
		return refused(problem)
	case item.Status != Active && item.Status != Suspended && item.Status != Processing || item.TermEnd.IsZero():
		return refused(badValue("elid", c.get("elid")))
	}
	p, _ := c.server.product(item.Pricelist)
	months, problem := c.period(p)
	if problem != nil {
		return refused(problem)
	}
	if !c.params.submits() {
		return c.formAnswer(c.prolongForm(item, p, months))
	}
	if problem := c.check(c.prolongForm(item, p, months)); problem != nil {
		return refused(problem)
	}
	price, _ := p.price(months, len(item.Domains)-1)
	if c.account.Balance < price {
		if c.settings.Funds == FundsError {
			return refused(lowBalance(c.settings.FundsErrorType))
		}
		order := c.server.nextOrder
		c.server.nextOrder++
		item.Renewals = append(item.Renewals, Renewal{order, months})
		return c.paymentURL(order)
	}
	c.charge(item, price)
	c.server.extend(item, months, c.now)
	date := textNode("newexpiredate", dateOf(item.TermEnd))
	return success(node("ok"), c.frame("service.prolong").plus(date, c.echo()))
}

func (c *call) prolongForm(item *Certificate, p Product, months int) form {
	f := form{function: "service.prolong"}
	f.add(field{name: "elid", value: strconv.FormatInt(item.ID, 10), hidden: true},
		field{name: "title_name", value: item.CommonName, readonly: true},
		field{name: "expiredate", value: dateOf(c.server.expires(item)), readonly: true},
		field{name: "newexpiredate", value: dateOf(issuance.AddMonths(item.TermEnd, months)), readonly: true},
		field{name: "period", value: strconv.Itoa(months), options: c.pricedPeriods(p, len(item.Domains)-1), required: true})
	return c.withExtras(f)
}

// pricedPeriods returns the periods as options with their prices as text.
func (c *call) pricedPeriods(p Product, names int) []option {
	var list []option
	for _, months := range p.months() {
		price, _ := p.price(months, names)
		list = append(list, option{key: strconv.Itoa(months), text: c.localMoney(price) + " / " + periodName(months)})
	}
	return list
}
