package namecheap_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
)

// today is a moment before the switch to SSL.com, of the documented example.
var today = time.Date(2026, 4, 2, 14, 7, 33, 0, time.UTC)

// standIn is a stand-in seller behind real HTTP, with the default account.
type standIn struct {
	*namecheap.Server
	t   *testing.T
	url string
}

// newStandIn has a clock that stands at today and no rate limit, unless
// settings say otherwise.
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

// reply is what came back over HTTP.
type reply struct {
	status int
	body   string
	root   xmlNode
}

// xmlNode is any element.
type xmlNode struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []xmlNode  `xml:",any"`
	Text     string     `xml:",chardata"`
}

// all finds the elements under a path of names, below the node.
func (n xmlNode) all(path ...string) []xmlNode {
	if len(path) == 0 {
		return []xmlNode{n}
	}
	var found []xmlNode
	for _, child := range n.Children {
		if child.XMLName.Local == path[0] {
			found = append(found, child.all(path[1:]...)...)
		}
	}
	return found
}

func (n xmlNode) first(path ...string) xmlNode {
	if found := n.all(path...); len(found) > 0 {
		return found[0]
	}
	return xmlNode{}
}

func (n xmlNode) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n xmlNode) has(name string) bool {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return true
		}
	}
	return false
}

func (n xmlNode) text() string { return strings.TrimSpace(n.Text) }

// result is the element with a name inside CommandResponse.
func (r reply) result(path ...string) xmlNode {
	return r.root.first(append([]string{"CommandResponse"}, path...)...)
}

// errors are "number text" of each error.
func (r reply) errors() []string {
	var list []string
	for _, e := range r.root.all("Errors", "Error") {
		list = append(list, e.attr("Number")+" "+e.text())
	}
	return list
}

// credentials are the global parameters of the default account.
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
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	r := reply{status: answer.StatusCode, body: string(body)}
	if strings.HasPrefix(r.body, "<?xml") {
		require.NoError(t, xml.Unmarshal(body, &r.root), r.body)
	}
	return r
}

// ok is call for a command that must succeed.
func (s *standIn) ok(command string, pairs ...string) reply {
	s.t.Helper()
	r := s.call(command, pairs...)
	require.Equal(s.t, "OK", r.root.attr("Status"), r.body)
	return r
}

// buy is a purchase; it tells the id.
func (s *standIn) buy(kind string, pairs ...string) string {
	s.t.Helper()
	r := s.ok("ssl.create", append([]string{"Type", kind, "Years", "1"}, pairs...)...)
	return r.result("SSLCreateResult", "SSLCertificate").attr("CertificateID")
}

// activated is a purchase with a CSR for cn, proved by DNS; it tells the id.
func (s *standIn) activated(kind, cn string, pairs ...string) string {
	s.t.Helper()
	id := s.buy(kind)
	s.ok("ssl.activate", append([]string{"CertificateID", id, "CSR", csrFor(s.t, cn), "DNSDCValidation", "true"}, pairs...)...)
	return id
}

// issued is an active certificate; it tells the id.
func (s *standIn) issued(kind, cn string, pairs ...string) string {
	s.t.Helper()
	id := s.activated(kind, cn, pairs...)
	require.NoError(s.t, s.Issue(number(s.t, id)))
	return id
}

func (s *standIn) info(id string) xmlNode {
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
	found, err := s.Certificate(number(s.t, id))
	require.NoError(s.t, err)
	return found
}

func number(t *testing.T, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	require.NoError(t, err)
	return n
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func csrFor(t testing.TB, cn string) string { return csrWith(t, newKey(t), pkix.Name{CommonName: cn}) }

func csrWith(t testing.TB, key crypto.Signer, subject pkix.Name) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func weakRSA(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	return key
}

func certificateOf(t *testing.T, pemText string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(strings.TrimSpace(pemText)))
	require.NotNil(t, block, "no PEM in %q", pemText)
	parsed, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return parsed
}
