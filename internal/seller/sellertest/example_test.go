package sellertest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/seller/sellertest"
	"pmssl/internal/seller/sellertest/exampleseller"
)

// TestExampleConformsToSeller runs the suite on the seller of docs/add-a-seller.md, against a server in this test.
func TestExampleConformsToSeller(t *testing.T) {
	sellertest.Run(t, exampleSubject())
}

func exampleSubject() sellertest.Subject {
	return sellertest.Subject{
		Info: exampleseller.Info, Product: "example_dv", Months: 12,
		WrongLogin: map[string]string{"token": "a-wrong-token"},
		RenewAfter: 350 * 24 * time.Hour,
		Open:       func(t *testing.T) sellertest.StandIn { return openExample(t) },
	}
}

const exampleToken = "planted-token-of-the-example"

// exampleStandIn is the example's API.
type exampleStandIn struct {
	t       *testing.T
	address string

	mu       sync.Mutex
	now      time.Time
	orders   map[int64]*exampleOrder
	payments int
	counts   map[sellertest.Request]int
	faults   map[sellertest.Request]sellertest.Failure
	later    []func()
}

type exampleOrder struct {
	id                               int64
	state, product, ref, csr, method string
	name, certificate                string
	ends, expires                    time.Time
}

func openExample(t *testing.T) *exampleStandIn {
	s := &exampleStandIn{
		t: t, now: sellertest.Start(), orders: map[int64]*exampleOrder{}, counts: map[sellertest.Request]int{},
		faults: map[sellertest.Request]sellertest.Failure{},
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = server.URL + "/api"
	return s
}

func (s *exampleStandIn) Params() map[string]string {
	return map[string]string{"url": s.address, "username": "reseller", "token": exampleToken}
}
func (s *exampleStandIn) Getenv(string) (string, bool) { return "", false }
func (s *exampleStandIn) Secrets() []string            { return []string{exampleToken} }

func (s *exampleStandIn) Fail(request sellertest.Request, how sellertest.Failure) {
	s.locked(func() { s.faults[request] = how })
}

func (s *exampleStandIn) CarryOut() {
	s.locked(func() {
		for _, run := range s.later {
			run()
		}
	})
}

func (s *exampleStandIn) Count(request sellertest.Request) (n int) {
	s.locked(func() { n = s.counts[request] })
	return n
}

func (s *exampleStandIn) Payments() (n int) {
	s.locked(func() { n = s.payments })
	return n
}

func (s *exampleStandIn) Issue(id int64) {
	s.locked(func() {
		o := s.orders[id]
		o.state, o.expires, o.certificate = "active", s.now.AddDate(0, 0, 199), s.sign(o)
	})
}

func (s *exampleStandIn) Refuse(id int64) { s.locked(func() { s.orders[id].state = "rejected" }) }
func (s *exampleStandIn) Cancel(id int64) { s.locked(func() { s.orders[id].state = "cancelled" }) }

func (s *exampleStandIn) Advance(by time.Duration) { s.locked(func() { s.now = s.now.Add(by) }) }

func (s *exampleStandIn) locked(run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run()
}

// sign returns the leaf for an order's CSR, signed with a new key.
func (s *exampleStandIn) sign(o *exampleOrder) string {
	block, _ := pem.Decode([]byte(o.csr))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(s.t, err)
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "Example CA"}}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(o.id), Subject: pkix.Name{CommonName: o.name}, DNSNames: []string{o.name}, NotBefore: s.now, NotAfter: s.now.AddDate(0, 0, 199),
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, issuer, request.PublicKey, authority)
	require.NoError(s.t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// ServeHTTP answers one command.
func (s *exampleStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form := func(name string) string { return r.PostFormValue(name) }
	kind := map[string]sellertest.Request{"order": sellertest.Buy, "prolong": sellertest.Renew, "reissue": sellertest.Reissue}[form("command")]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[kind]++
	how := s.faults[kind]
	delete(s.faults, kind)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	answer := func() string { return s.answer(form) }
	switch how {
	case sellertest.NotCarriedOut:
		panic(http.ErrAbortHandler)
	case sellertest.AnswerLost:
		answer()
		panic(http.ErrAbortHandler)
	case sellertest.CarriedOutLater:
		s.later = append(s.later, func() { answer() })
		panic(http.ErrAbortHandler)
	case sellertest.GatewayErrorToo:
		answer()
		fallthrough
	case sellertest.GatewayError:
		w.WriteHeader(http.StatusBadGateway)
	case sellertest.PageToo:
		answer()
		fallthrough
	case sellertest.Page:
		_, _ = w.Write([]byte("<html><body>Sorry</body></html>"))
	case sellertest.Truncated:
		text := answer()
		_, _ = w.Write([]byte(text[:len(text)/2]))
	case sellertest.Refused:
		_, _ = w.Write([]byte(refuse("value")))
	default:
		_, _ = w.Write([]byte(answer()))
	}
}

func refuse(code string) string {
	return fmt.Sprintf(`<error code=%q>The request is refused.</error>`, code)
}

func (s *exampleStandIn) answer(form func(string) string) string {
	if form("user") != "reseller" || form("token") != exampleToken {
		return refuse("login")
	}
	id, _ := strconv.ParseInt(form("id"), 10, 64)
	months, _ := strconv.Atoi(form("months"))
	o, known := s.orders[id]
	switch command := form("command"); {
	case command == "list":
		var all strings.Builder
		for _, id := range slices.Sorted(maps.Keys(s.orders)) {
			all.WriteString(s.orders[id].xml())
		}
		return "<answer>" + all.String() + "</answer>"
	case command == "order":
		o = &exampleOrder{id: int64(1000 + len(s.orders)), product: form("product"), ref: form("ref"), ends: s.now.AddDate(0, months, 0)}
		s.orders[o.id] = o
		s.payments++
		s.submit(o, form)
		return fmt.Sprintf(`<answer id="%d" charged="9.00"/>`, o.id)
	case !known:
		return refuse("unknown_id")
	case command == "prolong":
		s.payments++
		o.ends = o.ends.AddDate(0, months, 0)
		return fmt.Sprintf(`<answer id="%d" charged="9.00"/>`, o.id)
	case command == "reissue":
		s.submit(o, form)
	}
	return "<answer>" + o.xml() + "</answer>"
}

// submit submits the order's CSR to the authority.
func (s *exampleStandIn) submit(o *exampleOrder, form func(string) string) {
	block, _ := pem.Decode([]byte(form("csr")))
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(s.t, err)
	o.state, o.csr, o.method, o.name, o.certificate = "pending", form("csr"), form("method"), request.Subject.CommonName, ""
}

func (o *exampleOrder) xml() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<order id="%d" state=%q product=%q ref=%q name=%q ends=%q`, o.id, o.state, o.product, o.ref, o.name, o.ends.Format(time.DateOnly))
	if o.certificate != "" {
		fmt.Fprintf(&b, ` expires=%q><certificate>%s</certificate`, o.expires.Format(time.DateOnly), o.certificate)
	}
	fmt.Fprintf(&b, `><csr>%s</csr>`, html.EscapeString(o.csr))
	if o.state == "pending" {
		fmt.Fprintf(&b, `<challenge domain=%q method=%q host="_challenge.%s" url="http://%s/.well-known/challenge.txt" email="admin@%s" value="challenge-%d"/>`,
			o.name, o.method, o.name, o.name, o.name, o.id)
	}
	b.WriteString("</order>")
	return b.String()
}
