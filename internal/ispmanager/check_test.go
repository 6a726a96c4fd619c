package ispmanager_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pmssl/internal/cert"
	"pmssl/internal/mgrlog"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhyAnAccountCannotBeUsed(t *testing.T) {
	sendsElsewhere := func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("Location", "http://login.example.test:81/secret-path?x=y")
		w.WriteHeader(http.StatusFound)
	}
	for name, tc := range map[string]struct {
		answer       reply
		kind, object string
		says         string
	}{
		"wrong password":     {says(refusal("auth", "badpassword", "Invalid username or password")), cert.FaultLogin, "password", "Invalid username"},
		"two factors":        {says(doc("whoami", `<ok>func=totp.confirm</ok>`)), cert.FaultAuth, "username", "two-factor"},
		"bare ok":            {says(doc("whoami", `<ok/>`)), cert.FaultAuth, "username", "two-factor"},
		"address":            {says(refusal("auth", "badip", "Access from this IP denied")), cert.FaultAddress, "ip", "IP denied"},
		"captcha":            {says(refusal("captcha_verification_failed", "", "Error passing captcha")), cert.FaultAuth, "username", "captcha"},
		"no rights":          {says(refusal("access", "deny", "Insufficient privileges")), cert.FaultAuth, "username", "no rights"},
		"session":            {says(refusal("auth", "", "session expired")), cert.FaultAuth, "username", "not let in"},
		"administrator":      {says(doc("whoami", `<user id="1" level="30"/>`)), cert.FaultAuth, "username", "level 30"},
		"no user":            {says(doc("whoami", ``)), cert.FaultClient, "whoami", "no user"},
		"login page":         {says(`<!DOCTYPE html><html><body>login</body></html>`), cert.FaultNotSeller, "url", "HTML page"},
		"wall":               {status(403, `<html>Just a moment...</html>`), cert.FaultNotSeller, "url", "HTTP 403"},
		"wrong path":         {status(404, `<html>Not Found</html>`), cert.FaultNotSeller, "url", "path in url"},
		"redirect":           {sendsElsewhere, cert.FaultNotSeller, "url", "login.example.test:81"},
		"another document":   {says(`<ApiResponse/>`), cert.FaultNotSeller, "url", "not BILLmanager"},
		"text":               {says(`OK`), cert.FaultNotSeller, "url", "not BILLmanager"},
		"method not allowed": {status(405, `no`), cert.FaultNotSeller, "url", "HTTP 405"},
		"too many":           {status(429, `no`), cert.FaultClient, "whoami", "HTTP 429"},
		"no answer":          {drops(nil), cert.FaultClient, "whoami", "connection ended"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"whoami": tc.answer})
			fault := requireFault(t, r.Check(t.Context()), tc.kind)
			assert.Equal(t, tc.object, fault.Object)
			assert.Contains(t, fault.Value, tc.says)
			assert.NotContains(t, fault.Value, "secret-path")
			assert.False(t, fault.Unclear)
		})
	}
}

func TestCheckAndBalance(t *testing.T) {
	r := newRemote(t, nil)
	require.NoError(t, r.Check(t.Context()))
	money, err := r.Balance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, cert.Money{Amount: 125.5, Text: "125.50", Currency: "EUR"}, money)
	r.set("whoami", says(doc("whoami", `<user id="4" level="16"/>`)))
	r.set("dashboard.info", says(doc("dashboard.info", `<elem><balance>12.50 USD</balance></elem>`)))
	money, err = r.Balance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, cert.Money{Amount: 12.5, Text: "12.50", Currency: "USD"}, money)
}

// rules MONEY-1: an amount that can mean two things is unknown, in whatever place it stands.
func TestABalanceIsNeverGuessed(t *testing.T) {
	for _, text := range []string{"500,00", "1,500.00", "1.500,00", "1 500", "1 500.00 EUR", "5e3", "NaN", "+5", "", strings.Repeat("9", 400)} {
		r := newRemote(t, map[string]reply{
			"whoami":         says(doc("whoami", `<user id="4" level="16" balance="`+text+`" currency="EUR"/>`)),
			"subaccount":     says(doc("subaccount", `<elem><balance>`+text+`</balance></elem>`)),
			"dashboard.info": says(doc("dashboard.info", `<elem><balance>`+text+`</balance></elem>`)),
		})
		money, err := r.Balance(t.Context())
		requireFault(t, err, cert.FaultAPI)
		require.ErrorIs(t, err, cert.ErrUnknownAmount)
		assert.Zero(t, money)
		require.NoError(t, r.Check(t.Context()))
	}
}

// The remote repeats the login in every answer, and in its words; no line of any level and no fault shows it, be it short.
func TestNoLineShowsTheLogin(t *testing.T) {
	for _, secret := range []string{password, "qx7&"} {
		log := mgrlog.Discard()
		r := newRemote(t, nil)
		r.params["password"], r.log = secret, log
		echo := func(w http.ResponseWriter, form url.Values) {
			text := strings.NewReplacer("&", "&amp;").Replace(form.Get("authinfo") + " " + secret)
			says(refusal("value", "x", "you said "+text))(w, form)
		}
		server := newEcho(t, echo)
		r.params["url"] = server
		err := r.connect(t).Check(t.Context())
		require.Error(t, err)
		assert.Contains(t, err.Error(), "you said ***")
		shown := err.Error() + strings.Join(log.Tail(1000), "\n")
		for _, form := range []string{secret, url.QueryEscape(secret), strings.ReplaceAll(secret, "&", "&amp;")} {
			assert.NotContains(t, shown, form)
		}
	}
}
