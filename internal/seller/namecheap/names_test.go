package namecheap_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const boughtNames = `<SSLPurchaseMoreSANSResult IsSuccess="true" OrderId="111" TransactionId="11111" ChargedAmount="23.3000">` +
	`<SSLCertificate CertificateID="7" SSLType="positivessl multi domain" Years="1" Status="ACTIVE" SANSCount="4"/></SSLPurchaseMoreSANSResult>`

func names(t *testing.T, more int) seller.Purchase {
	return seller.Purchase{Kind: seller.KindSANs, Product: product(t, "positivessl_multi_domain"), SANs: more, ID: 7}
}

func TestBuyFurtherNames(t *testing.T) {
	s := newStage(t, says(ok(boughtNames)))
	receipt, err := s.Buy(t.Context(), names(t, 2))
	require.NoError(t, err)
	assert.Equal(t, seller.Receipt{ID: 7, Order: "111", Charged: "23.3000", Delivered: "positivessl multi domain"}, receipt)
	assert.Equal(t, []url.Values{{"Command": {"namecheap.ssl.purchasemoresans"}, "CertificateID": {"7"}, "NumberOfSANSToAdd": {"2"}}}, s.sent())
}

// Rules BUY-3, as for create: the request is sent once, and the outcome is unknown unless nothing was bought for certain.
func TestFurtherNamesWithUnknownOutcome(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"dropped":             drops,
		"500":                 status(500, ""),
		"HTML":                says("<html>"),
		"cut off":             says(ok(boughtNames)[:300]),
		"OK without result":   says(ok("")),
		"OK without id":       says(ok(`<SSLPurchaseMoreSANSResult IsSuccess="true"/>`)),
		"OK about another":    says(ok(`<SSLPurchaseMoreSANSResult IsSuccess="true"><SSLCertificate CertificateID="8"/></SSLPurchaseMoreSANSResult>`)),
		"OK without success":  says(ok(`<SSLPurchaseMoreSANSResult IsSuccess="false"><SSLCertificate CertificateID="7"/></SSLPurchaseMoreSANSResult>`)),
		"no chargeable order": says(refusal("2033409", "Possibly a logical error at the authentication phase. The order chargeable for the Username is not found")),
		"validation id":       says(refusal("4011299", "The Purchasevalidationid already exists. The certificate cannot be created")),
		"broken order":        says(refusal("2528166", "Order creation failed")),
		"unhandled":           says(refusal("5050900", "Unhandled exceptions")),
		"records":             says(refusal("4011331", "Unable to update DCV filerecords in database. Please try again.")),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, answer)
			_, err := s.Buy(t.Context(), names(t, 1))
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown)
			assert.Contains(t, failure.Message, "names for the certificate 7 may have been bought or not")
			assert.Len(t, s.asked, 1)
		})
	}
}

func TestFurtherNamesRefused(t *testing.T) {
	for _, c := range []struct {
		rule   string
		answer http.HandlerFunc
		kind   string
		code   int
	}{
		{"more than ten years", says(refusal("2015167", "Number of years should be maximum 10")), fault.API, 2015167},
		{"the type", says(refusal("2011301", "Parameter SSLType is not valid")), fault.API, 2011301},
		{"a promotion", says(refusal("2011170", "Promotion code is not available")), fault.API, 2011170},
		{"empty account", says(refusal("2528166", "ORDER CREATION FAILED; INSUFFICIENTFUNDS;")), fault.API, 2528166},
		{"not a state for it", says(refusal("4011331", "Certificate status is invalid")), fault.API, 4011331},
		{"the key", says(refusal("1011102", "API Key is invalid")), fault.Login, 1011102},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, c.answer)
			_, err := s.Buy(t.Context(), names(t, 1))
			failure := requireFault(t, err, c.kind)
			assert.False(t, failure.OutcomeUnknown)
			assert.Equal(t, c.code, failure.Code)
			assert.Len(t, s.asked, 1, "there is no other name to try")
		})
	}
}

func TestBuyRefusesARequestThatCannotBeActivated(t *testing.T) {
	s := newStage(t, says(ok(boughtNames)))
	p := names(t, 1)
	p.Request = request(t, "positivessl_multi_domain", "auth_dnstxt", "", "example.com", "a.example.com")
	p.Request.Method = seller.MethodEmail
	_, err := s.Buy(t.Context(), p)
	assert.False(t, requireFault(t, err, fault.Missed).OutcomeUnknown)
	assert.Empty(t, s.asked)
}
