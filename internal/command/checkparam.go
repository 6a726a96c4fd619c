package command

import (
	"context"
	"strings"

	"pmssl/internal/cert"

	"github.com/beevik/etree"
)

// CheckParam checks fields of an order form, as pairs of --param and --value, before anything is ordered
// (billmanager-module-protocol §1.4). The other fields are in the document on stdin, where the panel gives one.
func CheckParam(ctx context.Context, run *Run) (*etree.Document, error) {
	if len(run.Args.Params) != len(run.Args.Values) {
		return nil, cert.Faultf(cert.FaultValue, "argv", "%d times --param and %d times --value: they go in pairs", len(run.Args.Params), len(run.Args.Values))
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
		doc := answer()
		doc.Root().CreateElement("ok")
		return doc, nil
	case 1:
		return nil, wrong[0]
	}
	return nil, together(wrong)
}

func checkField(run *Run, name, value string) error {
	if name == cert.ParamAltName || name == "altname_input" || name == "domain" || name == "CN" {
		for _, mapped := range cert.MappedNames(value) {
			run.Log.ExtInfof("%s: %s", name, mapped)
		}
	}
	if err := cert.CheckField(name, value); err != nil {
		return err
	}
	if name != cert.ParamMethod {
		return cert.CheckTogether(name, value, formFields(run)[cert.CountryField(name)])
	}
	if method, err := cert.ParseMethod(value); err == nil && method == cert.MethodFile && anyWildcard(run) {
		return cert.Faultf(cert.FaultValue, name, "a file does not prove control over a wildcard name (BR 3.2.2.4.18); choose DNS or e-mail")
	}
	return nil
}

// checkPaidNames refuses names of an existing item's CSR or list that the client has not paid for, as reopen would. For a new order
// nothing tells yet how many names are ordered: open refuses it before buying. An item that cannot be read is left to
// the command that does the work.
func checkPaidNames(ctx context.Context, run *Run, name string) error {
	if name != "csr" && name != cert.ParamAltName || run.Args.Item <= 0 {
		return nil
	}
	order, err := run.Panel.Order(ctx, run.Args.Item)
	if err != nil {
		run.Log.ExtInfof("item %d: the number of names it paid for is not checked here: %v", run.Args.Item, err)
		return nil
	}
	j := &job{Run: run, order: order}
	product, err := j.product()
	if err != nil {
		return nil
	}
	fields := formFields(run)
	text, listed := fields["csr"], fields[cert.ParamAltName]
	if text == "" {
		text = order.CSR
	}
	if _, given := fields[cert.ParamAltName]; !given {
		listed = order.Params[cert.ParamAltName]
	}
	return cert.CheckNames(product, text, listed, j.namesPaid(product))
}

// anyWildcard tells whether the order on the form asks for a wildcard name. A field that is wrong is refused by its own
// check.
func anyWildcard(run *Run) bool {
	fields := formFields(run)
	names := cert.SplitNames(fields[cert.ParamAltName] + " " + fields["CN"])
	if csr, err := cert.ReadCSR(fields["csr"]); err == nil {
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

// formFields are what the document on stdin and the command line tell of the order; the command line is newer.
func formFields(run *Run) map[string]string {
	fields := map[string]string{}
	if run.Doc != nil {
		item := child(run.Doc.Root(), "item")
		if item == nil {
			item = run.Doc.Root()
		}
		for _, field := range item.ChildElements() {
			fields[field.Tag] = field.Text()
		}
	}
	for i, name := range run.Args.Params {
		fields[name] = run.Args.Values[i]
	}
	return fields
}
