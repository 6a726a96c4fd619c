package command

import (
	"context"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// CheckParam checks fields of an order form, given as pairs of --param and --value, before anything is ordered
// (docs/reference/billmanager.md §1.4). The document on stdin, if the panel sends one, has the other fields.
func CheckParam(ctx context.Context, run *item.Run) (*etree.Document, error) {
	if len(run.Args.Params) != len(run.Args.Values) {
		return nil, fault.Errorf(fault.Value, "argv", "%d times --param and %d times --value: each --param needs one --value", len(run.Args.Params), len(run.Args.Values))
	}
	var wrong []error
	for i, name := range run.Args.Params {
		err := checkField(run, name, run.Args.Values[i])
		if err == nil {
			err = checkPaidNames(ctx, run, name)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	switch len(wrong) {
	case 0:
		doc := xmldoc.New()
		doc.Root().CreateElement("ok")
		return doc, nil
	case 1:
		return nil, wrong[0]
	}
	return nil, joinFaults(wrong)
}

func checkField(run *item.Run, name, value string) error {
	if name == itemparam.AltName || name == "altname_input" || name == "domain" || name == "CN" {
		for _, mapped := range seller.MappedNames(value) {
			run.Log.ExtInfof("%s: %s", name, mapped)
		}
	}
	if err := seller.CheckField(name, value); err != nil {
		return err
	}
	if name != itemparam.Method {
		return seller.CheckWithCountry(name, value, formFields(run)[seller.CountryField(name)])
	}
	if method, err := seller.ParseMethod(value); err == nil && method == seller.MethodFile && anyWildcard(run) {
		return fault.Errorf(fault.Value, name, "a file does not prove control of a wildcard name (BR 3.2.2.4.18); choose DNS or e-mail")
	}
	return nil
}

// checkPaidNames returns a fault if an existing item's CSR or list has more names than the client paid for, as reopen would. For
// a new order the number is not known yet; open checks it before buying. If the item cannot be read, the names are not checked
// here.
func checkPaidNames(ctx context.Context, run *item.Run, name string) error {
	if name != "csr" && name != itemparam.AltName || run.Args.Item <= 0 {
		return nil
	}
	order, err := run.Panel.LoadItem(ctx, run.Args.Item)
	if err != nil {
		run.Log.ExtInfof("item %d: the number of names it paid for is not checked here: %v", run.Args.Item, err)
		return nil
	}
	j := item.NewHandle(run, order)
	product, err := j.Product()
	if err != nil {
		return nil
	}
	fields := formFields(run)
	text, listed := fields["csr"], fields[itemparam.AltName]
	if text == "" {
		text = j.Item.CSR
	}
	if _, given := fields[itemparam.AltName]; !given {
		listed = order.Params[itemparam.AltName]
	}
	return seller.CheckNames(product, text, listed, j.NamesPaid(product))
}

// anyWildcard reports whether the form has a wildcard name. Fields with errors are ignored: their own check refuses them.
func anyWildcard(run *item.Run) bool {
	fields := formFields(run)
	names := seller.SplitNames(fields[itemparam.AltName] + " " + fields["CN"])
	if csr, err := pki.ReadCSR(fields["csr"]); err == nil {
		names = append(names, csr.CommonName)
		names = append(names, csr.Names...)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "*.") {
			return true
		}
	}
	return false
}

// formFields returns the fields of the document on stdin, replaced by those of the command line, which are newer.
func formFields(run *item.Run) map[string]string {
	fields := map[string]string{}
	if run.Doc != nil {
		it := xmldoc.Child(run.Doc.Root(), "item")
		if it == nil {
			it = run.Doc.Root()
		}
		for _, field := range it.ChildElements() {
			fields[field.Tag] = field.Text()
		}
	}
	for i, name := range run.Args.Params {
		fields[name] = run.Args.Values[i]
	}
	return fields
}
