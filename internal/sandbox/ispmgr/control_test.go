package ispmgr_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

// control asks the control address.
func control(t *testing.T, s *standIn, method, path, body string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	s.Control().ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	content, err := io.ReadAll(recorder.Result().Body)
	require.NoError(t, err)
	return recorder.Code, string(content)
}

func controlText(t *testing.T, s *standIn, path string) string {
	t.Helper()
	code, text := control(t, s, http.MethodGet, path, "")
	require.Equal(t, http.StatusOK, code, text)
	return text
}

func TestControlReachesEverything(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com")
	for _, step := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/", "", 200, "Control address"},
		{"GET", "/state", "", 200, `"certificates"`},
		{"GET", "/charges", "", 200, `"amount": "9.00"`},
		{"GET", "/certificates/" + id, "", 200, `"service_status": 3`},
		{"GET", "/certificates/" + id + "/leaf.pem", "", 404, ""},
		{"POST", "/certificates/" + id + "/prove", `{"domain":"example.org"}`, 404, "unknown domain"},
		{"POST", "/certificates/" + id + "/prove", `{"domain":"example.com"}`, 200, `"service_status": 5`},
		{"GET", "/certificates/" + id + "/leaf.pem", "", 200, "BEGIN CERTIFICATE"},
		{"POST", "/certificates/" + id + "/issue", "", 400, "running order"},
		{"POST", "/certificates/" + id + "/reset", "", 400, "6 is required"},
		{"POST", "/certificates/" + id + "/pay", "", 400, "cannot be paid"},
		{"POST", "/certificates/" + id + "/nonsense", "", 404, "unknown verb"},
		{"POST", "/certificates/4/issue", "", 404, "unknown certificate"},
		{"POST", "/domains/example.com/prove", "", 404, "no waiting certificate"},
		{"POST", "/certificates/" + id + "/cancel", `{"reason":"fraud"}`, 200, `"status": 4`},
		{"GET", "/requests?command=certificate.order.param", "", 200, `"authinfo": "***"`},
		{"GET", "/counters", "", 200, `"certificate.order.param sok": 1`},
		{"DELETE", "/requests", "", 200, "true"},
		{"POST", "/faults", `{"command":"whoami","kind":"html","times":1}`, 200, `"id": 1`},
		{"POST", "/faults", `{"kind":"nonsense"}`, 400, "unknown kind"},
		{"GET", "/faults", "", 200, `"kind": "html"`},
		{"POST", "/faults", `{"kind":"delay","delay":"1500ms"}`, 200, `"id": 2`},
		{"POST", "/faults", `{"kind":"delay","delay":"-1s"}`, 400, "negative"},
		{"GET", "/faults", "", 200, `"delay": "1.5s"`},
		{"DELETE", "/faults/1", "", 200, "true"},
		{"DELETE", "/faults/x", "", 404, "unknown id"},
		{"GET", "/certificates", "", 200, `"common_name": "example.com"`},
		{"DELETE", "/faults", "", 200, "true"},
		{"POST", "/appear", "", 200, `"executed": 0`},
		{"PATCH", "/accounts/" + ispmgr.DefaultUser, `{"balance":"1.50"}`, 200, `"balance": "1.50"`},
		{"PATCH", "/accounts/nobody", `{}`, 404, "unknown account"},
		{"POST", "/accounts", `{"user":"a:b","password":"x"}`, 400, "colon"},
		{"GET", "/accounts", "", 200, `"password": "***"`},
		{"PATCH", "/settings", `{"expires":"leaf","functions":{"download":"x.y"}}`, 200, `"download": "x.y"`},
		{"PATCH", "/settings", `{"expires":"nonsense"}`, 400, "must be one of"},
		{"PATCH", "/settings", `{"extra_fields":[{"function":"f","name":"agree","required":true}]}`, 200, `"name": "agree"`},
		{"PATCH", "/settings", `{"misspelt":true}`, 400, "misspelt"},
		{"PATCH", "/settings", `{"products":[{"idd":5}]}`, 400, "idd"},
		{"PATCH", "/settings", `{"products":[{"id":5,"name":"One","level":"dv","prices":{"6":"2.00"}}]}`, 200, `"6": "2.00"`},
		{"GET", "/settings", "", 200, `"param": "certificate.order.param"`},
		{"POST", "/clock", `{"time":"2027-01-01T00:00:00Z"}`, 200, "2027-01-01T00:00:00Z"},
		{"POST", "/clock", `{"advance":"2d"}`, 200, "2027-01-03T00:00:00Z"},
		{"POST", "/clock", `{}`, 400, "name one of"},
		{"POST", "/clock", `{"real":true}`, 200, "2026-04-02T14:07:33Z"},
		{"GET", "/ca/root.pem", "", 200, "BEGIN CERTIFICATE"},
	} {
		code, text := control(t, s, step.method, step.path, step.body)
		assert.Equal(t, step.code, code, step.path+" "+text)
		assert.Contains(t, text, step.want, step.path)
		assert.NotContains(t, text, ispmgr.DefaultPassword, step.path)
	}
	account, err := s.Account(ispmgr.DefaultUser)
	require.NoError(t, err)
	assert.Equal(t, ispmgr.DefaultPassword, account.Password, "a change of the balance leaves the password")
	products := s.Settings().Products
	require.Len(t, products, 1)
	assert.Equal(t, map[int]ispmgr.Money{6: 2_00}, products[0].Prices, "a list is replaced as a whole")
}

// Each setting, verb and kind of fault is in the help (docs/testing.md).
func TestHelpKnowsEverySetting(t *testing.T) {
	encoded, err := json.Marshal(ispmgr.DefaultSettings())
	require.NoError(t, err)
	var names map[string]any
	require.NoError(t, json.Unmarshal(encoded, &names))
	for name := range names {
		assert.Contains(t, ispmgr.ControlHelp, name)
	}
	for _, kind := range []string{"delay", "hang", "drop_before", "drop_after", "http500", "http502", "html", "waf", "redirect", "truncate", "huge", "error", "ok", "body", "vanish"} {
		assert.Contains(t, ispmgr.ControlHelp, kind)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	open := func() *standIn {
		clock := ispmgr.NewClock(func() time.Time { return today }, "")
		seller, err := ispmgr.New(ispmgr.Config{Clock: clock, StateFile: file})
		require.NoError(t, err)
		server := httptest.NewServer(seller)
		t.Cleanup(server.Close)
		return &standIn{Server: seller, t: t, url: server.URL + ispmgr.Path}
	}
	s := open()
	id := s.issued("example.com")
	s.ok("certificate.filter", "CN", "nothing", "sok", "ok")
	s.set(func(c *ispmgr.Settings) { c.Funds = ispmgr.FundsUnpaid })
	before, err := s.State()
	require.NoError(t, err)

	again := open()
	after, err := again.State()
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Empty(t, again.listed(), "the filter stays")
	next := again.buy("example.org")
	assert.Greater(t, standintest.Number(t, next), standintest.Number(t, id))
	assert.Len(t, again.Charges(), 2)

	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	for name, content := range map[string]string{"no JSON": "{", "wrong setting": `{"settings":{"expires":"x"}}`, "wrong account": `{"accounts":[{"user":""}]}`} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		_, err := ispmgr.New(ispmgr.Config{Clock: ispmgr.NewClock(time.Now, ""), StateFile: file})
		assert.Error(t, err, name)
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := ispmgr.New(ispmgr.Config{})
	require.ErrorContains(t, err, "clock")
	clock := ispmgr.NewClock(time.Now, "")
	for name, change := range map[string]func(*ispmgr.Settings){
		"choice": func(c *ispmgr.Settings) { c.Funds = "x" }, "negative": func(c *ispmgr.Settings) { c.LeafDays = -1 },
		"no page": func(c *ispmgr.Settings) { c.MaxPageSize = 0 }, "no method": func(c *ispmgr.Settings) { c.Methods = nil },
	} {
		settings := ispmgr.DefaultSettings()
		change(&settings)
		_, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &settings})
		assert.Error(t, err, name)
	}
	for name, account := range map[string]ispmgr.Account{
		"no user": {Password: "x"}, "no password": {User: "x"}, "no address": {User: "x", Password: "y", AllowedIPs: []string{"here"}},
	} {
		_, err := ispmgr.New(ispmgr.Config{Clock: clock, Accounts: []ispmgr.Account{account}})
		assert.Error(t, err, name)
	}
}

func TestBrokenClockIsAServerError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	require.NoError(t, os.WriteFile(file, []byte("noon"), 0o600))
	seller, err := ispmgr.New(ispmgr.Config{Clock: ispmgr.NewClock(time.Now, file)})
	require.NoError(t, err)
	server := httptest.NewServer(seller)
	t.Cleanup(server.Close)
	r := (&standIn{Server: seller, t: t, url: server.URL + ispmgr.Path}).call("whoami")
	assert.Equal(t, http.StatusInternalServerError, r.status)
	assert.Contains(t, r.body, "RFC 3339")
}
