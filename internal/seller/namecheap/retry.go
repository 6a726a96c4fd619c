package namecheap

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandResend = "namecheap.ssl.resendApproverEmail"

// setMethod sets the request's validation method for all names (ssl.editDCVMethod, docs/reference/namecheap.md §3.12).
// Setting the method that is set already makes Namecheap validate again.
func (c *Client) setMethod(ctx context.Context, class sellerhttp.Class, id int64, r seller.Request) (*sellerhttp.Element, error) {
	result, err := c.ask(ctx, class, "SSLEditDCVMethodResult", commandEdit, append([]string{"CertificateID", strconv.FormatInt(id, 10)}, methodParams(r)...)...)
	if err != nil {
		return nil, err
	}
	if err := c.checkAccepted(result, commandEdit, id); err != nil {
		return nil, err
	}
	return result, checkEachName(result)
}

// methodParams returns the parameters of the validation method for editDCVMethod. Its words differ from those of
// activate (docs/reference/namecheap.md §0.7), and the common name is one of the names.
func methodParams(r seller.Request) []string {
	each := approvers(r)
	switch r.Method {
	case seller.MethodDNS:
		each = slices.Repeat([]string{"CNAME_CSR_HASH"}, 1+len(r.Names))
	case seller.MethodFile:
		each = slices.Repeat([]string{"HTTP_CSR_HASH"}, 1+len(r.Names))
	}
	if !r.Product.MultiDomain {
		return []string{"DCVMethod", each[0]}
	}
	return []string{"DNSNames", strings.Join(r.AllNames(), ","), "DCVMethods", strings.Join(each, ",")}
}

// RetryChallenge makes the CA validate the published challenge again: editDCVMethod with the request's validation
// method, which changes the method if another one is set at Namecheap (docs/reference/namecheap.md §3.12). All names of
// the certificate are validated; domain, which may be empty, must be one of them. It returns what is to be published
// now, empty if the answer does not say.
func (c *Client) RetryChallenge(ctx context.Context, id int64, r seller.Request, domain string) ([]seller.Challenge, error) {
	if err := checkMethod(r); err != nil {
		return nil, err
	}
	if err := checkDomain(r, domain); err != nil {
		return nil, err
	}
	result, err := c.setMethod(ctx, sellerhttp.Read, id, r)
	if err != nil {
		return nil, err
	}
	return c.publishable(id, result, r), nil
}

// ChangeMethod sets the request's validation method for an order that waits (docs/reference/namecheap.md §3.12). It
// returns what is to be published now, empty if the answer does not say. For e-mail the request also makes Namecheap
// send the approval e-mails, so it is sent once.
func (c *Client) ChangeMethod(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if err := checkMethod(r); err != nil {
		return nil, err
	}
	class := sellerhttp.Read
	if r.Method == seller.MethodEmail {
		class = sellerhttp.Once
	}
	result, err := c.setMethod(ctx, class, id, r)
	if err != nil {
		return nil, err
	}
	return c.publishable(id, result, r), nil
}

// checkDomain refuses a domain that does not belong to the request's names. It may be a name, a domain above it, or www
// of a single-domain certificate's name.
func checkDomain(r seller.Request, domain string) error {
	if strings.TrimSpace(domain) == "" {
		return nil
	}
	ascii, err := pki.ASCIIName("domain", domain)
	if err != nil {
		return err
	}
	asked := bareName(ascii)
	if slices.ContainsFunc(r.AllNames(), func(name string) bool {
		return asked == bareName(name) || strings.HasSuffix(bareName(name), "."+asked) || asked == "www."+name
	}) {
		return nil
	}
	return fault.Errorf(fault.Value, "domain", "%s is none of the certificate's names: %s", pki.DisplayName(ascii), plaintext.Clip(pki.DisplayNames(r.AllNames()), 500))
}

// SendApproval makes Namecheap send the approval e-mails again. emails are in the order of the request's names; if
// empty, the request's own are used. If they differ from those that Namecheap has, or it does not show them, they are
// set (docs/reference/namecheap.md §3.12), which also sends the e-mails; otherwise resendApproverEmail sends them
// (docs/reference/namecheap.md §3.9). The request is sent once: a missing e-mail can be sent again, but a second one
// confuses the approver.
func (c *Client) SendApproval(ctx context.Context, id int64, r seller.Request, emails []string) error {
	wanted := r
	wanted.Method = seller.MethodEmail
	if len(emails) > 0 {
		wanted.Emails = emails
	}
	if err := checkMethod(wanted); err != nil {
		return err
	}
	for _, email := range approvers(wanted) {
		if !pki.PlausibleEmail(email) {
			return fault.Errorf(fault.Value, itemparam.Approver, "%q is not an e-mail address", plaintext.Clip(plaintext.Line(email), 300))
		}
	}
	same, err := c.sendsTo(ctx, id, wanted)
	if err != nil {
		return err
	}
	if !same {
		_, err := c.setMethod(ctx, sellerhttp.Once, id, wanted)
		return err
	}
	result, err := c.ask(ctx, sellerhttp.Once, "SSLResendApproverEmailResult", commandResend, "CertificateID", strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	return c.checkAccepted(result, commandResend, id)
}

// sendsTo reports whether Namecheap is known to send to the request's approvers. getInfo shows only the approver of the
// common name (docs/reference/namecheap.md §3.3), so it is false for several names.
func (c *Client) sendsTo(ctx context.Context, id int64, r seller.Request) (bool, error) {
	wanted := approvers(r)
	if len(wanted) != 1 {
		return false, nil
	}
	result, err := c.ask(ctx, sellerhttp.Read, "SSLGetInfoResult", commandInfo, "CertificateID", strconv.FormatInt(id, 10))
	if err != nil {
		return false, err
	}
	return strings.EqualFold(result.Child("CertificateDetails").Child("ApproverEmail").Text(), wanted[0]), nil
}
