package ispmanager_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckDistinguishesWhyTheAccountCannotBeUsed(t *testing.T) {
	sendsElsewhere := func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("Location", "http://login.example.test:81/secret-path?x=y")
		w.WriteHeader(http.StatusFound)
	}
	for name, tc := range map[string]struct {
		answer       reply
		kind, object string
		says         string
	}{
		"wrong password":     {says(refusal("auth", "badpassword", "Invalid username or password")), fault.Login, "password", "Invalid username"},
		"two factors":        {says(doc("whoami", `<ok>func=totp.confirm</ok>`)), fault.Auth, "username", "two-factor"},
		"bare ok":            {says(doc("whoami", `<ok/>`)), fault.Auth, "username", "two-factor"},
		"address":            {says(refusal("auth", "badip", "Access from this IP denied")), fault.Address, "ip", "IP denied"},
		"captcha":            {says(refusal("captcha_verification_failed", "", "Error passing captcha")), fault.Auth, "username", "captcha"},
		"no rights":          {says(refusal("access", "deny", "Insufficient privileges")), fault.Auth, "username", "no rights"},
		"session":            {says(refusal("auth", "", "session expired")), fault.Auth, "username", "login is refused"},
		"administrator":      {says(doc("whoami", `<user id="1" level="30"/>`)), fault.Auth, "username", "level 30"},
		"no user":            {says(doc("whoami", ``)), fault.Client, "whoami", "does not name the user"},
		"login page":         {says(`<!DOCTYPE html><html><body>login</body></html>`), fault.NotSeller, "url", "HTML page"},
		"wall":               {status(403, `<html>Just a moment...</html>`), fault.NotSeller, "url", "HTTP 403"},
		"wrong path":         {status(404, `<html>Not Found</html>`), fault.NotSeller, "url", "path in url"},
		"redirect":           {sendsElsewhere, fault.NotSeller, "url", "login.example.test:81"},
		"another document":   {says(`<ApiResponse/>`), fault.NotSeller, "url", "not from BILLmanager"},
		"text":               {says(`OK`), fault.NotSeller, "url", "not from BILLmanager"},
		"method not allowed": {status(405, `no`), fault.NotSeller, "url", "HTTP 405"},
		"too many":           {status(429, `no`), fault.Client, "whoami", "HTTP 429"},
		"no answer":          {drops(nil), fault.Client, "whoami", "connection ended"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"whoami": tc.answer})
			failure := requireFault(t, r.Check(t.Context()), tc.kind)
			assert.Equal(t, tc.object, failure.Object)
			assert.Contains(t, failure.Message, tc.says)
			assert.NotContains(t, failure.Message, "secret-path")
			assert.False(t, failure.OutcomeUnknown)
		})
	}
}

func TestCheckAndBalance(t *testing.T) {
	r := newRemote(t, nil)
	require.NoError(t, r.Check(t.Context()))
	money, err := r.Balance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, seller.Money{Amount: 125.5, Text: "125.50", Currency: "EUR"}, money)
	r.set("whoami", says(doc("whoami", `<user id="4" level="16"/>`)))
	r.set("dashboard.info", says(doc("dashboard.info", `<elem><balance>12.50 USD</balance></elem>`)))
	money, err = r.Balance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, seller.Money{Amount: 12.5, Text: "12.50", Currency: "USD"}, money)
}

// Rules MONEY-1: an amount with two possible meanings is unknown, in every field.
func TestUnreadableBalanceIsUnknown(t *testing.T) {
	for _, text := range []string{"500,00", "1,500.00", "1.500,00", "1 500", "1 500.00 EUR", "5e3", "NaN", "+5", "", strings.Repeat("9", 400)} {
		r := newRemote(t, map[string]reply{
			"whoami":         says(doc("whoami", `<user id="4" level="16" balance="`+text+`" currency="EUR"/>`)),
			"subaccount":     says(doc("subaccount", `<elem><balance>`+text+`</balance></elem>`)),
			"dashboard.info": says(doc("dashboard.info", `<elem><balance>`+text+`</balance></elem>`)),
		})
		money, err := r.Balance(t.Context())
		requireFault(t, err, fault.API)
		require.ErrorIs(t, err, seller.ErrUnknownAmount)
		assert.Zero(t, money)
		require.NoError(t, r.Check(t.Context()))
	}
}

// The remote repeats the login in each answer and in error texts. No log line and no fault shows it, even a short one.
func TestNoLogOrErrorShowsTheLogin(t *testing.T) {
	for _, secret := range []string{password, "qx7&"} {
		log := panellog.Discard()
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
