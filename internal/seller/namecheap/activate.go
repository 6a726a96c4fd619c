package namecheap

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandActivate = "namecheap.ssl.activate"

// Activate submits the CSR for a paid id (ssl.activate, docs/reference/namecheap.md §3.2) and returns the challenges as
// received; for e-mail the approvers. It is sent once: after a fault with Retry, OrderStatus shows whether it was
// accepted. An accepted activation without values for the method is no error: Challenges requests them later.
func (c *Client) Activate(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	order, err := certificateParams(id, r)
	if err != nil {
		return nil, err
	}
	if email := adminEmail(r); email != "" {
		order = append(order, "AdminEmailAddress", email)
	}
	result, err := c.ask(ctx, sellerhttp.Once, "SSLActivateResult", commandActivate, order...)
	if err != nil {
		return nil, err
	}
	if err := c.checkAccepted(result, commandActivate, id); err != nil {
		return nil, err
	}
	return c.publishable(id, result, r), nil
}

// checkAccepted checks the attributes that every result about one id has.
func (c *Client) checkAccepted(result *sellerhttp.Element, command string, id int64) error {
	if success := result.Attr("IsSuccess"); success != "" && !strings.EqualFold(success, "true") {
		return fault.Errorf(fault.API, command, "%s (%s) answers OK for the certificate %d, but says IsSuccess=%s without a reason",
			Title, command, id, words(success))
	}
	if other := seller.ParseID(result.Attr("ID")); other != 0 && other != id {
		return fault.Errorf(fault.Client, command, "%s (%s) was asked about the certificate %d and answers about %d", Title, command, id, other)
	}
	return nil
}

// certificateParams returns the parameters that activate and reissue share (docs/reference/namecheap.md §3.2, §3.8).
// WebServerType only chooses the form of mailed files; `other` is documented and used by clients in production
// (docs/reference/namecheap.md §3.8). OV and EV have the organisation's data too. It does not refuse discontinued
// products that were paid for long ago: Namecheap decides.
func certificateParams(id int64, r seller.Request) ([]string, error) {
	validation, err := validationParams(r)
	if err != nil {
		return nil, err
	}
	organisation, err := organisationParams(r)
	if err != nil {
		return nil, err
	}
	order := []string{"CertificateID", strconv.FormatInt(id, 10), "CSR", r.CSR.PEM, "WebServerType", "other"}
	return slices.Concat(order, validation, organisation), nil
}

// validationParams returns the parameters of the validation method. Multi-domain products take a method for each name, the
// others one flag (docs/reference/namecheap.md §3.2).
func validationParams(r seller.Request) ([]string, error) {
	if err := checkMethod(r); err != nil {
		return nil, err
	}
	if !r.Product.MultiDomain {
		switch r.Method {
		case seller.MethodDNS:
			return []string{"DNSDCValidation", "true"}, nil
		case seller.MethodFile:
			return []string{"HTTPDCValidation", "true"}, nil
		}
		return []string{"ApproverEmail", r.Emails[0]}, nil // checkMethod refuses every other method
	}
	each := approvers(r)
	switch r.Method {
	case seller.MethodDNS:
		each = slices.Repeat([]string{"CNAMECSRHASH"}, 1+len(r.Names))
	case seller.MethodFile:
		each = slices.Repeat([]string{"HTTPCSRHASH"}, 1+len(r.Names))
	}
	pairs := []string{"ApproverEmail", each[0]}
	if len(r.Names) > 0 {
		pairs = append(pairs, "DNSNames", strings.Join(r.Names, ","), "DNSApproverEmails", strings.Join(each[1:], ","))
	}
	return pairs, nil
}

// checkMethod refuses a validation method that is unknown or that Namecheap would refuse.
func checkMethod(r seller.Request) error {
	switch {
	case r.Method == seller.MethodUnknown:
		return fault.Errorf(fault.Value, itemparam.Method, "the validation method is unknown; choose e-mail, DNS or a file")
	case r.Method == seller.MethodFile && slices.ContainsFunc(r.AllNames(), func(n string) bool { return strings.HasPrefix(n, "*.") }):
		return fault.Errorf(fault.Value, itemparam.Method, "a file does not prove control over a wildcard name; choose DNS or e-mail")
	case r.Method != seller.MethodEmail:
		return nil
	case len(approvers(r)) == 0:
		return fault.Errorf(fault.Missed, itemparam.Approver, "validation by e-mail needs an approver's address")
	case r.Product.MultiDomain && len(approvers(r)) != 1+len(r.Names):
		return fault.Errorf(fault.Value, itemparam.Approver, "%d names need as many approver addresses, in their order, and there are %d: %s",
			1+len(r.Names), len(approvers(r)), pki.DisplayNames(r.AllNames()))
	}
	return nil
}

// approvers returns the addresses to send: the first one for a single-domain product, otherwise one for each name. A single
// address is used for all names; Namecheap decides whether it may approve each of them.
func approvers(r seller.Request) []string {
	switch {
	case !r.Product.MultiDomain && len(r.Emails) > 1:
		return r.Emails[:1]
	case r.Product.MultiDomain && len(r.Emails) == 1:
		return slices.Repeat(r.Emails, 1+len(r.Names))
	}
	return r.Emails
}

// adminEmail returns the address to which Namecheap e-mails the files; empty for none (docs/reference/namecheap.md §3.2).
func adminEmail(r seller.Request) string {
	for _, email := range []string{r.Params["adm_email"], r.Params["tech_email"], r.CSR.Email} {
		if email = strings.TrimSpace(email); pki.PlausibleEmail(email) {
			return email
		}
	}
	return ""
}
