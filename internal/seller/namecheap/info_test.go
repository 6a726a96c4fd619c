package namecheap_test

import (
	"net/url"
	"strings"
	"testing"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	leaf = "-----BEGIN CERTIFICATE-----\nLEAF\n-----END CERTIFICATE-----"
	int1 = "-----BEGIN CERTIFICATE-----\nINT1\n-----END CERTIFICATE-----"
	int2 = "-----BEGIN CERTIFICATE-----\nINT2\n-----END CERTIFICATE-----"
)

func info(attrs, certificates string) string {
	return ok(`<SSLGetInfoResult ` + attrs + `><CertificateDetails><CSR> <![CDATA[
-----BEGIN CERTIFICATE REQUEST-----
CSR
-----END CERTIFICATE REQUEST-----
]]> </CSR><ApproverEmail/><CommonName> Example.com </CommonName>` + certificates + `</CertificateDetails><Provider><OrderID>1</OrderID></Provider></SSLGetInfoResult>`)
}

func TestOrderStatus(t *testing.T) {
	s := newStage(t, says(info(`Status="active" StatusDescription="Certificate is Active." Type="standard ssl sslcom" IssuedOn="9/5/2026" Years="2" `+
		`Expires="4/12/2027" ActivationExpireDate="" OrderId="1030907" ReplacedBy="0" validationType="dns" SANSCount="2"`,
		`<Certificates CertificateReturned="true" ReturnType="INDIVIDUAL"><Certificate> <![CDATA[ `+leaf+"\n"+` ]]> </Certificate><CaCertificates>`+
			`<Certificate Type="INTERMEDIATE"><Certificate><![CDATA[`+int1+`]]></Certificate></Certificate>`+
			`<Certificate Type="INTERMEDIATE"><Certificate><![CDATA[`+int2+`]]></Certificate></Certificate></CaCertificates></Certificates>`)))
	status, err := s.OrderStatus(t.Context(), 909327)
	require.NoError(t, err)
	assert.Equal(t, seller.OrderStatus{
		ID: 909327, State: seller.StateIssued, StatusText: "active (Certificate is Active.)", Type: "standard ssl sslcom", Months: 24,
		Issued: cabforum.Date{Year: 2026, Month: 9, Day: 5}, Expires: cabforum.Date{Year: 2027, Month: 4, Day: 12},
		CSR:        "-----BEGIN CERTIFICATE REQUEST-----\nCSR\n-----END CERTIFICATE REQUEST-----",
		CommonName: "example.com", SANs: 2, PEM: []string{leaf, int1, int2},
	}, status)
	assert.Equal(t, []url.Values{{
		"Command": {"namecheap.ssl.getInfo"}, "CertificateID": {"909327"}, "Returncertificate": {"true"}, "Returntype": {"Individual"},
	}}, s.sent())
}

// A missing count does not mean 0: names would be bought that the certificate has already.
func TestCountsOfNames(t *testing.T) {
	for attr, want := range map[string]int{``: -1, `SANSCount=""`: -1, `SANSCount="many"`: -1, `SANSCount="-2"`: -1, `SANSCount="0"`: 0, `SANSCount=" 5 "`: 5} {
		s := newStage(t, says(info(`Status="active" `+attr, "")))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, want, status.SANs, attr)
	}
}

func TestStates(t *testing.T) {
	for word, want := range map[string]seller.State{
		"newpurchase": seller.StateNew, "NewPurchase": seller.StateNew, "NEWPURCHASE": seller.StateNew, "new": seller.StateNew,
		"newrenewal": seller.StateRenewal, "purchased": seller.StateWaiting, "inprogress": seller.StateWaiting, "Active": seller.StateIssued,
		"replaced": seller.StateReplaced, "Purchaseerror": seller.StateRefused, "Cancelled": seller.StateCancelled, " expired ": seller.StateExpired,
		"": seller.StateUnknown, "frozen": seller.StateUnknown,
	} {
		s := newStage(t, says(info(`Status="`+word+`"`, "")))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, want, status.State, word)
		assert.Equal(t, strings.TrimSpace(word), status.StatusText)
		assert.Equal(t, want == seller.StateUnknown, strings.Contains(strings.Join(s.log.Tail(100), "\n"), "unknown status"), word)
	}
}

func TestMissingAttributesAreTolerated(t *testing.T) {
	s := newStage(t, says(ok(`<SSLGetInfoResult Status="purchased"/>`)))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.OrderStatus{ID: 7, State: seller.StateWaiting, StatusText: "purchased", SANs: -1}, status)
}

func TestReplacedBy(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "0": 0, "34351741": 34351741, " 8 ": 8, "9999999999": 9999999999, "00": 0, "7": 0} {
		s := newStage(t, says(info(`Status="replaced" ReplacedBy="`+text+`"`, "")))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, want, status.ReplacedBy, text)
		assert.Equal(t, seller.StateReplaced, status.State, text)
	}
}

// An unreadable ReplacedBy does not mean "none": no decision is based on such an answer.
func TestUnreadableReplacedByMakesTheStateUnknown(t *testing.T) {
	for _, text := range []string{"x", "-1", "34351741a", "99999999999999999999", "3.4e7"} {
		s := newStage(t, says(info(`Status="Replaced" ReplacedBy="`+text+`"`, "")))
		status, err := s.OrderStatus(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, seller.StateUnknown, status.State, text)
		assert.Zero(t, status.ReplacedBy, text)
		assert.Equal(t, `Replaced, replaced by "`+text+`"`, status.StatusText)
		assert.Contains(t, strings.Join(s.log.Tail(100), "\n"), "unreadable ReplacedBy")
	}
	s := newStage(t, says(info(`Status="active" ReplacedBy="x"`, "")))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.StateIssued, status.State, "it matters only where something was replaced")
}

// An unreadable date must not stop the delivery of a certificate.
func TestUnreadableDateIsLoggedAndLeftOut(t *testing.T) {
	s := newStage(t, says(info(`Status="active" Expires="31.12.2026"`, "")))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.True(t, status.Expires.IsZero())
	assert.Contains(t, strings.Join(s.log.Tail(100), "\n"), `unreadable Expires "31.12.2026"`)
}

func TestCertificatesAreFoundInEveryElement(t *testing.T) {
	for name, tc := range map[string]struct {
		certificates string
		want         []string
	}{
		"one intermediate":    {`<Certificates><Certificate>` + leaf + `</Certificate><CaCertificates><Certificate><Certificate>` + int1 + `</Certificate></Certificate></CaCertificates></Certificates>`, []string{leaf, int1}},
		"leaf behind its CAs": {`<Certificates><CaCertificates><Certificate><Certificate>` + int1 + `</Certificate></Certificate></CaCertificates><Certificate>` + leaf + `</Certificate></Certificates>`, []string{leaf, int1}},
		"nested otherwise":    {`<Certificates><Item><X>` + leaf + `</X></Item><Item><X>` + int1 + `</X></Item></Certificates>`, []string{leaf, int1}},
		"none":                {`<Certificates CertificateReturned="false" ReturnType=""/>`, nil},
		"no element":          {"", nil},
		"PKCS7":               {"<Certificates><Certificate>-----BEGIN PKCS7-----\nx\n-----END PKCS7-----</Certificate></Certificates>", []string{"-----BEGIN PKCS7-----\nx\n-----END PKCS7-----"}},
		"a damaged block":     {"<Certificates><Certificate>-----BEGIN CERTIFICATE----\nx</Certificate></Certificates>", []string{"-----BEGIN CERTIFICATE----\nx"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(info(`Status="active"`, tc.certificates)))
			status, err := s.OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Equal(t, tc.want, status.PEM)
			assert.Equal(t, tc.want == nil, strings.Contains(strings.Join(s.log.Tail(100), "\n"), "shows no certificate in PEM"))
		})
	}
}

// docs/reference/namecheap.md §1.6: the zeroed result beside the error is ignored.
func TestAnErrorWithAResultIsStillAnError(t *testing.T) {
	s := newStage(t, says(`<ApiResponse Status="ERROR"><Errors><Error Number="2011294">CertificateId is not valid</Error></Errors>`+
		`<CommandResponse Type="namecheap.ssl.getInfo"><SSLGetInfoResult Years="0" OrderId="0" SANSCount="0"/></CommandResponse></ApiResponse>`))
	_, err := s.OrderStatus(t.Context(), 7)
	assert.Equal(t, 2011294, requireFault(t, err, fault.API).Code)
}
