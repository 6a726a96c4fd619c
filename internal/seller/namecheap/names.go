package namecheap

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandNames = "namecheap.ssl.purchasemoresans"

// buyNames pays for further names of a certificate (ssl.purchasemoresans, docs/reference/namecheap.md §3.10). The request
// leaves this host exactly once; whether a lost one was executed tells Report.SANs, which has grown then.
func (c *Client) buyNames(ctx context.Context, p seller.Purchase) (seller.Receipt, error) {
	reply, err := c.call(ctx, sellerhttp.Purchase, commandNames,
		"CertificateID", strconv.FormatInt(p.ID, 10), "NumberOfSANSToAdd", strconv.Itoa(p.SANs))
	if err != nil {
		return seller.Receipt{}, namesFault(p.ID, err)
	}
	receipt, err := namesReceipt(p.ID, reply.result("SSLPurchaseMoreSANSResult"))
	if err != nil {
		return seller.Receipt{}, namesFault(p.ID, err)
	}
	return receipt, nil
}

// namesReceipt reads the result, which is about the certificate's own id.
func namesReceipt(id int64, result *sellerhttp.Element) (seller.Receipt, error) {
	r := seller.Receipt{
		ID: seller.ParseID(about(result, "CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(about(result, "SSLType")),
	}
	return r, isAbout(commandNames, id, r.ID, result)
}

// namesFault decides whether nothing was bought for certain (purchaseFault).
func namesFault(id int64, err error) *fault.Error {
	if certain(err) {
		return fault.From(faultOf(err))
	}
	return unpaidOrTaken(err, "names for the certificate "+strconv.FormatInt(id, 10)+" may have been bought or not")
}
