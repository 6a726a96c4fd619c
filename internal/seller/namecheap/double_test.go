package namecheap_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/itemparam"
	"pmssl/internal/panellog"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/seller"
	"pmssl/internal/seller/namecheap"
	"pmssl/internal/seller/sellertest"

	"github.com/stretchr/testify/require"
)

// key is an invented API key; no log or error may show it.
const key = "0123456789abcdef0123456789abcdef"

// stage is a client with a server that answers as the test says.
type stage struct {
	*namecheap.Client
	log    *panellog.Logger
	params map[string]string
	dir    string
	// address is where the seller is found.
	address string

	mu      sync.Mutex
	at      time.Time
	slept   time.Duration
	answers []http.HandlerFunc // the last one stays
	asked   []url.Values
}

func newStage(t *testing.T, answers ...http.HandlerFunc) *stage {
	t.Helper()
	s := &stage{
		log: panellog.Discard(), dir: t.TempDir(), at: time.Date(2026, 7, 12, 10, 0, 0, 0, time.UTC), answers: answers,
		params: map[string]string{"username": "Reseller", "api_user": "Reseller", "api_key": key, "client_ip": "198.51.100.4", "limit_minute": "0"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, r.PostForm)
		next := s.answers[0]
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
		s.mu.Unlock()
		next(w, r)
	}))
	t.Cleanup(server.Close)
	s.address = server.URL + "/xml.response"
	s.Client = s.connect(t, s.address)
	return s
}

func (s *stage) connect(t *testing.T, address string) *namecheap.Client {
	t.Helper()
	c, err := namecheap.New(s.options(address))
	require.NoError(t, err)
	return c
}

func (s *stage) options(address string) namecheap.Options {
	return namecheap.Options{
		Params: s.params, Getenv: env(address), Now: s.now, Sleep: s.sleep, Jitter: func() float64 { return 0.5 },
		StateDir: s.dir, Binary: "pmnamecheap", Log: s.log,
	}
}

func env(address string) func(string) (string, bool) {
	return func(name string) (string, bool) { return address, name == "NAMECHEAP_API_URL" && address != "" }
}

func (s *stage) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stage) sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.slept = s.at.Add(d), s.slept+d
	return ctx.Err()
}

// sent returns the parameters of the requests, without the global ones.
func (s *stage) sent() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []url.Values
	for _, form := range s.asked {
		own := url.Values{}
		for name, values := range form {
			switch name {
			case "ApiUser", "ApiKey", "UserName", "ClientIp":
			default:
				own[name] = values
			}
		}
		all = append(all, own)
	}
	return all
}

// says answers with HTTP 200 and the body.
func says(body string) http.HandlerFunc { return status(http.StatusOK, body) }

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func drops(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// ok and refuses frame an answer as the live API does (docs/reference/namecheap.md §1.5, §1.6).
func ok(result string) string {
	return `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<ApiResponse xmlns="http://api.namecheap.com/xml.response" Status="OK"><Errors /><Warnings />` +
		`<RequestedCommand>namecheap.ssl.x</RequestedCommand><CommandResponse Type="namecheap.ssl.x">` + result +
		`</CommandResponse><Server>c82b1dffb0d8</Server><GMTTimeDifference>--5:00</GMTTimeDifference><ExecutionTime>0.04</ExecutionTime></ApiResponse>`
}

func refuses(errors string) string {
	return `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<ApiResponse Status="ERROR" xmlns="http://api.namecheap.com/xml.response"><Errors>` + errors +
		`</Errors><Warnings /><RequestedCommand /><Server>PHX01APIEXT03</Server><GMTTimeDifference>--4:00</GMTTimeDifference><ExecutionTime>0</ExecutionTime></ApiResponse>`
}

func refusal(number, text string) string {
	return refuses(`<Error Number="` + number + `">` + text + `</Error>`)
}

var requireFault = sellertest.RequireFault

func product(t *testing.T, id string) seller.Product {
	t.Helper()
	p, found := seller.FindProduct(namecheap.Products(), id)
	require.True(t, found, id)
	return p
}

// request makes a checked order.
func request(t *testing.T, id, method, emails string, names ...string) seller.Request {
	t.Helper()
	text := pkitest.RequestPEM(t, pkitest.NewKey(t), x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}})
	r, err := seller.NewRequest(product(t, id), text, strings.Join(names[1:], " "), -1,
		map[string]string{itemparam.Method: method, itemparam.Approver: emails})
	require.NoError(t, err)
	return r
}
