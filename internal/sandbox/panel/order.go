package panel

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// Ids of schema/seed.sql.
const (
	typeAltname  = 2
	firstProject = 1
	currencyUSD  = 153
	measureUnit  = 1
)

// Kinds of addons and of billing (docs/reference/billmanager.md §4).
const (
	addonInteger = 2
	addonEnum    = 3
	billOrdered  = 2
)

// clientLevel is the level of a client's user.
const clientLevel = 16

// AddTariff inserts a tariff and returns its pricelist.id.
func (p *Panel) AddTariff(ctx context.Context, t Tariff) (int64, error) {
	kind := t.ItemType
	if kind == "" {
		kind = "certificate"
	}
	itemtype, err := p.text(ctx, "SELECT id FROM itemtype WHERE intname=?", kind)
	if err != nil {
		return 0, fmt.Errorf("item type %s: %w", kind, err)
	}
	id, err := p.insert(ctx, `INSERT INTO pricelist (name, intname, itemtype, project, active, billtype, orderpriority)
		VALUES (?, ?, ?, ?, 'on', ?, 10)`, t.Name, t.IntName, itemtype, firstProject, billOrdered)
	if err != nil {
		return 0, err
	}
	for _, m := range t.Modules {
		if _, err := p.insert(ctx,
			"INSERT INTO processingmodule2pricelist (processingmodule, pricelist) VALUES (?, ?)", m, id); err != nil {
			return 0, err
		}
	}
	for name, value := range t.Params {
		if _, err := p.insert(ctx,
			"INSERT INTO pricelistparam (pricelist, intname, value) VALUES (?, ?, ?)", id, name, value); err != nil {
			return 0, err
		}
	}
	if err := p.addPrices(ctx, id, t.Prices); err != nil {
		return 0, err
	}
	if t.SANs == nil {
		return id, nil
	}
	return id, p.addSANAddon(ctx, id, *t.SANs)
}

func (p *Panel) addPrices(ctx context.Context, tariff int64, prices map[int]string) error {
	columns := map[int]string{
		1: "monthly", 3: "quarterly", 6: "semiannual", 12: "annually", 24: "biennial", 36: "triennial",
		48: "quadrennial", 60: "quinquennial",
	}
	price, err := p.insert(ctx, "INSERT INTO price (setup) VALUES (0)")
	if err != nil {
		return err
	}
	for months, amount := range prices {
		column, ok := columns[months]
		if !ok {
			return fmt.Errorf("tariff: no price column for a period of %d months", months)
		}
		if _, err := p.db.ExecContext(ctx, "UPDATE price SET "+column+"=? WHERE id=?", amount, price); err != nil {
			return err
		}
	}
	_, err = p.insert(ctx, "INSERT INTO pricelistprice (pricelist, currency, price) VALUES (?, ?, ?)",
		tariff, currencyUSD, price)
	return err
}

// addSANAddon inserts the child tariff of type altname: a number of names, or an enumeration of such numbers.
func (p *Panel) addSANAddon(ctx context.Context, tariff int64, a SANAddon) error {
	kind, enumeration := addonInteger, any(nil)
	if len(a.Enum) > 0 {
		id, err := p.insert(ctx, "INSERT INTO enumeration (name) VALUES ('Additional domain names')")
		if err != nil {
			return err
		}
		kind, enumeration = addonEnum, id
		for i, n := range a.Enum {
			if _, err := p.insert(ctx,
				"INSERT INTO enumerationitem (enumeration, intname, name, orderpriority) VALUES (?, ?, ?, ?)",
				id, strconv.Itoa(n), strconv.Itoa(n), i); err != nil {
				return err
			}
		}
	}
	_, err := p.insert(ctx, `INSERT INTO pricelist (name, itemtype, parent, active, addontype, billtype, addonlimit,
		addonmin, addonmax, addonstep, measure, enumeration) VALUES ('Additional domain names', ?, ?, 'on', ?, ?, ?, 0, ?, 1, ?, ?)`,
		typeAltname, tariff, kind, billOrdered, a.Included, a.Max, measureUnit, enumeration)
	return err
}

// Order places an order and runs its open.
func (p *Panel) Order(ctx context.Context, o Order) (*OrderResult, error) {
	done, err := p.Place(ctx, o)
	if err != nil || done.Operation == 0 {
		return done, err
	}
	done.Open, err = p.RunOperation(ctx, done.Operation)
	return done, err
}

// Place submits the order form and stores the order up to its running operation, but does not start open. The form
// calls check_param for each field and approver, if the module declares them. If one of them is refused, nothing is
// ordered: Item and Operation are 0, and the Run has the reason.
func (p *Panel) Place(ctx context.Context, o Order) (*OrderResult, error) {
	done := &OrderResult{}
	module, err := p.chooseModule(ctx, o, done)
	if err != nil || module == 0 {
		return done, err
	}
	o.Module = module
	if !o.SkipForms {
		if ok, err := p.orderForm(ctx, o, done); err != nil || !ok {
			return done, err
		}
	}
	if done.Item, err = p.addItem(ctx, o); err != nil {
		return nil, err
	}
	done.Operation, err = p.addOperation(ctx, done.Item, "open", o.Lang)
	return done, err
}

// chooseModule returns the order's module. If several modules serve the tariff, it starts get_suitable_module
// (docs/reference/billmanager.md §1.3).
func (p *Panel) chooseModule(ctx context.Context, o Order, done *OrderResult) (int64, error) {
	if o.Module != 0 {
		return o.Module, nil
	}
	ids, err := p.ids(ctx, `SELECT pm.id FROM processingmodule pm JOIN processingmodule2pricelist m ON m.processingmodule=pm.id
		WHERE m.pricelist=? AND pm.active='on' ORDER BY pm.orderpriority, pm.id`, o.Tariff)
	if err != nil {
		return 0, err
	}
	switch len(ids) {
	case 0:
		return 0, fmt.Errorf("no module serves tariff %d", o.Tariff)
	case 1:
		return ids[0], nil
	}
	name, err := p.moduleOf(ctx, ids[0])
	if err != nil {
		return 0, err
	}
	doc := element{name: "doc", children: []element{
		{name: "item", children: []element{
			{name: "pricelist", text: strconv.FormatInt(o.Tariff, 10)}, {name: "period", text: strconv.Itoa(o.Period)},
		}},
		{name: "skip_modules"},
	}}
	if done.Suitable, err = p.Start(ctx, name, document(doc), "--command", "get_suitable_module"); err != nil {
		return 0, err
	}
	if !done.Suitable.OK() {
		return 0, nil
	}
	var answer struct {
		Modules []struct {
			ID int64 `xml:"id,attr"`
		} `xml:"modules>module"`
	}
	if err := xml.Unmarshal([]byte(done.Suitable.Stdout), &answer); err != nil {
		return 0, fmt.Errorf("get_suitable_module of %s: %w", name, err)
	}
	if len(answer.Modules) == 0 {
		return 0, fmt.Errorf("get_suitable_module of %s names no module", name)
	}
	return answer.Modules[0].ID, nil
}

// orderForm submits the order form: it checks each field, then requests the list of approvers. ok is false if the
// module refuses.
func (p *Panel) orderForm(ctx context.Context, o Order, done *OrderResult) (ok bool, err error) {
	module, err := p.moduleOf(ctx, o.Module)
	if err != nil {
		return false, err
	}
	f, err := p.Features(ctx, module)
	if err != nil {
		return false, err
	}
	fields := o.fields()
	if f.Has("check_param") {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			run, err := p.Start(ctx, module, itemDocument(o, fields), "--command", "check_param", "--item", "0",
				"--param", name, "--value", fields[name])
			if err != nil {
				return false, err
			}
			done.CheckParams = append(done.CheckParams, run)
			if !run.OK() {
				return false, nil
			}
		}
	}
	if !f.Has("approver") {
		return true, nil
	}
	intname, err := p.text(ctx, "SELECT intname FROM pricelist WHERE id=?", o.Tariff)
	if err != nil {
		return false, err
	}
	done.Approver, err = p.Approver(ctx, o.Module, o.CSR, intname, append([]string{commonName(o.CSR)}, o.AltNames...)...)
	return err == nil && done.Approver.OK(), err
}

// fields returns the fields of the order form: the parameters, altname and csr.
func (o Order) fields() map[string]string {
	fields := map[string]string{"csr": o.CSR}
	if len(o.AltNames) > 0 {
		fields["altname"] = strings.Join(o.AltNames, " ")
	}
	maps.Copy(fields, o.Params)
	return fields
}

func itemDocument(o Order, fields map[string]string) []byte {
	item := element{name: "item", children: []element{
		{name: "pricelist", text: strconv.FormatInt(o.Tariff, 10)}, {name: "period", text: strconv.Itoa(o.Period)},
		{name: "processingmodule", text: strconv.FormatInt(o.Module, 10)},
	}}
	item.children = append(item.children, leaves(fields)...)
	return document(element{name: "doc", children: []element{item}})
}

// commonName returns the common name of a CSR, or "" if it cannot be parsed: the module has to report what is wrong
// with it.
func commonName(csr string) string {
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		return ""
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return ""
	}
	return r.Subject.CommonName
}

// addItem inserts the service: status 5 (being processed), parameters, CSR and key, the addon.
func (p *Panel) addItem(ctx context.Context, o Order) (int64, error) {
	now, err := p.Now()
	if err != nil {
		return 0, err
	}
	name := o.Name
	if name == "" {
		name = commonName(o.CSR)
	}
	item, err := p.insert(ctx, `INSERT INTO item (name, account, pricelist, processingmodule, period, status, createdate,
		currency, cost, autosuspend, employeesuspend, abusesuspend) VALUES (?, ?, ?, ?, ?, 5, ?, ?, 0, 'off', 'off', 'off')`,
		name, firstAccount, o.Tariff, o.Module, o.Period, now.Format(time.DateTime), currencyUSD)
	if err != nil {
		return 0, err
	}
	// Modules of ISPsystem read these three without checking that they exist.
	params := map[string]string{"altname": strings.Join(o.AltNames, " "), "approver_method": "", "approver_email": ""}
	maps.Copy(params, o.Params)
	for name, value := range params {
		if err := p.setParam(ctx, root.ItemParams(), item, name, value, false); err != nil {
			return 0, err
		}
	}
	for name, value := range o.Crypted {
		if err := p.setParam(ctx, root.ItemParams(), item, name, value, true); err != nil {
			return 0, err
		}
	}
	if _, err := p.insert(ctx, "INSERT INTO certificate (item, pkey, csr) VALUES (?, ?, ?)", item, o.Key, o.CSR); err != nil {
		return 0, err
	}
	return item, p.addAddon(ctx, item, o)
}

// addAddon inserts the addon item, if the tariff has an addon (docs/reference/billmanager.md §4: a child whose tariff
// is of type altname).
func (p *Panel) addAddon(ctx context.Context, item int64, o Order) error {
	ids, err := p.ids(ctx, "SELECT id FROM pricelist WHERE parent=? AND itemtype=?", o.Tariff, typeAltname)
	if err != nil || len(ids) == 0 || o.ExtraSANs < 0 {
		return err
	}
	child, err := p.insert(ctx, `INSERT INTO item (name, parent, account, pricelist, period, status, currency)
		VALUES ('Additional domain names', ?, ?, ?, ?, 2, ?)`, item, firstAccount, ids[0], o.Period, currencyUSD)
	if err != nil {
		return err
	}
	return p.setAddon(ctx, child, ids[0], o.ExtraSANs)
}

// setAddon changes the count of an addon item: a number, or the entry of the enumeration with that number.
func (p *Panel) setAddon(ctx context.Context, child, tariff int64, n int) error {
	entries, err := p.ids(ctx, `SELECT ei.id FROM enumerationitem ei JOIN pricelist p ON p.enumeration=ei.enumeration
		WHERE p.id=? AND p.addontype=? AND ei.intname=?`, tariff, addonEnum, strconv.Itoa(n))
	if err != nil {
		return err
	}
	kind, err := p.text(ctx, "SELECT addontype FROM pricelist WHERE id=?", tariff)
	if err != nil {
		return err
	}
	if kind != strconv.Itoa(addonEnum) {
		_, err = p.db.ExecContext(ctx, "UPDATE item SET intvalue=? WHERE id=?", n, child)
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("tariff %d offers no %d additional names", tariff, n)
	}
	_, err = p.db.ExecContext(ctx, "UPDATE item SET enumerationitem=? WHERE id=?", entries[0], child)
	return err
}

// SetExtraSANs changes the number of names that the client bought with the addon altname, and starts nothing. In the
// real panel setparam would follow.
func (p *Panel) SetExtraSANs(ctx context.Context, item int64, n int) error {
	rows, err := p.ids(ctx, `SELECT a.id FROM item a JOIN pricelist p ON p.id=a.pricelist
		WHERE a.parent=? AND p.itemtype=? AND a.status <> 4`, item, typeAltname)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("item %d has no addon altname", item)
	}
	tariff, err := p.ids(ctx, "SELECT pricelist FROM item WHERE id=?", rows[0])
	if err != nil {
		return err
	}
	return p.setAddon(ctx, rows[0], tariff[0], n)
}

// Approver requests the list of approver addresses, with the CSR on stdin.
func (p *Panel) Approver(ctx context.Context, module int64, csr, intname string, domains ...string) (*Run, error) {
	name, err := p.moduleOf(ctx, module)
	if err != nil {
		return nil, err
	}
	return p.Start(ctx, name, []byte(csr), "--command", "approver", "--module", strconv.FormatInt(module, 10),
		"--domain", strings.Join(domains, ","), "--intname", intname, "--lang", "en")
}

// moduleOf returns the file name of a module by its id.
func (p *Panel) moduleOf(ctx context.Context, id int64) (string, error) {
	name, err := p.text(ctx, "SELECT module FROM processingmodule WHERE id=?", id)
	if err != nil {
		return "", fmt.Errorf("module %d: %w", id, err)
	}
	return name, nil
}

func (p *Panel) text(ctx context.Context, query string, args ...any) (string, error) {
	var s string
	err := p.db.QueryRowContext(ctx, query, args...).Scan(&s)
	return s, err
}

func (p *Panel) ids(ctx context.Context, query string, args ...any) ([]int64, error) {
	rs, err := p.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []int64
	for rs.Next() {
		var id int64
		if err := rs.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rs.Err()
}
