package namecheap

import (
	"time"

	"pmssl/internal/sandbox/issuance"
)

// The renew window around the end (docs/reference/namecheap.md §3.7).
const (
	renewDaysBefore = 90
	renewDaysAfter  = 180
)

// renew buys the next term of a certificate (3.7). The result is a new id that
// has to be activated.
func renew(c *call) answer {
	c.check(field{"SSLType", "301", 50, true}, field{"PromotionCode", "170", 20, false})
	years := c.years()
	old := c.target(9)
	asked, known := product{}, false
	if c.get("SSLType") != "" {
		asked, known = c.soldProduct("SSLType")
	}
	if c.failed() || !known {
		return c.refusal()
	}
	if problem := c.renewable(old); problem != nil {
		return refused(problem)
	}
	p := c.server.currentProduct(asked, c.now)
	price, problem := c.discount(priceOf(p, years, old.ExtraSANs))
	if problem != nil {
		return refused(problem)
	}
	charge, problem := c.chargeFor(price, "namecheap.ssl.renew")
	if problem != nil {
		return refused(problem)
	}
	bought := c.buy(charge, p, years, old.ExtraSANs, NewRenewal)
	bought.RenewalOf, old.RenewedBy = old.ID, bought.ID
	// The module for WHMCS knows a renewal by the word "Renewal" (2).
	bought.Description = "Renewal of SSL"
	return success(node("SSLRenewResult").withInt("CertificateID", bought.ID).with("SSLType", c.server.wireName(p)).
		withInt("Years", int64(years)).withInt("OrderId", charge.OrderID).
		withInt("TransactionId", charge.TransactionID).with("ChargedAmount", price.Decimals(4)))
}

// renewable returns why a certificate cannot be renewed, or nil.
func (c *call) renewable(old *Certificate) *APIError {
	if !c.server.sameProduct(c.get("SSLType"), c.server.productOf(old), c.now) {
		return &APIError{"2012301", "SSLType Mismatch"}
	}
	if old.Status != Active && old.Status != Expired {
		return &APIError{"4011331", "Certificate status is invalid"}
	}
	if next := c.server.certificates.Get(old.RenewedBy); next != nil && next.Status != Cancelled {
		return &APIError{"4028294", "This CertificateID is already queued for Renewal"}
	}
	end := c.server.end(old, c.server.settings.RenewWindowFrom)
	if c.now.Before(end.Add(-renewDaysBefore*issuance.Day)) || c.now.After(end.Add(renewDaysAfter*issuance.Day+time.Second)) {
		return &APIError{"4011294", "Certificate not meet the ExpireDate. So cannot Renew"}
	}
	return nil
}
