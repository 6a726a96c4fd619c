package namecheap

import (
	"context"
	"strconv"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const commandNames = "namecheap.ssl.purchasemoresans"

// buyNames pays for further names of a certificate (ssl.purchasemoresans, §3.10). The request leaves this host exactly once;
// whether a lost one was executed tells Report.SANs, which has grown then.
func (c *Client) buyNames(ctx context.Context, p cert.Purchase) (cert.Receipt, error) {
	reply, err := c.call(ctx, sellerhttp.Purchase, commandNames,
		"CertificateID", strconv.FormatInt(p.ID, 10), "NumberOfSANSToAdd", strconv.Itoa(p.SANs))
	if err != nil {
		return cert.Receipt{}, namesFault(p.ID, err)
	}
	receipt, err := namesReceipt(p.ID, reply.result("SSLPurchaseMoreSANSResult"))
	if err != nil {
		return cert.Receipt{}, namesFault(p.ID, err)
	}
	return receipt, nil
}

// namesReceipt reads the result, which is about the certificate's own id.
func namesReceipt(id int64, result *sellerhttp.Element) (cert.Receipt, error) {
	r := cert.Receipt{
		ID: idOf(about(result, "CertificateID")), Order: words(result.Attr("OrderId")),
		Charged: words(result.Attr("ChargedAmount")), Delivered: words(about(result, "SSLType")),
	}
	return r, isAbout(commandNames, id, r.ID, result)
}

// namesFault decides whether nothing was bought for certain (purchaseFault).
func namesFault(id int64, err error) *cert.Fault {
	if certain(err) {
		return cert.FaultOf(faultOf(err))
	}
	return unpaidOrTaken(err, "names for the certificate "+strconv.FormatInt(id, 10)+" may have been bought or not")
}
