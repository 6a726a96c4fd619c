package namecheap_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"pmssl/internal/cert"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckTellsWhyTheAccountCannotBeUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   string
		object string
		code   int
		params []cert.Param
	}{
		"user":              {says(refusal("1011101", "Parameter APIUser is invalid")), cert.FaultLogin, "api_user", 1011101, nil},
		"user name":         {says(refusal("1019103", "Parameter UserName is not available")), cert.FaultLogin, "username", 1019103, nil},
		"key":               {says(refusal("1011102", "API Key is invalid or API access has not been enabled")), cert.FaultLogin, "api_key", 1011102, nil},
		"white list":        {says(refusal("1011150", "Invalid request IP: 203.0.113.7")), cert.FaultAddress, "ip", 1011150, []cert.Param{{Name: "ip", Value: "203.0.113.7"}}},
		"white list, bare":  {says(refusal("1011150", "Parameter RequestIP is invalid")), cert.FaultAddress, "ip", 1011150, nil},
		"client IP":         {says(refusal("1011105", "Parameter ClientIP is invalid")), cert.FaultClientIP, "client_ip", 1011105, []cert.Param{{Name: "ip", Value: "198.51.100.4"}}},
		"locked":            {says(refusal("1017101", "Parameter ApiUser is disabled or locked")), cert.FaultAuth, "username", 1017101, nil},
		"declined payments": {says(refusal("1017410", "Too many declined payments")), cert.FaultAuth, "username", 1017410, nil},
		"HTML":              {says("<!DOCTYPE html><html></html>"), cert.FaultNotSeller, "namecheap.users.getBalances", 0, nil},
		"another document":  {says("<doc><error/></doc>"), cert.FaultNotSeller, "namecheap.users.getBalances", 0, nil},
		"no status":         {says("<ApiResponse/>"), cert.FaultClient, "namecheap.users.getBalances", 0, nil},
		"another result":    {says(ok("<SSLListResult/>")), cert.FaultClient, "namecheap.users.getBalances", 0, nil},
		"unknown number":    {says(refusal("1999999", "Something new")), cert.FaultAPI, "namecheap.users.getBalances", 1999999, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, tc.answer)
			fault := requireFault(t, s.Check(t.Context()), tc.kind)
			assert.Equal(t, tc.object, fault.Object)
			assert.Equal(t, tc.code, fault.Code)
			assert.Equal(t, tc.params, fault.Params)
			for _, p := range fault.Params {
				if tc.kind == cert.FaultAddress {
					assert.Contains(t, fault.Value, "came from, "+p.Value+", is not")
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
		assert.True(t, requireFault(t, err, cert.FaultClient).Retry)
	})
}

func TestEveryErrorIsReported(t *testing.T) {
	s := newStage(t, says(refuses(`<Error>no number</Error><Error Number=" 2010294 ">Parameter CertificateID is Missing</Error><Error Number="2010296">Parameter CSR is Missing</Error>`)))
	_, err := s.Report(t.Context(), 7)
	fault := requireFault(t, err, cert.FaultAPI)
	assert.Contains(t, fault.Value, "no number; 2010294: Parameter CertificateID is Missing; 2010296: Parameter CSR is Missing")
	assert.Equal(t, 2010294, fault.Code)
	assert.False(t, fault.Retry)
}

func TestNamecheapsOwnAccidentsPass(t *testing.T) {
	for _, number := range []string{"5050900", "4050900", "3050900", "5019169", "5050169"} {
		s := newStage(t, says(refusal(number, "Unhandled exception")))
		_, err := s.Report(t.Context(), 7)
		assert.True(t, requireFault(t, err, cert.FaultAPI).Retry, number)
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
		assert.Equal(t, cert.Money{Amount: amount, Text: text, Currency: "USD"}, money)
	}
}

// rules MONEY-1: an amount that can mean two things is unknown. Whoever gets one is let in all the same.
func TestABalanceIsNeverGuessed(t *testing.T) {
	for _, text := range []string{"500,00", "1,500.00", "1.500,00", "1 500", "5e3", "NaN", "+5", "", strings.Repeat("9", 400)} {
		s := newStage(t, says(ok(`<UserGetBalancesResult Currency="USD" AvailableBalance="`+text+`" AccountBalance="99"/>`)))
		_, err := s.Balance(t.Context())
		requireFault(t, err, cert.FaultAPI)
		require.ErrorIs(t, err, cert.ErrUnknownAmount)
		require.NoError(t, s.Check(t.Context()))
	}
}

// The words of a refusal are cut at their limit; no piece of a key, long or short, is left at the place of the cut.
func TestNoPieceOfTheKeyIsLeftInTheWordsOfARefusal(t *testing.T) {
	for _, secret := range []string{key, "short-key-7"} {
		for pad := 960; pad < 1010; pad++ {
			s := newStage(t, says(refusal("1011102", strings.Repeat("x", pad)+secret)))
			s.params["api_key"] = secret
			err := s.connect(t, s.address).Check(t.Context())
			require.NotContains(t, requireFault(t, err, cert.FaultLogin).Error(), secret[:5], "behind %d bytes", pad)
		}
	}
}

// A number that we cannot read may be what Namecheap's support asks for.
func TestAnUnreadableNumberIsSaidAsItCame(t *testing.T) {
	for given, want := range map[string]string{
		"99999999999": "refuses: 99999999999: why", "E-17": "refuses: E-17: why", "-5": "refuses: -5: why",
		"0": "refuses: why", "": "refuses: why", "2011301": "refuses: 2011301: why",
	} {
		fault := requireFault(t, newStage(t, says(refusal(given, "why"))).Check(t.Context()), cert.FaultAPI)
		assert.Contains(t, fault.Value, want)
	}
}
