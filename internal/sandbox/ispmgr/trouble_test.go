package ispmgr_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
)

func TestWhoIsLetIn(t *testing.T) {
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
	assert.Equal(t, "Access from this IP denied", r.root.text("error", "msg"))
	s.setAccount(func(a *ispmgr.Account) { a.AllowedIPs = []string{"127.0.0.1"} })
	s.ok("whoami")
}

func TestASecondFactorLeavesEveryFunctionEmpty(t *testing.T) {
	s := newStandIn(t)
	s.setAccount(func(a *ispmgr.Account) { a.TwoFactor = true })
	for _, function := range []string{"whoami", "certificate", "certificate.order.param"} {
		r := s.ok(function, order(csrFor(t, "example.com"))...).root
		assert.Equal(t, "func=totp.confirm", r.text("ok"), function)
		assert.Empty(t, r.all("user"))
		assert.Empty(t, r.all("id"))
	}
	assert.Empty(t, s.Charges())
}

func TestAnAdministratorHasNoServices(t *testing.T) {
	s := newStandIn(t)
	s.setAccount(func(a *ispmgr.Account) { a.Level = ispmgr.LevelAdmin })
	assert.Equal(t, "29", s.ok("whoami").root.first("user").attr("level"))
	assert.Equal(t, "access deny", s.call("certificate").problem())
	assert.Equal(t, "access deny", s.call("certificate.order.param", order(csrFor(t, "example.com"))...).problem())
}

func TestSessions(t *testing.T) {
	s := newStandIn(t)
	opened := s.ok("auth", "authinfo", "", "username", ispmgr.DefaultUser, "password", ispmgr.DefaultPassword).root.first("auth")
	assert.Equal(t, opened.attr("id"), opened.text())
	s.ok("whoami", "authinfo", "", "auth", opened.text())
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
	assert.NotEmpty(t, read(t, answer).root.first("user").attr("id"), "GET and POST are equal")
	request, err := http.NewRequest(http.MethodPut, s.url, nil)
	require.NoError(t, err)
	answer, err = http.DefaultClient.Do(request)
	require.NoError(t, err)
	assert.Equal(t, http.StatusMethodNotAllowed, read(t, answer).status)
}

func TestWithoutOutThereIsAPage(t *testing.T) {
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

// tparams repeat what was sent, so that a client which logs an answer or looks
// for names in the whole document is found out.
func TestAnswersRepeatTheRequest(t *testing.T) {
	s := newStandIn(t)
	secret := ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword
	assert.Equal(t, secret, s.ok("whoami").root.text("tparams", "authinfo"))
	assert.Equal(t, secret, s.call("certificate.edit", "elid", "4").root.text("tparams", "authinfo"), "errors too")
	assert.Equal(t, "77", s.ok("whoami", "id", "77", "<x>", "no name").root.text("tparams", "id"))
	s.set(func(c *ispmgr.Settings) { c.EchoSecrets = false })
	assert.Empty(t, s.ok("whoami").root.all("tparams", "authinfo"))
	assert.Equal(t, "whoami", s.ok("whoami").root.text("tparams", "func"))
}

func TestTheLogShowsWhatShouldNotHaveBeenSent(t *testing.T) {
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

func (s *standIn) fault(f ispmgr.Fault) int {
	s.t.Helper()
	id, err := s.AddFault(f)
	require.NoError(s.t, err)
	return id
}

func yes() *bool { v := true; return &v }

func no() *bool { v := false; return &v }

func TestFaultsThatLoseAnAnswer(t *testing.T) {
	for kind, bought := range map[string]int{
		ispmgr.FaultDropBefore: 0, ispmgr.FaultDropAfter: 1, ispmgr.FaultVanish: 0, ispmgr.FaultTruncate: 1,
	} {
		s := newStandIn(t)
		s.fault(ispmgr.Fault{Command: "certificate.order.param", Submit: yes(), Kind: kind, Times: 1})
		params := values("certificate.order.param", order(csrFor(t, "example.com"))...)
		s.ok("certificate.order.param", order(csrFor(t, "example.com"), "sok", "")...) // a form is not hit
		answer, err := http.PostForm(s.url, params)
		if kind == ispmgr.FaultTruncate {
			require.NoError(t, err)
			_, err = answer.Body.Read(make([]byte, 1<<20))
			answer.Body.Close()
		} else {
			require.Error(t, err, kind)
		}
		assert.Len(t, s.Charges(), bought, kind)
		assert.Equal(t, kind == ispmgr.FaultVanish, s.Appear() == 1, kind)
		if kind == ispmgr.FaultVanish {
			assert.Len(t, s.Charges(), 1, "executed now")
		}
		assert.Empty(t, s.Faults(), "it has hit as often as it should")
	}
}

func TestFaultsThatAnswerSomethingElse(t *testing.T) {
	s := newStandIn(t)
	for _, test := range []struct {
		fault  ispmgr.Fault
		status int
		want   string
	}{
		{ispmgr.Fault{Kind: ispmgr.FaultHTML}, 200, "<title>Authorization</title>"},
		{ispmgr.Fault{Kind: ispmgr.FaultWAF}, 403, "Just a moment..."},
		{ispmgr.Fault{Kind: ispmgr.FaultHTTP500}, 500, "Internal Server Error"},
		{ispmgr.Fault{Kind: ispmgr.FaultHTTP502}, 502, "Bad Gateway"},
		{ispmgr.Fault{Kind: ispmgr.FaultRedirect, Location: "http://elsewhere.example/"}, 302, "Found"},
		{ispmgr.Fault{Kind: ispmgr.FaultError, Type: "exists", Object: "remoteid", Text: "no <way>"}, 200, `type="exists" object="remoteid"`},
		{ispmgr.Fault{Kind: ispmgr.FaultOK, Text: "func=payment"}, 200, "<ok>func=payment</ok>"},
	} {
		id := s.fault(test.fault)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.PostForm(s.url, values("certificate.order.param", order(csrFor(t, "example.com"))...))
		require.NoError(t, err)
		r := read(t, answer)
		assert.Equal(t, test.status, r.status, test.fault.Kind)
		assert.Contains(t, r.body, test.want, test.fault.Kind)
		assert.Empty(t, s.Charges(), test.fault.Kind)
		s.ClearFaults(id)
	}
	s.fault(ispmgr.Fault{Kind: ispmgr.FaultWAF, Commit: yes(), Times: 1})
	s.call("certificate.order.param", order(csrFor(t, "example.com"))...)
	assert.Len(t, s.Charges(), 1, "executed behind the wall")
	s.fault(ispmgr.Fault{Kind: ispmgr.FaultHuge, Times: 1})
	r := s.ok("whoami")
	assert.Greater(t, len(r.body), 8<<20)
	assert.NotEmpty(t, r.root.first("user").attr("id"))
}

func TestFaultsThatTakeTheirTime(t *testing.T) {
	s := newStandIn(t)
	s.fault(ispmgr.Fault{Command: "whoami", Kind: ispmgr.FaultHang})
	client := &http.Client{Timeout: 50 * time.Millisecond}
	_, err := client.PostForm(s.url, values("whoami"))
	require.Error(t, err)
	s.ClearFaults()
	s.fault(ispmgr.Fault{Command: "whoami", Kind: ispmgr.FaultDelay, Delay: ispmgr.Duration(10 * time.Millisecond), Skip: 1, Times: 1})
	s.ok("whoami")
	s.ok("whoami")
	entries := s.Requests("whoami")
	assert.Equal(t, []string{"hang", "", "delay"}, []string{entries[0].Fault, entries[1].Fault, entries[2].Fault})
}

func TestFaultsMustMakeSense(t *testing.T) {
	s := newStandIn(t)
	for name, f := range map[string]ispmgr.Fault{
		"kind":                            {Kind: "nonsense"},
		"negative":                        {Kind: ispmgr.FaultHTML, Times: -1},
		"choice of commit":                {Kind: ispmgr.FaultVanish, Commit: yes()},
		"damage of what was not executed": {Kind: ispmgr.FaultTruncate, Commit: no()},
	} {
		_, err := s.AddFault(f)
		assert.Error(t, err, name)
	}
}

// FuzzRequest: whatever is sent, the answer is a document or a page and nothing
// is charged without an order.
func FuzzRequest(f *testing.F) {
	clock := ispmgr.NewClock(func() time.Time { return today }, "")
	seller, err := ispmgr.New(ispmgr.Config{Clock: clock})
	require.NoError(f, err)
	f.Add("func=whoami&out=xml", "authinfo=x:y")
	f.Add("func=certificate&out=devel&p_cnt=-1&p_num=99999999999", "")
	f.Add("func=certificate.order.csr&out=xml&sok=ok&crt_type=generate&pricelist=3033&period=12&CN=a.example.com", "field_country=182")
	f.Add("func=certificate.edit&out=xml&elid=\x00", "%41=1&]]>=2")
	f.Fuzz(func(t *testing.T, query, body string) {
		request := httptest.NewRequest(http.MethodPost, ispmgr.Path, strings.NewReader(body))
		request.URL.RawQuery = query + "&authinfo=" + ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword
		recorder := httptest.NewRecorder()
		seller.ServeHTTP(recorder, request)
		r := read(t, recorder.Result()) // fails on XML that is not well-formed
		require.True(t, strings.HasPrefix(r.body, "<?xml") || strings.HasPrefix(r.body, "<!DOCTYPE html>"), r.body)
		require.Empty(t, seller.Charges())
	})
}
