package namecheap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

const fundsText = "2528166 ORDER CREATION FAILED; INSUFFICIENTFUNDS;Insufficient funds in account; Sorry! Your available balance is insufficient to cover the current billing amount;"

func withPromotions(c *namecheap.Settings) {
	c.Promotions = map[string]namecheap.Promotion{
		"TEN":   {PercentOff: 10, State: namecheap.PromotionActive},
		"OLD":   {PercentOff: 10, State: "expired"},
		"EARLY": {PercentOff: 10, State: "not_started"},
		"GONE":  {PercentOff: 10, State: "exceeded"},
	}
}

// docs/reference/namecheap.md §3.1: the documented errors.
func TestCreateErrors(t *testing.T) {
	s := newStandIn(t, withPromotions)
	tests := []struct {
		name  string
		pairs []string
		want  string
	}{
		{"years missing", []string{"Type", "PositiveSSL"}, "2010167 Parameter Years is Missing"},
		{"years no number", []string{"Type", "PositiveSSL", "Years", "x"}, "2011167 Parameter Years is Invalid"},
		{"years negative", []string{"Type", "PositiveSSL", "Years", "-1"}, "2011167 Parameter Years is Invalid"},
		{"years zero", []string{"Type", "PositiveSSL", "Years", "0"}, "2013167 Parameter Years is OutOfRange"},
		{"years six", []string{"Type", "PositiveSSL", "Years", "6"}, "2013167 Parameter Years is OutOfRange"},
		{"years of many digits", []string{"Type", "PositiveSSL", "Years", "99999999999999999999"}, "2013167 Parameter Years is OutOfRange"},
		{"type missing", []string{"Years", "1"}, "2010298 Parameter Type is Missing"},
		{"type unknown", []string{"Years", "1", "Type", "Nonsense SSL"}, "2011301 Parameter Type is not valid"},
		{"type of SSL.com before the switch", []string{"Years", "1", "Type", "Standard SSL"}, "2011301 Parameter Type is not valid"},
		{"type discontinued", []string{"Years", "1", "Type", "RapidSSL"}, "2011301 We're sorry, the requested SSL type has been discontinued"},
		{"SANs no number", []string{"Years", "1", "Type", "Multi Domain SSL", "SANStoADD", "two"}, "2011900 Parameter SANSToAdd is Invalid"},
		{"SANs of three digits", []string{"Years", "1", "Type", "Multi Domain SSL", "SANStoADD", "100"}, "2013900 Parameter SANSToAdd is OutOfRange"},
		{"SANs above 97", []string{"Years", "1", "Type", "Multi Domain SSL", "SANStoADD", "98"}, "2011767 Number of SANS To add is not within the limit."},
		{"SANs for a single domain", []string{"Years", "1", "Type", "PositiveSSL", "SANStoADD", "1"}, "2011767 Addon details is not available for the SSLType"},
		{"promotion too long", []string{"Years", "1", "Type", "PositiveSSL", "PromotionCode", strings.Repeat("x", 21)}, "2013170 Parameter PromotionCode is TooLong"},
		{"promotion unknown", []string{"Years", "1", "Type", "PositiveSSL", "PromotionCode", "NONE"}, "2011170 Promotion code is not available"},
		{"promotion over", []string{"Years", "1", "Type", "PositiveSSL", "PromotionCode", "OLD"}, "2011170 Promotion code is expired"},
		{"promotion not begun", []string{"Years", "1", "Type", "PositiveSSL", "PromotionCode", "EARLY"}, "2011170 Promotion code is not started yet."},
		{"promotion used up", []string{"Years", "1", "Type", "PositiveSSL", "PromotionCode", "GONE"}, "2011170 Promotion code usage exceeded"},
		{"too little money", []string{"Years", "5", "Type", "EV Multi Domain SSL", "SANStoADD", "97"}, fundsText},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := s.call("ssl.create", test.pairs...)
			assert.Equal(t, []string{test.want}, r.errors())
			assert.Equal(t, "namecheap.ssl.create", r.root.First("RequestedCommand").Text(), "command errors keep the command (1.6)")
		})
	}
	assert.Equal(t, "1000.00", s.balance(), "nothing was charged")
	state, err := s.State()
	require.NoError(t, err)
	assert.Empty(t, state.Certificates)
}

func TestCreateChargesAndNumbers(t *testing.T) {
	s := newStandIn(t, withPromotions)
	first := s.ok("ssl.create", "Type", "positivessl", "Years", "2", "SANStoADD", "0").result("SSLCreateResult")
	assert.Equal(t, "true", first.Attr("IsSuccess"))
	assert.Equal(t, "17.7600", first.Attr("ChargedAmount"), "four decimals")
	bought := first.First("SSLCertificate")
	assert.Equal(t, "PositiveSSL", bought.Attr("SSLType"))
	assert.Equal(t, "NewPurchase", bought.Attr("Status"), "mixed case here (0.5)")
	assert.Equal(t, "04/02/2026", bought.Attr("Created"))
	assert.Regexp(t, `^[0-9]{8}$`, bought.Attr("CertificateID"))
	assert.Equal(t, "982.24", s.balance())

	second := s.ok("ssl.create", "Type", "PositiveSSL Multi Domain", "Years", "1", "SANStoADD", "2", "PromotionCode", "TEN").result("SSLCreateResult")
	assert.Equal(t, "49.1700", second.Attr("ChargedAmount"), "(28.88 + 2 x 12.88) less 10 percent, in whole cents")
	assert.Greater(t, second.First("SSLCertificate").Attr("CertificateID"), bought.Attr("CertificateID"), "ids increase")
	assert.NotEqual(t, first.Attr("OrderId"), second.Attr("OrderId"))

	state, err := s.State()
	require.NoError(t, err)
	require.Len(t, state.Charges, 2)
	assert.Equal(t, "17.76", state.Charges[0].Amount.String())
	assert.Equal(t, standintest.Number(t, bought.Attr("CertificateID")), state.Charges[0].CertificateID)
}

// docs/reference/namecheap.md §0.3 and §4: old names are replaced since 2026-07-11, by date or by setting.
func TestProductReplacement(t *testing.T) {
	tests := []struct{ asked, before, after, documented string }{
		{"PositiveSSL", "PositiveSSL", "Standard SSL SSLcom", "Standard SSL"},
		{"EssentialSSL", "EssentialSSL", "Standard SSL SSLcom", "Standard SSL"},
		{"InstantSSL", "InstantSSL", "High Assurance SSL SSLcom", "High Assurance SSL"},
		{"InstantSSL Pro", "InstantSSL Pro", "High Assurance SSL SSLcom", "High Assurance SSL"},
		{"PremiumSSL", "PremiumSSL", "High Assurance SSL SSLcom", "High Assurance SSL"},
		{"EV SSL", "EV SSL", "EV SSL SSLcom", "EV SSL"},
		{"PositiveSSL Wildcard", "PositiveSSL Wildcard", "Standard Wildcard SSL SSLcom", "Standard Wildcard SSL"},
		{"EssentialSSL Wildcard", "EssentialSSL Wildcard", "Standard Wildcard SSL SSLcom", "Standard Wildcard SSL"},
		{"PremiumSSL Wildcard", "PremiumSSL Wildcard", "OV Wildcard SSL SSLcom", "OV Wildcard SSL"},
		{"PositiveSSL Multi Domain", "PositiveSSL Multi Domain", "SAN Certificate SSL SSLcom", "SAN Certificate"},
		{"Multi Domain SSL", "Multi Domain SSL", "OV Multi-domain SSL SSLcom", "OV Multi-domain SSL"},
		{"Unified Communications", "Unified Communications", "OV Multi-domain SSL SSLcom", "OV Multi-domain SSL"},
		{"EV Multi Domain SSL", "EV Multi Domain SSL", "EV Multi Domain SSL SSLcom", "EV Multi-Domain SSL"},
		{"standard ssl", "", "Standard SSL SSLcom", "Standard SSL"},
		{"standard ssl sslcom", "", "Standard SSL SSLcom", ""},
		{"SAN Certificate", "", "SAN Certificate SSL SSLcom", "SAN Certificate"},
		{"EV Multi-Domain SSL", "", "EV Multi Domain SSL SSLcom", "EV Multi-Domain SSL"},
	}
	before := newStandIn(t)
	after := newStandIn(t)
	after.moveTo(time.Date(2026, 7, 11, 0, 0, 0, 0, time.UTC))
	documented := newStandIn(t, func(c *namecheap.Settings) {
		c.Replacement, c.ProductNames = namecheap.ReplacementOn, namecheap.NamesDocumented
	})
	for _, test := range tests {
		t.Run(test.asked, func(t *testing.T) {
			for _, at := range []struct {
				s    *standIn
				want string
			}{{before, test.before}, {after, test.after}, {documented, test.documented}} {
				require.NoError(t, at.s.PutAccount(namecheap.DefaultAccount()))
				r := at.s.call("ssl.create", "Type", test.asked, "Years", "1")
				assert.Equal(t, at.want, r.result("SSLCreateResult", "SSLCertificate").Attr("SSLType"))
				if at.want == "" {
					assert.Equal(t, []string{"2011301 Parameter Type is not valid"}, r.errors())
				}
			}
		})
	}
}

func TestProductNamesOnlyWithSuffix(t *testing.T) {
	s := newStandIn(t, func(c *namecheap.Settings) {
		c.Replacement, c.ProductNames = namecheap.ReplacementOn, namecheap.NamesSuffixed
	})
	assert.Equal(t, []string{"2011301 Parameter Type is not valid"}, s.call("ssl.create", "Type", "Standard SSL", "Years", "1").errors())
	assert.Empty(t, s.call("ssl.create", "Type", "Standard SSL SSLcom", "Years", "1").errors())
}

// docs/reference/namecheap.md §3.10.
func TestPurchaseMoreSANs(t *testing.T) {
	s := newStandIn(t)
	multi := s.buy("PositiveSSL Multi Domain")
	single := s.buy("PositiveSSL")
	waiting := s.activated("PositiveSSL Multi Domain", "example.com")
	balance := s.balance()
	tests := []struct {
		name, id, count, want string
	}{
		{"id missing", "", "1", "2010294 Parameter CertificateID is Missing"},
		{"id unknown", "1", "1", "2011294 CertificateID is invalid"},
		{"number missing", multi, "", "2010900 Parameter NumberOfSANSToAdd is Missing"},
		{"number invalid", multi, "x", "2011900 Parameter SANSToAdd is Invalid"},
		{"number zero", multi, "0", "2011767 Number of SANS To add is not within the limit."},
		{"single-domain product", single, "1", "2011767 Addon details is not available for the SSLType"},
		{"waits for validation", waiting, "1", "4011331 Certificate status is invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := s.call("ssl.purchasemoresans", "CertificateID", test.id, "NumberOfSANSToAdd", test.count)
			assert.Equal(t, []string{test.want}, r.errors())
		})
	}
	assert.Equal(t, balance, s.balance())

	r := s.ok("ssl.purchasemoresans", "CertificateID", multi, "NumberOfSANSToAdd", "3")
	assert.Equal(t, "namecheap.ssl.purchaseMoreSANS", r.root.First("CommandResponse").Attr("Type"))
	result := r.result("SSLPurchaseMoreSANSResult")
	assert.Equal(t, "38.6400", result.Attr("ChargedAmount"))
	assert.Equal(t, "NEWPURCHASE", result.First("SSLCertificate").Attr("Status"), "upper case here (0.5)")
	assert.Equal(t, "5", result.First("SSLCertificate").Attr("SANSCount"), "two included, three bought")
	over := s.call("ssl.purchasemoresans", "CertificateID", multi, "NumberOfSANSToAdd", "95")
	assert.Equal(t, []string{"2011767 Number of SANS To add is not within the limit."}, over.errors(), "3 + 95 > 97")
	require.NoError(t, s.PutAccount(namecheap.Account{User: namecheap.DefaultUser, Key: namecheap.DefaultKey, WhiteList: []string{"127.0.0.1"}}))
	assert.Equal(t, []string{fundsText}, s.call("ssl.purchasemoresans", "CertificateID", multi, "NumberOfSANSToAdd", "1").errors())
}

// docs/reference/namecheap.md §3.10: it is disputed what SANSCount counts.
func TestSANSCountIsIncludedOrPurchased(t *testing.T) {
	for setting, want := range map[string][2]string{namecheap.SANSIncluded: {"0", "4"}, namecheap.SANSPurchased: {"0", "2"}} {
		s := newStandIn(t, func(c *namecheap.Settings) { c.SANSCount = setting })
		assert.Equal(t, want[0], s.info(s.buy("PositiveSSL")).Attr("SANSCount"))
		assert.Equal(t, want[1], s.info(s.buy("PositiveSSL Multi Domain", "SANStoADD", "2")).Attr("SANSCount"))
	}
}

// docs/reference/namecheap.md §6 and §7.
func TestBalancesAndPrices(t *testing.T) {
	s := newStandIn(t)
	s.buy("PositiveSSL")
	balances := s.ok("users.getBalances").result("UserGetBalancesResult")
	assert.Equal(t, "USD", balances.Attr("Currency"))
	assert.Equal(t, "991.12", balances.Attr("AvailableBalance"), "two decimals")

	prices := s.ok("users.getPricing", "ProductType", "SSLCERTIFICATE", "ProductCategory", "COMODO", "ActionName", "PURCHASE", "ProductName", "POSITIVESSL").
		result("UserGetPricingResult", "ProductType")
	assert.Equal(t, "ssl", prices.Attr("Name"))
	require.Len(t, prices.All("ProductCategory"), 1)
	require.Len(t, prices.All("ProductCategory", "Product"), 1)
	rows := prices.All("ProductCategory", "Product", "Price")
	require.Len(t, rows, 5)
	assert.Equal(t, "8.88", rows[0].Attr("Price"))
	assert.Equal(t, "MULTIPLE", rows[4].Attr("PricingType"), "a price per year: total = price x duration")

	everything := s.ok("users.getPricing", "ProductType", "SSLCERTIFICATE").result("UserGetPricingResult", "ProductType")
	assert.Len(t, everything.All("ProductCategory"), 2, "purchase and renew")
	assert.Equal(t, []string{"2010300 Parameter ProductType is Missing"}, s.call("users.getPricing").errors())
}
