package ispmgr_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func TestAuthentication(t *testing.T) {
	s := newStandIn(t)
	require.NoError(t, s.PutAccount(ispmgr.Account{User: "colon@example.test", Password: "with:a:colon:in:it:twenty"}))
	for name, test := range map[string]struct{ authinfo, want string }{
		"right":                {ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword, ""},
		"user in another case": {strings.ToUpper(ispmgr.DefaultUser) + ":" + ispmgr.DefaultPassword, ""},
		"split at the first":   {"colon@example.test:with:a:colon:in:it:twenty", ""},
		"wrong password":       {ispmgr.DefaultUser + ":x", "auth badpassword"},
		"unknown user":         {"nobody:" + ispmgr.DefaultPassword, "auth badpassword"},
		"nothing":              {"", "auth badpassword"},
	} {
		r := s.call("whoami", "authinfo", test.authinfo)
		assert.Equal(t, http.StatusOK, r.status, name)
		assert.Equal(t, test.want, r.problem(), name)
	}
}

func TestAddressesMayBeRestricted(t *testing.T) {
	s := newStandIn(t)
	s.setAccount(func(a *ispmgr.Account) { a.AllowedIPs = []string{"192.0.2.1"} })
	r := s.call("whoami")
	assert.Equal(t, "auth badip", r.problem())
	assert.Equal(t, "Access from this IP denied", r.root.Text("error", "msg"))
	s.setAccount(func(a *ispmgr.Account) { a.AllowedIPs = []string{"127.0.0.1"} })
	s.ok("whoami")
}

func TestASecondFactorLeavesEveryFunctionEmpty(t *testing.T) {
	s := newStandIn(t)
	s.setAccount(func(a *ispmgr.Account) { a.TwoFactor = true })
	for _, function := range []string{"whoami", "certificate", "certificate.order.param"} {
		r := s.ok(function, order(standintest.CSR(t, "example.com"))...).root
		assert.Equal(t, "func=totp.confirm", r.Text("ok"), function)
		assert.Empty(t, r.All("user"))
		assert.Empty(t, r.All("id"))
	}
	assert.Empty(t, s.Charges())
}

func TestAnAdministratorHasNoServices(t *testing.T) {
	s := newStandIn(t)
	s.setAccount(func(a *ispmgr.Account) { a.Level = ispmgr.LevelAdmin })
	assert.Equal(t, "29", s.ok("whoami").root.First("user").Attr("level"))
	assert.Equal(t, "access deny", s.call("certificate").problem())
	assert.Equal(t, "access deny", s.call("certificate.order.param", order(standintest.CSR(t, "example.com"))...).problem())
}

func TestSessions(t *testing.T) {
	s := newStandIn(t)
	opened := s.ok("auth", "authinfo", "", "username", ispmgr.DefaultUser, "password", ispmgr.DefaultPassword).root.First("auth")
	assert.Equal(t, opened.Attr("id"), opened.Text())
	s.ok("whoami", "authinfo", "", "auth", opened.Text())
	assert.Equal(t, "auth expired", s.call("whoami", "authinfo", "", "auth", "0123").problem())
	s.set(func(c *ispmgr.Settings) { c.Captcha = true })
	assert.Equal(t, "captcha_verification_failed", s.call("auth", "username", ispmgr.DefaultUser, "password", ispmgr.DefaultPassword).problem())
	s.ok("whoami")
}

func TestAddressesOfTheAPI(t *testing.T) {
	s := newStandIn(t)
	host := strings.TrimSuffix(s.url, ispmgr.Path)
	for path, want := range map[string]int{"/billmgr": 200, "/billmgr/": 200, "/manager/billmgr": 200, "/billmgr/billmgr": 404, "/": 404} {
		answer, err := http.PostForm(host+path, values("whoami"))
		require.NoError(t, err)
		r := read(t, answer)
		assert.Equal(t, want, r.status, path)
		assert.Equal(t, want == 404, strings.HasPrefix(r.body, "<!DOCTYPE html>"), path)
	}
	s.set(func(c *ispmgr.Settings) { c.ManagerPath = false })
	answer, err := http.PostForm(host+ispmgr.ManagerPath, values("whoami"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, read(t, answer).status)

	answer, err = http.Get(s.url + "?" + values("whoami").Encode())
	require.NoError(t, err)
	assert.NotEmpty(t, read(t, answer).root.First("user").Attr("id"), "GET and POST are equal")
	request, err := http.NewRequest(http.MethodPut, s.url, nil)
	require.NoError(t, err)
	answer, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	assert.Equal(t, http.StatusMethodNotAllowed, read(t, answer).status)
}

func TestWithoutOutTheAnswerIsHTML(t *testing.T) {
	r := newStandIn(t).call("whoami", "out", "")
	assert.Equal(t, 200, r.status)
	assert.Contains(t, r.kind, "text/html")
}

func TestBrokenForms(t *testing.T) {
	s := newStandIn(t)
	for name, test := range map[string]struct {
		body string
		want int
	}{
		"escape that is none": {"func=%zz", http.StatusBadRequest},
		"too many parameters": {strings.Repeat("a&", 2001), http.StatusBadRequest},
		"too long":            {"csr=" + strings.Repeat("x", 5<<20), http.StatusRequestEntityTooLarge},
	} {
		answer, err := http.Post(s.url, "application/x-www-form-urlencoded", strings.NewReader(test.body))
		require.NoError(t, err, name)
		assert.Equal(t, test.want, read(t, answer).status, name)
	}
}

// tparams repeat what was sent, which exposes a client that logs an answer or searches the whole
// document for names.
func TestAnswersRepeatTheRequest(t *testing.T) {
	s := newStandIn(t)
	secret := ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword
	assert.Equal(t, secret, s.ok("whoami").root.Text("tparams", "authinfo"))
	assert.Equal(t, secret, s.call("certificate.edit", "elid", "4").root.Text("tparams", "authinfo"), "errors too")
	assert.Equal(t, "77", s.ok("whoami", "id", "77", "<x>", "no name").root.Text("tparams", "id"))
	s.set(func(c *ispmgr.Settings) { c.EchoSecrets = false })
	assert.Empty(t, s.ok("whoami").root.All("tparams", "authinfo"))
	assert.Equal(t, "whoami", s.ok("whoami").root.Text("tparams", "func"))
}

func TestTheLogShowsLeakedSecrets(t *testing.T) {
	s := newStandIn(t)
	s.ok("whoami")
	s.ok("certificate.order.csr", "pricelist", "3033", "key", "-----BEGIN PRIVATE KEY-----")
	s.ok("whoami", "remoteid", "x"+ispmgr.DefaultPassword)
	_, err := http.Get(s.url + "?" + values("whoami").Encode())
	require.NoError(t, err)
	var found [][]string
	for _, entry := range s.Requests("") {
		found = append(found, entry.Leaks)
		for name, value := range entry.Parameters {
			assert.NotContains(t, value, ispmgr.DefaultPassword, name)
			assert.NotContains(t, value, "PRIVATE KEY", name)
		}
	}
	assert.Equal(t, [][]string{{}, {"private key in key"}, {"password in remoteid"}, {"authinfo in the query"}}, found)
}
