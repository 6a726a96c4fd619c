// Package engine runs a private database server for the stand-in panel: MySQL-compatible, embedded and in memory
// (go-mysql-server), or a MariaDB of its own data directory. It never touches a server or a database that it did not
// start.
package engine

import (
	"context"
	"errors"
	"io"
)

// Kind names an engine.
type Kind string

const (
	// Embedded is go-mysql-server in this process.
	Embedded Kind = "embedded"
	// MariaDB is a mariadbd child process.
	MariaDB Kind = "mariadb"
)

// Options for a server; the zero value is fine.
type Options struct {
	// Dir is the folder for socket and data; "" = a new short folder under the system's temporary one. It is
	// removed by Close when it was made here.
	Dir string
	// Addr is the loopback address of the embedded engine's TCP port; "" = 127.0.0.1 and a free port. MariaDB
	// listens on its socket alone unless Addr is given.
	Addr string
	// Log receives what the server says; nil = dropped.
	Log io.Writer
}

var errNotYet = errors.New("not built yet")

// Server is a running private server with one user and a random password.
type Server struct{}

// FindMariaDB says where mariadbd and its installer are; ok is false when either is missing.
func FindMariaDB() (mariadbd, installDB string, ok bool) { return "", "", false }

// StartEmbedded starts the in-memory engine on a loopback TCP port and a unix socket.
func StartEmbedded(o Options) (*Server, error) { return nil, errNotYet }

// StartMariaDB initialises a private data directory and starts mariadbd on a private socket. The server is killed
// when this process dies.
func StartMariaDB(ctx context.Context, o Options) (*Server, error) { return nil, errNotYet }

// Kind of the server.
func (s *Server) Kind() Kind { return "" }

// User and Password of the server's one account, good for DBUser and DBPassword.
func (s *Server) User() string     { return "" }
func (s *Server) Password() string { return "" }

// Socket is the unix socket's path.
func (s *Server) Socket() string { return "" }

// Addr is host:port, "" where the server has no TCP port.
func (s *Server) Addr() string { return "" }

// CreateDatabase makes an empty database (utf8mb4) and answers its DSN. A name that exists is an error.
func (s *Server) CreateDatabase(ctx context.Context, name string) (dsn string, err error) {
	return "", errNotYet
}

// DSN is the go-sql-driver address of a database on this server, by socket.
func (s *Server) DSN(database string) string { return "" }

// Close stops the server and removes what it left on disk.
func (s *Server) Close() error { return errNotYet }
