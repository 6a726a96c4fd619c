package ispmgr_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

// today is a moment in the time of leaves of 200 days.
var today = time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC)

// standIn is a stand-in seller behind real HTTP, with the default account.
type standIn struct {
	*ispmgr.Server
	t   *testing.T
	url string
}

// newStandIn starts a stand-in whose clock stands at today.
func newStandIn(t *testing.T, settings ...func(*ispmgr.Settings)) *standIn {
	t.Helper()
	chosen := ispmgr.DefaultSettings()
	for _, set := range settings {
		set(&chosen)
	}
	clock := ispmgr.NewClock(func() time.Time { return today }, "")
	seller, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &chosen})
	require.NoError(t, err)
	server := httptest.NewServer(seller)
	t.Cleanup(server.Close)
	return &standIn{Server: seller, t: t, url: server.URL + ispmgr.Path}
}

// set changes settings in the middle of a test.
func (s *standIn) set(change func(*ispmgr.Settings)) {
	s.t.Helper()
	settings := s.Settings()
	change(&settings)
	require.NoError(s.t, s.SetSettings(settings))
}

// setAccount changes the default account.
func (s *standIn) setAccount(change func(*ispmgr.Account)) {
	s.t.Helper()
	account, err := s.Account(ispmgr.DefaultUser)
	require.NoError(s.t, err)
	change(&account)
	require.NoError(s.t, s.PutAccount(account))
}

// values makes a request's parameters out of names and values.
func values(function string, pairs ...string) url.Values {
	v := url.Values{"authinfo": {ispmgr.DefaultUser + ":" + ispmgr.DefaultPassword}, "out": {"xml"}, "lang": {"en"}, "func": {function}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// call posts a function as a form.
func (s *standIn) call(function string, pairs ...string) reply {
	s.t.Helper()
	answer, err := http.PostForm(s.url, values(function, pairs...))
	require.NoError(s.t, err)
	return read(s.t, answer)
}

func read(t *testing.T, answer *http.Response) reply {
	t.Helper()
	body, root := standintest.Read(t, answer)
	return reply{status: answer.StatusCode, kind: answer.Header.Get("Content-Type"), body: body, root: root}
}

// ok is like call for a function that must not answer an error.
func (s *standIn) ok(function string, pairs ...string) reply {
	s.t.Helper()
	r := s.call(function, pairs...)
	require.NotNil(s.t, r.root.XMLName, r.body)
	require.Empty(s.t, r.problem(), r.body)
	return r
}

// order returns the parameters of a complete order for cn.
func order(csr string, pairs ...string) []string {
	all := map[string]string{
		"sok": "ok", "skipbasket": "on", "clicked_button": "finish", "crt_type": "exists", "csr": csr, "period": "12", "pricelist": "3033",
		"field_country": "182", "approver_method": "auth_dnscname", "autoprolong": "null", "remoteid": "777001", "project": "1",
	}
	for _, who := range []string{"adm_", "tech_"} {
		maps.Copy(all, map[string]string{who + "fname": "Jo", who + "lname": "Doe", who + "email": "jo@example.com", who + "phone": "+7 495 000"})
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	var list []string
	for name, value := range all {
		list = append(list, name, value)
	}
	return list
}

// buy orders a certificate for cn and returns its id.
func (s *standIn) buy(cn string, pairs ...string) string {
	s.t.Helper()
	r := s.ok("certificate.order.param", order(standintest.CSR(s.t, cn), pairs...)...)
	state, err := s.State()
	require.NoError(s.t, err)
	require.NotEmpty(s.t, state.Certificates, r.body)
	return strconv.FormatInt(state.Certificates[len(state.Certificates)-1].ID, 10)
}

// issued buys a certificate, has it issued and returns its id.
func (s *standIn) issued(cn string, pairs ...string) string {
	s.t.Helper()
	id := s.buy(cn, pairs...)
	require.NoError(s.t, s.Issue(standintest.Number(s.t, id)))
	return id
}

func (s *standIn) certificate(id string) ispmgr.Certificate {
	s.t.Helper()
	found, err := s.Certificate(standintest.Number(s.t, id))
	require.NoError(s.t, err)
	return found
}

func (s *standIn) moveTo(instant time.Time) {
	s.t.Helper()
	require.NoError(s.t, s.Clock().Set(instant))
}

func (s *standIn) balance() string {
	s.t.Helper()
	account, err := s.Account(ispmgr.DefaultUser)
	require.NoError(s.t, err)
	return account.Balance.String()
}
