package command

import (
	"context"
	"slices"
	"strings"

	"pmssl/internal/cert"

	"github.com/beevik/etree"
)

// maxApproverDomains is how many names one order form can ask about: the largest product's number of names.
const maxApproverDomains = 100

// Approver lists the addresses that may approve each domain of an order form. The CSR on stdin is checked on the way, so
// that the client learns of a bad one before paying.
func Approver(ctx context.Context, run *Run) (*etree.Document, error) {
	domains, err := approverDomains(run)
	if err != nil {
		return nil, err
	}
	params, err := run.Panel.ModuleParams(ctx, run.Args.Module)
	if err != nil {
		return nil, err
	}
	seller, err := run.Trade.Connect(params)
	if err != nil {
		return nil, err
	}
	lister, ok := seller.(ApproverLister)
	if !ok {
		return nil, cert.Faultf(cert.FaultValue, "command", "%s keeps no list of approvers", run.Trade.Title)
	}
	product, found := cert.FindProduct(catalogue(ctx, run, seller), run.Args.Intname)
	if !found {
		return nil, cert.Faultf(cert.FaultValue, "intname", "the template %q is not a product of %s", run.Args.Intname, run.Trade.Title)
	}
	doc := answer()
	for _, domain := range domains {
		emails, err := lister.Approvers(ctx, strings.TrimPrefix(domain, "*."), product)
		if err != nil {
			return nil, err
		}
		node := doc.Root().CreateElement("domain")
		node.CreateAttr("name", domain)
		for _, email := range emails {
			node.CreateElement("approver").SetText(email)
		}
	}
	return doc, nil
}

// approverDomains are the names of --domain, or those of the CSR where the panel gives none.
func approverDomains(run *Run) ([]string, error) {
	var domains []string
	for _, word := range strings.FieldsFunc(run.Args.Domain, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, err := cert.AsciiName("domain", word)
		if err != nil {
			return nil, err
		}
		for _, mapped := range cert.MappedNames(word) {
			run.Log.ExtInfof("domain: %s", mapped)
		}
		if !slices.Contains(domains, name) {
			domains = append(domains, name)
		}
	}
	if strings.TrimSpace(run.Text) != "" {
		csr, err := cert.ParseCSR(run.Text)
		if err != nil {
			return nil, err
		}
		if len(domains) == 0 {
			domains = append([]string{csr.CommonName}, csr.Names...)
		}
	}
	switch {
	case len(domains) == 0:
		return nil, cert.Faultf(cert.FaultMissed, "domain", "neither --domain nor a CSR on stdin names a domain")
	case len(domains) > maxApproverDomains:
		return nil, cert.Faultf(cert.FaultValue, "domain", "%d domains, at most %d can be asked about", len(domains), maxApproverDomains)
	}
	return domains, nil
}
