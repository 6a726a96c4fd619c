package leaflint

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// post sends a form to a stand-in and returns the answer.
func post(handler http.Handler, path string, values url.Values) string {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer.Body.String()
}

func commonName(product string) string {
	if strings.Contains(product, "Wildcard") {
		return "*.example.com"
	}
	return "example.com"
}

// orderAtNamecheap orders a product with no more than the API asks for, and returns the leaf.
func orderAtNamecheap(t *testing.T, s *namecheap.Server, product string) string {
	t.Helper()
	send := func(command string, pairs ...string) {
		values := url.Values{
			"ApiUser": {namecheap.DefaultUser}, "UserName": {namecheap.DefaultUser}, "ApiKey": {namecheap.DefaultKey}, "ClientIp": {"127.0.0.1"},
			"Command": {"namecheap.ssl." + command},
		}
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		answer := post(s, namecheap.Path, values)
		require.Contains(t, answer, `Status="OK"`, product)
	}
	send("create", "Type", product, "Years", "1")
	state, err := s.State()
	require.NoError(t, err)
	id := state.Certificates[len(state.Certificates)-1].ID
	needed := []string{"CertificateID", strconv.FormatInt(id, 10), "CSR", standintest.CSR(t, commonName(product)), "DNSDCValidation", "true", "AdminOrganizationName", "Example Ltd"}
	if strings.HasPrefix(product, "EV") {
		needed = append(needed, "AdminAddress1", "1 Road", "AdminCity", "Dover", "AdminStateProvince", "Kent", "AdminCountry", "GB", "AdminPostalCode", "CT16",
			"CompanyIncorporationCountry", "GB")
	}
	send("activate", needed...)
	found, err := s.Certificate(id)
	require.NoError(t, err)
	return found.Certificate
}

func TestProductsOfNamecheapHaveNoFindings(t *testing.T) {
	for generation, products := range map[string][]string{
		namecheap.ReplacementOff: {
			"PositiveSSL", "PositiveSSL Wildcard", "PositiveSSL Multi Domain", "InstantSSL", "PremiumSSL Wildcard", "Multi Domain SSL", "EV SSL", "EV Multi Domain SSL",
		},
		namecheap.ReplacementOn: {
			"Standard SSL", "Standard Wildcard SSL", "SAN Certificate", "High Assurance SSL", "OV Wildcard SSL", "OV Multi-domain SSL", "EV SSL", "EV Multi-Domain SSL",
		},
	} {
		settings := namecheap.DefaultSettings()
		settings.RateLimit.Enabled, settings.AutoIssueSeconds, settings.Replacement = false, 0, generation
		clock := namecheap.NewClock(func() time.Time { return time.Date(2026, 8, 2, 14, 7, 33, 0, time.UTC) }, "")
		s, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &settings})
		require.NoError(t, err)
		for _, product := range products {
			assert.Empty(t, lintPEM(t, orderAtNamecheap(t, s, product)), product)
		}
	}
}

// orderAtISPmanager orders a product with what its form asks for, and returns the leaf.
func orderAtISPmanager(t *testing.T, s *ispmgr.Server, product ispmgr.Product) string {
	t.Helper()
	values := url.Values{
		"authinfo": {ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword}, "out": {"xml"}, "func": {"certificate.order.param"}, "sok": {"ok"}, "skipbasket": {"on"},
		"crt_type": {"exists"}, "csr": {standintest.CSR(t, commonName(product.Name))}, "period": {"12"}, "pricelist": {strconv.FormatInt(product.ID, 10)},
		"approver_method": {"auth_dnscname"}, "org_name": {"Doe Ltd"}, "org_country": {"182"}, "org_address": {"1 Road"}, "org_city": {"Moscow"},
		"org_postcode": {"101000"}, "org_phone": {"+7 1"}, "org_incorporating_agency": {"FNS"}, "org_registration_number": {"1027700132195"},
	}
	for _, who := range []string{"adm_", "tech_"} {
		for name, value := range map[string]string{"fname": "Jo", "lname": "Doe", "email": "jo@example.com", "phone": "+7 495 000"} {
			values.Set(who+name, value)
		}
	}
	post(s, ispmgr.Path, values)
	state, err := s.State()
	require.NoError(t, err)
	require.NotEmpty(t, state.Certificates)
	last := state.Certificates[len(state.Certificates)-1]
	require.Equal(t, product.ID, last.Pricelist, product.Name)
	return last.Certificate
}

func TestProductsOfISPmanagerHaveNoFindings(t *testing.T) {
	settings := ispmgr.DefaultSettings()
	settings.AutoIssueSeconds = 0
	clock := ispmgr.NewClock(func() time.Time { return time.Date(2026, 8, 2, 14, 7, 33, 0, time.UTC) }, "")
	s, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &settings})
	require.NoError(t, err)
	for _, product := range settings.Products {
		if product.Inactive {
			continue
		}
		assert.Empty(t, lintPEM(t, orderAtISPmanager(t, s, product)), product.Name)
	}
}
