// Package demo plays the story of `make demo`: a module, a panel, a seller and a database, all on this machine, and each
// step told as it happens.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/engine"
	"pmssl/internal/sandbox/panel"
)

// Options are what the demo needs of the world.
type Options struct {
	Bin    string // folder with the modules and sandbox-mgrctl
	Seller string // whose story is told, one of Sellers
	Engine string // embedded (default) or mariadb
	Out    io.Writer
	Colour bool
	Now    func() time.Time
	Random io.Reader
}

// opening returns when the story begins: the documented example, a five-year order of 2026-04-02.
func opening() time.Time { return time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC) }

// stage is the set: everything that was started and has to be stopped.
type stage struct {
	Options
	dir    string
	clock  *clock.Clock
	outbox string // folder in which the stand-in for sendmail leaves the letters
	panel  *panel.Panel
	seller shop
	api    string // the seller's address
	tell   *teller
	clean  []func() error // in reverse order of building
}

// build starts database, seller and panel in a folder of its own.
func build(ctx context.Context, o Options) (s *stage, err error) {
	s = &stage{Options: o, tell: &teller{out: o.Out, colour: o.Colour}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.strike())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "pmssl-demo-"); err != nil {
		return s, err
	}
	s.clean = append(s.clean, func() error { return os.RemoveAll(s.dir) })
	dsn, err := s.database(ctx)
	if err != nil {
		return s, err
	}
	if err := s.shop(); err != nil {
		return s, err
	}
	if err := s.mail(); err != nil {
		return s, err
	}
	s.panel, err = panel.Open(ctx, panel.Config{
		Root: filepath.Join(s.dir, "mgr5"), DSN: dsn, Mgrctl: filepath.Join(o.Bin, "sandbox-mgrctl"), Now: o.Now, Random: o.Random,
		Clock: s.clockFile(),
		Env:   append(s.seller.environment(s.api), "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PMSSL_CLOCK="+s.clockFile()),
	})
	if err != nil {
		return s, err
	}
	s.clean = append(s.clean, s.panel.Close)
	// The story's names are nobody's business in the network.
	options := []byte("SSLSubscriptionMailFrom Hosting Demo <ssl@hosting.example>\nSSLResolver off\nSSLSendmail " + filepath.Join(s.dir, "bin", "sendmail") + "\n")
	if err := os.WriteFile(filepath.Join(s.panel.Root(), "etc", "billmgr.conf.d", "ssl.conf"), options, 0o600); err != nil {
		return s, err
	}
	return s, s.panel.Install(s.module(), filepath.Join(o.Bin, "simclock", s.module()))
}

func (s *stage) clockFile() string { return filepath.Join(s.dir, "clock") }

// mail makes a stand-in for the server's sendmail: letters are kept instead of sent.
func (s *stage) mail() error {
	s.outbox = filepath.Join(s.dir, "outbox")
	for _, folder := range []string{s.outbox, filepath.Join(s.dir, "bin")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
	}
	program := fmt.Sprintf("#!/bin/sh\nexec cat >%s/$$\n", s.outbox)
	return os.WriteFile(filepath.Join(s.dir, "bin", "sendmail"), []byte(program), 0o700)
}

func (s *stage) database(ctx context.Context) (string, error) {
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
	s.tell.note("database: %s, made for this demo", server.Kind())
	return server.CreateDatabase(ctx, "pmssl_demo")
}

// shop starts the stand-in seller.
func (s *stage) shop() error {
	if err := os.WriteFile(s.clockFile(), []byte(opening().Format(time.RFC3339)), 0o600); err != nil {
		return err
	}
	s.clock = clock.New(s.Now, s.clockFile())
	seller, err := open(s.Seller, s.clock, s.Random)
	if err != nil {
		return err
	}
	s.seller = seller
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: seller, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	s.clean = append(s.clean, server.Close)
	s.api = "http://" + listener.Addr().String() + seller.path()
	s.tell.note("seller: a stand-in for %s at %s, with a certification authority that really signs", seller.title(), s.api)
	return nil
}

// module returns the file name of the binary that is shown.
func (s *stage) module() string { return s.seller.module() }

// strike takes everything down again.
func (s *stage) strike() error {
	var all error
	for i := len(s.clean) - 1; i >= 0; i-- {
		all = errors.Join(all, s.clean[i]())
	}
	s.clean = nil
	return all
}
