// Package demo shows what `make demo` prints: the life of one order with a module, a panel, a seller and a database,
// all on this machine.
package demo

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
	"strings"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/panel"
)

// Options are the settings of the demo and what it needs of the operating system.
type Options struct {
	Bin    string // folder with the modules and sandbox-mgrctl
	Seller string // one of Sellers
	Engine string // embedded (default) or mariadb
	Out    io.Writer
	Colour bool
	Now    func() time.Time
	Random io.Reader
}

// orderTime is the time of the order: the documented example, a five-year order of 2026-04-02.
func orderTime() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

// environment holds everything that was started and has to be stopped.
type environment struct {
	Options
	dir    string
	clock  *clock.Clock
	world  *internet.World // in which the seller's authority looks for challenges
	web    *webServer
	outbox string // folder in which the stand-in for sendmail keeps the mails
	panel  *panel.Panel
	seller seller
	roots  *x509.CertPool // of the seller's authority
	api    string         // the seller's address
	tariff int64          // of the certificates
	print  *printer
	clean  []func() error // called in reverse order
}

// setUp starts database, seller and panel in a folder of their own.
func setUp(ctx context.Context, o Options) (s *environment, err error) {
	s = &environment{Options: o, print: &printer{out: o.Out, colour: o.Colour}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.cleanUp())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "pmssl-demo-"); err != nil {
		return s, err
	}
	s.clean = append(s.clean, func() error { return os.RemoveAll(s.dir) })
	dsn, err := s.startDatabase(ctx)
	if err != nil {
		return s, err
	}
	if err := errors.Join(s.startInternet(), s.startWebServer()); err != nil {
		return s, err
	}
	if err := s.startSeller(); err != nil {
		return s, err
	}
	if err := s.installSendmail(); err != nil {
		return s, err
	}
	s.panel, err = panel.Open(ctx, panel.Config{
		Root: filepath.Join(s.dir, "mgr5"), DSN: dsn, Mgrctl: filepath.Join(o.Bin, "sandbox-mgrctl"), Now: o.Now, Random: o.Random,
		Clock: s.clockFile(),
		Env:   append(s.seller.environment(s.api), "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PMSSL_CLOCK="+s.clockFile(), "PMSSL_DIAL="+s.world.File()),
	})
	if err != nil {
		return s, err
	}
	s.clean = append(s.clean, s.panel.Close)
	// Names are looked up in the simulated Internet alone.
	options := []byte("SSLSubscriptionMailFrom Hosting Demo <ssl@hosting.example>\nSSLResolver " + internet.ResolverAddress + "\nSSLSendmail " + filepath.Join(s.dir, "bin", "sendmail") + "\n")
	if err := os.WriteFile(filepath.Join(s.panel.Root(), "etc", "billmgr.conf.d", "ssl.conf"), options, 0o600); err != nil {
		return s, err
	}
	return s, s.panel.Install(s.module(), filepath.Join(o.Bin, "simclock", s.module()))
}

func (s *environment) clockFile() string { return filepath.Join(s.dir, "clock") }

// installSendmail installs a stand-in for the server's sendmail, which keeps mails instead of sending them.
func (s *environment) installSendmail() error {
	s.outbox = filepath.Join(s.dir, "outbox")
	for _, folder := range []string{s.outbox, filepath.Join(s.dir, "bin")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
	}
	program := fmt.Sprintf("#!/bin/sh\nexec cat >%s/$$\n", s.outbox)
	return os.WriteFile(filepath.Join(s.dir, "bin", "sendmail"), []byte(program), 0o700)
}

func (s *environment) startDatabase(ctx context.Context) (string, error) {
	var server *engine.Server
	var err error
	switch s.Engine {
	case "", string(engine.Embedded):
		server, err = engine.StartEmbedded(engine.Options{})
	case string(engine.MariaDB):
		server, err = engine.StartMariaDB(ctx, engine.Options{})
	default:
		return "", fmt.Errorf("DEMO_DB is %q: embedded or mariadb", s.Engine)
	}
	if err != nil {
		return "", err
	}
	s.clean = append(s.clean, server.Close)
	s.print.note("database: %s, private to this demo", server.Kind())
	return server.CreateDatabase(ctx, "pmssl_demo")
}

// startInternet starts the simulated time and the simulated Internet with the zones of the client's sites. That of hostedDomain
// is on the provider's name servers, and so is the other one, as if another provider kept it: no publisher is for it.
func (s *environment) startInternet() error {
	if err := os.WriteFile(s.clockFile(), []byte(orderTime().Format(time.RFC3339)), 0o600); err != nil {
		return err
	}
	s.clock = clock.New(s.Now, s.clockFile())
	now := func() time.Time {
		instant, err := s.clock.Now()
		if err != nil {
			return time.Time{}
		}
		return instant
	}
	var err error
	if s.world, err = internet.NewWorld(filepath.Join(s.dir, "dial"), now); err != nil {
		return err
	}
	s.clean = append(s.clean, s.world.Close)
	for _, site := range []string{domain, hostedDomain} {
		host, zone, _ := strings.Cut(site, ".")
		if _, err := s.world.AddZone(zone, fmt.Sprintf("@ A %[2]s\n%[1]s A %[2]s\n", host, internet.WebAddress)); err != nil {
			return err
		}
	}
	return nil
}

// startSeller starts the stand-in seller.
func (s *environment) startSeller() error {
	seller, err := openSeller(s.Seller, s.clock, internet.NewAuthority(s.world.Addresses), s.Random)
	if err != nil {
		return err
	}
	s.seller, s.roots = seller, x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(s.root()) {
		return errors.New("the authority shows no root certificate")
	}
	if err := s.world.ServeCA(seller.Repository()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: seller, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.clean = append(s.clean, server.Close)
	s.api = "http://" + listener.Addr().String() + seller.path()
	s.print.note("seller: a stand-in for %s at %s, with a certification authority of its own", seller.title(), s.api)
	return nil
}

// module returns the file name of the module.
func (s *environment) module() string { return s.seller.module() }

// cleanUp stops everything and removes the folder.
func (s *environment) cleanUp() error {
	var all error
	for i := len(s.clean) - 1; i >= 0; i-- {
		all = errors.Join(all, s.clean[i]())
	}
	s.clean = nil
	return all
}
