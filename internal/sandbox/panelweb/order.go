package panelweb

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
	"pmssl/internal/sandbox/provider"
)

// order is what the client has chosen in the first step of the order form.
type order struct {
	Tariff     panel.ListedTariff
	Module     panel.Module
	Product    string // as the manifest titles it
	Attributes map[string]string
	Months     int
	Names      []string // the common name first
	CSR        string
	Approvers  []approvers
	placed     int64 // the item that it became; only actions, which run one at a time, use it
}

// approvers are the addresses that may approve a name.
type approvers struct {
	Domain string
	Emails []string
}

// tariffView is a tariff with one of its modules, as the order form offers it.
type tariffView struct{ Key, Product, Module string }

// orderForm is the first step of the order form.
type orderForm struct {
	Tariffs []tariffView
	Months  []int
	Hosted  string // a name in a zone of the provider
	Foreign string // a name in a zone of another provider
	Values  map[string]string
	Field   string
	Error   string
}

// Names that the form suggests.
const (
	hostedName  = "shop.example.net"
	foreignName = "shop.example.com"
)

func (s *Server) showOrder(w http.ResponseWriter, r *request) error {
	tariffs, err := s.tariffViews(r.Context(), r.lang)
	if err != nil {
		return err
	}
	refused, _ := s.drafts.get(r.URL.Query().Get("draft"))
	form := orderForm{
		Tariffs: tariffs, Months: []int{12, 24, 36, 48, 60}, Hosted: hostedName, Foreign: foreignName, Values: refused.Values, Field: refused.Field, Error: refused.Error,
	}
	if form.Values == nil {
		form.Values = map[string]string{"months": "60", "domain": hostedName, "csr": "make"}
	}
	return s.show(w, r, "order", s.formTitle(r.lang, s.words.text(r.lang, "order"), form.Error), form)
}

func (s *Server) tariffViews(ctx context.Context, lang string) ([]tariffView, error) {
	tariffs, err := s.provider.Tariffs(ctx)
	if err != nil {
		return nil, err
	}
	modules, err := s.provider.Modules(ctx)
	if err != nil {
		return nil, err
	}
	var all []tariffView
	for _, t := range tariffs {
		for _, m := range modules {
			if m.ID == t.Module {
				all = append(all, tariffView{Key: tariffKey(t), Product: s.templateName(lang, m.Module, t.IntName), Module: m.Name})
			}
		}
	}
	return all, nil
}

func tariffKey(t panel.ListedTariff) string { return fmt.Sprintf("%d-%d", t.ID, t.Module) }

// formError is what is wrong with a field of a form.
type formError struct{ field, text string }

func (e formError) Error() string { return e.text }

// beginOrder takes the first step of the order form: it makes the CSR, if the client brings none, and asks the module who may approve
// the names.
func (s *Server) beginOrder(w http.ResponseWriter, r *request) error {
	values := fieldsIn(r, "tariff", "months", "domain", "own", "more", "csr", "pem")
	var o order
	err := s.act(r, func(ctx context.Context) (err error) {
		o, err = s.prepare(ctx, r.lang, values)
		return err
	})
	var wrong formError
	if errors.As(err, &wrong) {
		return seeOther(w, r, "/order?draft="+s.drafts.add(draft{Values: values, Field: wrong.field, Error: wrong.text}))
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/order/"+s.drafts.add(draft{Values: firstValues(o), order: &o}))
}

// fieldsIn returns fields of a form.
func fieldsIn(r *request, names ...string) map[string]string {
	values := map[string]string{}
	for _, name := range names {
		values[name] = strings.TrimSpace(r.PostForm.Get(name))
	}
	return values
}

// prepare checks the first step and returns the order so far. A formError says what the client has to change.
func (s *Server) prepare(ctx context.Context, lang string, values map[string]string) (order, error) {
	o, err := s.chosenTariff(ctx, lang, values)
	if err != nil {
		return o, err
	}
	if err := s.request(lang, values, &o); err != nil {
		return o, err
	}
	if o.Attributes["multidomain"] != "yes" && len(o.Names) > 1 && values["more"] != "" {
		return o, formError{"more", s.words.text(lang, "order_one_name", o.Product)}
	}
	run, err := s.provider.Approvers(ctx, o.Module.ID, o.CSR, o.Tariff.IntName, o.Names...)
	if err != nil {
		return o, err
	}
	if !run.OK() {
		return o, formError{"csr", s.resultOf(lang, "", run).Text}
	}
	o.Approvers, err = readApprovers(run.Stdout)
	return o, err
}

// chosenTariff returns the tariff, its module and the months that were chosen.
func (s *Server) chosenTariff(ctx context.Context, lang string, values map[string]string) (order, error) {
	var o order
	tariffs, err := s.provider.Tariffs(ctx)
	if err != nil {
		return o, err
	}
	modules, err := s.provider.Modules(ctx)
	if err != nil {
		return o, err
	}
	i := slices.IndexFunc(tariffs, func(t panel.ListedTariff) bool { return tariffKey(t) == values["tariff"] })
	if i < 0 {
		return o, formError{"tariff", s.words.text(lang, "order_no_tariff")}
	}
	o.Tariff = tariffs[i]
	m := slices.IndexFunc(modules, func(m panel.Module) bool { return m.ID == o.Tariff.Module })
	if m < 0 {
		return o, formError{"tariff", s.words.text(lang, "order_no_tariff")}
	}
	o.Module, o.Product = modules[m], s.templateName(lang, modules[m].Module, o.Tariff.IntName)
	if o.Months, err = strconv.Atoi(values["months"]); err != nil || o.Months < 1 || o.Months > 120 {
		return o, formError{"months", s.words.text(lang, "order_bad_months")}
	}
	features, err := s.provider.Features(ctx, o.Module.Module)
	if err != nil {
		return o, err
	}
	template, _ := features.Template(o.Tariff.IntName)
	o.Attributes = template.Attributes
	return o, nil
}

// request fills in the CSR and its names: one that the client brings, or one that is made on the web server of the site.
func (s *Server) request(lang string, values map[string]string, o *order) error {
	if values["csr"] == "paste" {
		names, err := namesOf(values["pem"])
		if err != nil {
			return formError{"pem", s.words.text(lang, "order_bad_csr")}
		}
		o.CSR, o.Names = values["pem"]+"\n", names
		return nil
	}
	if values["pem"] != "" {
		return formError{"pem", s.words.text(lang, "order_choose_paste")}
	}
	domain := values["domain"]
	if domain == "own" {
		domain = values["own"]
	} else if values["own"] != "" {
		return formError{"own", s.words.text(lang, "order_choose_own")}
	}
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if o.Attributes["wildcard"] == "yes" && !strings.HasPrefix(domain, "*.") {
		domain = "*." + domain
	}
	names := append([]string{domain}, strings.Fields(strings.ToLower(strings.ReplaceAll(values["more"], ",", " ")))...)
	for _, name := range names {
		if !isName(name) {
			return formError{"own", s.words.text(lang, "order_bad_name", name)}
		}
	}
	if err := s.provider.AddSite(names...); err != nil {
		return formError{"own", err.Error()}
	}
	var err error
	o.Names = names
	o.CSR, err = s.provider.NewCSR(false, names...)
	return err
}

// topDomains are those of the simulated Internet.
func topDomains() []string { return []string{"com", "net", "org", "example"} }

// isName reports whether a name can stand in the simulated Internet.
func isName(name string) bool {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(labels) > 1 && len(name) <= 253 && slices.Contains(topDomains(), labels[len(labels)-1])
}

// namesOf returns the names of a CSR, the common name first.
func namesOf(text string) ([]string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	names := []string{csr.Subject.CommonName}
	for _, name := range csr.DNSNames {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if !isName(strings.ToLower(name)) {
			return nil, fmt.Errorf("%q", name)
		}
	}
	return names, nil
}

// readApprovers reads the answer of the command approver.
func readApprovers(text string) ([]approvers, error) {
	var doc struct {
		Domains []struct {
			Name   string   `xml:"name,attr"`
			Emails []string `xml:"approver"`
		} `xml:"domain"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("approver: %w", err)
	}
	var all []approvers
	for _, d := range doc.Domains {
		all = append(all, approvers{d.Name, d.Emails})
	}
	return all, nil
}

// contactFields are the parameters of the contact and of the organisation that the panel's own forms have, with examples.
func contactFields() []field {
	return textFields("adm_fname", "Olga", "adm_lname", "Owner", "adm_jtitle", "Owner", "adm_email", "owner@example.com", "adm_phone", "+44.2079460000")
}

func organisationFields() []field {
	return textFields("org_name", "Example Shop Ltd", "org_address", "1 Example Street", "org_city", "London", "org_state", "London", "org_postcode", "EC1A 1BB",
		"org_country", "GB", "org_phone", "+44.2079460000")
}

// textFields returns required fields from pairs of names and values.
func textFields(pairs ...string) []field {
	var all []field
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, field{Field: manifest.Field{Name: pair[0], Kind: manifest.Text, Required: true}, Value: pair[1]})
	}
	return all
}

// manifestExamples are examples for the fields that a manifest adds for organisations.
func manifestExamples() map[string]string {
	return map[string]string{"org_registration_number": "01234567", "org_incorporation_country": "GB", "org_incorporation_locality": "London", "org_incorporation_date": "2001-02-03"}
}

// firstValues are the values that the second step begins with.
func firstValues(o order) map[string]string {
	values := map[string]string{"approver_method": provider.MethodTXT}
	for _, f := range append(contactFields(), organisationFields()...) {
		values[f.Name] = f.Value
	}
	maps.Copy(values, manifestExamples())
	for _, a := range o.Approvers {
		if len(a.Emails) > 0 {
			values["approver "+a.Domain] = a.Emails[0]
		}
	}
	return values
}

// fieldsForm is the second step of the order form.
type fieldsForm struct {
	order
	Draft        string
	Methods      []string
	EmailOnly    bool // the connection has no tick in "alternative methods of confirmation"
	Contact      []field
	Organisation []field
	Values       map[string]string
	Field, Error string
}

// orderDraft returns the draft that the path names.
func (s *Server) orderDraft(r *request) (draft, error) {
	d, there := s.drafts.get(r.PathValue("draft"))
	if !there || d.order == nil {
		return d, errNotFound
	}
	return d, nil
}

func (s *Server) showOrderFields(w http.ResponseWriter, r *request) error {
	d, err := s.orderDraft(r)
	if err != nil {
		return err
	}
	form, err := s.fieldsForm(r.Context(), r.lang, d)
	if err != nil {
		return err
	}
	form.Draft = r.PathValue("draft")
	return s.show(w, r, "order_fields", s.formTitle(r.lang, s.words.text(r.lang, "order"), form.Error), form)
}

func (s *Server) fieldsForm(ctx context.Context, lang string, d draft) (fieldsForm, error) {
	form := fieldsForm{order: *d.order, Values: d.Values, Field: d.Field, Error: d.Error}
	alternatives, err := s.provider.ModuleParam(ctx, d.order.Module.ID, "alter_approver_methods")
	if err != nil {
		return form, err
	}
	form.EmailOnly = alternatives != "on"
	form.Methods = methods(d.order.Attributes, form.EmailOnly)
	form.Contact = s.titled(lang, contactFields(), d)
	if d.order.Attributes["orginfo"] != "yes" {
		return form, nil
	}
	form.Organisation = s.titled(lang, organisationFields(), d)
	m, err := s.provider.Manifest(d.order.Module.Module)
	if err != nil {
		return form, err
	}
	form.Organisation = append(form.Organisation, fieldsOf(m, lang, "organization."+d.order.Module.Module, d.Values, d)...)
	return form, nil
}

// titled gives fields their titles and the values of a draft.
func (s *Server) titled(lang string, all []field, d draft) []field {
	for i := range all {
		f := &all[i]
		f.Label, f.Value = s.words.text(lang, "field_"+f.Name), d.Values[f.Name]
		f.Wrong = d.Field == f.Name
	}
	return all
}

// methods returns the methods by which control of the names of a product can be proved.
func methods(attributes map[string]string, emailOnly bool) []string {
	var all []string
	for _, row := range []struct{ attribute, method string }{
		{"authdnstxt", provider.MethodTXT}, {"authhttp", provider.MethodFile}, {"authemail", provider.MethodEmail},
	} {
		if attributes[row.attribute] == "yes" && (!emailOnly || row.method == provider.MethodEmail) {
			all = append(all, row.method)
		}
	}
	return all
}

// placeOrder takes the second step: the panel checks the fields, stores the order and runs its open. A form that is submitted again,
// by a second click or after the browser's button Back, places no second order.
func (s *Server) placeOrder(w http.ResponseWriter, r *request) error {
	d, err := s.orderDraft(r)
	if err != nil {
		return err
	}
	form, err := s.fieldsForm(r.Context(), r.lang, d)
	if err != nil {
		return err
	}
	values := entered(r, form)
	var done *panel.OrderResult
	var former int64
	err = s.act(r, func(ctx context.Context) (err error) {
		if former = d.order.placed; former != 0 {
			return nil
		}
		done, err = s.provider.Order(ctx, panelOrder(r.lang, form, values))
		if done != nil {
			d.order.placed = done.Item
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case former != 0:
		return s.finish(w, r, certificatePath(former), result{Key: "ordered", Refused: true, Text: s.words.text(r.lang, "order_placed")})
	case done.Item == 0:
		refused := s.refusedOrder(r.lang, d.order, values, done)
		return seeOther(w, r, "/order/"+s.drafts.add(refused))
	}
	return s.finish(w, r, certificatePath(done.Item), s.resultOf(r.lang, "ordered", done.Open))
}

// entered returns the values of the second step.
func entered(r *request, form fieldsForm) map[string]string {
	names := []string{"approver_method"}
	for _, f := range append(slices.Clone(form.Contact), form.Organisation...) {
		names = append(names, f.Name)
	}
	for _, a := range form.Approvers {
		names = append(names, "approver "+a.Domain)
	}
	return fieldsIn(r, names...)
}

// panelOrder returns the order as the panel's form hands it in.
func panelOrder(lang string, form fieldsForm, values map[string]string) panel.Order {
	params := map[string]string{}
	var emails []string
	for name, value := range values {
		if value != "" && !strings.HasPrefix(name, "approver ") {
			params[name] = value
		}
	}
	for _, a := range form.Approvers {
		emails = append(emails, values["approver "+a.Domain])
	}
	if params["approver_method"] == provider.MethodEmail {
		params["approver_email"] = strings.Join(emails, ",")
	}
	o := panel.Order{
		Tariff: form.Tariff.ID, Module: form.Module.ID, Period: form.Months, CSR: form.CSR, ExtraSANs: -1, Params: params, Lang: lang,
	}
	if form.Attributes["multidomain"] == "yes" {
		o.AltNames, o.ExtraSANs = form.Names[1:], provider.ExtraNames(len(form.Names)-1)
	}
	return o
}

// refusedOrder returns the second step again, with what the module has refused in the words of its manifest.
func (s *Server) refusedOrder(lang string, o *order, values map[string]string, done *panel.OrderResult) draft {
	d := draft{Values: values, order: o}
	for _, run := range append(slices.Clone(done.CheckParams), done.Approver) {
		if run == nil || run.OK() {
			continue
		}
		d.Error = s.resultOf(lang, "", run).Text
		if i := slices.Index(run.Args, "--param"); i >= 0 && i+1 < len(run.Args) {
			d.Field = run.Args[i+1]
		}
	}
	return d
}
