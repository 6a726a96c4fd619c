package namecheap

import (
	"context"
	"strconv"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandNames = "namecheap.ssl.purchasemoresans"

// buyNames pays for further names of a certificate (ssl.purchasemoresans, docs/reference/namecheap.md §3.10). The request is
// sent exactly once. If its answer is lost, a higher OrderStatus.SANs shows that it was executed.
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

// namesReceipt reads the result, which names the id of the existing certificate.
func namesReceipt(id int64, result *sellerhttp.Element) (seller.Receipt, error) {
	r := seller.Receipt{
		ID: seller.ParseID(certificateAttr(result, "CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(certificateAttr(result, "SSLType")),
	}
	return r, checkSameID(commandNames, id, r.ID, result)
}

// namesFault is purchaseFault for further names of a certificate.
func namesFault(id int64, err error) *fault.Error {
	if notExecuted(err) {
		return fault.From(faultOf(err))
	}
	return unknownPayment(err, "names for the certificate "+strconv.FormatInt(id, 10)+" may have been bought or not")
}
