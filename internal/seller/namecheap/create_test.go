package namecheap_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

const bought = `<SSLCreateResult IsSuccess="true" OrderId="1030907" TransactionId="1519287" ChargedAmount="9.0000"><SSLCertificate Status="NewPurchase" ` +
	`CertificateID="909327" Created="09/25/2026" SSLType="Standard SSL SSLcom" Years="1"/></SSLCreateResult>`

func purchase(t *testing.T, id string, months, sans int) seller.Purchase {
	return seller.Purchase{Kind: seller.KindCreate, Product: product(t, id), Months: months, SANs: sans}
}

func TestBuy(t *testing.T) {
	for name, tc := range map[string]struct {
		id           string
		months, sans int
		form         url.Values
	}{
		"one year":          {"standard_ssl", 12, 0, url.Values{"Type": {"Standard SSL"}, "Years": {"1"}}},
		"five years":        {"positivessl", 60, 0, url.Values{"Type": {"PositiveSSL"}, "Years": {"5"}}},
		"names beyond 3":    {"san_certificate", 24, 97, url.Values{"Type": {"SAN Certificate"}, "Years": {"2"}, "SANStoADD": {"97"}}},
		"names included":    {"positivessl_multi_domain", 12, 0, url.Values{"Type": {"PositiveSSL Multi Domain"}, "Years": {"1"}}},
		"old wildcard name": {"positivessl_wildcard", 12, 0, url.Values{"Type": {"PositiveSSL Wildcard"}, "Years": {"1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(bought)))
			receipt, err := s.Buy(t.Context(), purchase(t, tc.id, tc.months, tc.sans))
			require.NoError(t, err)
			assert.Equal(t, seller.Receipt{ID: 909327, Order: "1030907", Charged: "9.0000", Delivered: "Standard SSL SSLcom"}, receipt,
				"the product in the answer may be another one (docs/reference/namecheap.md §0.3)")
			tc.form.Set("Command", "namecheap.ssl.create")
			assert.Equal(t, []url.Values{tc.form}, s.sent())
		})
	}
}

// docs/reference/namecheap.md §3.1, §14: the id is on the element SSLCertificate or on the result itself. If both have
// one and they differ, it is unknown which certificate was bought.
func TestPurchaseIDOnEitherElement(t *testing.T) {
	const flat = `<SSLCreateResult IsSuccess="true" OrderId="1" CertificateID="909327" SSLType="PositiveSSL"/>`
	for name, answer := range map[string]string{
		"on the result": flat,
		"in both":       `<SSLCreateResult IsSuccess="true" OrderId="1" CertificateID="909327"><SSLCertificate CertificateID="909327" SSLType="PositiveSSL"/></SSLCreateResult>`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(answer)))
			receipt, err := s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
			require.NoError(t, err)
			assert.Equal(t, seller.Receipt{ID: 909327, Order: "1", Delivered: "PositiveSSL"}, receipt)
		})
	}
	s := newStage(t, says(ok(`<SSLCreateResult IsSuccess="true" CertificateID="909327"><SSLCertificate CertificateID="909328"/></SSLCreateResult>`)))
	_, err := s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
	assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
}

func TestBuyRefusesImpossiblePurchasesBeforeAnyRequest(t *testing.T) {
	for name, p := range map[string]seller.Purchase{
		"no further names":        {Kind: seller.KindSANs, Product: product(t, "san_certificate"), ID: 7},
		"names on a single by id": {Kind: seller.KindSANs, Product: product(t, "standard_ssl"), SANs: 1, ID: 7},
		"98 further names":        {Kind: seller.KindSANs, Product: product(t, "san_certificate"), SANs: 98, ID: 7},
		"another's kind":          {Kind: seller.KindOrder, Product: product(t, "standard_ssl"), Months: 12},
		"no period":               purchase(t, "standard_ssl", 0, 0),
		"trial":                   purchase(t, "standard_ssl", -100, 0),
		"three months":            purchase(t, "standard_ssl", 3, 0),
		"year and a half":         purchase(t, "standard_ssl", 18, 0),
		"six years":               purchase(t, "standard_ssl", 72, 0),
		"no level":                {Kind: seller.KindCreate, Product: seller.Product{ID: "x", Names: []string{"X"}, Included: 1, MaxNames: 1}, Months: 12},
		"discontinued":            purchase(t, "comodossl", 12, 0),
		"names on a single":       purchase(t, "standard_ssl", 12, 1),
		"98 more names":           purchase(t, "san_certificate", 12, 98),
		"names below zero":        purchase(t, "san_certificate", 12, -1),
		"unknown product":         {Kind: seller.KindCreate, Months: 12},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(ok(bought)))
			_, err := s.Buy(t.Context(), p)
			failure := requireFault(t, err, fault.Value)
			assert.False(t, failure.OutcomeUnknown)
			assert.Empty(t, s.asked)
		})
	}
}

// Rules PARAM-21: the second request is allowed only because the first one bought nothing.
func TestTheNameOfTheAPIIsTriedOnlyAfterUnknownType(t *testing.T) {
	for id, live := range map[string]string{
		"standard_ssl": "Standard SSL SSLcom", "standard_wildcard_ssl": "Standard Wildcard SSL SSLcom", "san_certificate": "SAN Certificate SSL SSLcom",
		"positivessl": "Standard SSL SSLcom", "essentialssl_wildcard": "Standard Wildcard SSL SSLcom",
	} {
		s := newStage(t, says(refusal("2011301", "Parameter Type is not valid")), says(ok(bought)))
		receipt, err := s.Buy(t.Context(), purchase(t, id, 12, 0))
		require.NoError(t, err, id)
		assert.EqualValues(t, 909327, receipt.ID)
		require.Len(t, s.asked, 2)
		assert.Equal(t, product(t, id).Names[0], s.asked[0].Get("Type"))
		assert.Equal(t, live, s.asked[1].Get("Type"))
	}
	t.Run("and only once", func(t *testing.T) {
		s := newStage(t, says(refusal("2011301", "Parameter Type is not valid")))
		_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		failure := requireFault(t, err, fault.API)
		assert.Equal(t, 2011301, failure.Code)
		assert.False(t, failure.OutcomeUnknown)
		assert.Len(t, s.asked, 2)
	})
	t.Run("not beside another error", func(t *testing.T) {
		s := newStage(t, says(refuses(`<Error Number="2011301">Parameter Type is not valid</Error><Error Number="5050900">Unhandled</Error>`)))
		_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
		assert.Len(t, s.asked, 1)
	})
	t.Run("the second end is judged for itself", func(t *testing.T) {
		s := newStage(t, says(refusal("2011301", "Parameter Type is not valid")), drops)
		_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		assert.True(t, requireFault(t, err, fault.Unclear).OutcomeUnknown)
		assert.Len(t, s.asked, 2)
	})
}

// Rules BUY-3: the request is sent once whatever comes back, and the outcome is unknown unless nothing was bought for certain.
func TestBuyWithUnknownOutcome(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"connection dropped":            drops,
		"500":                           status(500, "oops"),
		"504 from a gateway":            status(504, "<html>"),
		"429":                           status(429, ""),
		"403":                           status(403, "<html>"),
		"redirect":                      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) },
		"HTML":                          says("<html>"),
		"empty":                         says(""),
		"cut off":                       says(ok(bought)[:200]),
		"garbage":                       says("\x00\x01\x02"),
		"wrong charset":                 says(`<?xml version="1.0" encoding="windows-1252"?><ApiResponse Status="OK"/>`),
		"OK without result":             says(ok("")),
		"OK without id":                 says(ok(`<SSLCreateResult IsSuccess="true" OrderId="1"><SSLCertificate/></SSLCreateResult>`)),
		"OK with the id 0":              says(ok(`<SSLCreateResult IsSuccess="true" OrderId="1"><SSLCertificate CertificateID="0"/></SSLCreateResult>`)),
		"OK with a negative id":         says(ok(`<SSLCreateResult IsSuccess="true" OrderId="1"><SSLCertificate CertificateID="-3"/></SSLCreateResult>`)),
		"IsSuccess=false without error": says(ok(`<SSLCreateResult IsSuccess="false" OrderId="1"><SSLCertificate CertificateID="909327"/></SSLCreateResult>`)),
		"status unknown":                says(`<ApiResponse Status="MAYBE"/>`),
		"5050900":                       says(refusal("5050900", "Unhandled exceptions")),
		"4050900":                       says(refusal("4050900", "Error occured from database")),
		"3050900":                       says(refusal("3050900", "Unknown exception")),
		"5019169":                       says(refusal("5019169", "Unknown exception")),
		"5050169":                       says(refusal("5050169", "Unknown exception")),
		"2032409":                       says(refusal("2032409", "Some error occurred during authentication phase")),
		"2528166 in the middle":         says(refusal("2528166", "ORDER CREATION FAILED; Failed to Create Order;;Error Details:-CALCULATIONERROR")),
		"a number that nobody knows":    says(refusal("4999999", "New")),
		"error without number":          says(refuses(`<Error>Something</Error>`)),
		"ERROR without error":           says(refuses("")),
		"one definite, one not":         says(refuses(`<Error Number="2011167">Parameter Years is Invalid</Error><Error Number="5050900">Unhandled</Error>`)),
		"definite, with a certificate": says(`<ApiResponse Status="ERROR"><Errors><Error Number="2011167">x</Error></Errors><CommandResponse>` + bought +
			`</CommandResponse></ApiResponse>`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, answer)
			_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
			failure := requireFault(t, err, fault.Unclear)
			assert.True(t, failure.OutcomeUnknown)
			assert.Len(t, s.asked, 1)
			assert.Zero(t, s.slept)
		})
	}
}

// Rules BUY-12: the HTTP status for a reached limit is not Namecheap's own document, so the purchase or activation may have
// been executed. The fault is marked as refused, and the request is not sent again.
func TestHTTPStatusDoesNotProveThatNothingWasBought(t *testing.T) {
	for body, answer := range map[string]string{"nothing": "", "a page": "<html>", "a refusal": refusal("2011167", "Parameter Years is Invalid")} {
		for name, ask := range map[string]func(s *stage) error{
			"create": func(s *stage) error { _, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0)); return err },
			"renew":  func(s *stage) error { _, err := s.Buy(t.Context(), renewal(t, "standard_ssl", 12)); return err },
			"names":  func(s *stage) error { _, err := s.Buy(t.Context(), names(t, 1)); return err },
			"reissue": func(s *stage) error {
				_, _, err := s.Reissue(t.Context(), 7, request(t, "standard_ssl", "auth_dnscname", "", "example.com"))
				return err
			},
		} {
			t.Run(name+" with "+body, func(t *testing.T) {
				s := newStage(t, status(405, answer))
				failure := requireFault(t, ask(s), fault.Limit)
				assert.True(t, failure.OutcomeUnknown)
				assert.True(t, failure.Refused)
				assert.True(t, failure.Retry)
				assert.Len(t, s.asked, 1, "405 is no reason to send it again in the same process")
			})
		}
	}
	s := newStage(t, status(429, ""))
	_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
	failure := requireFault(t, err, fault.Unclear)
	assert.Equal(t, []bool{true, false}, []bool{failure.OutcomeUnknown, failure.Refused}, "429 is not documented")
}

func TestBuyWithDefiniteRefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   string
		code   int
		retry  bool
	}{
		"years invalid":       {says(refusal("2011167", "Parameter Years is Invalid")), fault.API, 2011167, false},
		"years missing":       {says(refusal("2010167", "Parameter Years is Missing")), fault.API, 2010167, false},
		"years out of range":  {says(refusal("2013167", "Parameter Years is OutOfRange")), fault.API, 2013167, false},
		"three years at most": {says(refusal("2015167", "Number of years should be maximum 3")), fault.API, 2015167, false},
		"empty account": {says(refusal("2528166", "ORDER CREATION FAILED; INSUFFICIENTFUNDS;Insufficient funds in account; Sorry!")),
			fault.API, 2528166, false},
		"key":                {says(refusal("1011102", "API Key is invalid")), fault.Login, 1011102, false},
		"white list":         {says(refusal("1011150", "Invalid request IP: 203.0.113.7")), fault.Address, 1011150, false},
		"zeroed result":      {says(`<ApiResponse Status="ERROR"><Errors><Error Number="2011167">x</Error></Errors><CommandResponse><SSLCreateResult IsSuccess="false" OrderId="0"/></CommandResponse></ApiResponse>`), fault.API, 2011167, false},
		"before it was read": {says(refusal("1050900", "Unknown error when validating APIUser")), fault.API, 1050900, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tc.answer)
			_, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
			failure := requireFault(t, err, tc.kind)
			assert.False(t, failure.OutcomeUnknown)
			assert.Equal(t, tc.code, failure.Code)
			assert.Equal(t, tc.retry, failure.Retry)
			assert.Len(t, s.asked, 1)
		})
	}
	t.Run("connection refused", func(t *testing.T) {
		gate, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, gate.Close())
		s := newStage(t, says(""))
		_, err = s.connect(t, "http://"+gate.Addr().String()).Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		failure := requireFault(t, err, fault.Client)
		assert.False(t, failure.OutcomeUnknown)
		assert.True(t, failure.Retry)
	})
	t.Run("limit reached", func(t *testing.T) {
		s := newStage(t, says(ok(`<UserGetBalancesResult AvailableBalance="1" Currency="USD"/>`)))
		s.params["limit_minute"] = "1"
		s.params["limit_hour"] = "0"
		s.params["limit_day"] = "0"
		client := s.connect(t, s.Account()[:len(s.Account())-len(" reseller")])
		require.NoError(t, client.Check(t.Context()))
		_, err := client.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0))
		failure := requireFault(t, err, fault.Limit)
		assert.False(t, failure.OutcomeUnknown)
		assert.True(t, failure.Retry)
		assert.Contains(t, failure.Message, "2026-07-12T10:01:01Z")
		hash := sha256.Sum256([]byte(client.Account()))
		assert.FileExists(t, filepath.Join(s.dir, "pmnamecheap.calls."+hex.EncodeToString(hash[:])[:16]), "the account's hash (rules BUY-1)")
		assert.Len(t, s.asked, 1)
	})
}

// Rules BUY-9: an OK that does not name the certificate is an accepted purchase, which no program repeats.
func TestOKWithoutANewIDIsAnAcceptedPurchase(t *testing.T) {
	create := func(s *stage) error { _, err := s.Buy(t.Context(), purchase(t, "standard_ssl", 12, 0)); return err }
	renew := func(s *stage) error { _, err := s.Buy(t.Context(), renewal(t, "standard_ssl", 12)); return err }
	further := func(s *stage) error { _, err := s.Buy(t.Context(), names(t, 1)); return err }
	for _, c := range []struct {
		name   string
		ask    func(*stage) error
		answer http.HandlerFunc
		taken  bool
	}{
		{name: "create without id", ask: create, taken: true, answer: says(ok(`<SSLCreateResult IsSuccess="true" OrderId="1"><SSLCertificate/></SSLCreateResult>`))},
		{name: "create without id and without success", ask: create, answer: says(ok(`<SSLCreateResult IsSuccess="false" OrderId="1"/>`))},
		{name: "create that says it failed", ask: create, answer: says(ok(`<SSLCreateResult IsSuccess="false"><SSLCertificate CertificateID="909327"/></SSLCreateResult>`))},
		{name: "create without an answer", ask: create, answer: drops},
		{name: "create answered by a fault", ask: create, answer: says(refusal("5050900", "Unhandled exceptions"))},
		{name: "renew without id", ask: renew, taken: true, answer: says(ok(`<SSLRenewResult OrderId="1"/>`))},
		{name: "renew with the old id", ask: renew, taken: true, answer: says(ok(`<SSLRenewResult CertificateID="7" OrderId="1"/>`))},
		{name: "names of another certificate", ask: further, taken: true, answer: says(ok(`<SSLPurchaseMoreSANSResult IsSuccess="true"><SSLCertificate CertificateID="8"/></SSLPurchaseMoreSANSResult>`))},
		{name: "names that were not bought", ask: further, answer: says(ok(`<SSLPurchaseMoreSANSResult IsSuccess="false"><SSLCertificate CertificateID="7"/></SSLPurchaseMoreSANSResult>`))},
	} {
		t.Run(c.name, func(t *testing.T) {
			failure := requireFault(t, c.ask(newStage(t, c.answer)), fault.Unclear)
			assert.True(t, failure.OutcomeUnknown)
			assert.Equal(t, c.taken, failure.Accepted)
		})
	}
}
