package namecheap_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

const revoked = `<RevokeCertificateResult IsSuccess="true" ID="7"><Description>If not approved, revocation request will expire in 72 hours</Description></RevokeCertificateResult>`

// registry answers getInfo for its certificates; revoke answers all other commands.
type registry struct {
	found  map[string]string
	revoke http.HandlerFunc
}

func (g registry) serve(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("Command") != "namecheap.ssl.getInfo" {
		g.revoke(w, r)
		return
	}
	found, known := g.found[r.PostForm.Get("CertificateID")]
	if !known {
		says(refusal("2011294", "CertificateId is not valid"))(w, r)
		return
	}
	says(ok(found))(w, r)
}

func certificate(state string, replacedBy int) string {
	return `<SSLGetInfoResult Status="` + state + `" StatusDescription="" Type="positivessl" OrderId="1030907" ReplacedBy="` + strconv.Itoa(replacedBy) + `">` +
		`<CertificateDetails><CommonName>Example.com</CommonName></CertificateDetails><Provider><OrderID>111111</OrderID><Name>COMODO</Name></Provider></SSLGetInfoResult>`
}

func TestCancelSaysWhatToAskSupportFor(t *testing.T) {
	for state, words := range map[string]string{
		"active": "active", "purchased": "purchased", "newpurchase": "newpurchase", "newrenewal": "newrenewal", "purchaseerror": "purchaseerror", "mystery": "mystery",
	} {
		s := newStage(t, registry{found: map[string]string{"7": certificate(state, 0)}}.serve)
		failure := requireFault(t, s.Cancel(t.Context(), 7), fault.API)
		assert.Equal(t, "Namecheap ends no order through its API; ask its support for the account Reseller to cancel the certificate 7 (provider order 111111, "+
			"Namecheap order 1030907, product positivessl, for example.com, with the status "+words+") and revoke what was issued for it", failure.Message)
		assert.False(t, failure.Retry || failure.OutcomeUnknown, "waiting changes nothing")
		assert.Equal(t, []url.Values{{"Command": {"namecheap.ssl.getInfo"}, "CertificateID": {"7"}}}, s.sent(), "nothing but a look")
	}
	t.Run("what Namecheap does not tell is left out", func(t *testing.T) {
		s := newStage(t, registry{found: map[string]string{"7": `<SSLGetInfoResult Status="active" OrderId="0"/>`}}.serve)
		failure := requireFault(t, s.Cancel(t.Context(), 7), fault.API)
		assert.Contains(t, failure.Message, "cancel the certificate 7 (with the status active) and revoke")
	})
}

func TestCancelOfAnEndedOrderIsNoError(t *testing.T) {
	for _, state := range []string{"cancelled", "expired", "deactivated"} {
		s := newStage(t, registry{found: map[string]string{"7": certificate(state, 0)}}.serve)
		require.NoError(t, s.Cancel(t.Context(), 7), state)
	}
}

func TestCancelRevokesAReplacedCertificateAndFollowsItsSuccessor(t *testing.T) {
	revocation := url.Values{"Command": {"namecheap.ssl.revokecertificate"}, "CertificateID": {"7"}, "CertificateType": {"PositiveSSL"}}
	t.Run("a successor that lives is support's", func(t *testing.T) {
		s := newStage(t, registry{map[string]string{"7": certificate("replaced", 8), "8": certificate("active", 0)}, says(ok(revoked))}.serve)
		assert.Contains(t, requireFault(t, s.Cancel(t.Context(), 7), fault.API).Message, "cancel the certificate 8 (")
		assert.Equal(t, revocation, s.sent()[1])
		assert.Len(t, s.asked, 3)
	})
	t.Run("a successor that is gone is the end", func(t *testing.T) {
		s := newStage(t, registry{map[string]string{"7": certificate("replaced", 8), "8": certificate("cancelled", 0)}, says(ok(revoked))}.serve)
		require.NoError(t, s.Cancel(t.Context(), 7))
	})
	t.Run("replaced by nobody knows what", func(t *testing.T) {
		s := newStage(t, registry{map[string]string{"7": certificate("replaced", 0)}, says(ok(revoked))}.serve)
		assert.Contains(t, requireFault(t, s.Cancel(t.Context(), 7), fault.API).Message, "cancel the certificate 7 (")
	})
	t.Run("a circle ends", func(t *testing.T) {
		s := newStage(t, registry{map[string]string{"7": certificate("replaced", 8), "8": certificate("replaced", 7)}, says(ok(`<RevokeCertificateResult IsSuccess="true"/>`))}.serve)
		requireFault(t, s.Cancel(t.Context(), 7), fault.Client)
		assert.LessOrEqual(t, len(s.asked), 4, "no certificate is asked about twice")
	})
}

func TestCancelAsksSupportForARefusedRevocation(t *testing.T) {
	for _, c := range []struct {
		rule   string
		answer http.HandlerFunc
		tried  []string // names of the product
	}{
		{"revoked before", says(refusal("4011331", "Status is invalid")), []string{"Standard SSL SSLcom"}},
		{"not Comodo's", says(refusal("2011300", "Wrong SSL certificate selection. The type provided is not supported by command.")), []string{"Standard SSL SSLcom", "Standard SSL"}},
		{"no success", says(ok(`<RevokeCertificateResult IsSuccess="false" ID="7"/>`)), []string{"Standard SSL SSLcom"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			replaced := `<SSLGetInfoResult Status="replaced" Type="standard ssl sslcom" ReplacedBy="8"/>`
			s := newStage(t, registry{map[string]string{"7": replaced, "8": certificate("cancelled", 0)}, c.answer}.serve)
			failure := requireFault(t, s.Cancel(t.Context(), 7), fault.API)
			assert.Contains(t, failure.Message, "to revoke the replaced certificate 7 (not done through the API: Namecheap (namecheap.ssl.revokecertificate)")
			assert.NotContains(t, failure.Message, "cancel the certificate")
			var tried []string
			for _, form := range s.asked {
				if form.Get("Command") == "namecheap.ssl.revokecertificate" {
					tried = append(tried, form.Get("CertificateType"))
				}
			}
			assert.Equal(t, c.tried, tried)
		})
	}
}

func TestCancelReportsTransportErrors(t *testing.T) {
	replaced := map[string]string{"7": certificate("replaced", 8), "8": certificate("active", 0)}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   string
		retry  bool
	}{
		"dropped":    {registry{replaced, drops}.serve, fault.Client, true},
		"unhandled":  {registry{replaced, says(refusal("5050900", "Unhandled exceptions"))}.serve, fault.API, true},
		"another id": {registry{replaced, says(ok(`<RevokeCertificateResult IsSuccess="true" ID="9"/>`))}.serve, fault.Client, false},
		"no result":  {registry{replaced, says(ok(""))}.serve, fault.Client, false},
		"unknown id": {registry{nil, nil}.serve, fault.API, false},
		"the key":    {says(refusal("1011102", "API Key is invalid")), fault.Login, false},
	} {
		s := newStage(t, c.answer)
		failure := requireFault(t, s.Cancel(t.Context(), 7), c.kind)
		assert.Equal(t, c.retry, failure.Retry, name)
		assert.NotContains(t, failure.Message, "ask its support", name)
	}
}

// ssl.revokecertificate docs/reference/namecheap.md §3.11: only replaced certificates are revoked; an order that
// continues is not changed.
func TestRevokeRevokesOneReplacedCertificate(t *testing.T) {
	s := newStage(t, registry{found: map[string]string{"7": certificate("replaced", 8)}, revoke: says(ok(revoked))}.serve)
	require.NoError(t, s.Revoke(t.Context(), 7))
	assert.Equal(t, []url.Values{
		{"Command": {"namecheap.ssl.getInfo"}, "CertificateID": {"7"}},
		{"Command": {"namecheap.ssl.revokecertificate"}, "CertificateID": {"7"}, "CertificateType": {"PositiveSSL"}},
	}, s.sent())

	for _, state := range []string{"active", "purchased", "newpurchase", "cancelled", "mystery"} {
		s := newStage(t, registry{found: map[string]string{"7": certificate(state, 0)}}.serve)
		failure := requireFault(t, s.Revoke(t.Context(), 7), fault.API)
		assert.Contains(t, failure.Message, "the status of 7 is "+state)
		assert.Len(t, s.sent(), 1, "nothing but a look")
	}
	s = newStage(t, registry{found: map[string]string{"7": certificate("replaced", 8)}, revoke: says(refusal("4011331", "Status is invalid"))}.serve)
	failure := requireFault(t, s.Revoke(t.Context(), 7), fault.API)
	assert.Contains(t, failure.Message, "ask Namecheap's support for the account Reseller to revoke the replaced certificate 7")
	assert.Contains(t, failure.Message, "Status is invalid")
	s = newStage(t, registry{}.serve)
	requireFault(t, s.Revoke(t.Context(), 7), fault.API)
}
