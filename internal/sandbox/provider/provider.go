// Package provider is a hosting provider on this machine: a stand-in panel with both modules, the stand-in sellers, a simulated
// Internet with the provider's name servers and web server, a database and a mail transport that keeps the mails, all in
// simulated time. Its methods are what the provider's administrator and his client do.
package provider

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/panel/manifest"
)

// Options are the settings of a provider and what it needs of the operating system.
type Options struct {
	Bin     string   // folder with sandbox-mgrctl, and with the modules below simclock
	Sellers []string // of Sellers; empty: all
	Engine  string   // embedded (default) or mariadb
	// Etc is the product's folder etc. Manifests and the timer are installed from it; "" installs none.
	Etc string
	// Start is the simulated time at the beginning.
	Start time.Time
	// LookEvery is how often the certification authority looks at a published challenge by itself; 0: every four hours.
	LookEvery time.Duration
	Now       func() time.Time
	Random    io.Reader
}

// Provider is everything that was started. Its methods are not safe for concurrent use, unless they say so.
type Provider struct {
	Clock   *clock.Clock
	World   *internet.World // in which the authority looks for challenges
	Web     *WebServer
	Panel   *panel.Panel
	Sellers []Seller
	// Engine is the database engine that runs.
	Engine engine.Kind
	// Roots are those of the sellers' certification authority.
	Roots *x509.CertPool

	options Options
	dir     string
	outbox  *outbox
	clean   []func() error // called in reverse order

	mu      sync.Mutex
	hosted  []string // zones
	history map[int64][]Stored
	looks   map[int64]*Looks
	// manifests are those that were read, by module.
	manifests map[string]*manifest.Manifest
}

// Start starts database, sellers, Internet and panel in a folder of their own.
func Start(ctx context.Context, o Options) (p *Provider, err error) {
	if len(o.Sellers) == 0 {
		o.Sellers = Sellers()
	}
	p = &Provider{options: o, history: map[int64][]Stored{}, looks: map[int64]*Looks{}, manifests: map[string]*manifest.Manifest{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.dir, err = os.MkdirTemp("", "pmssl-provider-"); err != nil {
		return p, err
	}
	p.clean = append(p.clean, func() error { return os.RemoveAll(p.dir) })
	if err := checkFolder(p.dir); err != nil {
		return p, err
	}
	dsn, err := p.startDatabase(ctx)
	if err != nil {
		return p, err
	}
	if err := errors.Join(p.startInternet(), p.startWebServer()); err != nil {
		return p, err
	}
	if err := p.startSellers(); err != nil {
		return p, err
	}
	if p.outbox, err = installSendmail(p.dir); err != nil {
		return p, err
	}
	return p, p.startPanel(ctx, dsn)
}

// checkFolder refuses a folder whose path scripts and settings would not take as one word.
func checkFolder(dir string) error {
	for _, r := range dir {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._+-@", r) {
			return fmt.Errorf("the folder %q for temporary files has the character %q in its path: set TMPDIR to another one", dir, r)
		}
	}
	return nil
}

// Close stops everything and removes the folder.
func (p *Provider) Close() error {
	var all error
	for _, end := range slices.Backward(p.clean) {
		all = errors.Join(all, end())
	}
	p.clean = nil
	return all
}

// Dir returns the folder of the provider, which Close removes.
func (p *Provider) Dir() string { return p.dir }

// Now returns the simulated time. It is safe for concurrent use.
func (p *Provider) Now() (time.Time, error) { return p.Clock.Now() }

func (p *Provider) clockFile() string { return filepath.Join(p.dir, "clock") }

func (p *Provider) startDatabase(ctx context.Context) (string, error) {
	var server *engine.Server
	var err error
	switch p.options.Engine {
	case "", string(engine.Embedded):
		server, err = engine.StartEmbedded(engine.Options{})
	case string(engine.MariaDB):
		server, err = engine.StartMariaDB(ctx, engine.Options{})
	default:
		return "", fmt.Errorf("DEMO_DB is %q: embedded or mariadb", p.options.Engine)
	}
	if err != nil {
		return "", err
	}
	p.clean = append(p.clean, server.Close)
	p.Engine = server.Kind()
	return server.CreateDatabase(ctx, "pmssl_provider")
}

// startInternet starts the simulated time and the simulated Internet, which has no zones of clients yet.
func (p *Provider) startInternet() error {
	if err := os.WriteFile(p.clockFile(), []byte(p.options.Start.Format(time.RFC3339)), 0o600); err != nil {
		return err
	}
	p.Clock = clock.New(p.options.Now, p.clockFile())
	now := func() time.Time {
		instant, err := p.Clock.Now()
		if err != nil {
			return time.Time{}
		}
		return instant
	}
	var err error
	if p.World, err = internet.NewWorld(filepath.Join(p.dir, "dial"), now); err != nil {
		return err
	}
	p.clean = append(p.clean, p.World.Close)
	return nil
}

// startSellers starts the stand-in sellers. They sell the certificates of one authority, as the real ones do: its lists of revoked
// certificates are at one address of the simulated Internet.
func (p *Provider) startSellers() error {
	authority, err := ca.New(ca.ECDSA, p.options.Random)
	if err != nil {
		return err
	}
	for _, name := range p.options.Sellers {
		seller, err := openSeller(name, sellerOptions{
			clock: p.Clock, authority: authority, random: p.options.Random, lookEvery: p.options.LookEvery, looker: internet.NewAuthority(p.World.Addresses),
		})
		if err != nil {
			return err
		}
		p.Sellers = append(p.Sellers, seller)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: p.dated(seller), ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(listener) }()
		p.clean = append(p.clean, server.Close)
		seller.serveAt("http://" + listener.Addr().String() + seller.path())
	}
	p.Roots = x509.NewCertPool()
	if !p.Roots.AppendCertsFromPEM(p.Root()) {
		return errors.New("the authority shows no root certificate")
	}
	return p.World.ServeCA(p.Sellers[0].Repository())
}

// dated makes a seller answer with the simulated time, which the modules' doctor compares with theirs.
func (p *Provider) dated(seller http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if now, err := p.Now(); err == nil {
			w.Header().Set("Date", now.Format(http.TimeFormat))
		}
		seller.ServeHTTP(w, r)
	})
}

// Root returns the authority's root certificate in PEM.
func (p *Provider) Root() []byte { return rootOf(p.Sellers[0]) }

// Seller returns the seller of a module, by the file name of its binary.
func (p *Provider) Seller(module string) (Seller, error) {
	for _, s := range p.Sellers {
		if s.Module() == module {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no module %q is installed", module)
}

// startPanel creates the panel's root with settings, modules and, if they are known, manifests.
func (p *Provider) startPanel(ctx context.Context, dsn string) error {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PMSSL_CLOCK=" + p.clockFile(), "PMSSL_DIAL=" + p.World.File()}
	for _, s := range p.Sellers {
		env = append(s.environment(), env...)
	}
	if p.options.Etc != "" {
		env = append(env, "PMSSL_HOST="+p.host())
	}
	var err error
	p.Panel, err = panel.Open(ctx, panel.Config{
		Root: filepath.Join(p.dir, "mgr5"), DSN: dsn, Mgrctl: filepath.Join(p.options.Bin, "sandbox-mgrctl"), Now: p.options.Now, Random: p.options.Random,
		Clock: p.clockFile(), Env: env,
	})
	if err != nil {
		return err
	}
	p.clean = append(p.clean, p.Panel.Close)
	// Names are looked up in the simulated Internet alone.
	err = p.writeOptions("ssl", "SSLSubscriptionMailFrom Hosting Demo <ssl@hosting.example>", "SSLResolver "+internet.ResolverAddress, "SSLSendmail "+p.outbox.program)
	if err != nil {
		return err
	}
	for _, s := range p.Sellers {
		if err := p.Panel.Install(s.Module(), filepath.Join(p.options.Bin, "simclock", s.Module())); err != nil {
			return err
		}
	}
	if p.options.Etc == "" {
		return nil
	}
	return p.installHost()
}

// writeOptions replaces a file of etc/billmgr.conf.d with these lines.
func (p *Provider) writeOptions(name string, lines ...string) error {
	var text []byte
	for _, line := range lines {
		text = append(text, line+"\n"...)
	}
	return clock.WriteFile(p.etc("billmgr.conf.d", name+".conf"), text, 0o600)
}

// etc returns the path of a file in the panel's folder etc.
func (p *Provider) etc(words ...string) string {
	return filepath.Join(append([]string{p.Panel.Root(), "etc"}, words...)...)
}
