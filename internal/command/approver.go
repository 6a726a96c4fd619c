package command

import (
	"context"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// maxApproverDomains limits the names of one order form to those of the largest product.
const maxApproverDomains = 100

// Approver lists the addresses that may approve each domain of an order form. It also checks the CSR on stdin, so that the client
// learns of a bad one before paying.
func Approver(ctx context.Context, run *item.Run) (*etree.Document, error) {
	domains, err := approverDomains(run)
	if err != nil {
		return nil, err
	}
	params, err := run.Panel.ModuleParams(ctx, run.Args.Module)
	if err != nil {
		return nil, err
	}
	theSeller, err := run.Info.Connect(params)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.ApproverLister)
	if !ok {
		return nil, fault.Errorf(fault.Value, "command", "%s has no list of approvers", run.Info.Title)
	}
	product, found := seller.FindProduct(item.Catalogue(ctx, run, theSeller), run.Args.Intname)
	if !found {
		return nil, fault.Errorf(fault.Value, "intname", "the template %q is not a product of %s", run.Args.Intname, run.Info.Title)
	}
	known, err := approversOf(ctx, lister, domains, product)
	if err != nil {
		return nil, err
	}
	doc := xmldoc.New()
	for _, domain := range domains {
		node := doc.Root().CreateElement("domain")
		node.CreateAttr("name", domain.given)
		for _, email := range known[domain.base()] {
			node.CreateElement("approver").SetText(email)
		}
	}
	return doc, nil
}

// approversAtOnce is the number of simultaneous requests to the seller: a person waits (rules TIME-4), a form may have many names,
// and there is time for only one answer of a slow seller.
const approversAtOnce = 8

// approversOf requests the addresses for each name once and returns them by the name without "*.". It stops at the first error
// and returns that.
func approversOf(ctx context.Context, lister seller.ApproverLister, domains []approverDomain, product seller.Product) (map[string][]string, error) {
	var bases []string
	for _, domain := range domains {
		if base := domain.base(); !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	requestCtx, stop := context.WithCancel(ctx)
	defer stop()
	var first error
	var once sync.Once
	fail := func(err error) { once.Do(func() { first = err; stop() }) }
	var group parallel.Group
	slots, emails := make(chan struct{}, approversAtOnce), make([][]string, len(bases))
	for i, base := range bases {
		if slots <- struct{}{}; requestCtx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			var err error
			if caught := parallel.Catch(func() { emails[i], err = lister.Approvers(requestCtx, base, product) }); caught != nil {
				err = fault.Errorf(fault.Internal, "approver", "a fault of this program: %w", caught)
			}
			if err != nil { // the others are not waited for
				fail(err)
			}
		})
	}
	if group.Wait(); first == nil {
		first = ctx.Err()
	}
	known := map[string][]string{}
	for i, base := range bases {
		known[base] = emails[i]
	}
	return known, first
}

// approverDomain is a name of the order form. The answer has the panel's own spelling, because the panel searches for that (rules
// PANEL-11); the seller gets the ASCII form, which certificates have.
type approverDomain struct{ given, ascii string }

// base returns the name for the request to the seller: the ASCII form without "*.".
func (d approverDomain) base() string { return strings.TrimPrefix(d.ascii, "*.") }

// approverDomains returns the names of --domain, each spelling once, or those of the CSR if --domain is empty.
func approverDomains(run *item.Run) ([]approverDomain, error) {
	var domains []approverDomain
	for _, word := range strings.FieldsFunc(run.Args.Domain, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		ascii, err := pki.ASCIIName("domain", word)
		if err != nil {
			return nil, err
		}
		for _, mapped := range seller.MappedNames(word) {
			run.Log.ExtInfof("domain: %s", mapped)
		}
		if domain := (approverDomain{given: word, ascii: ascii}); !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
	}
	if strings.TrimSpace(run.Text) != "" {
		csr, err := pki.ParseCSR(run.Text)
		if err != nil {
			return nil, err
		}
		if len(domains) == 0 {
			for _, name := range append([]string{csr.CommonName}, csr.Names...) {
				domains = append(domains, approverDomain{given: name, ascii: name})
			}
		}
	}
	switch {
	case len(domains) == 0:
		return nil, fault.Errorf(fault.Missed, "domain", "neither --domain nor a CSR on stdin names a domain")
	case len(domains) > maxApproverDomains:
		return nil, fault.Errorf(fault.Value, "domain", "%d domains are given, at most %d are supported", len(domains), maxApproverDomains)
	}
	return domains, nil
}
