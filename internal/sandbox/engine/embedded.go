package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	gmssql "github.com/dolthub/go-mysql-server/sql"
	"github.com/sirupsen/logrus"
)

// StartEmbedded starts the in-memory engine on a loopback TCP port and a unix socket.
//
// Known limits of go-mysql-server 0.20: its memory tables have no isolation between sessions, and the rows are lost
// when the process ends. It is meant for demonstrations; tests that depend on the database use MariaDB.
func StartEmbedded(o Options) (*Server, error) {
	s, err := prepare(Embedded, o)
	if err != nil {
		return nil, err
	}
	if err := s.serve(o); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (s *Server) serve(o Options) error {
	// go-mysql-server logs only to the global logger of logrus.
	out := o.Log
	if out == nil {
		out = io.Discard
	}
	logrus.SetOutput(out)

	addr, err := freeAddr(o.Addr)
	if err != nil {
		return err
	}
	s.addr = addr

	provider := memory.NewDBProvider()
	db := sqle.NewDefault(provider)
	users := db.Analyzer.Catalog.MySQLDb
	users.SetEnabled(true)
	ed := users.Editor()
	users.AddSuperUser(ed, account, "%", s.password)
	users.AddSuperUser(ed, account, "localhost", s.password)
	ed.Close()

	cfg := server.Config{Protocol: "tcp", Address: s.addr, Socket: s.socket}
	srv, err := server.NewServer(cfg, db, gmssql.NewContext, memory.NewSessionBuilder(provider), nil)
	if err != nil {
		return fmt.Errorf("starting the embedded engine on %s: %w", s.addr, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Start() }()
	s.stop = func() error {
		err := errors.Join(srv.Close(), <-ended)
		// The engine returns the error of its background threads, which are always cancelled.
		if e := db.Close(); !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
		return err
	}
	return nil
}

// freeAddr returns a loopback address with a port that is free now. go-mysql-server opens the port itself and does not
// report its number, so port 0 cannot be used.
func freeAddr(addr string) (string, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if err := loopback(addr); err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("looking for a port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// loopback refuses an address that other hosts could reach.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("address %q: only a loopback address such as 127.0.0.1:0 is served", addr)
	}
	return nil
}
