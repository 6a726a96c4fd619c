package namecheap

import (
	"context"
	"errors"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// typeRefused is "Parameter Type (SSLType) is not valid" or "discontinued" (docs/reference/namecheap.md §3.1, §3.7):
// nothing was bought.
const typeRefused = 2011301

// Buy pays for a new certificate (ssl.create, docs/reference/namecheap.md §3.1), for the next term of one (ssl.renew,
// docs/reference/namecheap.md §3.7) or for further names of one (ssl.purchasemoresans, docs/reference/namecheap.md
// §3.10). A renewal has the names of the old certificate: Purchase.SANs does not count. For further names, the
// receipt's ID is the certificate's own. The request is sent exactly once. Only if Namecheap refuses the product's
// name, by which nothing was bought, it is sent again with the next name: on 2011301 with the API's name (rules
// PARAM-21), on a renewal's 2012301 "SSLType Mismatch" with Namecheap's own name of the old certificate. A fault with
// OutcomeUnknown says that the purchase may have happened: the request may have left this host, and there is no
// definite refusal. If the purchase has a request with a CSR, it is validated first, because a purchase that cannot be
// activated is useless.
func (c *Client) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if err := c.checkPurchase(p); err != nil {
		return seller.Receipt{}, err
	}
	paid := c.balance.beginPayment()
	receipt, err := c.buy(ctx, p)
	if err == nil {
		paid(receipt.Charged)
	}
	return receipt, err
}

// buy is Buy for a purchase that checkPurchase has accepted.
func (c *Client) buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if p.Kind == seller.KindSANs {
		return c.buyNames(ctx, p)
	}
	asked := []string{p.Product.Names[0]}
	receipt, err := c.pay(ctx, p, asked[0])
	if live := liveName(p.Product); refusedWith(err, typeRefused) && live != "" && live != asked[0] {
		c.log.ExtInfof("%s does not know %q (%v), nothing was bought; asking once more for %q", Title, asked[0], err, live)
		asked = append(asked, live)
		receipt, err = c.pay(ctx, p, live)
	}
	if p.Kind == seller.KindRenew && refusedWith(err, typeMismatch) {
		return c.renewAsDelivered(ctx, p, asked, err)
	}
	if err != nil {
		return seller.Receipt{}, purchaseFault(err)
	}
	return receipt, nil
}

// pay sends one purchase request with the product's name.
func (c *Client) pay(ctx context.Context, p seller.Purchase, name string) (seller.Receipt, error) {
	if p.Kind == seller.KindRenew {
		return c.renew(ctx, p, name)
	}
	return c.create(ctx, p, name)
}

// wholeYears reports whether a term of so many months is one of 1 to 5 whole years, which Namecheap sells.
func wholeYears(months int) bool { return months >= 12 && months <= 60 && months%12 == 0 }

// checkPurchase refuses a purchase that Namecheap does not sell, before any request.
func (c *Client) checkPurchase(p seller.Purchase) error {
	switch {
	case p.Kind != seller.KindCreate && p.Kind != seller.KindRenew && p.Kind != seller.KindSANs:
		return fault.Errorf(fault.Value, "kind", "%s has no purchases of the kind %q", Title, p.Kind)
	case p.Kind != seller.KindCreate && p.ID <= 0:
		return fault.Errorf(fault.Missed, itemparam.OrderID, "a purchase of the kind %s at %s needs the id of the certificate", p.Kind, Title)
	case p.Kind == seller.KindSANs: // of a certificate that exists: neither product nor term is chosen any more
	case len(p.Product.Names) == 0 || !p.Product.Orderable():
		return fault.Errorf(fault.Value, "product", "%s does not sell the product %q any more; use %q",
			Title, p.Product.ID, p.Product.Successor)
	case !wholeYears(p.Months):
		return fault.Errorf(fault.Value, "period", "%s sells terms of 1 to 5 whole years, not of %d months", Title, p.Months)
	}
	if err := checkSANs(p); err != nil {
		return err
	}
	if p.Request.CSR.PEM == "" { // the purchase has no request
		return nil
	}
	return c.ValidateOrder(p.Request)
}

// checkSANs checks the number of names beyond those included against the product. A renewal has no such number.
func checkSANs(p seller.Purchase) error {
	least := 0
	switch p.Kind {
	case seller.KindRenew:
		return nil
	case seller.KindSANs:
		least = 1
	}
	switch limit := p.Product.MaxNames - p.Product.Included; {
	case limit < least:
		return fault.Errorf(fault.Value, "altname", "%s certifies one name and no further ones can be bought", p.Product.ID)
	case p.SANs < least || p.SANs > limit:
		return fault.Errorf(fault.Value, "altname", "%s takes %d to %d names beyond those included, not %d", p.Product.ID, least, limit, p.SANs)
	}
	return nil
}

// yearsOf returns the parameter Years of a purchase that checkPurchase has accepted.
func yearsOf(p seller.Purchase) string { return strconv.Itoa(p.Months / 12) }

// purchaseFault returns the fault of an error of Buy. Unless nothing was bought for certain, it is unclear_purchase: a
// later run reads Namecheap's list (rules BUY-4).
func purchaseFault(err error) *fault.Error {
	if notExecuted(err) {
		return fault.From(faultOf(err))
	}
	return unknownPayment(err, "the certificate may have been bought or not")
}

// unknownPayment is unknownOutcome for a payment. It sets Accepted if Namecheap's answer says that it accepted the
// purchase.
func unknownPayment(err error, text string) *fault.Error {
	f := unknownOutcome(err, fault.Unclear, text)
	f.Accepted = errors.As(err, &acceptedError{})
	return f
}
