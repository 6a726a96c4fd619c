// Package engine runs a private database server for the stand-in panel: MySQL-compatible, embedded and in memory
// (go-mysql-server), or a MariaDB with a data directory of its own. It never touches a server or a database that it did not
// start.
package engine

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Kind names an engine.
type Kind string

const (
	// Embedded is go-mysql-server in this process.
	Embedded Kind = "embedded"
	// MariaDB is a mariadbd child process.
	MariaDB Kind = "mariadb"
)

// account is the one database user of a private server.
const account = "billmgr"

// Options are the options of a server. The zero value is usable.
type Options struct {
	// Dir is the folder for socket and data; "" = a new short folder under the system's temporary one. It is
	// removed by Close when it was made here.
	Dir string
	// Addr is the loopback address of a TCP port; "" = 127.0.0.1 and a free port for the embedded engine, no TCP at
	// all for MariaDB.
	Addr string
	// Args are further options of mariadbd, such as unusual defaults.
	Args []string
	// Log receives the output of the server; nil drops it.
	Log io.Writer
}

// Server is a running private server with one user and a random password.
type Server struct {
	kind     Kind
	password string
	socket   string
	addr     string
	dir      string
	ownDir   bool
	stop     func() error
}

// Kind returns the kind of the server.
func (s *Server) Kind() Kind { return s.kind }

// User returns the server's only account, for DBUser.
func (s *Server) User() string { return account }

// Password returns the password of the account, for DBPassword. It is random for each server.
func (s *Server) Password() string { return s.password }

// Socket returns the path of the unix socket.
func (s *Server) Socket() string { return s.socket }

// Addr returns host:port, or "" if the server has no TCP port.
func (s *Server) Addr() string { return s.addr }

// DSN returns the go-sql-driver address of a database on this server, by socket.
func (s *Server) DSN(database string) string { return s.config(database).FormatDSN() }

func (s *Server) config(database string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd = account, s.password
	c.Net, c.Addr = "unix", s.socket
	c.DBName = database
	c.Params = map[string]string{"autocommit": "1", "sql_mode": "''"} // independent of Options.Args
	return c
}

// CreateDatabase creates an empty database (utf8mb4) and returns its DSN. An existing name is an error.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	if err := validName(name); err != nil {
		return "", err
	}
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", s.socket, err)
	}
	defer db.Close()
	// An identifier cannot be a parameter; validName leaves nothing that could end the quotes.
	if _, err := db.ExecContext(ctx, "CREATE DATABASE `"+name+"` DEFAULT CHARACTER SET utf8mb4"); err != nil {
		return "", fmt.Errorf("creating database %s: %w", name, err)
	}
	return s.DSN(name), nil
}

func validName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("database name %q: 1 to 64 characters are allowed", name)
	}
	for _, r := range name {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return fmt.Errorf("database name %q: only a-z, 0-9 and _ are allowed", name)
		}
	}
	return nil
}

// Close stops the server and removes its files. It may be called twice.
func (s *Server) Close() error {
	if s.stop == nil {
		return nil
	}
	err := s.stop()
	s.stop = nil
	if s.ownDir {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// prepare creates the folder and the password of a server.
func prepare(kind Kind, o Options) (*Server, error) {
	s := &Server{kind: kind, dir: o.Dir, addr: o.Addr}
	if s.dir == "" {
		// A unix socket's path is limited to 107 bytes (sun_path): a short name, whatever the test's own folder is.
		dir, err := os.MkdirTemp("", "pmssl-db-")
		if err != nil {
			return nil, fmt.Errorf("making the server's folder: %w", err)
		}
		s.dir, s.ownDir = dir, true
	}
	s.socket = filepath.Join(s.dir, "db.sock")
	if len(s.socket) > maxSocketPath {
		return nil, errors.Join(
			fmt.Errorf("socket path %s is longer than %d bytes: choose a shorter folder", s.socket, maxSocketPath),
			s.discard())
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, errors.Join(fmt.Errorf("choosing a password: %w", err), s.discard())
	}
	s.password = hex.EncodeToString(secret)
	return s, nil
}

// maxSocketPath is the size of sun_path on Linux without the final zero byte.
const maxSocketPath = 107

func (s *Server) discard() error {
	if !s.ownDir {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// await polls until the server answers a query, ctx ends, or gone is closed.
func (s *Server) await(ctx context.Context, gone <-chan struct{}) error {
	db, err := sql.Open("mysql", s.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer on %s: %w", s.socket, errors.Join(ctx.Err(), err))
		case <-gone:
			return fmt.Errorf("the server ended at start: %w", err)
		case <-tick.C:
		}
	}
}
