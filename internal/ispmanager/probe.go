package ispmanager

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/cert"
)

// maxShown is how many entries of one select a finding shows; the countries have 246.
const maxShown = 12

// Probe asks for everything that this client relies on and that is not proven of the remote (§11). It only reads: no sok is
// sent. Findings show names of functions, fields and choices, and no values.
func (c *Client) Probe(ctx context.Context) ([]cert.Finding, error) {
	who, err := c.who(ctx)
	if err != nil {
		return nil, err // nothing else can be asked either
	}
	findings := []cert.Finding{{Title: "account", Function: functionWho, OK: true, Lines: []string{
		"level " + remark(who.Attr("level")), "currency " + remark(who.Attr("currency")), "allowdeleteitem " + remark(who.Attr("allowdeleteitem")),
	}}}
	rows, err := c.list(ctx)
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
		{"order, CSR", "certificate.order.csr"}, {"order, last step", "certificate.order.param"}, {"basket", functionBasket},
	} {
		findings = append(findings, c.probeForm(ctx, one.title, one.function, order))
	}
	if id := highest(rows); id != 0 {
		for _, one := range []struct{ title, function string }{
			{"one certificate", functionEdit}, {"reissue", c.nameOf(ctx, reissuing())}, {"renewal", functionProlong},
		} {
			findings = append(findings, c.probeElement(ctx, one.title, one.function, id))
		}
	}
	return findings, nil
}

func (c *Client) nameOf(ctx context.Context, p purpose) string {
	if name, err := c.find(ctx, p); err == nil {
		return name
	}
	return p.likely[0]
}

func (c *Client) probeList(ctx context.Context, rows []row, err error) cert.Finding {
	f := cert.Finding{Title: "list of certificates", Function: functionList, OK: err == nil}
	if err != nil {
		f.Lines = []string{cert.FaultOf(err).Value}
		return f
	}
	offered, _ := c.functions(ctx)
	f.Lines = append(f.Lines, idText(int64(len(rows)))+" orders", "functions: "+offer(offered))
	if len(rows) > 0 {
		has := func(any bool) string { return map[bool]string{true: "shown", false: "not shown"}[any] }
		f.Lines = append(f.Lines,
			"remoteid "+has(slices.ContainsFunc(rows, func(r row) bool { return r.marked })),
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

func probeTariffs(all []tariff, err error) cert.Finding {
	f := cert.Finding{Title: "tariffs", Function: "pricelist.export", OK: err == nil}
	if err != nil {
		f.Lines = []string{cert.FaultOf(err).Value}
	}
	for _, t := range all {
		f.Lines = append(f.Lines, idText(t.id)+" "+remark(t.name)+": "+t.template()+", months "+periods(t))
	}
	return f
}

// probeElement asks for a form about one order, but not where that would do something to it.
func (c *Client) probeElement(ctx context.Context, title, function string, id int64) cert.Finding {
	offered, _ := c.functions(ctx)
	if slices.ContainsFunc(offered, func(one tool) bool { return one.function == function && one.group }) {
		return cert.Finding{Title: title, Function: function, Lines: []string{"its button acts at once on the chosen orders (type group): it is not asked"}}
	}
	return c.probeForm(ctx, title, function, element(id))
}

func (c *Client) probeForm(ctx context.Context, title, function string, params url.Values) cert.Finding {
	finding := cert.Finding{Title: title, Function: function}
	f, err := c.openForm(ctx, function, params)
	if err != nil {
		finding.Lines = []string{cert.FaultOf(err).Value}
		return finding
	}
	finding.OK = true
	if f.function != function {
		finding.Lines = append(finding.Lines, "answered by "+f.function)
	}
	if f.redirect() != "" {
		finding.Lines = append(finding.Lines, "sends us to "+f.redirect())
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
		finding.Lines = append(finding.Lines, "no description of the fields")
	}
	return finding
}

func shown(list []choice) string {
	keys := realKeys(list)
	if len(keys) > maxShown {
		keys = append(keys[:maxShown:maxShown], "… "+idText(int64(len(keys)))+" in all")
	}
	return orNone(keys)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return remark(strings.Join(list, ", "))
}
