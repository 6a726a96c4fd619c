package sellertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/itemparam"
	"pmssl/internal/panellog"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// testEnv is the system of a client: a clock that only the test moves, a log at its highest level, and an empty
// directory.
type testEnv struct {
	env  seller.Env
	root string

	mu sync.Mutex
	at time.Time
}

const binary = "pmsellertest"

func newEnv(t *testing.T) *testEnv {
	t.Helper()
	e := &testEnv{root: t.TempDir(), at: Start()}
	for _, dir := range []string{"etc", "var"} {
		require.NoError(t, os.Mkdir(filepath.Join(e.root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(e.root, "etc", "debug.conf"), []byte("* 9\n"), 0o644))
	log := panellog.Open(panellog.Options{Name: binary, Root: e.root, Now: e.now, Location: time.UTC, PID: 1})
	t.Cleanup(func() { _ = log.Close() })
	e.env = seller.Env{
		Getenv: func(string) (string, bool) { return "", false }, Now: e.now, Sleep: e.sleep, Jitter: func() float64 { return 0.5 },
		StateDir: filepath.Join(e.root, "var"), Binary: binary, Log: log,
	}
	return e
}

func (e *testEnv) now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at
}

// sleep moves the clock and returns at once.
func (e *testEnv) sleep(ctx context.Context, d time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at = e.at.Add(d)
	return ctx.Err()
}

// session is a seller's client, connected to a stand-in.
type session struct {
	seller.Seller
	subject Subject
	info    seller.Info
	at      StandIn
	host    *testEnv
}

// open starts a stand-in and connects. When the test ends, it checks that the log has no secret.
func open(t *testing.T, subject Subject) *session {
	t.Helper()
	s := &session{subject: subject, at: subject.Open(t), host: newEnv(t)}
	s.host.env.Getenv = s.at.Getenv
	s.info = subject.Info(s.host.env)
	s.Seller = s.connect(t, s.at.Params())
	t.Cleanup(func() {
		text, err := os.ReadFile(filepath.Join(s.host.root, "var", binary+".log"))
		if assert.NoError(t, err) {
			s.hidesSecrets(t, string(text))
		}
	})
	return s
}

func (s *session) connect(t *testing.T, params map[string]string) seller.Seller {
	t.Helper()
	connected, err := s.info.Connect(params)
	require.NoError(t, err, "Info.Connect with StandIn.Params")
	return connected
}

// dry returns the same seller for a dry run.
func (s *session) dry(t *testing.T) seller.Seller {
	t.Helper()
	env := s.host.env
	env.DryRun = true
	connected, err := s.subject.Info(env).Connect(s.at.Params())
	require.NoError(t, err, "Info.Connect with StandIn.Params, for a dry run")
	return connected
}

func (s *session) hidesSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range s.at.Secrets() {
		require.NotEmpty(t, secret)
		assert.NotContains(t, text, secret, "a value of StandIn.Secrets shows in the log, an error or the account's name")
	}
}

// advance moves the clocks of both sides.
func (s *session) advance(by time.Duration) {
	_ = s.host.sleep(context.Background(), by)
	s.at.Advance(by)
}

func (s *session) product(t *testing.T) seller.Product {
	t.Helper()
	p, found := seller.FindProduct(s.info.Products, s.subject.Product)
	require.True(t, found, "Info.Products lacks %s", s.subject.Product)
	return p
}

// request returns an order for one name with a new key.
func (s *session) request(t *testing.T, domain, method string) seller.Request {
	t.Helper()
	params := map[string]string{itemparam.Method: method}
	if method == "auth_email" {
		params[itemparam.Approver] = "admin@" + domain
	}
	maps.Copy(params, s.subject.OrderParams)
	r, err := seller.NewRequest(s.product(t), newCSR(t, domain), "", 0, params)
	require.NoError(t, err, "Subject.Product or Subject.OrderParams do not fit an order for one name")
	return r
}

func newCSR(t *testing.T, domain string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	subject := pkix.Name{CommonName: domain, Country: []string{"DE"}}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject}, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// purchase returns the first payment for a request, as the engines make it.
func (s *session) purchase(t *testing.T, r seller.Request) seller.Purchase {
	t.Helper()
	p := seller.Purchase{Kind: seller.KindOrder, Product: r.Product, Months: s.subject.Months, Request: r}
	if is[seller.Activator](s.Seller) {
		p.Kind = seller.KindCreate
	}
	if referencer, ok := s.Seller.(seller.OrderReferencer); ok {
		p.OrderRef = referencer.OrderRef("panel-1", 42)
	}
	return p
}

// buy pays for an order.
func (s *session) buy(t *testing.T, r seller.Request) int64 {
	t.Helper()
	p := s.purchase(t, r)
	receipt, err := s.Buy(t.Context(), p)
	require.NoError(t, err, "Buy of the kind %s, product %s, %d months, method %s", p.Kind, p.Product.ID, p.Months, r.Method)
	require.Positive(t, receipt.ID, "Receipt.ID")
	return receipt.ID
}

// order buys and, at an Activator, activates.
func (s *session) order(t *testing.T, r seller.Request) int64 {
	t.Helper()
	id := s.buy(t, r)
	if activator, ok := s.Seller.(seller.Activator); ok {
		_, err := activator.Activate(t.Context(), id, r)
		require.NoError(t, err, "Activate of the paid order %d, method %s", id, r.Method)
	}
	return id
}

// issued orders a certificate that the authority issues.
func (s *session) issued(t *testing.T, r seller.Request) int64 {
	t.Helper()
	id := s.order(t, r)
	s.at.Issue(id)
	return id
}

// status returns the order's status.
func (s *session) status(t *testing.T, id int64) seller.OrderStatus {
	t.Helper()
	status, err := s.OrderStatus(t.Context(), id)
	require.NoError(t, err, "OrderStatus of the order %d", id)
	require.Equal(t, id, status.ID, "OrderStatus.ID")
	return status
}

// holds checks that the order has a certificate for the request's key and name.
func (s *session) holds(t *testing.T, id int64, r seller.Request) {
	t.Helper()
	status := s.status(t, id)
	require.Equal(t, seller.StateIssued, status.State, "%s", status.StatusText)
	require.NoError(t, status.DeliveryError, "OrderStatus.Undelivered")
	require.NotEmpty(t, status.PEM, "an issued order has its certificate")
	block, _ := pem.Decode([]byte(status.PEM[0]))
	require.NotNil(t, block, "OrderStatus.PEM[0] is no PEM block")
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err, "OrderStatus.PEM[0]")
	assert.True(t, r.CSR.SameKey(leaf.PublicKey), "the first certificate is the leaf of the request's key")
	assert.True(t, leaf.VerifyHostname(r.CSR.CommonName) == nil || pki.Covers(leaf.Subject.CommonName, r.CSR.CommonName),
		"the first certificate covers %s", r.CSR.CommonName)
	assert.False(t, status.Expires.IsZero(), "an issued order has an end")
}
