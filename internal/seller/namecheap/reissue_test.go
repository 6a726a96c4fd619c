package namecheap_test

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// reissued returns an answer to the reissue of 7: the values of activated under the id 8.
func reissued(element string) string {
	return strings.NewReplacer("SSLActivateResult", element, `ID="7"`, `ID="8"`).Replace(activated)
}

func TestReissueSendsDocumentedParameters(t *testing.T) {
	for name, tc := range map[string]struct {
		request seller.Request
		form    url.Values
	}{
		"DNS":    {request(t, "standard_ssl", "auth_dnscname", "", "example.com"), url.Values{"DNSDCValidation": {"true"}}},
		"file":   {request(t, "positivessl", "auth_http", "", "example.com"), url.Values{"HTTPDCValidation": {"true"}}},
		"e-mail": {request(t, "standard_ssl", "auth_email", "admin@example.com", "example.com"), url.Values{"ApproverEmail": {"admin@example.com"}}},
		"names": {request(t, "san_certificate", "auth_dnscname", "", "example.com", "example.net"),
			url.Values{"ApproverEmail": {"CNAMECSRHASH"}, "DNSNames": {"example.net"}, "DNSApproverEmails": {"CNAMECSRHASH"}}},
		"a product that is not sold any more": {request(t, "comodossl", "auth_dnscname", "", "example.com"), url.Values{"DNSDCValidation": {"true"}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.request.Params["adm_email"] = "a@example.com" // belongs to activate only
			s := newStage(t, says(ok(reissued("SSLReissueResult"))))
			_, _, err := s.Reissue(t.Context(), 7, tc.request)
			require.NoError(t, err)
			tc.form.Set("Command", "namecheap.ssl.reissue")
			tc.form.Set("CertificateID", "7")
			tc.form.Set("CSR", tc.request.CSR.PEM)
			tc.form.Set("WebServerType", "other")
			assert.Equal(t, []url.Values{tc.form}, s.sent())
		})
	}
}

func TestReissueReturnsTheNewID(t *testing.T) {
	r := request(t, "san_certificate", "auth_dnscname", "", "example.com", "example.net")
	for _, element := range []string{"SSLReissueResult", "SSLActivateResult"} { // docs/reference/namecheap.md §3.8: seen, documented
		s := newStage(t, says(ok(reissued(element))))
		id, challenges, err := s.Reissue(t.Context(), 7, r)
		require.NoError(t, err, element)
		assert.EqualValues(t, 8, id)
		assert.Equal(t, []seller.Challenge{
			{Domain: "example.com", Method: seller.MethodDNS, Host: "_ABC.example.com", Record: "CNAME", Target: "S1.S2.5a95.ssl.com"},
			{Domain: "example.net", Method: seller.MethodDNS, Host: "_ABC.example.net", Record: "CNAME", Target: "S1.S2.5a95.ssl.com"},
		}, challenges)
	}
	t.Run("values that are missing are asked for later", func(t *testing.T) {
		s := newStage(t, says(ok(`<SSLReissueResult ID="8" IsSuccess="true"/>`)))
		id, challenges, err := s.Reissue(t.Context(), 7, r)
		require.NoError(t, err)
		assert.EqualValues(t, 8, id)
		assert.Empty(t, challenges)
	})
}

// A reissue whose answer shows neither success nor refusal is looked up, not repeated.
func TestReissueWithUnknownOutcome(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"connection dropped":     drops,
		"500":                    status(500, "oops"),
		"429":                    status(429, ""),
		"403":                    status(403, "<html>"),
		"redirect":               func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) },
		"HTML":                   says("<html>"),
		"empty":                  says(""),
		"cut off":                says(ok(reissued("SSLReissueResult"))[:400]),
		"status unknown":         says(`<ApiResponse Status="MAYBE"/>`),
		"OK without result":      says(ok("")),
		"OK without id":          says(ok(`<SSLReissueResult IsSuccess="true"/>`)),
		"OK with the old id":     says(ok(`<SSLReissueResult ID="7" IsSuccess="true"/>`)),
		"OK with the id 0":       says(ok(`<SSLReissueResult ID="0" IsSuccess="true"/>`)),
		"OK that is no success":  says(ok(`<SSLReissueResult ID="8" IsSuccess="false"/>`)),
		"no reason":              says(refuses("")),
		"5050900":                says(refusal("5050900", "Unhandled exceptions")),
		"the CA is out of order": says(refusal("3011295", "Error From Certificate Provider")),
		"an error of the CA":     says(refusal("3027295", "We are unable to process your order. Error Details: Internal error occurred;Invalid Status code: 500")),
		"values not made":        says(refusal("3022296", "Error occured while retrieving details for DNS based DCValidation.")),
		"database":               says(refusal("4024296", "Unable to update records in the database")),
		"4011331 in the middle":  says(refusal("4011331", "Unable to update DCV filerecords in database. Please try again.")),
		"4035900, text unknown":  says(refusal("4035900", "Cannot create certificate for reissue")),
		"refusal of a create":    says(refusal("2012301", "SSLType Mismatch")),
		"one definite, one not":  says(refuses(`<Error Number="2010767">x</Error><Error Number="5050900">Unhandled</Error>`)),
		"refused, with a new id": says(`<ApiResponse Status="ERROR"><Errors><Error Number="2011296">x</Error></Errors><CommandResponse><SSLReissueResult ID="8"/></CommandResponse></ApiResponse>`),
		"refused, with success":  says(`<ApiResponse Status="ERROR"><Errors><Error Number="2011296">x</Error></Errors><CommandResponse><SSLReissueResult IsSuccess="true"/></CommandResponse></ApiResponse>`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, answer)
			id, challenges, err := s.Reissue(t.Context(), 7, request(t, "standard_ssl", "auth_dnscname", "", "example.com"))
			failure := fault.From(err)
			require.NotNil(t, failure)
			assert.True(t, failure.OutcomeUnknown)
			assert.True(t, failure.Retry)
			assert.NotEqual(t, fault.Unclear, failure.Type, "nothing was paid: that type sends the administrator to --command resolve")
			assert.Contains(t, failure.Message, "the certificate 7 may have been reissued or not: ")
			assert.Zero(t, id)
			assert.Empty(t, challenges)
			assert.Len(t, s.asked, 1)
			assert.Zero(t, s.slept)
		})
	}
}

func TestReissueWithDefiniteRefusal(t *testing.T) {
	for _, tc := range []struct{ number, text string }{
		{"2010767", "The additional domain names provided in DNSNames exceeded the purchased SANS.Only 2 SANS can be activated for this certificate."},
		{"2010295", "Approver email is required"},
		{"2011294", "CertificateID is invalid"},
		{"2011296", "The CSR provided is invalid to generate a wildcard certificate."},
		{"2011767", "Internal names are not certified"},
		{"2014296", "Duplicate Values in Common Names detected.Each Common Name should have a unique value."},
		{"2030296", "Invalid CSR - Wildcard not supported with this type of certificate."},
		{"3011295", "Approver email for the DomainName example.com is not valid.Please provide the dnsapprover emails in the same order of dnsnames."},
		{"3011296", "Invalid CSR. x"},
		{"4011294", "CertificateId is not valid"},
		{"4011296", "CSR invalid error from provider"},
	} {
		t.Run(tc.number+" "+tc.text, func(t *testing.T) {
			s := newStage(t, says(refusal(tc.number, tc.text)))
			_, _, err := s.Reissue(t.Context(), 7, request(t, "standard_ssl", "auth_dnscname", "", "example.com"))
			failure := requireFault(t, err, fault.API)
			assert.False(t, failure.OutcomeUnknown)
			assert.False(t, failure.Retry)
			assert.Contains(t, failure.Message, tc.text)
			assert.Len(t, s.asked, 1)
		})
	}
}

// The request never reached the seller, so the next run may send it.
func TestReissueThatNeverArrived(t *testing.T) {
	r := request(t, "standard_ssl", "auth_dnscname", "", "example.com")
	t.Run("connection refused", func(t *testing.T) {
		gate, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, gate.Close())
		s := newStage(t, says(""))
		_, _, err = s.connect(t, "http://"+gate.Addr().String()).Reissue(t.Context(), 7, r)
		failure := requireFault(t, err, fault.Client)
		assert.Equal(t, []bool{true, false}, []bool{failure.Retry, failure.OutcomeUnknown})
	})
	t.Run("not let in", func(t *testing.T) {
		s := newStage(t, says(refusal("1011102", "API Key is invalid")))
		_, _, err := s.Reissue(t.Context(), 7, r)
		failure := requireFault(t, err, fault.Login)
		assert.Equal(t, []bool{false, false}, []bool{failure.Retry, failure.OutcomeUnknown})
	})
}

// docs/reference/namecheap.md §3.8: 4011331 stands for an ended certificate and for a reissue in progress, and its texts
// are not known.
func TestAStatusThatForbidsAReissue(t *testing.T) {
	for name, tc := range map[string]struct {
		shown http.HandlerFunc
		retry bool
		words string
	}{
		"issued":    {says(info(`Status="active"`, "")), true, "shows the certificate 7 as active: a reissue of it is probably under way already"},
		"replaced":  {says(info(`Status="replaced" ReplacedBy="8"`, "")), true, "shows the certificate 7 as replaced, replaced by 8"},
		"waiting":   {says(info(`Status="purchased"`, "")), true, "as purchased"},
		"cancelled": {says(info(`Status="cancelled"`, "")), false, "as cancelled"},
		"refused":   {says(info(`Status="purchaseerror"`, "")), false, "as purchaseerror"},
		"expired":   {says(info(`Status="expired"`, "")), false, "as expired"},
		"not shown": {says(refusal("5050900", "Unhandled")), true, "Status is InValid."},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, says(refusal("4011331", "Status is InValid.")), tc.shown)
			_, _, err := s.Reissue(t.Context(), 7, request(t, "standard_ssl", "auth_dnscname", "", "example.com"))
			failure := requireFault(t, err, fault.API)
			assert.Equal(t, 4011331, failure.Code)
			assert.False(t, failure.OutcomeUnknown)
			assert.Equal(t, tc.retry, failure.Retry)
			assert.Contains(t, failure.Message, "4011331: Status is InValid.")
			assert.Contains(t, failure.Message, tc.words)
			asked := 0
			for _, form := range s.sent() {
				if form.Get("Command") == "namecheap.ssl.reissue" {
					asked++
				}
			}
			assert.Equal(t, 1, asked)
		})
	}
}

func TestReissueRefusesImpossibleRequestsBeforeAnyRequest(t *testing.T) {
	nobody := request(t, "standard_ssl", "auth_dnscname", "", "example.com")
	nobody.Method = seller.MethodEmail
	for name, r := range map[string]seller.Request{"no approver": nobody, "OV": request(t, "high_assurance_ssl", "auth_dnscname", "", "example.com")} {
		s := newStage(t, says(ok(reissued("SSLReissueResult"))))
		_, _, err := s.Reissue(t.Context(), 7, r)
		require.Error(t, err, name)
		assert.False(t, fault.From(err).OutcomeUnknown, name)
		assert.Empty(t, s.asked, name)
	}
}

// After a reissue, the status of the old id is read.
func TestOrderStatusOfAReplacedCertificate(t *testing.T) {
	s := newStage(t, says(info(`Status="replaced" StatusDescription="" Type="positivessl" IssuedOn="1/20/2026" Years="5" Expires="8/7/2026" `+
		`ActivationExpireDate="" OrderId="10439081" ReplacedBy="34351741" SANSCount="3"`,
		`<Certificates CertificateReturned="true" ReturnType="INDIVIDUAL"><Certificate>`+leaf+`</Certificate></Certificates>`)))
	status, err := s.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.StateReplaced, status.State)
	assert.EqualValues(t, 34351741, status.ReplacedBy)
	assert.Equal(t, []int{60, 3}, []int{status.Months, status.SANs})
	assert.Equal(t, []string{"2026-01-20", "2026-08-07"}, []string{status.Issued.String(), status.Expires.String()})
	assert.Equal(t, "example.com", status.CommonName)
	assert.Equal(t, []string{leaf}, status.PEM)
	assert.Contains(t, status.CSR, "BEGIN CERTIFICATE REQUEST")
}
