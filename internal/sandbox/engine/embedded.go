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
// Limits of go-mysql-server 0.20 that were met: its memory tables have no isolation between sessions, and all of a
// server's rows are gone with the process. It serves demonstrations; what must be proved is proved on MariaDB.
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
	// go-mysql-server reports through logrus' one global logger; there is no other handle.
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
		// The engine answers how its background threads ended, which is always by being cancelled.
		if e := db.Close(); !errors.Is(e, context.Canceled) {
			err = errors.Join(err, e)
		}
		return err
	}
	return nil
}

// freeAddr returns a loopback address with a port that is free now. go-mysql-server opens the port itself and does
// not tell which one it got, so that port 0 cannot be handed on.
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
