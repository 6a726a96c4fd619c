package ispmanager

import (
	"context"
	_ "embed" // the CSR below
	"maps"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// maxShown is how many entries of one select a finding shows; the countries have 246.
const maxShown = 12

// sampleCSR is the CSR of a sample order for example.com, which is not submitted: the remote shows the last step only with
// the parameters of the step before (docs/reference/ispmanager.md §1.5, wizard_unavailable). Its private key was deleted.
//
//go:embed probe.csr
var sampleCSR string

// Probe requests everything that this client relies on and that is not proven (docs/reference/ispmanager.md §11). It
// only reads: no sok is sent. Findings have names of functions, fields and choices, and no values.
func (c *Client) Probe(ctx context.Context) ([]seller.Finding, error) {
	who, err := c.whoami(ctx)
	if err != nil {
		return nil, err // no other request can succeed
	}
	findings := []seller.Finding{{Title: "account", Function: functionWho, OK: true, Lines: []string{
		"level " + redacted(who.Attr("level")), "currency " + redacted(who.Attr("currency")), "allowdeleteitem " + redacted(who.Attr("allowdeleteitem")),
	}}}
	rows, err := c.walk().Once(ctx)
	findings = append(findings, c.probeList(ctx, rows, err))
	tariffs, err := c.tariffs(ctx)
	findings = append(findings, probeTariffs(tariffs, err))
	order := url.Values{}
	if len(tariffs) > 0 {
		order = pairs("pricelist", idText(tariffs[0].id))
		if len(tariffs[0].prices) > 0 {
			order.Set("period", idText(int64(tariffs[0].prices[0].Months)))
		}
	}
	for _, one := range []struct{ title, function string }{
		{"order", "certificate.order"}, {"order, list of tariffs", "certificate.order.pricelist"},
		{"order, CSR", "certificate.order.csr"},
	} {
		findings = append(findings, c.probeForm(ctx, one.title, one.function, order))
	}
	findings = append(findings, c.probeForm(ctx, "order, last step", "certificate.order.param", c.sample(ctx, order)))
	findings = append(findings, c.probeForm(ctx, "basket", functionBasket, nil))
	if id := highest(rows); id != 0 {
		for _, one := range []struct{ title, function string }{
			{"one certificate", functionEdit}, {"reissue", c.nameOf(ctx, reissuing())}, {"renewal", functionProlong},
		} {
			findings = append(findings, c.probeElement(ctx, one.title, one.function, id))
		}
	}
	return findings, nil
}

// sample returns the parameters with which the last step of an order is requested.
func (c *Client) sample(ctx context.Context, order url.Values) url.Values {
	params := maps.Clone(order)
	csr, err := pki.ParseCSR(sampleCSR)
	if err != nil {
		return params
	}
	f, err := c.openForm(ctx, "certificate.order.csr", order)
	if err != nil {
		return params
	}
	sampleRequest := seller.Request{CSR: csr, Method: seller.MethodEmail}
	fill := orderValues{request: sampleRequest, pricelist: seller.ParseID(order.Get("pricelist")), months: monthsOf(order.Get("period"))}
	if values, err := f.fill(fill.value); err == nil {
		maps.Copy(params, values)
	}
	return params
}

func (c *Client) nameOf(ctx context.Context, p purpose) string {
	if name, err := c.find(ctx, p); err == nil {
		return name
	}
	return p.likely[0]
}

func (c *Client) probeList(ctx context.Context, rows []row, err error) seller.Finding {
	f := seller.Finding{Title: "list of certificates", Function: functionList, OK: err == nil}
	if err != nil {
		f.Lines = []string{fault.From(err).Message}
		return f
	}
	offered, _ := c.functions(ctx)
	f.Lines = append(f.Lines, idText(int64(len(rows)))+" orders", "functions: "+functionNames(offered))
	if len(rows) > 0 {
		has := func(any bool) string { return map[bool]string{true: "shown", false: "not shown"}[any] }
		f.Lines = append(f.Lines,
			"remoteid "+has(slices.ContainsFunc(rows, func(r row) bool { return r.referenced })),
			"service_status "+has(slices.ContainsFunc(rows, func(r row) bool { return r.service != 0 })),
			"autoprolong "+has(slices.ContainsFunc(rows, func(r row) bool { return r.prolonged })))
	}
	for _, p := range []purpose{deleting(), reissuing(), downloading(), retryingDNS(), mailingApprovers(), listingApprovers()} {
		name, found := p.pick(offered)
		if !found {
			name = "none"
		}
		f.Lines = append(f.Lines, p.what+": "+name)
	}
	return f
}

func probeTariffs(all []tariff, err error) seller.Finding {
	f := seller.Finding{Title: "tariffs", Function: "pricelist.export", OK: err == nil}
	if err != nil {
		f.Lines = []string{fault.From(err).Message}
	}
	for _, t := range all {
		f.Lines = append(f.Lines, idText(t.id)+" "+redacted(t.name)+": "+t.template()+", months "+periods(t))
	}
	return f
}

// probeElement requests the form of a function for one order, unless the function would act at once.
func (c *Client) probeElement(ctx context.Context, title, function string, id int64) seller.Finding {
	offered, _ := c.functions(ctx)
	if slices.ContainsFunc(offered, func(one tool) bool { return one.function == function && one.group }) {
		return seller.Finding{Title: title, Function: function, Lines: []string{"its button acts at once on the selected orders (type group), so its form is not requested"}}
	}
	return c.probeForm(ctx, title, function, element(id))
}

func (c *Client) probeForm(ctx context.Context, title, function string, params url.Values) seller.Finding {
	finding := seller.Finding{Title: title, Function: function}
	f, err := c.openForm(ctx, function, params)
	if err != nil {
		finding.Lines = []string{fault.From(err).Message}
		return finding
	}
	finding.OK = true
	if f.function != function {
		finding.Lines = append(finding.Lines, "answered by "+f.function)
	}
	if f.redirect() != "" {
		finding.Lines = append(finding.Lines, "redirects to "+f.redirect())
	}
	var names []string
	for _, name := range f.fieldNames() {
		if f.field(name).required {
			name += " (required)"
		}
		names = append(names, words(name))
	}
	finding.Lines = append(finding.Lines, "fields: "+orNone(names), "buttons: "+orNone(f.meta.buttons))
	for _, name := range f.fieldNames() {
		if one := f.field(name); one.listed {
			finding.Lines = append(finding.Lines, "choices of "+words(name)+": "+shown(one.list))
		}
	}
	if !f.meta.present {
		finding.Lines = append(finding.Lines, "the fields are not described")
	}
	return finding
}

// shown returns the keys of a select, except those that may be the account's own data, such as addresses and domain
// names: the output of probe may be passed on.
func shown(list []choice) string {
	all := realKeys(list)
	keys := slices.DeleteFunc(slices.Clone(all), func(key string) bool { return len(key) > 40 || strings.ContainsFunc(key, notOfWord) })
	if hidden := len(all) - len(keys); hidden > 0 {
		return strings.TrimPrefix(orNone(keys)+", "+idText(int64(hidden))+" that are not shown", "none, ")
	}
	if len(keys) > maxShown {
		keys = append(keys[:maxShown:maxShown], "… "+idText(int64(len(keys)))+" in all")
	}
	return orNone(keys)
}

func notOfWord(r rune) bool { return !letter(r) && (r < '0' || r > '9') && r != '_' && r != '-' }

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return redacted(strings.Join(list, ", "))
}
