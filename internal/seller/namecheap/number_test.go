package namecheap

import (
	"testing"

	"pmssl/internal/cabforum"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDates(t *testing.T) {
	day := cabforum.Date{Year: 2026, Month: 1, Day: 2}
	for text, want := range map[string]cabforum.Date{
		"1/2/2026": day, "01/02/2026": day, " 1/02/2026 ": day, "1/2/2026 12:00:00 AM": day, "": {}, " ": {},
	} {
		date, ok := dateOf(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, date, text)
	}
	for _, text := range []string{"13/1/2026", "2/30/2026", "2026-01-02", "1/2/26", "1/2", "001/2/2026", "a/b/cccc", "0/0/0000", "+1/2/2026", "//"} {
		_, ok := dateOf(text)
		assert.False(t, ok, text)
	}
}

func FuzzDate(f *testing.F) {
	for _, seed := range []string{"1/20/2014", "01/20/2014", "", "1//2014", "2/29/2025", "é/1/2026"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		date, ok := dateOf(text)
		if !ok {
			require.True(t, date.IsZero())
			return
		}
		if !date.IsZero() {
			again, err := cabforum.ParseDate(date.String())
			require.NoError(t, err)
			require.Equal(t, date, again)
		}
	})
}

func TestTerms(t *testing.T) {
	for years, months := range map[string]int{"1": 12, " 5 ": 60, "0": 0, "": 0, "x": 0, "-1": 0, "4294967297": 0, "1000": 0} {
		assert.Equal(t, months, monthsOf(years), years)
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		`<ApiResponse Status="OK"><CommandResponse><a/></CommandResponse></ApiResponse>`,
		`<ApiResponse Status="ERROR"><Errors><Error Number="1">x</Error><Error/></Errors><Warnings><Warning Number="2">y</Warning></Warnings></ApiResponse>`,
		`<doc/>`, `<html>`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseEnvelope(body)
		if err != nil {
			return
		}
		for _, command := range []string{commandCreate, commandRenew, commandReissue} {
			refused := newRefusal(command, e, access{apiKey: "0123456789"})
			require.NotContains(t, refused.reasons(), "\n")
			require.NotContains(t, refused.fault().Message, "\x1b")
			require.False(t, refused.definite() && namesCertificate(e.response))
		}
	})
}

// A purchase that counts as bought has an id of its own, whatever the answer holds.
func FuzzNewID(f *testing.F) {
	for _, seed := range []string{
		`<SSLCreateResult IsSuccess="true" OrderId="1"><SSLCertificate CertificateID="8" SSLType="x"/></SSLCreateResult>`,
		`<SSLRenewResult CertificateID="8" SSLType="x" OrderID="1"/>`, `<SSLRenewResult CertificateID="7"/>`,
		`<SSLReissueResult ID="8" IsSuccess="true"/>`, `<SSLReissueResult ID="-8"/>`, `<SSLReissueResult ID="8" IsSuccess="no"/>`, `<x/>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		result, err := sellerhttp.ParseXML(body)
		if err != nil {
			return
		}
		if r, err := createReceipt(result); err == nil {
			require.Positive(t, r.ID)
		}
		if r, err := renewReceipt(7, result); err == nil {
			require.Positive(t, r.ID)
			require.NotEqual(t, int64(7), r.ID)
			require.NotContains(t, r.Order+r.Charged+r.Delivered, "\n")
		}
	})
}

func FuzzSuccessor(f *testing.F) {
	for _, seed := range []string{
		`<SSL CertificateID="8" HostName="Example.com" SSLType="positivessl" Status="active" ProviderOrderID="1" Years="1"/>`,
		`<SSL CertificateID="8" HostName="*.xn--mnchen-3ya.de" Status="" ProviderOrderID="0"/>`, `<SSL/>`, `<SSL HostName="ä.." CertificateID="-1"/>`,
	} {
		f.Add([]byte(seed))
	}
	old := row{OrderSummary: seller.OrderSummary{ID: 7, Type: "positivessl"}, provider: "1"}
	f.Fuzz(func(t *testing.T, body []byte) {
		one, err := sellerhttp.ParseXML(body)
		if err != nil {
			return
		}
		r := rowFrom(one)
		require.GreaterOrEqual(t, r.ID, int64(0))
		require.Equal(t, old.otherOrder(r), r.otherOrder(old))
		require.NotContains(t, r.CommonName+r.provider, "\n")
		if searchable(r.CommonName) {
			require.LessOrEqual(t, len(r.CommonName), maxTerm)
			require.True(t, sameHost(r.CommonName, r.CommonName))
		}
	})
}

func FuzzOrderStatus(f *testing.F) {
	for _, seed := range []string{
		`<ApiResponse Status="OK"><CommandResponse><SSLGetInfoResult Status="active" Years="1" Expires="1/20/2015" ReplacedBy="8"><CertificateDetails><Certificates>` +
			`<Certificate><![CDATA[-----BEGIN CERTIFICATE-----]]></Certificate></Certificates></CertificateDetails></SSLGetInfoResult></CommandResponse></ApiResponse>`,
		`<ApiResponse Status="OK"><CommandResponse><SSLGetInfoResult/></CommandResponse></ApiResponse>`,
		`<ApiResponse Status="OK"><CommandResponse><SSLGetInfoResult Years="99999999999" Expires="13/45/0000" ReplacedBy="7"/></CommandResponse></ApiResponse>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseEnvelope(body)
		if err != nil || e.result("SSLGetInfoResult") == nil {
			return
		}
		status := (&Client{}).status(7, e.result("SSLGetInfoResult"))
		require.GreaterOrEqual(t, status.Months, 0)
		require.GreaterOrEqual(t, status.ReplacedBy, int64(0))
		require.NotEqual(t, int64(7), status.ReplacedBy)
		require.NotContains(t, status.StatusText+status.Type+status.CommonName, "\n")
		for _, text := range status.PEM {
			require.Contains(t, text, "-----BEGIN CERTIFICATE-----")
		}
	})
}
