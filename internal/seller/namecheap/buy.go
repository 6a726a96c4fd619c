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

// Buy pays for one certificate: a new one (ssl.create, docs/reference/namecheap.md §3.1) or the next term of one
// (ssl.renew, docs/reference/namecheap.md §3.7), whose names are those of the old one: a renewal has no parameter for more,
// SANs does not count there. The request leaves this host exactly once; only where Namecheap refuses the product's name, by
// which nothing was bought, is it sent once more with the next name: on 2011301 with the name of the wire (rules PARAM-21),
// on a renewal's 2012301 "SSLType Mismatch" with Namecheap's own name of the old certificate. A fault with Unclear says
// that the purchase may have happened: everything after the request may have left that is not a definite refusal. Names for
// a certificate that has too few (ssl.purchasemoresans, docs/reference/namecheap.md §3.10) are bought for its ID, SANs of
// them; they have no name of a product, and the Receipt's ID is the certificate's own. Where the purchase comes with the
// request that follows it, that one is examined first: what cannot be activated is not paid for.
func (c *Client) Buy(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	if err := c.sellable(p); err != nil {
		return seller.Receipt{}, err
	}
	if p.Kind == seller.KindSANs {
		return c.buyNames(ctx, p)
	}
	asked := []string{p.Product.Names[0]}
	receipt, err := c.pay(ctx, p, asked[0])
	if live := liveName(p.Product); refusedFor(err, typeRefused) && live != "" && live != asked[0] {
		c.log.ExtInfof("%s does not know %q (%v), nothing was bought; asking once more for %q", Title, asked[0], err, live)
		asked = append(asked, live)
		receipt, err = c.pay(ctx, p, live)
	}
	if p.Kind == seller.KindRenew && refusedFor(err, typeMismatch) {
		return c.renewAsDelivered(ctx, p, asked, err)
	}
	if err != nil {
		return seller.Receipt{}, purchaseFault(err)
	}
	return receipt, nil
}

// pay sends the one request for the product's name.
func (c *Client) pay(ctx context.Context, p seller.Purchase, name string) (seller.Receipt, error) {
	if p.Kind == seller.KindRenew {
		return c.renew(ctx, p, name)
	}
	return c.create(ctx, p, name)
}

// wholeYears reports whether a term of so many months is one of 1 to 5 whole years, which Namecheap sells.
func wholeYears(months int) bool { return months >= 12 && months <= 60 && months%12 == 0 }

// sellable refuses what Namecheap does not sell, before any request.
func (c *Client) sellable(p seller.Purchase) error {
	switch {
	case p.Kind != seller.KindCreate && p.Kind != seller.KindRenew && p.Kind != seller.KindSANs:
		return fault.Errorf(fault.Value, "kind", "%s knows no purchase of the kind %q", Title, p.Kind)
	case p.Kind != seller.KindCreate && p.ID <= 0:
		return fault.Errorf(fault.Missed, itemparam.OrderID, "a purchase of the kind %s at %s needs the id of the certificate", p.Kind, Title)
	case p.Kind == seller.KindSANs: // of a certificate that exists: neither product nor term is chosen any more
	case len(p.Product.Names) == 0 || !p.Product.Orderable():
		return fault.Errorf(fault.Value, "product", "%s does not sell the product %q any more; use %q",
			Title, p.Product.ID, p.Product.Successor)
	case !wholeYears(p.Months):
		return fault.Errorf(fault.Value, "period", "%s sells terms of 1 to 5 whole years, not of %d months", Title, p.Months)
	}
	if err := fewNames(p); err != nil {
		return err
	}
	if p.Request.CSR.PEM == "" { // asked without one: nothing to examine
		return nil
	}
	return c.ValidateOrder(p.Request)
}

// fewNames holds the number of names beyond those included against what the product takes. A renewal has no such number.
func fewNames(p seller.Purchase) error {
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

// yearsOf returns the parameter Years of a purchase that is sellable.
func yearsOf(p seller.Purchase) string { return strconv.Itoa(p.Months / 12) }

// purchaseFault decides whether nothing was bought for certain. Where that is open the fault is unclear_purchase: a later
// run looks at Namecheap's list (rules BUY-4).
func purchaseFault(err error) *fault.Error {
	if certain(err) {
		return fault.From(faultOf(err))
	}
	return unpaidOrTaken(err, "the certificate may have been bought or not")
}

// unpaidOrTaken is doubtful for a payment, with Accepted set if Namecheap's answer says that it took it.
func unpaidOrTaken(err error, text string) *fault.Error {
	f := doubtful(err, fault.Unclear, text)
	f.Accepted = errors.As(err, &taken{})
	return f
}
