package namecheap

import (
	"errors"
	"strconv"
	"time"

	"pmssl/internal/sandbox/issuance"
)

// create buys a certificate (docs/reference/namecheap.md §3.1).
func create(c *call) answer {
	c.check(field{"PromotionCode", "170", 20, false})
	years := c.years()
	if c.get("Type") == "" {
		c.problem("2010298", "Parameter Type is Missing")
	}
	asked, known := product{}, false
	if c.get("Type") != "" {
		asked, known = c.soldProduct("Type")
	}
	extra := c.sansToAdd("SANStoADD", asked, known)
	if c.failed() {
		return c.refusal()
	}
	p := c.server.currentProduct(asked, c.now)
	price, problem := c.discount(priceOf(p, years, extra))
	if problem != nil {
		return refused(problem)
	}
	charge, problem := c.chargeFor(price, "namecheap.ssl.create")
	if problem != nil {
		return refused(problem)
	}
	bought := c.buy(charge, p, years, extra, NewPurchase)
	describe := func(e element) element {
		return e.withInt("CertificateID", bought.ID).with("Created", longDate(bought.Created)).
			with("SSLType", c.server.wireName(p)).withInt("Years", int64(years)).with("Status", "NewPurchase")
	}
	result := node("SSLCreateResult", describe(node("SSLCertificate")))
	if c.server.settings.FlatCreate {
		result = describe(node("SSLCreateResult"))
	}
	return success(result.
		withBool("IsSuccess", true).withInt("OrderId", charge.OrderID).
		withInt("TransactionId", charge.TransactionID).with("ChargedAmount", price.Decimals(4)))
}

// sansToAdd reads the number of names to buy beyond the included ones.
func (c *call) sansToAdd(name string, p product, known bool) int {
	value := c.get(name)
	if value == "" {
		return 0
	}
	count, err := number(value)
	switch {
	case errors.Is(err, errNotANumber):
		c.problem("2011900", "Parameter SANSToAdd is Invalid")
	case err != nil || len(value) > 2:
		c.problem("2013900", "Parameter SANSToAdd is OutOfRange")
	case count > 0 && known && !p.multi:
		c.problem("2011767", "Addon details is not available for the SSLType")
	case count > maxExtraSANs:
		c.problem("2011767", "Number of SANS To add is not within the limit.")
	}
	return int(count)
}

func priceOf(p product, years, extra int) Money {
	return Money((p.yearCents + p.sanCents*int64(extra)) * int64(years))
}

// buy records a paid purchase.
func (c *call) buy(charge Charge, p product, years, extra int, status Status) *Certificate {
	bought := &Certificate{
		Account: c.account.User, OrderID: charge.OrderID, TransactionID: charge.TransactionID,
		Product: p.pricing, Years: years, ExtraSANs: extra, Status: status, Created: c.now,
		ActivationExpires: c.now.Add(time.Duration(c.server.settings.ActivationDays) * issuance.Day),
	}
	c.server.addCertificate(bought)
	charge.CertificateID = bought.ID
	c.server.charges = append(c.server.charges, charge)
	return bought
}

// purchaseMoreSANs buys names for a multi-domain certificate (3.10).
func purchaseMoreSANs(c *call) answer {
	found := c.target(10)
	if c.get("NumberOfSANSToAdd") == "" {
		c.problem("2010900", "Parameter NumberOfSANSToAdd is Missing")
	}
	p := product{}
	if found != nil {
		p = c.server.productOf(found)
	}
	count := c.sansToAdd("NumberOfSANSToAdd", p, found != nil)
	switch {
	case c.failed():
		return c.refusal()
	case count < 1 || found.ExtraSANs+count > maxExtraSANs:
		return failure("2011767", "Number of SANS To add is not within the limit.")
	case found.Status != Active && !found.waitsForActivation():
		return failure("4011331", "Certificate status is invalid")
	}
	price := Money(p.sanCents * int64(count*found.Years))
	charge, problem := c.chargeFor(price, "namecheap.ssl.purchaseMoreSANS")
	if problem != nil {
		return refused(problem)
	}
	charge.CertificateID = found.ID
	c.server.charges = append(c.server.charges, charge)
	found.ExtraSANs += count
	return success(node("SSLPurchaseMoreSANSResult",
		node("SSLCertificate").withInt("CertificateID", found.ID).with("SSLType", c.server.infoType(found)).
			withInt("Years", int64(found.Years)).with("Status", upper(found.Status)).
			with("SANSCount", strconv.Itoa(c.server.sansCount(found)))).
		withBool("IsSuccess", true).withInt("OrderId", charge.OrderID).
		withInt("TransactionId", charge.TransactionID).with("ChargedAmount", price.Decimals(4)))
}
