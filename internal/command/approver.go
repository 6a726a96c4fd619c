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
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// maxApproverDomains is how many names one order form can ask about: the largest product's number of names.
const maxApproverDomains = 100

// Approver lists the addresses that may approve each domain of an order form. The CSR on stdin is checked on the way, so
// that the client learns of a bad one before paying.
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
		return nil, fault.Errorf(fault.Value, "command", "%s keeps no list of approvers", run.Info.Title)
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
		node.CreateAttr("name", domain.asked)
		for _, email := range known[domain.base()] {
			node.CreateElement("approver").SetText(email)
		}
	}
	return doc, nil
}

// approversAtOnce is how many names the seller is asked about at the same time: a person waits (rules TIME-4), a form may
// have many names, and there is time for one answer of a slow seller.
const approversAtOnce = 8

// approversOf asks the seller about each name once and returns the addresses by the name without its asterisk. After the
// first error, which it returns, no further name is asked about.
func approversOf(ctx context.Context, lister seller.ApproverLister, domains []approverDomain, product seller.Product) (map[string][]string, error) {
	var bases []string
	for _, domain := range domains {
		if base := domain.base(); !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var first error
	var once sync.Once
	fail := func(err error) { once.Do(func() { first = err; stop() }) }
	var group sync.WaitGroup
	turns, emails := make(chan struct{}, approversAtOnce), make([][]string, len(bases))
	for i, base := range bases {
		if turns <- struct{}{}; asking.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-turns }()
			defer func() {
				if r := recover(); r != nil { // nobody else can: it is not the command's own goroutine
					fail(fault.Errorf(fault.Internal, "approver", "a fault of this program: %v", r))
				}
			}()
			found, err := lister.Approvers(asking, base, product)
			if err != nil {
				fail(err)
			}
			emails[i] = found
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

// approverDomain is a name that the panel asks about. The answer has the panel's own spelling, because the panel looks
// for it there (rules PANEL-11); the seller is asked in the form that certificates carry.
type approverDomain struct{ asked, ascii string }

// base returns the name that the seller is asked about.
func (d approverDomain) base() string { return strings.TrimPrefix(d.ascii, "*.") }

// approverDomains returns the names of --domain, or those of the CSR if the panel gives none: each spelling once.
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
		if domain := (approverDomain{asked: word, ascii: ascii}); !slices.Contains(domains, domain) {
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
				domains = append(domains, approverDomain{asked: name, ascii: name})
			}
		}
	}
	switch {
	case len(domains) == 0:
		return nil, fault.Errorf(fault.Missed, "domain", "neither --domain nor a CSR on stdin names a domain")
	case len(domains) > maxApproverDomains:
		return nil, fault.Errorf(fault.Value, "domain", "%d domains, at most %d can be asked about", len(domains), maxApproverDomains)
	}
	return domains, nil
}
