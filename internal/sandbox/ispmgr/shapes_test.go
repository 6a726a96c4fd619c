package ispmgr_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

// shapeCase makes the stand-in give the answer that a fixture shows.
type shapeCase struct {
	answer func(*standIn) reply
	// less are the beginnings of paths of the fixture that the answer does not have,
	// each with its reason at the case.
	less []string
}

// shapeCases returns the cases by the name of the fixture.
func shapeCases(t *testing.T) map[string]shapeCase {
	call := func(function string, pairs ...string) func(*standIn) reply {
		return func(s *standIn) reply { return s.call(function, pairs...) }
	}
	buy := func(pairs ...string) func(*standIn) reply {
		return func(s *standIn) reply {
			return s.call("certificate.order.param", order(standintest.CSR(t, "example.com"), pairs...)...)
		}
	}
	withPoor := func(funds string) func(*standIn) reply {
		return func(s *standIn) reply {
			s.set(func(c *ispmgr.Settings) { c.Funds = funds })
			s.setAccount(func(a *ispmgr.Account) { a.Balance = 0 })
			return buy()(s)
		}
	}
	return map[string]shapeCase{
		"auth_ok": { // the login page's style and folder of brands
			answer: call("auth", "username", ispmgr.DefaultUser, "password", ispmgr.DefaultPassword),
			less:   []string{"/doc@branddir", "/doc@stylesheet"},
		},
		"certificate_edit_SYNTH": {answer: func(s *standIn) reply { return s.call("certificate.edit", "elid", s.buy("example.com")) }},
		"certificate_list_SYNTH": {answer: func(s *standIn) reply { s.buy("example.com"); return s.call("certificate") }},
		"dashboard_info":         {answer: call("dashboard.info")},
		"delete_ok":              {answer: func(s *standIn) reply { return s.call("certificate.delete", "elid", s.buy("example.com")) }},
		"error_access": {answer: func(s *standIn) reply {
			s.setAccount(func(a *ispmgr.Account) { a.AllowDelete = false })
			return s.call("certificate.delete", "elid", "4")
		}},
		"error_badpassword": {answer: call("whoami", "authinfo", "x:y")},
		"error_captcha": {answer: func(s *standIn) reply {
			s.set(func(c *ispmgr.Settings) { c.Captcha = true })
			return s.call("auth")
		}},
		"error_funds_GUESS":                  {answer: withPoor(ispmgr.FundsError)},
		"error_missed":                       {answer: call("certificate.edit", "elid", "99999999")},
		"error_value":                        {answer: buy("csr", "rubbish")},
		"order_csr_form_SYNTH":               {answer: call("certificate.order.csr", "pricelist", "3033", "period", "12")},
		"order_csr_ok_SYNTH":                 {answer: call("certificate.order.csr", "pricelist", "3033", "period", "12", "crt_type", "generate", "field_country", "182", "CN", "example.com", "sok", "ok")},
		"order_param_ok":                     {answer: buy()},
		"order_param_ok_no_id":               {answer: buy("skipbasket", "off")},
		"order_pricelist_SYNTH":              {answer: call("certificate.order.pricelist")},
		"pricelist_export_certificate_SYNTH": {answer: call("pricelist.export", "itemtype", "certificate")},
		"service_prolong_ok": {answer: func(s *standIn) reply {
			return s.call("service.prolong", "elid", s.issued("example.com"), "period", "12", "sok", "ok")
		}},
		"subaccount": {answer: call("subaccount")},
		"twofa_pending": {answer: func(s *standIn) reply {
			s.setAccount(func(a *ispmgr.Account) { a.TwoFactor = true })
			return s.call("whoami")
		}},
		"whoami_RECORDED": {answer: func(s *standIn) reply {
			session := s.ok("auth", "username", ispmgr.DefaultUser, "password", ispmgr.DefaultPassword).root.Text("auth")
			return s.call("whoami", "authinfo", "", "auth", session)
		}},
		"wizard_submit_ok_url_RECORDED": { // a payment's own fields and the decoration of the page
			answer: withPoor(ispmgr.FundsPaymentURL),
			less: []string{"/doc/doc/amount", "/doc/doc/customer_account", "/doc/doc/payment", "/doc/doc/project", "/doc/doc/randomnumber", "/doc/doc/slist",
				"/doc/doc/tparams/", "/doc/doc/saved_filters", "/doc/doc/links", "/doc/tparams/", "/doc/links", "/doc/tips",
				"/doc@css", "/doc@favicon", "/doc@localdir", "/doc@logo", "/doc@stylesheet", "/doc/doc@css", "/doc/doc@favicon", "/doc/doc@localdir", "/doc/doc@logo"},
		},
	}
}

// notServed returns the fixtures of functions that the stand-in does not have.
func notServed() []string {
	return []string{"payment_list_RECORDED", "pricelist_export_addition", "pricelist_export_vds", "order_wizard_form_RECORDED", "error_generic"}
}

// compareShape checks that the answer has everything of a fixture. It may have more:
// the recordings are trimmed, and invented fixtures show only what has a source.
func compareShape(t *testing.T, name string, fixture []string) {
	t.Helper()
	c, known := shapeCases(t)[name]
	require.True(t, known, "no case makes the answer of this fixture")
	wanted := slices.DeleteFunc(slices.Clone(fixture), func(path string) bool {
		return slices.ContainsFunc(c.less, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
	})
	require.NotEmpty(t, wanted)
	r := c.answer(newStandIn(t))
	assert.Subset(t, standintest.Shape(r.root), wanted, r.body)
}

func TestAnswersHaveTheKnownShapes(t *testing.T) {
	standintest.KnownShapes(t, len(shapeCases(t)), compareShape)
}

func TestAnswersHaveTheShapesOfTheFixtures(t *testing.T) {
	standintest.FixtureShapes(t, "ispmanager", os.Getenv("CI") == "true", notServed(), compareShape)
}

// A country's id and its ISO code, which is only in the address of the flag
// (order_wizard_form_RECORDED, country_ids.tsv).
func TestCountriesAreThoseOfTheTable(t *testing.T) {
	flags := map[string]string{}
	for _, list := range newStandIn(t).ok("certificate.order.csr", "pricelist", "3033").root.All("slist") {
		if list.Attr("name") == "field_country" {
			for _, value := range list.All("val") {
				flags[value.Attr("key")] = value.Attr("image")
			}
		}
	}
	for id, code := range map[string]string{"182": "RU", "21": "BY", "232": "GB", "225": "TR", "233": "US"} {
		assert.Equal(t, "/manimg/common/flag/"+code+".png", flags[id])
	}
}
