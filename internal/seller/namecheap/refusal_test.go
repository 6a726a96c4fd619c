package namecheap_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func TestCheckDistinguishesWhyTheAccountCannotBeUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   string
		object string
		code   int
		params []fault.Param
	}{
		"user":              {says(refusal("1011101", "Parameter APIUser is invalid")), fault.Login, "api_user", 1011101, nil},
		"user name":         {says(refusal("1019103", "Parameter UserName is not available")), fault.Login, "username", 1019103, nil},
		"key":               {says(refusal("1011102", "API Key is invalid or API access has not been enabled")), fault.Login, "api_key", 1011102, nil},
		"white list":        {says(refusal("1011150", "Invalid request IP: 203.0.113.7")), fault.Address, "ip", 1011150, []fault.Param{{Name: "ip", Value: "203.0.113.7"}}},
		"white list, bare":  {says(refusal("1011150", "Parameter RequestIP is invalid")), fault.Address, "ip", 1011150, nil},
		"client IP":         {says(refusal("1011105", "Parameter ClientIP is invalid")), fault.ClientIP, "client_ip", 1011105, []fault.Param{{Name: "ip", Value: "198.51.100.4"}}},
		"locked":            {says(refusal("1017101", "Parameter ApiUser is disabled or locked")), fault.Auth, "username", 1017101, nil},
		"declined payments": {says(refusal("1017410", "Too many declined payments")), fault.Auth, "username", 1017410, nil},
		"HTML":              {says("<!DOCTYPE html><html></html>"), fault.NotSeller, "namecheap.users.getBalances", 0, nil},
		"another document":  {says("<doc><error/></doc>"), fault.NotSeller, "namecheap.users.getBalances", 0, nil},
		"no status":         {says("<ApiResponse/>"), fault.Client, "namecheap.users.getBalances", 0, nil},
		"another result":    {says(ok("<SSLListResult/>")), fault.Client, "namecheap.users.getBalances", 0, nil},
		"unknown number":    {says(refusal("1999999", "Something new")), fault.API, "namecheap.users.getBalances", 1999999, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tc.answer)
			failure := requireFault(t, s.Check(t.Context()), tc.kind)
			assert.Equal(t, tc.object, failure.Object)
			assert.Equal(t, tc.code, failure.Code)
			assert.Equal(t, tc.params, failure.Params)
			for _, p := range failure.Params {
				if tc.kind == fault.Address {
					assert.Contains(t, failure.Message, "came from, "+p.Value+", is not")
				}
			}
			assert.Len(t, s.asked, 1)
		})
	}
	t.Run("no network", func(t *testing.T) {
		gate, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, gate.Close())
		s := newStage(t, says(""))
		err = s.connect(t, "http://"+gate.Addr().String()).Check(t.Context())
		assert.True(t, requireFault(t, err, fault.Client).Retry)
	})
}

func TestEveryErrorIsReported(t *testing.T) {
	s := newStage(t, says(refuses(`<Error>no number</Error><Error Number=" 2010294 ">Parameter CertificateID is Missing</Error><Error Number="2010296">Parameter CSR is Missing</Error>`)))
	_, err := s.OrderStatus(t.Context(), 7)
	failure := requireFault(t, err, fault.API)
	assert.Contains(t, failure.Message, "no number; 2010294: Parameter CertificateID is Missing; 2010296: Parameter CSR is Missing")
	assert.Equal(t, 2010294, failure.Code)
	assert.False(t, failure.Retry)
}

func TestInternalErrorsOfNamecheapAreRetryable(t *testing.T) {
	for _, number := range []string{"5050900", "4050900", "3050900", "5019169", "5050169"} {
		s := newStage(t, says(refusal(number, "Unhandled exception")))
		_, err := s.OrderStatus(t.Context(), 7)
		assert.True(t, requireFault(t, err, fault.API).Retry, number)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	s := newStage(t, says(refusal("1011102", "ApiKey "+key+" \x1b is invalid")), says(refusal("1011102", "ApiKey "+key+" is invalid")), says("<doc>"+key+"</doc>"))
	shown := ""
	for range 3 {
		err := s.Check(t.Context())
		require.Error(t, err)
		shown += err.Error() + "\n"
	}
	shown += strings.Join(s.log.Tail(100), "\n")
	assert.Contains(t, shown, "namecheap.users.getBalances: HTTP 200, ERROR 1011102", "level 7 was written")
	assert.Contains(t, shown, "ClientIp=198.51.100.4", "level 9 was written")
	assert.NotContains(t, shown, key)
}

func TestBalance(t *testing.T) {
	for text, amount := range map[string]float64{"0.00": 0, "12.5": 12.5, "1234.56": 1234.56, "-3.10": -3.1} {
		s := newStage(t, says(ok(`<UserGetBalancesResult Currency="USD" AvailableBalance="`+text+`" AccountBalance="99"/>`)))
		money, err := s.Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, seller.Money{Amount: amount, Text: text, Currency: "USD"}, money)
	}
}

// Rules MONEY-1: an amount with two possible meanings is unknown. Check succeeds all the same, because Namecheap answered.
func TestUnreadableBalanceIsUnknown(t *testing.T) {
	for _, text := range []string{"500,00", "1,500.00", "1.500,00", "1 500", "5e3", "NaN", "+5", "", strings.Repeat("9", 400)} {
		s := newStage(t, says(ok(`<UserGetBalancesResult Currency="USD" AvailableBalance="`+text+`" AccountBalance="99"/>`)))
		_, err := s.Balance(t.Context())
		requireFault(t, err, fault.API)
		require.ErrorIs(t, err, seller.ErrUnknownAmount)
		require.NoError(t, s.Check(t.Context()))
	}
}

// The text of a refusal is shortened; no part of a key, long or short, may remain at the cut.
func TestShortenedRefusalHasNoPartOfTheKey(t *testing.T) {
	for _, secret := range []string{key, "short-key-7"} {
		for pad := 960; pad < 1010; pad++ {
			s := newStage(t, says(refusal("1011102", strings.Repeat("x", pad)+secret)))
			s.params["api_key"] = secret
			err := s.connect(t, s.address).Check(t.Context())
			require.NotContains(t, requireFault(t, err, fault.Login).Error(), secret[:5], "behind %d bytes", pad)
		}
	}
}

// Namecheap's support may ask for an error number that this program cannot read.
func TestUnreadableErrorNumberIsReportedAsReceived(t *testing.T) {
	for given, want := range map[string]string{
		"99999999999": "refuses: 99999999999: why", "E-17": "refuses: E-17: why", "-5": "refuses: -5: why",
		"0": "refuses: why", "": "refuses: why", "2011301": "refuses: 2011301: why",
	} {
		failure := requireFault(t, newStage(t, says(refusal(given, "why"))).Check(t.Context()), fault.API)
		assert.Contains(t, failure.Message, want)
	}
}
