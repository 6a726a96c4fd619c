package ispmgr_test

import (
	"crypto/x509/pkix"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestFormsHaveNoSideEffect(t *testing.T) {
	s := newStandIn(t)
	csr := s.ok("certificate.order.csr", "pricelist", "3033", "period", "12").root
	assert.Equal(t, []string{"generate", "exists"}, keysOf(csr, "crt_type"))
	assert.Equal(t, []string{"12", "24"}, keysOf(csr, "period"))
	assert.Len(t, keysOf(csr, "field_country"), 245)
	assert.Equal(t, "182", csr.Text("field_country"))

	param := s.ok("certificate.order.param", order(standintest.CSR(t, "www.example.com"), "sok", "")...).root
	assert.Equal(t, []string{"auth_email", "auth_dnscname", "auth_dnstxt", "auth_http"}, keysOf(param, "approver_method"))
	assert.Contains(t, keysOf(param, "approver_email_1"), "webmaster@example.com")
	assert.Equal(t, []string{"null", "12", "24"}, keysOf(param, "autoprolong"))
	assert.Equal(t, "null", param.Text("autoprolong"), "what was sent is shown again")
	assert.Contains(t, requiredOf(param), "adm_fname")
	assert.NotContains(t, requiredOf(param), "adm_jtitle")
	assert.Empty(t, s.Charges())
	assert.Empty(t, s.ok("certificate").root.All("elem"))
	assert.Empty(t, s.ok("basket").root.All("list", "elem"))
}

// requiredOf returns the fields that the metadata of a form call required.
func requiredOf(form standintest.Node) []string {
	var names []string
	for _, f := range form.All("metadata", "form", "page", "field") {
		for _, control := range append(f.All("input"), f.All("select")...) {
			if control.Attr("required") == "yes" {
				names = append(names, control.Attr("name"))
			}
		}
	}
	return names
}

func TestStepsRequireTheValuesOfEarlierOnes(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.ContactsStep, c.OrganizationStep = true, true })
	csr := standintest.CSR(t, "example.com")
	for name, test := range map[string]struct {
		function string
		pairs    []string
	}{
		"CSR without a product":                  {"certificate.order.csr", nil},
		"last step without anything":             {"certificate.order.param", []string{"sok", "ok"}},
		"last step without a CSR":                {"certificate.order.param", order("")},
		"last step without the contacts":         {"certificate.order.param", order(csr, "adm_fname", "")},
		"organisation without a CSR":             {"certificate.order.organization", []string{"pricelist", "2026", "period", "12"}},
		"last step of OV without organisation":   {"certificate.order.param", order(csr, "pricelist", "2026")},
		"contacts without the kind of a request": {"certificate.order.contacts", []string{"pricelist", "3033", "csr", csr}},
	} {
		assert.Equal(t, "wizard_unavailable", s.call(test.function, test.pairs...).problem(), name)
	}
	assert.Empty(t, s.Charges())
}

func TestOrdersAreCheckedLikeForms(t *testing.T) {
	s := newStandIn(t)
	csr := standintest.CSR(t, "example.com")
	for name, test := range map[string]struct {
		csr   string
		pairs []string
		want  string
	}{
		"rubbish as CSR":               {"rubbish", nil, "value csr"},
		"wildcard for a plain product": {standintest.CSR(t, "*.example.com"), nil, "value csr"},
		"plain name for a wildcard":    {csr, []string{"pricelist", "27650"}, "value csr"},
		"letters that are not Latin":   {standintest.CSRWith(t, standintest.Key(t), pkix.Name{CommonName: "example.com", Organization: []string{"Пример"}}), nil, "value csr"},
		"field that is not Latin":      {csr, []string{"O", "Пример"}, "value O"},
		"person that is not Latin":     {csr, []string{"adm_fname", "Иван"}, "value adm_fname"},
		"name beside the CSR's":        {csr, []string{"CN", "example.org"}, "value CN"},
		"unknown product":              {csr, []string{"pricelist", "4"}, "missed pricelist"},
		"inactive product":             {csr, []string{"pricelist", "1013"}, "missed pricelist"},
		"period that is not offered":   {csr, []string{"period", "36"}, "value period"},
		"country outside the list":     {csr, []string{"field_country", "9999"}, "value field_country"},
		"unknown kind of request":      {csr, []string{"crt_type", "existing"}, "value crt_type"},
		"unknown method":               {csr, []string{"approver_method", "auth_dns"}, "value approver_method"},
		"unknown renewal":              {csr, []string{"autoprolong", "36"}, "value autoprolong"},
		"missing person":               {csr, []string{"tech_phone", ""}, "value tech_phone"},
		"no address":                   {csr, []string{"adm_email", "nobody"}, "value adm_email"},
		"e-mail without an approver":   {csr, []string{"approver_method", "auth_email"}, "value approver_email_1"},
		"e-mail by default":            {csr, []string{"approver_method", ""}, "value approver_email_1"},
		"approver outside the list":    {csr, []string{"approver_method", "auth_email", "approver_email_1", "jo@example.com"}, "value approver_email_1"},
		"further name, plain product":  {csr, []string{"altname", "a.example.com"}, "value altname"},
		"OV without an organisation":   {csr, []string{"pricelist", "2026"}, "value org_country"},
	} {
		assert.Equal(t, test.want, s.call("certificate.order.param", order(test.csr, test.pairs...)...).problem(), name)
	}
	assert.Empty(t, s.Charges())
}

// The values of each step are carried to the next one in each form of the wizard.
func TestEachWizardFormReachesTheLastStep(t *testing.T) {
	csr := standintest.CSR(t, "example.com")
	step := []string{"pricelist", "3033", "period", "12", "crt_type", "exists", "csr", csr, "field_country", "182", "sok", "ok", "snext", "ok"}
	for way, next := range map[string]func(r standintest.Node) (function string, form standintest.Node){
		ispmgr.NextForm: func(r standintest.Node) (string, standintest.Node) { return r.Attr("func"), r },
		ispmgr.NextNested: func(r standintest.Node) (string, standintest.Node) {
			return r.First("doc").Attr("func"), r.First("doc")
		},
		ispmgr.NextRedirect: func(r standintest.Node) (string, standintest.Node) {
			target, err := url.ParseQuery(r.Text("ok"))
			require.NoError(t, err)
			form := standintest.Node{}
			for name := range target {
				child := standintest.Node{Chars: target.Get(name)}
				child.XMLName.Local = name
				form.Children = append(form.Children, child)
			}
			return target.Get("func"), form
		},
	} {
		s := newStandIn(t, func(c *ispmgr.Settings) { c.WizardNext, c.Functions.Param = way, "certificate.order.final" })
		function, form := next(s.ok("certificate.order.csr", step...).root)
		assert.Equal(t, "certificate.order.final", function, way)
		assert.Equal(t, strings.TrimSpace(csr), form.Text("csr"), way)
		assert.Equal(t, "example.com", form.Text("CN"), way)
		assert.NotEmpty(t, s.ok(function, order(csr)...).root.Text("id"), way)
	}
}

func TestOptionalStepsComeBeforeTheLastOne(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.ContactsStep, c.OrganizationStep = true, true })
	csr := standintest.CSR(t, "example.com")
	organisation := []string{"pricelist", "2026", "org_name", "Doe Ltd", "org_country", "182", "org_address", "1 Road", "org_city", "Town", "org_postcode", "1", "org_phone", "+7 1"}
	var visited []string
	function := "certificate.order.csr"
	for function != "certificate.order.param" {
		visited = append(visited, function)
		function = s.ok(function, order(csr, organisation...)...).root.Attr("func")
	}
	assert.Equal(t, []string{"certificate.order.csr", "certificate.order.contacts", "certificate.order.organization"}, visited)
	form := s.ok(function, order(csr, append(organisation, "sok", "")...)...).root
	assert.NotContains(t, requiredOf(form), "adm_fname", "they had a step of their own")
	id := s.ok(function, order(csr, organisation...)...).root.Text("id")
	require.NoError(t, s.Issue(standintest.Number(t, id)))
	subject := standintest.Certificate(t, s.certificate(id).Certificate).Subject
	assert.Equal(t, "CN=example.com,O=Doe Ltd,POSTALCODE=1,STREET=1 Road,L=Town,C=RU", subject.ToRDNSequence().String())
}

func TestTheRemoteGeneratesAKeyOnRequest(t *testing.T) {
	s := newStandIn(t)
	r := s.ok("certificate.order.csr", "sok", "ok", "snext", "ok", "crt_type", "generate", "field_country", "182", "period", "12", "pricelist", "3033", "CN", "example.com").root
	assert.Contains(t, r.Text("csr"), "BEGIN CERTIFICATE REQUEST")
	assert.Contains(t, r.Text("key"), "BEGIN PRIVATE KEY")

	// The second call as the partner's page documents it (4.1).
	s.ok("certificate.order.param", "sok", "ok", "skipbasket", "on", "crt_type", "generate", "field_country", "182", "period", "12", "pricelist", "3033",
		"CN", "example.com", "ST", "", "L", "", "O", "", "OU", "", "emailAddress", "",
		"adm_fname", "Jo", "adm_lname", "Doe", "adm_jtitle", "", "adm_email", "jo@example.com", "adm_phone", "1",
		"tech_fname", "Jo", "tech_lname", "Doe", "tech_jtitle", "", "tech_email", "jo@example.com", "tech_phone", "1",
		"approver_email_1", "admin@example.com", "csr", r.Text("csr"), "key", r.Text("key"))
	bought := s.certificate(s.ok("certificate").root.Text("elem", "id"))
	assert.Equal(t, "auth_email admin@example.com 12", bought.Method+" "+bought.Domains[0].Approver+" "+bought.AutoProlong)
	assert.Equal(t, "***", bought.Key, "the remote keeps a key that it was given; the control does not show it")
}

func TestOtherNamesOfFieldsAndFunctions(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) {
		c.FieldNames = map[string]string{"approver_method": "dcv_method", "approver_email": "dcv_email", "crt_type": "csr_mode"}
		c.ExistingKey, c.Methods = "own", []string{"auth_mail", "auth_dns"}
		c.Functions.CSR = "certificate.order.request"
		c.ExtraFields = []ispmgr.ExtraField{
			{Function: "certificate.order.param", Name: "agree", Required: true, Options: []string{"on"}},
			{Function: "certificate.order.param", Name: "web_server", Value: "other"},
		}
	})
	first := s.ok("certificate.order", "pricelist", "3033", "period", "12", "sok", "ok").root
	assert.Equal(t, "certificate.order.request", first.Attr("func"))
	assert.Equal(t, []string{"generate", "own"}, keysOf(first, "csr_mode"))
	assert.Equal(t, "missed func", s.call("certificate.order.csr", "pricelist", "3033").problem())

	csr := standintest.CSR(t, "example.com")
	renamed := []string{"csr_mode", "own", "dcv_method", "auth_dns"}
	form := s.ok("certificate.order.param", order(csr, append(renamed, "sok", "")...)...).root
	assert.Equal(t, []string{"auth_mail", "auth_dns"}, keysOf(form, "dcv_method"))
	assert.NotEmpty(t, keysOf(form, "dcv_email_1"))
	assert.Empty(t, keysOf(form, "approver_method"))
	assert.Equal(t, "other", form.Text("web_server"))
	assert.Contains(t, requiredOf(form), "agree")
	assert.Equal(t, "value agree", s.call("certificate.order.param", order(csr, renamed...)...).problem())
	assert.Equal(t, "value agree", s.call("certificate.order.param", order(csr, append(renamed, "agree", "yes")...)...).problem())
	assert.Equal(t, "wizard_unavailable", s.call("certificate.order.param", order(csr, "agree", "on")...).problem(), "our names are not known there")
	id := s.ok("certificate.order.param", order(csr, append(renamed, "agree", "on")...)...).root.Text("id")
	assert.Equal(t, "auth_dns", s.certificate(id).Method)
}

func TestFurtherNamesArePaidBeyondTheFreeOnes(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com", "pricelist", "27648", "altname", "a.example.com b.example.com", "altname_input", "B.example.com c.example.org",
		"approver_method", "auth_email", "approver_email_1", "admin@example.com", "approver_email_2", "admin@a.example.com",
		"approver_email_3", "admin@b.example.com", "approver_email_4", "admin@c.example.org")
	assert.Equal(t, "961.00", s.balance(), "27.00 and one name at 12.00")
	edit := s.ok("certificate.edit", "elid", id).root
	assert.Equal(t, "example.com,a.example.com,b.example.com,c.example.org", edit.Text("domains_list"))
	assert.Equal(t, "admin@example.com,admin@a.example.com,admin@b.example.com,admin@c.example.org", edit.Text("approver_email"))
	_, err := s.ProveDomain("a.example.com")
	require.NoError(t, err)
	assert.Equal(t, ispmgr.Requested, s.certificate(id).ServiceStatus)
	require.NoError(t, s.Prove(standintest.Number(t, id)))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}

// order_wizard_form_RECORDED: the first key of a country select may be none.
func TestACountryMustBeChosen(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.CountryPrompt = true })
	form := s.ok("certificate.order.csr", "pricelist", "3033").root
	assert.Equal(t, []string{"null", "21"}, keysOf(form, "field_country")[:2])
	assert.Equal(t, "null", form.Text("field_country"))
	step := []string{"pricelist", "3033", "period", "12", "crt_type", "exists", "csr", standintest.CSR(t, "example.com"), "sok", "ok"}
	assert.Equal(t, "value field_country", s.call("certificate.order.csr", append(step, "field_country", "null")...).problem())
	assert.Equal(t, "value field_country", s.call("certificate.order.param", order(standintest.CSR(t, "example.com"), "field_country", "null")...).problem())
	s.ok("certificate.order.csr", append(step, "field_country", "182")...)
}
