package namecheap

import (
	"cmp"
	"strconv"
	"strings"
)

// getBalances returns the account's balance (docs/reference/namecheap.md §6).
func getBalances(c *call) answer {
	available := cmp.Or(c.server.settings.BalanceText, c.account.Balance.String())
	return success(node("UserGetBalancesResult").with("Currency", "USD").
		with("AvailableBalance", available).with("AccountBalance", c.account.Balance.String()).
		with("EarnedAmount", "0.00").with("WithdrawableAmount", "0.00").with("FundsRequiredForAutoRenew", "0.00"))
}

// getPricing returns the prices of SSL products (7). Names in the answer are lower case. Other
// product types are not sold here and have no prices.
func getPricing(c *call) answer {
	c.check(field{"ProductType", "300", 20, true}, field{"ProductCategory", "900", 20, false},
		field{"ActionName", "900", 20, false}, field{"ProductName", "900", 40, false})
	if c.failed() {
		return c.refusal()
	}
	if !strings.EqualFold(c.get("ProductType"), "SSLCERTIFICATE") && !strings.EqualFold(c.get("ProductType"), "SSL") {
		return success(node("UserGetPricingResult", node("ProductType").with("Name", strings.ToLower(c.get("ProductType")))))
	}
	prices := node("ProductType").with("Name", "ssl")
	for _, action := range []string{"purchase", "renew"} {
		if wanted := c.get("ActionName"); wanted == "" || strings.EqualFold(wanted, action) {
			prices = prices.plus(node("ProductCategory", c.priceList()...).with("Name", action))
		}
	}
	return success(node("UserGetPricingResult", prices))
}

func (c *call) priceList() []element {
	var list []element
	for _, p := range c.server.products {
		if p.sslcom() && !c.server.sslcomOnSale(c.now) {
			continue
		}
		list = append(list, c.priceRows(p.pricing, p.yearCents)...)
		if p.multi {
			list = append(list, c.priceRows(p.pricing+"-moresans", p.sanCents)...)
		}
	}
	return list
}

// priceRows returns the prices of one product. PricingType MULTIPLE is a price per year: total =
// price x years (7).
func (c *call) priceRows(name string, cents int64) []element {
	if wanted := c.get("ProductName"); wanted != "" && !strings.EqualFold(wanted, name) {
		return nil
	}
	row := node("Product").with("Name", name)
	price := Money(cents).String()
	for years := 1; years <= 5; years++ {
		one := node("Price").with("Duration", strconv.Itoa(years)).with("DurationType", "YEAR").
			with("Price", price).with("RegularPrice", price).with("YourPrice", price).with("PromotionPrice", "0.0").with("Currency", "USD")
		if !c.server.settings.UntypedPrices {
			one = one.with("PricingType", "MULTIPLE").with("RegularPriceType", "MULTIPLE").with("YourPriceType", "MULTIPLE")
		}
		row = row.plus(one)
	}
	return []element{row}
}
