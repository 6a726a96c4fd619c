package namecheap_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// control is a client of the control address.
type control struct {
	t   *testing.T
	url string
}

func (s *standIn) control() control {
	s.t.Helper()
	server := httptest.NewServer(s.Control())
	s.t.Cleanup(server.Close)
	return control{s.t, server.URL}
}

func (c control) do(method, path, body string) (int, string) {
	c.t.Helper()
	request, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	return answer.StatusCode, string(content)
}

func (c control) ok(method, path, body string, into any) {
	c.t.Helper()
	status, content := c.do(method, path, body)
	require.Equal(c.t, http.StatusOK, status, content)
	if into != nil {
		require.NoError(c.t, json.Unmarshal([]byte(content), into), content)
	}
}

func TestControlShowsAnOrder(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	id := s.activated("PositiveSSL", "example.com")
	var found namecheap.Certificate
	c.ok("POST", "/certificates/"+id+"/prove", "", &found)
	assert.Equal(t, namecheap.Active, found.Status)
	c.ok("GET", "/certificates/"+id, "", &found)
	_, leaf := c.do("GET", "/certificates/"+id+"/leaf.pem", "")
	assert.Equal(t, found.Certificate, leaf)
	_, root := c.do("GET", "/ca/root.pem", "")
	_, intermediate := c.do("GET", "/ca/intermediate.pem", "")
	require.NoError(t, standintest.Certificate(t, leaf).CheckSignatureFrom(standintest.Certificate(t, intermediate)))
	require.NoError(t, standintest.Certificate(t, intermediate).CheckSignatureFrom(standintest.Certificate(t, root)))

	var state namecheap.State
	c.ok("GET", "/state", "", &state)
	assert.Equal(t, "991.12", state.Accounts[0].Balance.String())
	var charges []namecheap.Charge
	c.ok("GET", "/charges", "", &charges)
	assert.Len(t, charges, 1)
	var counters map[string]int64
	c.ok("GET", "/counters", "", &counters)
	assert.Equal(t, map[string]int64{"namecheap.ssl.create": 1, "namecheap.ssl.activate": 1}, counters)
	var log []namecheap.LogEntry
	c.ok("GET", "/requests?command=activate", "", &log)
	require.Len(t, log, 1)
	assert.Equal(t, "true", log[0].Parameters["dnsdcvalidation"])
	c.ok("DELETE", "/requests", "", nil)
	c.ok("GET", "/requests", "", &log)
	assert.Empty(t, log)
}

func TestControlDecidesForTheAuthority(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	refused, cancelled, proved := s.activated("PositiveSSL", "a.example"), s.activated("PositiveSSL", "b.example"), s.activated("PositiveSSL", "c.example")
	ov := s.activated("InstantSSL", "d.example", "AdminOrganizationName", "Example Ltd")
	c.ok("POST", "/certificates/"+refused+"/refuse", `{"reason":"Domain is blocked."}`, nil)
	assert.Equal(t, "Domain is blocked.", s.info(refused).Attr("StatusDescription"))
	c.ok("POST", "/certificates/"+refused+"/reset", "", nil)
	assert.Equal(t, "newpurchase", s.info(refused).Attr("Status"))
	c.ok("POST", "/certificates/"+cancelled+"/cancel", `{"reason":"Refunded."}`, nil)
	assert.Equal(t, "cancelled", s.info(cancelled).Attr("Status"))
	c.ok("POST", "/domains/c.example/prove", "", nil)
	assert.Equal(t, "active", s.info(proved).Attr("Status"))
	c.ok("POST", "/certificates/"+ov+"/vet", "", nil)
	c.ok("POST", "/certificates/"+ov+"/prove", `{"domain":"d.example"}`, nil)
	assert.Equal(t, "active", s.info(ov).Attr("Status"))
}

func TestControlMovesTheClock(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	var reading struct{ Time time.Time }
	c.ok("GET", "/clock", "", &reading)
	assert.Equal(t, today, reading.Time)
	c.ok("POST", "/clock", `{"time":"2027-01-01T02:00:00+02:00"}`, &reading)
	assert.Equal(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), reading.Time)
	c.ok("POST", "/clock", `{"advance":"10d"}`, &reading)
	c.ok("POST", "/clock", `{"advance":"36h"}`, &reading)
	assert.Equal(t, time.Date(2027, 1, 12, 12, 0, 0, 0, time.UTC), reading.Time)
	c.ok("POST", "/clock", `{"real":true}`, &reading)
	assert.Equal(t, today, reading.Time)
}

func TestControlFaultsAccountsAndSettings(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	var added struct{ ID int }
	c.ok("POST", "/faults", `{"command":"create","kind":"http500","times":3,"delay":"1ms"}`, &added)
	var faults []namecheap.Fault
	c.ok("GET", "/faults", "", &faults)
	require.Len(t, faults, 1)
	assert.Equal(t, 3, faults[0].Times)
	c.ok("DELETE", "/faults/1", "", nil)
	assert.Empty(t, s.Faults())
	c.ok("POST", "/faults", `{"kind":"vanish","times":1}`, nil)
	c.ok("DELETE", "/faults", "", nil)
	assert.Empty(t, s.Faults())
	c.ok("POST", "/appear", "", nil)

	c.ok("POST", "/accounts", `{"user":"alice","key":"0123456789abcdef0123456789abcdef","white_list":["127.0.0.1"],"balance":"50.00"}`, nil)
	assert.Empty(t, s.call("users.getBalances", "ApiUser", "Alice", "UserName", "alice", "ApiKey", "0123456789abcdef0123456789abcdef").errors())
	c.ok("PATCH", "/accounts/alice", `{"balance":7.5,"white_list":["203.0.113.7"]}`, nil)
	alice, err := s.Account("alice")
	require.NoError(t, err)
	assert.Equal(t, "7.50", alice.Balance.String())
	assert.Equal(t, "0123456789abcdef0123456789abcdef", alice.Key, "unchanged")
	_, shown := c.do("GET", "/accounts", "")
	assert.NotContains(t, shown, alice.Key)

	c.ok("PATCH", "/settings", `{"expires":"term","rate_limit":{"minute":5}}`, nil)
	assert.Equal(t, namecheap.MeansTerm, s.Settings().Expires)
	assert.Equal(t, namecheap.RateLimit{Minute: 5, Hour: 700, Day: 8000}, s.Settings().RateLimit, "the rest is kept")
}

func TestControlRefuses(t *testing.T) {
	s := newStandIn(t)
	c := s.control()
	id := s.buy("PositiveSSL")
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/nothing", "", 404},
		{"GET", "/certificates/1", "", 404},
		{"GET", "/certificates/x", "", 404},
		{"GET", "/certificates/" + id + "/leaf.pem", "", 404},
		{"POST", "/certificates/" + id + "/prove", "", 400},
		{"POST", "/certificates/" + id + "/explode", "", 404},
		{"POST", "/domains/example.com/prove", "", 404},
		{"POST", "/clock", `{}`, 400},
		{"POST", "/clock", `{"time":"yesterday"}`, 400},
		{"POST", "/clock", `{"advance":"soon"}`, 400},
		{"POST", "/faults", `{"kind":"nonsense"}`, 400},
		{"POST", "/faults", `{"kind":"html","delay":"soon"}`, 400},
		{"POST", "/accounts", `{"user":"x"}`, 400},
		{"POST", "/accounts", `{"user":"x","key":"y","white_list":["everybody"]}`, 400},
		{"PATCH", "/accounts/nobody", `{}`, 404},
		{"PATCH", "/accounts/sandbox", `{"balance":"much"}`, 400},
		{"PATCH", "/settings", `{"expires":"never"}`, 400},
		{"PATCH", "/settings", `{"expirse":"term"}`, 400},
		{"PATCH", "/settings", `not json`, 400},
	} {
		status, content := c.do(test.method, test.path, test.body)
		assert.Equal(t, test.status, status, "%s %s %s: %s", test.method, test.path, test.body, content)
	}
	assert.Equal(t, namecheap.MeansLeaf, s.Settings().Expires)
}

// docs/testing.md: --help describes the control address, with every setting and every kind of
// fault.
func TestControlHelpNamesEverything(t *testing.T) {
	s := newStandIn(t)
	_, help := s.control().do("GET", "/", "")
	assert.Equal(t, namecheap.ControlHelp, help)
	content, err := json.Marshal(namecheap.DefaultSettings())
	require.NoError(t, err)
	for _, name := range regexp.MustCompile(`"([a-z_]+)":`).FindAllStringSubmatch(string(content), -1) {
		assert.Contains(t, help, name[1])
	}
	for _, kind := range []string{"delay", "drop_before", "drop_after", "http405", "http500", "http502", "html", "redirect", "truncate", "charset", "huge", "api_error", "vanish"} {
		assert.Contains(t, help, kind)
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	start := func() *standIn {
		seller, err := namecheap.New(namecheap.Config{Clock: namecheap.NewClock(func() time.Time { return today }, ""), StateFile: file})
		require.NoError(t, err)
		return serve(t, seller)
	}
	first := start()
	id := first.issued("PositiveSSL", "example.com")
	settings := first.Settings()
	settings.Expires = namecheap.MeansTerm
	require.NoError(t, first.SetSettings(settings))

	second := start()
	assert.Equal(t, first.certificate(id), second.certificate(id))
	assert.Equal(t, "991.12", second.balance())
	assert.Equal(t, namecheap.MeansTerm, second.Settings().Expires)
	assert.Greater(t, second.buy("PositiveSSL"), id, "no id twice")
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds keys")

	require.NoError(t, os.WriteFile(file, []byte("rubbish"), 0o600))
	_, err = namecheap.New(namecheap.Config{Clock: namecheap.NewClock(func() time.Time { return today }, ""), StateFile: file})
	assert.ErrorContains(t, err, file)
}

func TestClockFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	clock := namecheap.NewClock(func() time.Time { return today }, file)
	now := func() time.Time {
		instant, err := clock.Now()
		require.NoError(t, err)
		return instant
	}
	assert.Equal(t, today, now(), "without the file the real time")
	require.NoError(t, os.WriteFile(file, []byte(" 2027-03-15T02:00:00+02:00\n"), 0o600))
	assert.Equal(t, time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), now(), "read each time")
	moved, err := clock.Advance(time.Hour)
	require.NoError(t, err)
	assert.Equal(t, moved, now())
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "2027-03-15T01:00:00Z\n", string(content), "others read it too")
	require.NoError(t, clock.FollowReal())
	assert.Equal(t, today, now())
	require.NoError(t, os.WriteFile(file, []byte("tomorrow"), 0o600))
	_, err = clock.Now()
	assert.ErrorContains(t, err, "RFC 3339")
}

// A clock that cannot be read must not look like an answer of the seller.
func TestBrokenClockIsAServerError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	require.NoError(t, os.WriteFile(file, []byte("tomorrow"), 0o600))
	seller, err := namecheap.New(namecheap.Config{Clock: namecheap.NewClock(func() time.Time { return today }, file)})
	require.NoError(t, err)
	s := serve(t, seller)
	r := s.call("users.getBalances")
	assert.Equal(t, http.StatusInternalServerError, r.status)
	assert.Contains(t, r.body, "RFC 3339")
}

func TestNewNeedsAClock(t *testing.T) {
	_, err := namecheap.New(namecheap.Config{})
	assert.ErrorContains(t, err, "clock")
}
