package namecheap

import (
	"context"
	"errors"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const commandApprovers = "namecheap.ssl.getApproverEmailList"

// Approvers lists the addresses that may approve the domain, those of its registration first (docs/reference/namecheap.md
// §3.6), lower case and each once.
func (c *Client) Approvers(ctx context.Context, domain string, product seller.Product) ([]string, error) {
	if len(product.Names) == 0 {
		return nil, fault.Errorf(fault.Value, "intname", "the product %q is not known at %s", product.ID, Title)
	}
	bare := strings.ToLower(bareName(strings.TrimSpace(domain)))
	if bare == "" || len(bare) > 70 {
		return nil, fault.Errorf(fault.Value, "domain", "%s lists approvers for names of 1 to 70 characters, not for %q", Title, plaintext.Clip(plaintext.Line(bare), 300))
	}
	result, err := c.approverList(ctx, bare, product.Names[0])
	var refused *refusal
	live := liveName(product)
	if errors.As(err, &refused) && (refused.has(2011300) || refused.has(4011300)) && live != "" && live != product.Names[0] {
		result, err = c.approverList(ctx, bare, live) // the API does not know the documented name (docs/reference/namecheap.md §4)
	}
	if err != nil {
		return nil, err
	}
	emails := approverEmails(result)
	if len(emails) == 0 {
		return nil, fault.Errorf(fault.API, commandApprovers, "%s knows no approver for %s; choose another validation method", Title, pki.DisplayName(bare))
	}
	return emails, nil
}

// approverEmails returns the plausible addresses of all groups, lower case and each once.
func approverEmails(result *sellerhttp.Element) []string {
	var emails []string
	for _, group := range []string{"Domainemails", "Genericemails", "Manualemails"} {
		for _, one := range result.Child(group).All("email") {
			email := strings.ToLower(one.Text())
			if pki.PlausibleEmail(email) && !slices.Contains(emails, email) {
				emails = append(emails, email)
			}
		}
	}
	return emails
}

func (c *Client) approverList(ctx context.Context, domain, product string) (*sellerhttp.Element, error) {
	return c.ask(ctx, sellerhttp.Read, "GetApproverEmailListResult", commandApprovers, "DomainName", domain, "CertificateType", product)
}
