package namecheap

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const commandCreate = "namecheap.ssl.create"

// typeRefused is "Parameter Type is not valid" or "discontinued" (§3.1): nothing was bought.
const typeRefused = 2011301

// Buy pays for one certificate (ssl.create, §3.1). The request leaves this host exactly once; only where Namecheap
// refuses the product's documented name with 2011301, by which nothing was bought, is it sent once more with the name of the
// wire (contract 1). A fault with Unclear says that the purchase may have happened: everything after the request may have left that
// is not a definite refusal. Renewals and further names come with a later version and are refused before any request.
func (c *Client) Buy(ctx context.Context, p cert.Purchase) (cert.Receipt, error) {
	order, err := createOrder(p)
	if err != nil {
		return cert.Receipt{}, err
	}
	receipt, err := c.create(ctx, p.Product.Names[0], order)
	var refused *refusal
	live := liveName(p.Product)
	if errors.As(err, &refused) && refused.definite() && refused.has(typeRefused) && live != "" && live != p.Product.Names[0] {
		c.log.ExtInfof("%s does not know %q (%s), nothing was bought; asking once more for %q", Title, p.Product.Names[0], refused.said(), live)
		receipt, err = c.create(ctx, live, order)
	}
	if err != nil {
		return cert.Receipt{}, purchaseFault(err)
	}
	return receipt, nil
}

// createOrder checks the purchase and gives the parameters beside Type.
func createOrder(p cert.Purchase) ([]string, error) {
	switch {
	case p.Kind != cert.KindCreate:
		return nil, cert.Faultf(cert.FaultValue, "kind", "this version does not make purchases of the kind %q at %s", p.Kind, Title)
	case len(p.Product.Names) == 0 || p.Product.Discontinued:
		return nil, cert.Faultf(cert.FaultValue, "product", "%s does not sell the product %q any more; use %q", Title, p.Product.ID, p.Product.Successor)
	case !Orderable(p.Product):
		return nil, cert.Faultf(cert.FaultValue, "product", "this version does not order %s products (%s)", p.Product.Level, p.Product.ID)
	case p.Months < 12 || p.Months > 60 || p.Months%12 != 0:
		return nil, cert.Faultf(cert.FaultValue, "period", "%s sells terms of 1 to 5 whole years, not of %d months", Title, p.Months)
	case p.SANs < 0 || p.SANs > p.Product.Most-p.Product.Included:
		return nil, cert.Faultf(cert.FaultValue, "altname", "%s takes 0 to %d names beyond those included, not %d",
			p.Product.ID, p.Product.Most-p.Product.Included, p.SANs)
	}
	order := []string{"Years", strconv.Itoa(p.Months / 12)}
	if p.SANs > 0 {
		order = append(order, "SANStoADD", strconv.Itoa(p.SANs))
	}
	return order, nil
}

func (c *Client) create(ctx context.Context, name string, order []string) (cert.Receipt, error) {
	reply, err := c.call(ctx, sellerhttp.Purchase, commandCreate, append([]string{"Type", name}, order...)...)
	if err != nil {
		return cert.Receipt{}, err
	}
	return c.receipt(reply.result("SSLCreateResult"))
}

// receipt reads the result. The product in the answer is another one where Namecheap replaced it (§0.3).
func (c *Client) receipt(result *sellerhttp.Element) (cert.Receipt, error) {
	row := result.Child("SSLCertificate")
	r := cert.Receipt{
		ID: idOf(row.Attr("CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(row.Attr("SSLType")),
	}
	success := result.Attr("IsSuccess")
	switch {
	case r.ID == 0:
		return r, odd("answers OK without the id of a certificate")
	case success != "" && !strings.EqualFold(success, "true"):
		return r, odd("answers OK and names the certificate " + strconv.FormatInt(r.ID, 10) + ", but says IsSuccess=" + words(success))
	}
	return r, nil
}

// odd is an answer to a purchase that says neither yes nor no.
func odd(text string) error {
	return &sellerhttp.Trouble{Kind: sellerhttp.Unreadable, Seller: Title, Call: commandCreate, Status: http.StatusOK, Sent: true, Text: text}
}

// purchased tells whether a create's answer holds signs of a certificate, whatever else it says.
func purchased(response *sellerhttp.Element) bool {
	result := response.Child("SSLCreateResult")
	return idOf(result.Child("SSLCertificate").Attr("CertificateID")) > 0 || strings.EqualFold(result.Attr("IsSuccess"), "true")
}

// purchaseFault decides whether nothing was bought for certain. Where that is open the fault is unclear_purchase: a later run
// looks at Namecheap's list (contract 3.4).
func purchaseFault(err error) *cert.Fault {
	f := cert.FaultOf(faultOf(err))
	var refused *refusal
	var trouble *sellerhttp.Trouble
	switch {
	case errors.As(err, &refused):
		if refused.definite() {
			return f
		}
	case errors.As(err, &trouble):
		// 405: refused before execution (§1.4, contract 3.3).
		if !trouble.Sent || trouble.Status == http.StatusMethodNotAllowed {
			return f
		}
	}
	f.Type, f.Unclear, f.Retry = cert.FaultUnclear, true, true
	f.Value = "the certificate may have been bought or not: " + f.Value
	return f
}
