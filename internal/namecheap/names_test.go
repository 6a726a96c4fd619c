package namecheap_test

import (
	"net/http"
	"net/url"
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const boughtNames = `<SSLPurchaseMoreSANSResult IsSuccess="true" OrderId="111" TransactionId="11111" ChargedAmount="23.3000">` +
	`<SSLCertificate CertificateID="7" SSLType="positivessl multi domain" Years="1" Status="ACTIVE" SANSCount="4"/></SSLPurchaseMoreSANSResult>`

func names(t *testing.T, more int) cert.Purchase {
	return cert.Purchase{Kind: cert.KindSANs, Product: product(t, "positivessl_multi_domain"), SANs: more, ID: 7}
}

func TestFurtherNamesAreBought(t *testing.T) {
	s := newStage(t, says(ok(boughtNames)))
	receipt, err := s.Buy(t.Context(), names(t, 2))
	require.NoError(t, err)
	assert.Equal(t, cert.Receipt{ID: 7, Order: "111", Charged: "23.3000", Delivered: "positivessl multi domain"}, receipt)
	assert.Equal(t, []url.Values{{"Command": {"namecheap.ssl.purchasemoresans"}, "CertificateID": {"7"}, "NumberOfSANSToAdd": {"2"}}}, s.sent())
}

// Contract 3.3, as for create: sent once, and unclear unless it is certain that nothing was bought.
func TestFurtherNamesAreUnclear(t *testing.T) {
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
			fault := requireFault(t, err, cert.FaultUnclear)
			assert.True(t, fault.Unclear)
			assert.Contains(t, fault.Value, "names for the certificate 7 may have been bought or not")
			assert.Len(t, s.asked, 1)
		})
	}
}

func TestFurtherNamesAreRefused(t *testing.T) {
	for _, c := range []struct {
		rule   string
		answer http.HandlerFunc
		kind   string
		code   int
	}{
		{"more than ten years", says(refusal("2015167", "Number of years should be maximum 10")), cert.FaultAPI, 2015167},
		{"the type", says(refusal("2011301", "Parameter SSLType is not valid")), cert.FaultAPI, 2011301},
		{"a promotion", says(refusal("2011170", "Promotion code is not available")), cert.FaultAPI, 2011170},
		{"empty account", says(refusal("2528166", "ORDER CREATION FAILED; INSUFFICIENTFUNDS;")), cert.FaultAPI, 2528166},
		{"not a state for it", says(refusal("4011331", "Certificate status is invalid")), cert.FaultAPI, 4011331},
		{"the key", says(refusal("1011102", "API Key is invalid")), cert.FaultLogin, 1011102},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, c.answer)
			_, err := s.Buy(t.Context(), names(t, 1))
			fault := requireFault(t, err, c.kind)
			assert.False(t, fault.Unclear)
			assert.Equal(t, c.code, fault.Code)
			assert.Len(t, s.asked, 1, "there is no other name to try")
		})
	}
}

func TestNamesThatCannotBeActivatedAreNotBought(t *testing.T) {
	s := newStage(t, says(ok(boughtNames)))
	p := names(t, 1)
	p.Request = request(t, "positivessl_multi_domain", "auth_dnstxt", "", "example.com", "a.example.com")
	p.Request.Method = cert.MethodEmail
	_, err := s.Buy(t.Context(), p)
	assert.False(t, requireFault(t, err, cert.FaultMissed).Unclear)
	assert.Empty(t, s.asked)
}
