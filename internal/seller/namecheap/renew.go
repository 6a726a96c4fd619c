package namecheap

import (
	"context"
	"slices"
	"strconv"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	commandRenew = "namecheap.ssl.renew"
	// typeMismatch is "SSLType Mismatch" (docs/reference/namecheap.md §3.7): the old certificate is of another product.
	// Nothing was bought.
	typeMismatch = 2012301
	// lookupTime is how long the request about the old certificate between two purchase requests may take: the locks were
	// checked before the first one (rules BUY-1). A purchase waits as long for the rate limiter.
	lookupTime = 15 * time.Second
)

// renew pays for the next term of the certificate (ssl.renew, docs/reference/namecheap.md §3.7). The result is a new id
// that is not activated.
func (c *Client) renew(ctx context.Context, p seller.Purchase, name string) (seller.Receipt, error) {
	reply, err := c.call(ctx, sellerhttp.Purchase, commandRenew,
		"CertificateID", strconv.FormatInt(p.ID, 10), "Years", yearsOf(p), "SSLType", name)
	if err != nil {
		return seller.Receipt{}, err
	}
	return renewReceipt(p.ID, reply.result("SSLRenewResult"))
}

// renewReceipt reads the result. OrderId and OrderID both occur (docs/reference/namecheap.md §3.7) and are the same to
// Attr.
func renewReceipt(old int64, result *sellerhttp.Element) (seller.Receipt, error) {
	r := seller.Receipt{
		ID: seller.ParseID(certificateAttr(result, "CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(certificateAttr(result, "SSLType")),
	}
	return r, checkNewID(commandRenew, old, r.ID, result)
}

// renewAsDelivered renews under Namecheap's own name of the old certificate, after it refused the order's names as a mismatch,
// so that nothing was bought yet. The name is read only then, because normally no request must come between the check of the
// locks and the purchase (rules BUY-1). If the name means neither the ordered product nor the one that Namecheap delivers
// instead, nothing is requested: the client would pay for another product.
func (c *Client) renewAsDelivered(ctx context.Context, p seller.Purchase, asked []string, mismatch error) (seller.Receipt, error) {
	name, err := c.deliveredName(ctx, p)
	if err != nil {
		f := purchaseFault(mismatch)
		f.Retry = fault.From(err).Retry
		f.Message += "; " + Title + "'s own name of the certificate could not be read: " + fault.From(err).Message
		return seller.Receipt{}, f
	}
	if name == "" || slices.Contains(asked, name) {
		return seller.Receipt{}, purchaseFault(mismatch)
	}
	c.log.ExtInfof("%s refuses %q (%v), nothing was bought; asking once more for %q, its own name of the certificate %d",
		Title, asked[len(asked)-1], mismatch, name, p.ID)
	receipt, err := c.renew(ctx, p, name)
	if err != nil {
		return seller.Receipt{}, purchaseFault(err)
	}
	return receipt, nil
}

// deliveredName returns Namecheap's own name of the certificate to be renewed, as Products spells it; empty if it must not be
// bought for the order.
func (c *Client) deliveredName(ctx context.Context, p seller.Purchase) (string, error) {
	ctx, stop := context.WithTimeout(ctx, lookupTime)
	defer stop()
	result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo, "CertificateID", strconv.FormatInt(p.ID, 10))
	if err != nil {
		return "", err
	}
	own := words(result.Attr("Type"))
	delivered, name, known := productNamed(own)
	if !known || !delivered.Orderable() || !sameOffer(delivered, p.Product) {
		c.log.ExtInfof("%s has the certificate %d as %q, which is not renewed for an order of %s", Title, p.ID, own, p.Product.ID)
		return "", nil
	}
	return name, nil
}
