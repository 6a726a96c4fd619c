package namecheap

import (
	"cmp"
	"context"
	"strconv"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandCreate = "namecheap.ssl.create"

// create pays for a new certificate (ssl.create, docs/reference/namecheap.md §3.1) of the product's name.
func (c *Client) create(ctx context.Context, p seller.Purchase, name string) (seller.Receipt, error) {
	order := []string{"Type", name, "Years", yearsOf(p)}
	if p.SANs > 0 {
		order = append(order, "SANStoADD", strconv.Itoa(p.SANs))
	}
	reply, err := c.call(ctx, sellerhttp.Purchase, commandCreate, order...)
	if err != nil {
		return seller.Receipt{}, err
	}
	return createReceipt(reply.result("SSLCreateResult"))
}

// createReceipt reads the result. If Namecheap delivers another product, the answer names that one
// (docs/reference/namecheap.md §0.3).
func createReceipt(result *sellerhttp.Element) (seller.Receipt, error) {
	r := seller.Receipt{
		ID: seller.ParseID(certificateAttr(result, "CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(certificateAttr(result, "SSLType")),
	}
	return r, checkNewID(commandCreate, 0, r.ID, result)
}

// certificateAttr returns an attribute of the purchased certificate. It is on the element SSLCertificate
// (docs/reference/namecheap.md §3.1, §3.10) or on the result itself (docs/reference/namecheap.md §3.7, §14); empty if
// both have it with different values.
func certificateAttr(result *sellerhttp.Element, name string) string {
	own, child := result.Attr(name), result.Child("SSLCertificate").Attr(name)
	if own != "" && child != "" && own != child {
		return ""
	}
	return cmp.Or(child, own)
}
