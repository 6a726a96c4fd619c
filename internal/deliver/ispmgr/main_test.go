package ispmgr_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/deliver/ispmgr"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// program is the path of the stand-in panel.
var program string

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "deliver")
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = publishtest.BuildHostPanel(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

type object map[string]any

// keyPair is a private key and its PEM.
type keyPair struct {
	key  *ecdsa.PrivateKey
	text string
}

func newKey(t testing.TB) keyPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return keyPair{key, encode("PRIVATE KEY", der)}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issuer is a CA with a chain of one certificate.
type issuer struct {
	key    keyPair
	own    *x509.Certificate
	chain  string
	serial int64
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t), serial: 0xabc000}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an intermediate"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: day(0), NotAfter: day(3000), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, i.key.key.Public(), i.key.key)
	require.NoError(t, err)
	i.own, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	i.chain = encode("CERTIFICATE", der)
	return i
}

func day(n int) time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

// issue returns a certificate that ends on a day, as it is delivered. Its private key is not there.
func (i *issuer) issue(t testing.TB, key keyPair, ends int, names ...string) deliver.Certificate {
	t.Helper()
	i.serial++
	template := &x509.Certificate{SerialNumber: big.NewInt(i.serial), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: day(0), NotAfter: day(ends)}
	der, err := x509.CreateCertificate(rand.Reader, template, i.own, key.key.Public(), i.key.key)
	require.NoError(t, err)
	return deliver.Certificate{Serial: fmt.Sprintf("%x", i.serial), Leaf: encode("CERTIFICATE", der), Chain: i.chain, Names: names}
}

// panel is a running stand-in.
type panel struct {
	*publishtest.HostPanel
	t     *testing.T
	log   *publishtest.Seen
	later time.Duration // how far the clock of deliverers is ahead
}

type request struct {
	Function string   `json:"function"`
	Elid     string   `json:"elid"`
	Sok      string   `json:"sok"`
	Fields   []string `json:"fields"`
	Local    bool     `json:"local"`
	Method   string   `json:"method"`
	Query    string   `json:"query"`
}

type stored struct {
	Owner       string   `json:"owner"`
	Name        string   `json:"name"`
	Certificate string   `json:"certificate"`
	Chain       string   `json:"chain"`
	Serial      string   `json:"serial"`
	Sites       []string `json:"sites"`
}

type hostedSite struct {
	Name        string   `json:"name"`
	Owner       string   `json:"owner"`
	Aliases     []string `json:"aliases,omitempty"`
	Email       string   `json:"email,omitempty"`
	Certificate string   `json:"certificate,omitempty"`
}

// start runs a panel with the users u1 and u2, and the site example.com of u1 with the alias www.
func start(t *testing.T) *panel {
	t.Helper()
	p := &panel{HostPanel: publishtest.StartHostPanel(t, program), t: t}
	for _, name := range []string{"u1", "u2"} {
		p.Control(t, "POST", "/users", object{"name": name, "password": "x", "level": "user"}, nil)
	}
	p.site(hostedSite{Name: "example.com", Owner: "u1", Aliases: []string{"www.example.com"}, Email: "a@example.com"})
	return p
}

func (p *panel) site(s hostedSite) { p.Control(p.t, "POST", "/sites", s, nil) }

func (p *panel) set(settings object) { p.Control(p.t, "PATCH", "/settings", settings, nil) }

func (p *panel) fault(fault object) { p.Control(p.t, "POST", "/faults", fault, nil) }

func (p *panel) clear() { p.Control(p.t, "DELETE", "/faults", nil, nil) }

// put adds a certificate to the panel, and puts it on the owner's sites that are named.
func (p *panel) put(owner, name string, c deliver.Certificate, key keyPair, sites ...hostedSite) {
	p.t.Helper()
	p.Control(p.t, "POST", "/certificates", object{"owner": owner, "name": name, "certificate": c.Leaf, "chain": c.Chain, "key": key.text}, nil)
	for _, s := range sites {
		s.Owner, s.Certificate = owner, name
		p.site(s)
	}
}

func (p *panel) state() (sites []hostedSite, certificates map[string]stored) {
	p.t.Helper()
	var state struct {
		Sites        []hostedSite `json:"sites"`
		Certificates []stored     `json:"certificates"`
	}
	p.Control(p.t, "GET", "/state", nil, &state)
	certificates = map[string]stored{}
	for _, c := range state.Certificates {
		certificates[c.Owner+"/"+c.Name] = c
	}
	return state.Sites, certificates
}

func (p *panel) requests(function string) []request {
	p.t.Helper()
	var all []request
	p.Control(p.t, "GET", "/requests?function="+function, nil, &all)
	return all
}

// changes counts the submissions of forms.
func (p *panel) changes() map[string]int {
	p.t.Helper()
	n := map[string]int{}
	for _, r := range p.requests("") {
		if r.Sok != "" {
			n[r.Function]++
		}
	}
	return n
}

// served returns the serial that a handshake for a name shows; empty if there is none.
func (p *panel) served(name string) string {
	connection, err := tls.Dial("tcp", p.Sites, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return ""
	}
	defer connection.Close()
	return fmt.Sprintf("%x", connection.ConnectionState().PeerCertificates[0].SerialNumber)
}

// deliverer returns a deliverer for the panel, after changes to its block.
func (p *panel) deliverer(change ...func(b *publish.Deploy)) deliver.Deliverer {
	p.t.Helper()
	address, err := url.Parse(p.API)
	require.NoError(p.t, err)
	sites, err := netip.ParseAddrPort(p.Sites)
	require.NoError(p.t, err)
	b := publish.Deploy{Name: "web7", Kind: publish.KindISPmgr, Pos: "web7.conf:1", URL: address, Pin: p.Pin, Login: p.User,
		Password: publishtest.SecretFile(p.t, p.Password), Check: []netip.AddrPort{sites}}
	for _, do := range change {
		do(&b)
	}
	env, seen := publishtest.Env(p.t)
	env.Root, p.log = p.Root, seen
	env.Now = func() time.Time { return time.Now().Add(p.later) }
	made, err := ispmgr.New(b, env)
	require.NoError(p.t, err)
	return made
}

func withKey(b *publish.Deploy) { b.Key = true }

// local makes the deliverer call mgrctl.
func local(b *publish.Deploy) { b.URL, b.Pin, b.Login, b.Password, b.Mgr = nil, "", "", "", "ispmgr" }

// sites returns sites of one owner.
func sites(owner string, names ...string) []deliver.Site {
	var all []deliver.Site
	for _, name := range names {
		all = append(all, deliver.Site{Name: name, Owner: owner})
	}
	return all
}
