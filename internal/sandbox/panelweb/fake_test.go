package panelweb

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
	"pmssl/internal/sandbox/provider"
)

// fake is a provider with one connected module, whose answers a test chooses. It records what was done.
type fake struct {
	t          *testing.T
	modules    []panel.Module
	items      []*panel.Item
	reports    []provider.ItemReport
	operations []panel.Operation
	letters    []provider.Letter
	log        []provider.LogLine
	history    []provider.Stored
	fault      provider.Fault
	unattended bool
	answer     *panel.Run // of the next start of the module; nil: it succeeds
	ordered    func() *panel.OrderResult
	visits     chan struct{} // a visit of a site waits for two values or the end; nil: none does
	days       chan struct{} // each value lets a day pass; nil: all pass at once
	done       []string
	language   string
	order      panel.Order
}

const module = "pmnamecheap"

func today() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

func newFake(t *testing.T) *fake {
	t.Helper()
	return &fake{
		t: t, modules: []panel.Module{{ID: 5, Name: "Namecheap", Module: module, Active: true, Amount: "955.6000", Currency: "USD"}},
		items: []*panel.Item{{
			ID: 42, Name: "shop.example.com", Module: 5, Tariff: 7, Status: 2, Period: 60, ExpireDate: "2026-10-19",
			Params: map[string]string{
				"service_status": "4", "approver_method": "auth_dnstxt", "auth_dnstxt_value": "_x.shop.example.com CNAME y.example", "paid_until": "2031-04-02", "term_months": "60", "custom_order_id": "34350001",
			},
		}},
		reports: []provider.ItemReport{{Item: 42, State: "waiting", Severity: "warning", WaitsFor: "client", Action: "wait", ActionDay: "2026-04-02T10:00:00Z"}},
	}
}

func (f *fake) did(format string, args ...any) { f.done = append(f.done, fmt.Sprintf(format, args...)) }

func (f *fake) run() *panel.Run {
	if f.answer != nil {
		return f.answer
	}
	return &panel.Run{Module: module}
}

// refuse makes the module refuse what comes next.
func (f *fake) refuse(kind, object, value string, args ...string) {
	f.answer = &panel.Run{Module: module, ExitCode: 1, Args: args, Error: &panel.ErrorNode{Type: kind, Object: object, Value: value}}
}

func (f *fake) Now() (time.Time, error) { return today(), nil }

func (f *fake) Advance(ctx context.Context, s provider.Span, progress func(done int)) error {
	f.did("advance %d fast=%v client=%v", s.Days, s.Fast, s.ClientActs)
	for n := range s.Days {
		if f.days != nil {
			select {
			case <-f.days:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		progress(n + 1)
	}
	return nil
}

func (f *fake) Unattended() bool { return f.unattended }

func (f *fake) SetUnattended(on bool) error {
	f.unattended = on
	return nil
}

func (f *fake) Installed() []string { return []string{module, "pmispmgrssl"} }

// manifests are those that were read, by module.
var manifests sync.Map

func (f *fake) Manifest(name string) (*manifest.Manifest, error) {
	if known, there := manifests.Load(name); there {
		return known.(*manifest.Manifest), nil
	}
	text, err := os.ReadFile("../../../etc/xml/billmgr_mod_" + name + ".xml")
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(text)
	manifests.Store(name, m)
	return m, err
}

func (f *fake) Modules(context.Context) ([]panel.Module, error) { return f.modules, nil }

func (f *fake) ModuleParam(context.Context, int64, string) (string, error) { return "on", nil }

func (f *fake) Tune(_ context.Context, _ string, values map[string]string) (provider.Choices, error) {
	return provider.Choices{Options: map[string][]provider.Choice{"client_ip": {{Key: "192.0.2.7", Text: "192.0.2.7"}}}, Values: maps.Clone(values)}, nil
}

func (f *fake) Connect(_ context.Context, name string, c panel.Connection) (*panel.ConnectResult, error) {
	f.did("connect %s %v", name, c.Params)
	done := &panel.ConnectResult{ID: 6, Check: f.run()}
	if !done.Check.OK() {
		done.ID = 0
	}
	return done, nil
}

func (f *fake) RightValues(_ string, wrong bool) (map[string]string, error) {
	return map[string]string{"username": "sandbox", "api_key": map[bool]string{true: "bad key", false: "good key"}[wrong], "client_ip": "127.0.0.1"}, nil
}

func (f *fake) SellerFault(string) provider.Fault { return f.fault }

func (f *fake) SetSellerFault(name string, fault provider.Fault) error {
	f.did("fault %s %s", name, fault)
	f.fault = fault
	return nil
}

func (f *fake) Payments(string) ([]provider.Payment, error) {
	return []provider.Payment{{Amount: "44.40 USD", At: today()}}, nil
}

func (f *fake) Tariffs(context.Context) ([]panel.ListedTariff, error) {
	return []panel.ListedTariff{{ID: 7, IntName: "positivessl", Module: 5}, {ID: 8, IntName: "ev_ssl", Module: 5}, {ID: 9, IntName: "positivessl_wildcard", Module: 5}}, nil
}

func (f *fake) Features(context.Context, string) (*panel.Features, error) {
	template := func(id string, more ...string) panel.Template {
		a := map[string]string{"authemail": "yes", "authdnstxt": "yes"}
		for _, name := range more {
			a[name] = "yes"
		}
		return panel.Template{ID: id, Attributes: a}
	}
	return &panel.Features{Templates: []panel.Template{template("positivessl", "authhttp"), template("ev_ssl", "authhttp", "orginfo"), template("positivessl_wildcard", "wildcard")}}, nil
}

func (f *fake) AddSite(names ...string) error {
	f.did("site %v", names)
	return nil
}

func (f *fake) NewCSR(newKey bool, names ...string) (string, error) {
	return csr(f.t, names...), nil
}

func (f *fake) Approvers(_ context.Context, _ int64, _, template string, names ...string) (*panel.Run, error) {
	run := f.run()
	if run.OK() {
		run.Stdout = "<doc>"
		for _, name := range names {
			run.Stdout += `<domain name="` + name + `"><approver>admin@` + name + `</approver><approver>webmaster@` + name + `</approver></domain>`
		}
		run.Stdout += "</doc>"
	}
	return run, nil
}

func (f *fake) Order(_ context.Context, o panel.Order) (*panel.OrderResult, error) {
	f.order = o
	f.did("order %d", o.Tariff)
	if f.ordered != nil {
		return f.ordered(), nil
	}
	return &panel.OrderResult{Item: 42, Open: f.run()}, nil
}

func (f *fake) Items(context.Context) ([]*panel.Item, error) { return f.items, nil }

func (f *fake) Item(_ context.Context, id int64) (*panel.Item, error) {
	i := slices.IndexFunc(f.items, func(item *panel.Item) bool { return item.ID == id })
	if i < 0 {
		return nil, sql.ErrNoRows
	}
	return f.items[i], nil
}

func (f *fake) History(int64) []provider.Stored { return f.history }
func (f *fake) Looks(int64) provider.Looks      { return provider.Looks{Count: 3, Gaps: 1} }

func (f *fake) start(name string, id int64) (*panel.Run, error) {
	f.did("%s %d", name, id)
	return f.run(), nil
}

func (f *fake) Sync(_ context.Context, id int64) (*panel.Run, error)  { return f.start("sync", id) }
func (f *fake) Renew(_ context.Context, id int64) (*panel.Run, error) { return f.start("renew", id) }

func (f *fake) Reissue(_ context.Context, id int64, newKey bool) (*panel.Run, error) {
	return f.start(fmt.Sprintf("reissue newkey=%v", newKey), id)
}

func (f *fake) CloseItem(_ context.Context, id int64) (*panel.Run, error) {
	return f.start("close", id)
}

func (f *fake) RetryOperation(_ context.Context, id int64) (*panel.Run, error) {
	return f.start("retry", id)
}

func (f *fake) DeleteOperation(_ context.Context, id int64) error {
	f.did("delete %d", id)
	return nil
}

func (f *fake) Prove(_ context.Context, id int64) error {
	f.did("prove %d", id)
	return nil
}

func (f *fake) Install(_ context.Context, id int64) error {
	f.did("install %d", id)
	return errors.New("no certificate yet")
}

func (f *fake) Visit(context.Context, *panel.Item) (*x509.Certificate, error) {
	if f.visits != nil {
		<-f.visits
		<-f.visits
	}
	if len(f.history) == 0 {
		return nil, errors.New("nothing is served")
	}
	return f.history[0].Leaf, nil
}

func (f *fake) Hosts(string) bool { return true }

func (f *fake) SetLanguage(_ context.Context, lang string) error {
	f.language = lang
	return nil
}

func (f *fake) Letters() ([]provider.Letter, error) { return slices.Clone(f.letters), nil }

func (f *fake) Operations(context.Context) ([]panel.Operation, error) { return f.operations, nil }

func (f *fake) Status(context.Context, string) (provider.Report, error) {
	return provider.Report{Items: f.reports}, nil
}

func (f *fake) StatusPage(context.Context, string) (string, error) {
	return "<!DOCTYPE html><title>status</title>", nil
}

func (f *fake) Plan(_ context.Context, item int64, format string) (string, error) {
	return fmt.Sprintf("plan of %d as %s", item, format), nil
}

func (f *fake) Doctor(context.Context, string) (string, error) { return "30 ok, 0 failed\n", nil }

func (f *fake) LogTail(_ string, _ int, keep func(provider.LogLine) bool) ([]provider.LogLine, error) {
	var kept []provider.LogLine
	for _, l := range f.log {
		if keep(l) {
			kept = append(kept, l)
		}
	}
	return kept, nil
}

// store gives the item a certificate.
func (f *fake) storeCertificate() {
	leaf := certificateFor(f.t, "shop.example.com")
	f.items[0].Crt = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	f.items[0].Params["service_status"] = "5"
	f.history = []provider.Stored{{Leaf: leaf, ID: "34350001", At: today()}}
	f.reports[0].State, f.reports[0].WaitsFor, f.reports[0].Severity = "ok", "nobody", "ok"
}

func key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return made
}

func csr(t *testing.T, names ...string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}, key(t))
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func certificateFor(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	signer := key(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(0xabcdef), Subject: pkix.Name{CommonName: name}, NotBefore: today(), NotAfter: today().AddDate(0, 0, 199)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return leaf
}
