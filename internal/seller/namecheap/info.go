package namecheap

import (
	"context"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandInfo = "namecheap.ssl.getInfo"

// OrderStatus returns the state of an id, with the certificate if it was issued (ssl.getInfo, docs/reference/namecheap.md
// §3.3). Missing attributes are empty in the result. What Issued and Expires mean is not documented
// (docs/reference/namecheap.md §10).
func (c *Client) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo,
		"CertificateID", strconv.FormatInt(id, 10), "Returncertificate", "true", "Returntype", "Individual")
	if err != nil {
		return seller.OrderStatus{}, err
	}
	return c.status(id, result), nil
}

func (c *Client) status(id int64, result *sellerhttp.Element) seller.OrderStatus {
	details := result.Child("CertificateDetails")
	r := seller.OrderStatus{
		ID: id, State: stateOf(result.Attr("Status")), StatusText: stateWords(result), ReplacedBy: seller.ParseID(result.Attr("ReplacedBy")),
		Type: words(result.Attr("Type")), Months: monthsOf(result.Attr("Years")),
		Issued: c.date(id, "IssuedOn", result), Expires: c.date(id, "Expires", result),
		CSR: details.Child("CSR").Text(), CommonName: strings.ToLower(words(details.Child("CommonName").Text())),
		SANs: countOf(result.Attr("SANSCount")), PEM: pemOf(details.Child("Certificates")),
	}
	if by := result.Attr("ReplacedBy"); r.State == seller.StateReplaced && r.ReplacedBy == 0 && !noID(by) {
		// Something replaced it. Without ReplacedBy, the caller would search for the replacement that this answer names.
		r.State, r.StatusText = seller.StateUnknown, r.StatusText+", replaced by "+strconv.Quote(words(by))
		c.log.Warningf("%s gives the certificate %d the unreadable ReplacedBy %q; ignored", Title, id, words(by))
	} else if r.State == seller.StateUnknown {
		c.log.Warningf("%s gives the certificate %d the unknown status %q", Title, id, words(result.Attr("Status")))
	}
	if r.State == seller.StateIssued && len(r.PEM) == 0 {
		c.log.Warningf("%s calls the certificate %d issued and shows no certificate in PEM", Title, id)
	}
	if r.ReplacedBy == id { // would be an endless lineage
		r.ReplacedBy = 0
	}
	return r
}

// stateWords returns the status and its description as Namecheap wrote them.
func stateWords(result *sellerhttp.Element) string {
	status, description := words(result.Attr("Status")), words(result.Attr("StatusDescription"))
	if description == "" {
		return status
	}
	return status + " (" + description + ")"
}

// date reads a date. An unreadable one is logged and left out, because no decision needs it.
func (c *Client) date(id int64, name string, result *sellerhttp.Element) cabforum.Date {
	date, ok := dateOf(result.Attr(name))
	if !ok {
		c.log.Warningf("%s gives the certificate %d the unreadable %s %q", Title, id, name, words(result.Attr(name)))
	}
	return date
}

// pemOf returns the certificates, the leaf first: the leaf is in Certificates/Certificate, the chain in
// CaCertificates/Certificate/Certificate (docs/reference/namecheap.md §3.3). If there are none, it returns every text that
// holds a certificate.
func pemOf(all *sellerhttp.Element) []string {
	found := appendPEM(nil, all.Child("Certificate"))
	for _, one := range all.Child("CaCertificates").All("Certificate") {
		found = appendPEM(found, one.Child("Certificate"))
	}
	if len(found) > 0 {
		return found
	}
	return scanPEM(nil, all)
}

func scanPEM(found []string, e *sellerhttp.Element) []string {
	if e == nil {
		return found
	}
	found = appendPEM(found, e)
	for _, child := range e.Children {
		found = scanPEM(found, child)
	}
	return found
}

func appendPEM(found []string, e *sellerhttp.Element) []string {
	if text := e.Text(); pki.HoldsCertificates(text) {
		return append(found, text)
	}
	return found
}
