package namecheap_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

// company returns the parameters of an order with all fields of an organisation.
func company() map[string]string {
	return map[string]string{
		"org_name": "Example Ltd", "org_division": "Web", "org_duns": "15-048-3782", "org_address": "1 High Street", "org_city": "London",
		"org_state": "Greater London", "org_postcode": "SW1A 1AA", "org_country": "gb", "org_phone": "+44 20 7946 0000",
		"org_incorporating_agency": "Companies House", "org_registration_number": "01234567",
		"org_incorporation_country": "GB", "org_incorporation_state": "England", "org_incorporation_locality": "London",
		"org_incorporation_date": "1999-12-31", "org_dba": "Example Hosting",
		"adm_fname": "Anna", "adm_lname": "Smith", "adm_jtitle": "CTO", "adm_email": "anna@example.com", "adm_phone": "+1 (202) 555-0123",
		"tech_fname": "Техник", "tech_email": "not looked at",
	}
}

// vetted returns an order of an OV or EV product with the parameters.
func vetted(t *testing.T, id string, params map[string]string) seller.Request {
	t.Helper()
	r := request(t, id, "auth_dnstxt", "", "example.com")
	maps.Copy(r.Params, params)
	return r
}

// Values in a form that CAs do not accept are corrected if they have only one meaning.
func TestCountriesAndTelephoneNumbersAreCorrected(t *testing.T) {
	params := company()
	params["org_country"], params["org_phone"], params["adm_phone"] = "uk", "+44 (0)20 7946 0000", "+44 (020) 7946 0001"
	s := newStage(t, says(ok(activated)))
	r := vetted(t, "high_assurance_ssl", params)
	require.NoError(t, s.ValidateOrder(r))
	_, err := s.Activate(t.Context(), 7, r)
	require.NoError(t, err)
	sent := s.sent()[0]
	assert.Equal(t, []string{"GB", "+44.2079460000", "+44.2079460001"},
		[]string{sent.Get("AdminCountry"), sent.Get("AdminPhone"), sent.Get("OrganizationRepPhone")})
}

func TestOrganisationParameters(t *testing.T) {
	shared := url.Values{
		"AdminOrganizationName": {"Example Ltd"}, "OrganizationDepartment": {"Web"}, "OrganizationDUNS": {"150483782"},
		"AdminAddress1": {"1 High Street"}, "AdminCity": {"London"}, "AdminStateProvince": {"Greater London"}, "AdminPostalCode": {"SW1A 1AA"},
		"AdminCountry": {"GB"}, "AdminPhone": {"+44.2079460000"},
	}
	for id, own := range map[string]url.Values{
		"high_assurance_ssl": {
			"OrganizationRepFirstName": {"Anna"}, "OrganizationRepLastName": {"Smith"}, "OrganizationRepTitle": {"CTO"},
			"OrganizationRepPhone": {"+1.2025550123"}, "OrganizationRepEmailAddress": {"anna@example.com"},
		},
		"ev_ssl": {
			"CompanyIncorporationCountry": {"GB"}, "CompanyIncorporationStateProvince": {"England"}, "CompanyIncorporationLocality": {"London"},
			"CompanyIncorporationDate": {"1999-12-31"}, "CompanyDBA": {"Example Hosting"}, "CompanyRegistrationNumber": {"01234567"},
		},
	} {
		r := vetted(t, id, company())
		want := url.Values{"CertificateID": {"7"}, "CSR": {r.CSR.PEM}, "WebServerType": {"other"}, "DNSDCValidation": {"true"}}
		maps.Copy(want, shared)
		maps.Copy(want, own)
		t.Run(id+" activated", func(t *testing.T) {
			s := newStage(t, says(ok(activated)))
			_, err := s.Activate(t.Context(), 7, r)
			require.NoError(t, err)
			asked := maps.Clone(want)
			asked["Command"], asked["AdminEmailAddress"] = []string{"namecheap.ssl.activate"}, []string{"anna@example.com"}
			assert.Equal(t, []url.Values{asked}, s.sent())
		})
		t.Run(id+" reissued", func(t *testing.T) {
			s := newStage(t, says(ok(reissued("SSLReissueResult"))))
			_, _, err := s.Reissue(t.Context(), 7, r)
			require.NoError(t, err)
			asked := maps.Clone(want)
			asked["Command"] = []string{"namecheap.ssl.reissue"}
			assert.Equal(t, []url.Values{asked}, s.sent())
		})
	}
	t.Run("a domain's certificate names nobody", func(t *testing.T) {
		s := newStage(t, says(ok(activated)))
		_, err := s.Activate(t.Context(), 7, vetted(t, "standard_ssl", company()))
		require.NoError(t, err)
		for name := range s.asked[0] {
			assert.False(t, strings.HasPrefix(name, "Organization") || strings.HasPrefix(name, "Company"), name)
		}
	})
}

func TestRequiredFieldsOfALevel(t *testing.T) {
	inCSR := func(r seller.Request) seller.Request {
		r.CSR.Subject.Organisation = "Example Ltd"
		return r
	}
	for _, c := range []struct {
		rule    string
		request seller.Request
		missing string // empty if the order is complete
	}{
		{"DV", vetted(t, "standard_ssl", nil), ""},
		{"OV without anything", vetted(t, "high_assurance_ssl", nil), "missing org_name"},
		{"OV with the CSR's organisation", inCSR(vetted(t, "high_assurance_ssl", nil)), ""},
		{"OV with a name", vetted(t, "high_assurance_ssl", map[string]string{"org_name": "Example Ltd"}), ""},
		{"a name of blanks is none", vetted(t, "high_assurance_ssl", map[string]string{"org_name": "  "}), "missing org_name"},
		{"EV with the CSR's organisation", inCSR(vetted(t, "ev_ssl", nil)),
			"missing org_address, org_city, org_country, org_incorporation_country, org_postcode, org_state"},
		{"EV with everything", vetted(t, "ev_ssl", company()), ""},
		{"EV multi-domain", vetted(t, "ev_multi_domain_ssl", map[string]string{"org_name": "Example Ltd", "org_address": "1 High Street",
			"org_city": "London", "org_state": "London", "org_country": "GB", "org_postcode": "N1 1AA"}), "missing org_incorporation_country"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(ok(activated)))
			err := s.ValidateOrder(c.request)
			if c.missing == "" {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, c.missing, requireFault(t, err, fault.Missed).Message)
			_, err = s.Activate(t.Context(), 7, c.request)
			requireFault(t, err, fault.Missed)
			_, _, err = s.Reissue(t.Context(), 7, c.request)
			assert.False(t, requireFault(t, err, fault.Missed).OutcomeUnknown)
			p := purchase(t, c.request.Product.ID, 12, 0)
			p.Request = c.request
			_, err = s.Buy(t.Context(), p)
			assert.False(t, requireFault(t, err, fault.Missed).OutcomeUnknown)
			assert.Empty(t, s.asked, "nothing is asked, let alone paid")
		})
	}
}

// Each value alone, so that each error belongs to it.
func TestOrganisationFieldErrors(t *testing.T) {
	for _, c := range []struct{ rule, field, value, problem string }{
		{"Cyrillic", "org_name", "Пример", "Latin"},
		{"a country's name", "org_country", "England", "two-letter"},
		{"a code that no country has", "org_country", "ZZ", "ISO 3166-1"},
		{"another country's postal code", "org_postcode", "10117", "is not a postal code of GB"},
		{"a registration's country", "org_incorporation_country", "U1", "two-letter"},
		{"a telephone without country", "org_phone", "020 7946 0000", "country's code"},
		{"letters in a D-U-N-S number", "org_duns", "15-048-378X", "is not a number"},
		{"hyphens only", "org_duns", "---", "is not a number"},
		{"a long D-U-N-S number", "org_duns", strings.Repeat("1", 21), "longer than the 20"},
		{"an American date", "org_incorporation_date", "12/31/1999", "YYYY-MM-DD"},
		{"a long name", "org_name", strings.Repeat("x", 65), "longer than 64"},
		{"a line break", "org_city", "London\nParis", "Latin"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			params := company()
			params[c.field] = c.value
			err := newStage(t, says("")).ValidateOrder(vetted(t, "ev_ssl", params))
			failure := requireFault(t, err, fault.Value)
			assert.Equal(t, c.field, failure.Object)
			assert.Contains(t, failure.Message, c.problem)
			assert.NotContains(t, failure.Message, ";", "that one only")
		})
	}
	t.Run("the representative's name at its length", func(t *testing.T) {
		params := company()
		params["adm_fname"], params["adm_lname"] = strings.Repeat("x", 60), strings.Repeat("x", 61)
		failure := requireFault(t, newStage(t, says("")).ValidateOrder(vetted(t, "high_assurance_ssl", params)), fault.Value)
		assert.Equal(t, `adm_lname: "`+strings.Repeat("x", 61)+`" is longer than the 60 characters that Namecheap takes`, failure.Message)
	})
	t.Run("all at once", func(t *testing.T) {
		params := company()
		params["org_country"], params["org_phone"], params["adm_phone"], params["adm_email"], params["org_name"] = "Germany", "x", "12", "y", ""
		failure := requireFault(t, newStage(t, says("")).ValidateOrder(vetted(t, "high_assurance_ssl", params)), fault.Value)
		for _, part := range []string{"adm_email: ", "adm_phone: ", "org_country: ", "org_phone: ", "missing org_name"} {
			assert.Contains(t, failure.Message, part)
		}
	})
	t.Run("what is not handed over is not looked at", func(t *testing.T) {
		params := company()
		params["tech_phone"], params["org_incorporation_date"] = "x", "yesterday"
		require.NoError(t, newStage(t, says("")).ValidateOrder(vetted(t, "high_assurance_ssl", params)))
	})
	t.Run("the way of proof as well", func(t *testing.T) {
		r := vetted(t, "ev_ssl", company())
		r.Method = seller.MethodEmail
		assert.Equal(t, itemparam.Approver, requireFault(t, newStage(t, says("")).ValidateOrder(r), fault.Missed).Object)
	})
}
