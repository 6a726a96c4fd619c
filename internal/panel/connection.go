package panel

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// database is one pinned connection to the panel's database: named locks belong to a connection (rules BUY-1).
type database struct {
	pool    *sql.DB
	conn    *sql.Conn
	address string // the server's address and the database's name, for messages; without user and password
	why     string // that address is used, in words
	tls     bool
	meter   *meter
}

func (d *database) close() error { return errors.Join(d.conn.Close(), d.pool.Close()) }

// database returns the connection. It opens it at the first call and again after it broke. The locks of a broken connection are
// lost, which HoldsLocks detects.
func (h *Host) database(ctx context.Context) (*database, error) {
	if h.reading {
		return nil, fault.Errorf(fault.Internal, "connect", "the database is asked while the rows of another query are read")
	}
	if h.db != nil {
		return h.db, nil
	}
	settings, err := h.requiredSettings(ctx, settingHost, settingUser, settingPassword, settingName)
	if err != nil {
		return nil, err
	}
	config, where, err := h.dsn(ctx, settings)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("%s (database %s)", config.Addr, config.DBName)
	wire := &meter{left: maxRead}
	config.DialFunc = wire.dial
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fault.Errorf(fault.DB, "connect", "the settings DBHost, DBUser, DBName or DBSocket cannot be used: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	if err == nil {
		err = wire.whileOpen(ctx, func(ctx context.Context) error { return h.prepare(ctx, conn, config.DBName) })
		if err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		_ = pool.Close() // it has no connection that anybody could use
		return nil, h.dbFault(ctx, address, "", where.explainUnreached(connectHint(err, config.TLS != nil)))
	}
	h.db = &database{pool: pool, conn: conn, address: address, why: where.why, tls: config.TLS != nil, meter: wire}
	h.o.Log.Named("db").Tracef("connected to %s", address)
	return h.db, nil
}

// dsn returns the driver's configuration, and the endpoint with the reason why it is used.
func (h *Host) dsn(ctx context.Context, settings map[string]string) (*mysql.Config, endpoint, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = settings[settingUser], settings[settingPassword], settings[settingName]
	where, err := h.server(ctx, settings[settingHost])
	if err != nil {
		return nil, endpoint{}, err
	}
	config.Net, config.Addr = where.network, where.address
	config.Timeout, config.ReadTimeout, config.WriteTimeout = h.limits.dial, h.limits.query, h.limits.query
	config.Collation = collation
	if config.TLS, err = h.databaseTLS(); err != nil {
		return nil, endpoint{}, err
	}
	config.InterpolateParams = true // one round trip for a query; safe with utf8mb4, where no byte of a character is a quote
	config.Logger = driverLog{h.o.Log.Named("db")}
	return config, where, nil
}

// driverLog sends the driver's messages to the log; by default the driver prints them to stderr.
type driverLog struct{ log *panellog.Logger }

// Print implements mysql.Logger.
func (d driverLog) Print(v ...any) { d.log.Debugf("%s", fmt.Sprint(v...)) }

// mysqlPort is the default port of the server.
const mysqlPort = "3306"

// endpoint is the address of the database server, and in words why it is used.
type endpoint struct{ network, address, why string }

// server returns the endpoint of the database. As in the client programs, localhost means the socket if one exists: that of
// DBSocket, else one in the usual places, else the one that paramlist names; without a socket, TCP. A host may include a port.
func (h *Host) server(ctx context.Context, host string) (endpoint, error) {
	if host == "localhost" || host == "" {
		return h.local(ctx)
	}
	why := "DBHost is " + plaintext.Clip(host, 200)
	if name, port, err := net.SplitHostPort(host); err == nil {
		return endpoint{"tcp", net.JoinHostPort(name, port), why}, nil
	}
	return endpoint{"tcp", net.JoinHostPort(strings.Trim(host, "[]"), mysqlPort), why}, nil
}

// usualSockets returns the paths of the server's socket in Debian and Red Hat, with and without /var, and in builds from source.
func usualSockets() []string {
	return []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
		"/run/mariadb/mariadb.sock", "/tmp/mysql.sock"}
}

// local returns the endpoint of this host's own server.
func (h *Host) local(ctx context.Context) (endpoint, error) {
	settings, err := h.settings()
	if err != nil {
		return endpoint{}, err
	}
	places, why := usualSockets(), "DBHost is localhost, and it is the first socket that exists"
	if named := settings[settingSocket]; named != "" {
		places, why = []string{h.path(named)}, "DBSocket names it" // another server's socket would be the wrong database
	}
	found := firstSocket(places)
	if found == "" && settings[settingSocket] == "" {
		reported, err := h.requiredSettings(ctx, settingSocket)
		if err != nil {
			return endpoint{}, err
		}
		if named := reported[settingSocket]; named != "" {
			places, why = append(places, h.path(named)), "the panel's paramlist names it as DBSocket"
			found = firstSocket([]string{h.path(named)})
		}
	}
	if found != "" {
		return endpoint{"unix", found, why}, nil
	}
	source := "the usual places"
	if settings[settingSocket] != "" {
		source = "DBSocket"
	}
	return endpoint{"tcp", net.JoinHostPort("localhost", mysqlPort),
		"DBHost is localhost, and there is no socket at " + strings.Join(places, ", ") + " (" + source + ")"}, nil
}

// firstSocket returns the first of the paths that is a socket; empty if none is.
func firstSocket(paths []string) string {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
			return path
		}
	}
	return ""
}

// explainUnreached adds to err why this endpoint is used and what to do, if no database server answered there. It returns the
// server's own errors unchanged.
func (p endpoint) explainUnreached(err error) error {
	var answer *mysql.MySQLError
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	remedy := "check whether the database server runs (systemctl status mariadb mysql)"
	switch {
	case errors.As(err, &answer), errors.As(err, &untrusted), errors.Is(err, mysql.ErrNoTLS):
		return err // connectHint says what to do
	case errors.As(err, &dns):
		remedy = "correct DBHost in etc/billmgr.conf, or this server's DNS"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		remedy = "start the database server, or correct DBHost and DBSocket in etc/billmgr.conf"
	case errors.Is(err, fs.ErrPermission):
		remedy = "check the rights of the socket and its folders, and SELinux or AppArmor"
	case p.network == "tcp":
		remedy += " and whether a firewall blocks the connection"
	}
	return fmt.Errorf("%w; %s: %s", err, p.why, remedy)
}

// meter limits the bytes that a query reads from the connection: a limit in SQL is not the same on every engine, and a limit
// behind the driver comes too late.
type meter struct {
	left int
	over bool     // the limit was exceeded
	conn net.Conn // nil before it is dialed
}

func (m *meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.conn = conn
	return &meteredConn{Conn: conn, meter: m}, nil
}

// whileOpen calls do with a context that does not end. If ctx ends meanwhile, it closes the connection, by which do fails, and returns
// ctx's error. For each query whose context can end, database/sql starts a goroutine and the driver wakes one twice, which takes a
// command of an item a thirtieth of its time.
func (m *meter) whileOpen(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = m.conn.Close() })
	err := do(context.WithoutCancel(ctx))
	if !stop() {
		return ctx.Err()
	}
	return err
}

// meteredConn is a connection that reads at most what its meter allows.
type meteredConn struct {
	net.Conn
	meter *meter
}

// Read implements net.Conn.
func (c *meteredConn) Read(into []byte) (int, error) {
	if c.meter.left <= 0 {
		c.meter.over = true
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(into[:min(len(into), c.meter.left)])
	c.meter.left -= n
	return n, err
}
