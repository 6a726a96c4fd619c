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

// edit sets the request's validation method for every name (ssl.editDCVMethod, docs/reference/namecheap.md §3.12), whatever
// it was before. Setting what is set already is Namecheap's way to try the validation again.
func (c *Client) edit(ctx context.Context, class sellerhttp.Class, id int64, r seller.Request) (*sellerhttp.Element, error) {
	result, err := c.ask(ctx, class, "SSLEditDCVMethodResult", commandEdit, append([]string{"CertificateID", strconv.FormatInt(id, 10)}, methods(r)...)...)
	if err != nil {
		return nil, err
	}
	if err := c.accepted(result, commandEdit, id); err != nil {
		return nil, err
	}
	return result, eachSet(result)
}

// methods returns the parameters of the proof as editDCVMethod spells them: the words differ from those of activate
// (docs/reference/namecheap.md §0.7), and the common name is one of the names.
func methods(r seller.Request) []string {
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

// RetryChallenge has the CA look at the published proof once more: editDCVMethod with the request's validation method,
// which changes the way where another one is set at Namecheap (docs/reference/namecheap.md §3.12). Of a certificate of
// several names all are looked at; domain, which may be empty, has to be one of them. It returns what is to be published
// now, empty if the answer does not say.
func (c *Client) RetryChallenge(ctx context.Context, id int64, r seller.Request, domain string) ([]seller.Challenge, error) {
	if err := provable(r); err != nil {
		return nil, err
	}
	if err := certifies(r, domain); err != nil {
		return nil, err
	}
	result, err := c.edit(ctx, sellerhttp.Read, id, r)
	if err != nil {
		return nil, err
	}
	return c.published(id, result, r), nil
}

// ChangeMethod sets the request's validation method for an order that waits (docs/reference/namecheap.md §3.12) and returns
// what is to be published now, empty if the answer does not say. Where that is e-mail the letters go out by it, and it is
// asked for once.
func (c *Client) ChangeMethod(ctx context.Context, id int64, r seller.Request) ([]seller.Challenge, error) {
	if err := provable(r); err != nil {
		return nil, err
	}
	class := sellerhttp.Read
	if r.Method == seller.MethodEmail {
		class = sellerhttp.Once
	}
	result, err := c.edit(ctx, class, id, r)
	if err != nil {
		return nil, err
	}
	return c.published(id, result, r), nil
}

// certifies refuses a domain that has nothing to do with the request's names. A name may be proved at one above it, and a
// certificate of one name has www before it as well.
func certifies(r seller.Request, domain string) error {
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

// SendApproval has the approval e-mails sent again. emails are in the order of the request's names; none means those of
// the request. Where they are others than those that Namecheap writes to, or it does not say, they are set
// (docs/reference/namecheap.md §3.12), by which letters go to them; else resendApproverEmail is asked for
// (docs/reference/namecheap.md §3.9). The letters are asked for once: one less can be had again, one too many confuses.
func (c *Client) SendApproval(ctx context.Context, id int64, r seller.Request, emails []string) error {
	wanted := r
	wanted.Method = seller.MethodEmail
	if len(emails) > 0 {
		wanted.Emails = emails
	}
	if err := provable(wanted); err != nil {
		return err
	}
	for _, email := range approvers(wanted) {
		if !pki.PlausibleEmail(email) {
			return fault.Errorf(fault.Value, itemparam.Approver, "%q is not an e-mail address", plaintext.Clip(plaintext.Line(email), 300))
		}
	}
	same, err := c.writesTo(ctx, id, wanted)
	if err != nil {
		return err
	}
	if !same {
		_, err := c.edit(ctx, sellerhttp.Once, id, wanted)
		return err
	}
	result, err := c.ask(ctx, sellerhttp.Once, "SSLResendApproverEmailResult", commandResend, "CertificateID", strconv.FormatInt(id, 10))
	if err != nil {
		return err
	}
	return c.accepted(result, commandResend, id)
}

// writesTo reports whether Namecheap is known to write to the request's approvers. getInfo names the common name's only
// (docs/reference/namecheap.md §3.3), so that nothing is known of several names.
func (c *Client) writesTo(ctx context.Context, id int64, r seller.Request) (bool, error) {
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
