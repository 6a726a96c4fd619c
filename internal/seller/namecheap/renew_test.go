package namecheap_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const renewed = `<SSLRenewResult CertificateID="909400" SSLType="Standard SSL SSLcom" Years="1" OrderId="1030999" TransactionId="1519999" ChargedAmount="9.0000"/>`

// renewal returns the purchase of the next term of the certificate 7.
func renewal(t *testing.T, id string, months int) seller.Purchase {
	return seller.Purchase{Kind: seller.KindRenew, Product: product(t, id), Months: months, ID: 7}
}

func TestRenewalSendsDocumentedParameters(t *testing.T) {
	for name, tc := range map[string]struct {
		purchase seller.Purchase
		form     url.Values
	}{
		"one year":   {renewal(t, "standard_ssl", 12), url.Values{"SSLType": {"Standard SSL"}, "Years": {"1"}}},
		"five years": {renewal(t, "positivessl", 60), url.Values{"SSLType": {"PositiveSSL"}, "Years": {"5"}}},
		"names are those of the old certificate": {seller.Purchase{Kind: seller.KindRenew, Product: product(t, "san_certificate"), Months: 24, SANs: 98, ID: 7},
			url.Values{"SSLType": {"SAN Certificate"}, "Years": {"2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(renewed)))
			receipt, err := s.Buy(t.Context(), tc.purchase)
			require.NoError(t, err)
			assert.Equal(t, seller.Receipt{ID: 909400, Order: "1030999", Charged: "9.0000", Delivered: "Standard SSL SSLcom"}, receipt)
			tc.form.Set("Command", "namecheap.ssl.renew")
			tc.form.Set("CertificateID", "7")
			assert.Equal(t, []url.Values{tc.form}, s.sent())
		})
	}
	t.Run("OrderID is spelled in two ways (docs/reference/namecheap.md §3.7)", func(t *testing.T) {
		s := newStage(t, says(ok(strings.Replace(renewed, "OrderId", "OrderID", 1))))
		receipt, err := s.Buy(t.Context(), renewal(t, "standard_ssl", 12))
		require.NoError(t, err)
		assert.Equal(t, "1030999", receipt.Order)
	})
}

func TestRenewalRefusesImpossiblePurchasesBeforeAnyRequest(t *testing.T) {
	nothing := renewal(t, "standard_ssl", 12)
	nothing.ID = 0
	for name, tc := range map[string]struct {
		purchase seller.Purchase
		kind     string
	}{
		"no id":           {nothing, fault.Missed},
		"eighteen months": {renewal(t, "standard_ssl", 18), fault.Value},
		"six years":       {renewal(t, "standard_ssl", 72), fault.Value},
		"discontinued":    {renewal(t, "comodossl", 12), fault.Value},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(renewed)))
			_, err := s.Buy(t.Context(), tc.purchase)
			assert.False(t, requireFault(t, err, tc.kind).OutcomeUnknown)
			assert.Empty(t, s.asked)
		})
	}
}

const (
	unknownType = "Parameter SSLType is not valid"
	mismatch    = "SSLType Mismatch"
)

// typed answers getInfo for a certificate with the product name.
func typed(name string) http.HandlerFunc {
	return says(info(`Status="active" Type="`+name+`" Years="1"`, ""))
}

// Each further name is tried only because the request before bought nothing.
func TestProductNamesOfARenewal(t *testing.T) {
	for name, tc := range map[string]struct {
		id      string
		answers []http.HandlerFunc
		want    []string // SSLType of each request, "?" for the look at the old certificate
		code    int      // 0: bought
	}{
		"the documented name is taken": {"standard_ssl", []http.HandlerFunc{says(ok(renewed))}, []string{"Standard SSL"}, 0},
		"unknown: the name of the wire": {"standard_ssl", []http.HandlerFunc{says(refusal("2011301", unknownType)), says(ok(renewed))},
			[]string{"Standard SSL", "Standard SSL SSLcom"}, 0},
		"unknown twice": {"standard_ssl", []http.HandlerFunc{says(refusal("2011301", unknownType))},
			[]string{"Standard SSL", "Standard SSL SSLcom"}, 2011301},
		"mismatch: what it was replaced by": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("standard ssl sslcom"), says(ok(renewed))},
			[]string{"PositiveSSL", "?", "Standard SSL SSLcom"}, 0},
		"mismatch: what it replaced": {"standard_ssl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("positivessl"), says(ok(renewed))},
			[]string{"Standard SSL", "?", "PositiveSSL"}, 0},
		"unknown, then mismatch": {"positivessl", []http.HandlerFunc{says(refusal("2011301", unknownType)), says(refusal("2012301", mismatch)), typed("standard ssl"), says(ok(renewed))},
			[]string{"PositiveSSL", "Standard SSL SSLcom", "?", "Standard SSL"}, 0},
		"mismatch and no end": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("standard ssl"), says(refusal("2012301", mismatch))},
			[]string{"PositiveSSL", "?", "Standard SSL"}, 2012301},
		"mismatch, and the own name is not known": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("standard ssl"), says(refusal("2011301", unknownType))},
			[]string{"PositiveSSL", "?", "Standard SSL"}, 2011301},
		"the name was asked for already": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("PositiveSSL")},
			[]string{"PositiveSSL", "?"}, 2012301},
		"the wire's name was asked for already": {"positivessl",
			[]http.HandlerFunc{says(refusal("2011301", unknownType)), says(refusal("2012301", mismatch)), typed("standard ssl sslcom")},
			[]string{"PositiveSSL", "Standard SSL SSLcom", "?"}, 2012301},
		"a name that nobody knows": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("brand new ssl")},
			[]string{"PositiveSSL", "?"}, 2012301},
		"no name": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("")}, []string{"PositiveSSL", "?"}, 2012301},
		"another product than the ordered one": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("standard wildcard ssl")},
			[]string{"PositiveSSL", "?"}, 2012301},
		"a dearer product with the same successor": {"positivessl", []http.HandlerFunc{says(refusal("2012301", mismatch)), typed("essentialssl")},
			[]string{"PositiveSSL", "?"}, 2012301},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tc.answers...)
			receipt, err := s.Buy(t.Context(), renewal(t, tc.id, 12))
			var asked []string
			for _, form := range s.sent() {
				if form.Get("Command") == "namecheap.ssl.getInfo" {
					asked = append(asked, "?")
				} else {
					asked = append(asked, form.Get("SSLType"))
				}
			}
			assert.Equal(t, tc.want, asked)
			if tc.code == 0 {
				require.NoError(t, err)
				assert.EqualValues(t, 909400, receipt.ID)
				return
			}
			failure := requireFault(t, err, fault.API)
			assert.Equal(t, tc.code, failure.Code)
			assert.False(t, failure.OutcomeUnknown)
			assert.False(t, failure.Retry)
		})
	}
	t.Run("the last request is judged for itself", func(t *testing.T) {
		s := newStage(t, says(refusal("2012301", mismatch)), typed("standard ssl"), drops)
		_, err := s.Buy(t.Context(), renewal(t, "positivessl", 12))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
		assert.Len(t, s.asked, 3)
	})
	t.Run("a mismatch beside another error is none", func(t *testing.T) {
		s := newStage(t, says(refuses(`<Error Number="2012301">SSLType Mismatch</Error><Error Number="5050900">Unhandled</Error>`)))
		_, err := s.Buy(t.Context(), renewal(t, "positivessl", 12))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
		assert.Len(t, s.asked, 1)
	})
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		retry  bool
	}{
		"the certificate cannot be read for now": {status(500, ""), true},
		"the certificate is not shown":           {says(refusal("2011294", "CertificateID is invalid")), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(refusal("2012301", mismatch)), tc.answer)
			_, err := s.Buy(t.Context(), renewal(t, "positivessl", 12))
			failure := requireFault(t, err, fault.API)
			assert.Equal(t, 2012301, failure.Code)
			assert.False(t, failure.OutcomeUnknown)
			assert.Equal(t, tc.retry, failure.Retry)
			assert.Contains(t, failure.Message, "could not be read")
		})
	}
	t.Run("a new certificate has no old name", func(t *testing.T) {
		s := newStage(t, says(refusal("2012301", mismatch)))
		_, err := s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown, "the number is not one of create")
		assert.Len(t, s.asked, 1)
	})
}

// Rules BUY-3, as for a new certificate.
func TestRenewalWithUnknownOutcome(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"connection dropped":          drops,
		"500":                         status(500, "oops"),
		"429":                         status(429, ""),
		"HTML":                        says("<html>"),
		"cut off":                     says(ok(renewed)[:200]),
		"OK without result":           says(ok("")),
		"OK with another result":      says(ok(bought)),
		"OK without id":               says(ok(`<SSLRenewResult OrderId="1"/>`)),
		"OK with the old id":          says(ok(`<SSLRenewResult CertificateID="7" OrderId="1"/>`)),
		"OK that is no success":       says(ok(`<SSLRenewResult CertificateID="909400" IsSuccess="false"/>`)),
		"5050900":                     says(refusal("5050900", "Unhandled exceptions")),
		"2528166 in the middle":       says(refusal("2528166", "ORDER CREATION FAILED; Failed to Create Order;;Error Details:-CALCULATIONERROR")),
		"4011331 in the middle":       says(refusal("4011331", "Unable to update DCV filerecords in database. Please try again.")),
		"queued already, maybe by us": says(refusal("4028294", "This CertificateID is already queued for Renewal")),
		"a number that nobody knows":  says(refusal("4999999", "New")),
		"refused, with a certificate": says(`<ApiResponse Status="ERROR"><Errors><Error Number="4028294">x</Error></Errors><CommandResponse>` + renewed +
			`</CommandResponse></ApiResponse>`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, answer)
			_, err := s.Buy(t.Context(), renewal(t, "standard_ssl", 12))
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown)
			assert.True(t, failure.Retry)
			assert.Len(t, s.asked, 1)
			assert.Zero(t, s.slept)
		})
	}
}

// docs/reference/namecheap.md §3.7: a refusal in Namecheap's own document: nothing was bought.
func TestRenewalWithDefiniteRefusal(t *testing.T) {
	for _, tc := range []struct{ number, text string }{
		{"4011294", "Certificate not meet the ExpireDate. So cannot Renew"},
		{"4011294", "Cannot renew with Year=3 when certificate's days to expire > 90. Try again when certificate's days to expire <= 90"},
		{"4011294", "CertificateID is invalid"},
		{"4011331", "Certificate status is invalid"},
		{"2013167", "OutOfRange. Max Years value for this Type is 2."},
		{"2010301", "Parameter SSLType is Missing"},
		{"2011170", "Promotion code is expired"},
		{"4080167", "We can no longer take 3-year purchases"},
		{"2528166", "ORDER CREATION FAILED; INSUFFICIENTFUNDS;Insufficient funds in account; Sorry!"},
	} {
		t.Run(tc.number+" "+tc.text, func(t *testing.T) {
			s := newStage(t, says(refusal(tc.number, html.EscapeString(tc.text))))
			_, err := s.Buy(t.Context(), renewal(t, "standard_ssl", 12))
			failure := requireFault(t, err, fault.API)
			assert.False(t, failure.OutcomeUnknown)
			assert.False(t, failure.Retry)
			assert.Contains(t, failure.Message, tc.text)
			assert.Len(t, s.asked, 1)
		})
	}
}

// The error numbers that docs/reference/namecheap.md §3.7 documents for renew are not definite for create.
func TestErrorNumbersOfRenewAreNotDefiniteForCreate(t *testing.T) {
	for _, number := range []string{"4011294", "4011331", "4028294"} {
		s := newStage(t, says(refusal(number, "x")))
		_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown, number)
	}
}
