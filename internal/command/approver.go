package command

import (
	"context"
	"slices"
	"strings"
	"unicode"

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
	known := map[string][]string{} // by the name without its asterisk: the seller is asked once
	for _, domain := range domains {
		base := strings.TrimPrefix(domain.ascii, "*.")
		if _, asked := known[base]; !asked {
			if known[base], err = lister.Approvers(ctx, base, product); err != nil {
				return nil, err
			}
		}
		node := doc.Root().CreateElement("domain")
		node.CreateAttr("name", domain.asked)
		for _, email := range known[base] {
			node.CreateElement("approver").SetText(email)
		}
	}
	return doc, nil
}

// approverDomain is a name that the panel asks about. The answer has the panel's own spelling, because the panel looks
// for it there (rules PANEL-11); the seller is asked in the form that certificates carry.
type approverDomain struct{ asked, ascii string }

// approverDomains returns the names of --domain, or those of the CSR if the panel gives none: each spelling once.
func approverDomains(run *Run) ([]approverDomain, error) {
	var domains []approverDomain
	for _, word := range strings.FieldsFunc(run.Args.Domain, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		ascii, err := cert.AsciiName("domain", word)
		if err != nil {
			return nil, err
		}
		for _, mapped := range cert.MappedNames(word) {
			run.Log.ExtInfof("domain: %s", mapped)
		}
		if domain := (approverDomain{asked: word, ascii: ascii}); !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
	}
	if strings.TrimSpace(run.Text) != "" {
		csr, err := cert.ParseCSR(run.Text)
		if err != nil {
			return nil, err
		}
		if len(domains) == 0 {
			for _, name := range append([]string{csr.CommonName}, csr.Names...) {
				domains = append(domains, approverDomain{asked: name, ascii: name})
			}
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
