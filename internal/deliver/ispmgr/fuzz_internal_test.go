package ispmgr

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/ispapi"
	"pmssl/internal/publish"
)

// answers is a panel that answers lists of sites, forms of sites, lists of certificates and other forms with one document each.
type answers struct {
	sites, site, list, other string
	sent                     []url.Values
}

func (a *answers) Call(_ context.Context, function string, params url.Values) (*ispapi.Element, *ispapi.Refusal, error) {
	if params.Has("sok") {
		a.sent = append(a.sent, params)
		return ispapi.Parse([]byte("<doc><ok/></doc>"))
	}
	switch function {
	case functionSites:
		return ispapi.Parse([]byte(a.sites))
	case functionSite:
		return ispapi.Parse([]byte(a.site))
	case functionEntries:
		return ispapi.Parse([]byte(a.list))
	}
	return ispapi.Parse([]byte(a.other))
}

func (a *answers) CallSecret(ctx context.Context, function string, params, _ url.Values) (*ispapi.Element, *ispapi.Refusal, error) {
	return a.Call(ctx, function, params)
}

func (*answers) Panel() string { return "ispmgr" }

func (*answers) Place() string { return "a test" }

type noLog struct{}

func (noLog) Warningf(string, ...any) {}
func (noLog) Infof(string, ...any)    {}
func (noLog) ExtInfof(string, ...any) {}
func (noLog) Debugf(string, ...any)   {}

// Whatever the panel answers: no panic, nothing is submitted for another user or another certificate than this one, no site is found that
// does not have the name, and a refused form is not filled in.
func FuzzAnswers(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(5), DNSNames: []string{"example.com"}, NotAfter: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)},
		&x509.Certificate{}, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	leaf := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	const sites = `<doc><elem><id>7</id><name>example.com</name><owner>u1</owner></elem></doc>`
	const site = `<doc><site_name>example.com</site_name><site_owner>u1</site_owner><site_aliases>www.example.com</site_aliases><site_ssl_cert>c1</site_ssl_cert><slist name="site_ssl_cert"><val key="c1"/></slist></doc>`
	const list = `<doc><elem><owner>u1</owner><key>u1%#%c1</key><name>c1</name><info>example.com</info><valid_after>2026-05-01</valid_after><webdomains>example.com</webdomains></elem></doc>`
	const form = `<doc><username/><name/><cert/><key/><bundle/><metadata><form><field name="cert"><textarea name="cert" required="yes"/></field></form></metadata></doc>`
	for _, other := range []string{form, "<doc><cert>" + leaf + "</cert></doc>", "<doc/>", `<doc><error type="value"/></doc>`} {
		f.Add(sites, site, list, other)
	}
	f.Add(site, list, form, sites)
	f.Fuzz(func(t *testing.T, sites, site, list, other string) {
		panel := &answers{sites: sites, site: site, list: list, other: other}
		env := publish.Env{Log: noLog{}, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }}
		d := &deliverer{block: publish.Deploy{Name: "web7", Key: true}, env: env, api: &ispapi.Client{Caller: panel}}
		ctx := context.Background()
		found, kept, err := d.Site(ctx, "www.example.com")
		if kept && (err != nil || found.Name != "www.example.com" && !slices.Contains(found.Aliases, "www.example.com") && !slices.Contains(found.Aliases, "*.example.com")) {
			t.Errorf("%+v %v", found, err)
		}
		c := deliver.Certificate{Serial: "5", Leaf: leaf, Names: []string{"example.com"}, Key: func(context.Context) (string, error) {
			return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), nil
		}}
		_ = d.Check(ctx, []deliver.Site{{Name: "example.com", Owner: "u1"}})
		if len(panel.sent) > 0 {
			t.Errorf("a check submits %v", panel.sent)
		}
		err = d.Deliver(ctx, deliver.Order{Item: 1}, []deliver.Site{{Name: "example.com", Owner: "u1"}}, c)
		if err != nil && len(err.Error()) > 5000 {
			t.Error("an endless error")
		}
		for _, sent := range panel.sent {
			owner, _, long := strings.Cut(sent.Get("elid"), separator)
			if long && owner != "u1" {
				t.Errorf("for another user: %v", sent)
			}
			for name, values := range sent {
				if strings.Contains(values[0], "CERTIFICATE") && values[0] != leaf || strings.Contains(values[0], "PRIVATE") {
					t.Errorf("%s: %v", name, values)
				}
			}
		}
	})
}
