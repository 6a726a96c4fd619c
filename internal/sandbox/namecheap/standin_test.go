package namecheap_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/standin/standintest"
)

// today is a moment before the switch to SSL.com, of the documented example.
var today = time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC)

// standIn is a stand-in seller behind real HTTP, with the default account.
type standIn struct {
	*namecheap.Server
	t   *testing.T
	url string
}

// newStandIn starts a stand-in whose clock stands at today and whose rate limit is off, unless
// settings change that.
func newStandIn(t *testing.T, settings ...func(*namecheap.Settings)) *standIn {
	t.Helper()
	chosen := namecheap.DefaultSettings()
	chosen.RateLimit.Enabled = false
	for _, set := range settings {
		set(&chosen)
	}
	clock := namecheap.NewClock(func() time.Time { return today }, "")
	seller, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &chosen})
	require.NoError(t, err)
	return serve(t, seller)
}

func serve(t *testing.T, seller *namecheap.Server) *standIn {
	t.Helper()
	server := httptest.NewServer(seller)
	t.Cleanup(server.Close)
	return &standIn{Server: seller, t: t, url: server.URL + namecheap.Path}
}

// reply is an answer over HTTP.
type reply struct {
	status int
	body   string
	root   standintest.Node
}

// result returns the element with a name inside CommandResponse.
func (r reply) result(path ...string) standintest.Node {
	return r.root.First(append([]string{"CommandResponse"}, path...)...)
}

// errors returns "number text" of each error.
func (r reply) errors() []string {
	var list []string
	for _, e := range r.root.All("Errors", "Error") {
		list = append(list, e.Attr("Number")+" "+e.Text())
	}
	return list
}

// credentials returns the global parameters of the default account.
func credentials(command string) url.Values {
	return url.Values{
		"ApiUser": {namecheap.DefaultUser}, "ApiKey": {namecheap.DefaultKey}, "UserName": {namecheap.DefaultUser},
		"ClientIp": {"127.0.0.1"}, "Command": {command},
	}
}

// form makes a request's parameters out of names and values.
func form(command string, pairs ...string) url.Values {
	values := credentials("namecheap." + command)
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// call posts a command, such as "ssl.create", as a form.
func (s *standIn) call(command string, pairs ...string) reply {
	s.t.Helper()
	return s.post(form(command, pairs...))
}

func (s *standIn) post(values url.Values) reply {
	s.t.Helper()
	answer, err := http.PostForm(s.url, values)
	require.NoError(s.t, err)
	return read(s.t, answer)
}

func read(t *testing.T, answer *http.Response) reply {
	t.Helper()
	body, root := standintest.Read(t, answer)
	return reply{status: answer.StatusCode, body: body, root: root}
}

// ok is like call for a command that must succeed.
func (s *standIn) ok(command string, pairs ...string) reply {
	s.t.Helper()
	r := s.call(command, pairs...)
	require.Equal(s.t, "OK", r.root.Attr("Status"), r.body)
	return r
}

// buy buys a certificate and returns its id.
func (s *standIn) buy(kind string, pairs ...string) string {
	s.t.Helper()
	r := s.ok("ssl.create", append([]string{"Type", kind, "Years", "1"}, pairs...)...)
	return r.result("SSLCreateResult", "SSLCertificate").Attr("CertificateID")
}

// activated buys a certificate, activates it with a CSR for cn and validation by DNS, and returns
// its id.
func (s *standIn) activated(kind, cn string, pairs ...string) string {
	s.t.Helper()
	id := s.buy(kind)
	s.ok("ssl.activate", append([]string{"CertificateID", id, "CSR", standintest.CSR(s.t, cn), "DNSDCValidation", "true"}, pairs...)...)
	return id
}

// issued returns the id of an active certificate.
func (s *standIn) issued(kind, cn string, pairs ...string) string {
	s.t.Helper()
	id := s.activated(kind, cn, pairs...)
	require.NoError(s.t, s.Issue(standintest.Number(s.t, id)))
	return id
}

func (s *standIn) info(id string) standintest.Node {
	s.t.Helper()
	return s.ok("ssl.getInfo", "CertificateID", id, "Returncertificate", "true", "Returntype", "Individual").result("SSLGetInfoResult")
}

func (s *standIn) moveTo(instant time.Time) {
	s.t.Helper()
	require.NoError(s.t, s.Clock().Set(instant))
}

func (s *standIn) balance() string {
	s.t.Helper()
	account, err := s.Account(namecheap.DefaultUser)
	require.NoError(s.t, err)
	return account.Balance.String()
}

func (s *standIn) certificate(id string) namecheap.Certificate {
	s.t.Helper()
	found, err := s.Certificate(standintest.Number(s.t, id))
	require.NoError(s.t, err)
	return found
}

func weakRSA(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	return key
}
