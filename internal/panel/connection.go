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

// database is the panel's database by one pinned connection: named locks belong to a connection (rules BUY-1).
type database struct {
	pool    *sql.DB
	conn    *sql.Conn
	address string // for people: where the server is and the name of the database, without user and password
	meter   *meter
}

func (d *database) close() error { return errors.Join(d.conn.Close(), d.pool.Close()) }

// database opens the connection at the first need and again after it broke; locks that were held on a broken one are
// gone, HoldsLocks finds that out.
func (h *Host) database(ctx context.Context) (*database, error) {
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
		if err = h.prepare(ctx, conn, config.DBName); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		_ = pool.Close() // it has no connection that anybody could use
		return nil, h.dbFault(ctx, address, "", where.explainUnreached(connectHint(err, config.TLS != nil)))
	}
	h.db = &database{pool: pool, conn: conn, address: address, meter: wire}
	h.o.Log.Named("db").Tracef("connected to %s", address)
	return h.db, nil
}

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

// driverLog takes what the driver has to say; by itself it would print to stderr.
type driverLog struct{ log *panellog.Logger }

// Print implements mysql.Logger.
func (d driverLog) Print(v ...any) { d.log.Debugf("%s", fmt.Sprint(v...)) }

// mysqlPort is where servers listen.
const mysqlPort = "3306"

// endpoint is where the database listens, and why it is looked for there.
type endpoint struct{ network, address, why string }

// server returns where the database listens. localhost means the socket if one exists, as in the client programs: the
// one of DBSocket, else one in the usual places, else the one that paramlist names; then TCP. A host may carry a port.
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

// usualSockets returns where distributions put the server's socket: Debian, Red Hat, both with a bare /run, the sources.
func usualSockets() []string {
	return []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
		"/run/mariadb/mariadb.sock", "/tmp/mysql.sock"}
}

// local returns where this host's own server listens.
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

func firstSocket(places []string) string {
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.Mode()&os.ModeSocket != 0 {
			return place
		}
	}
	return ""
}

// explainUnreached returns err with why the database was looked for there and what mends it, where nothing answered as a database
// server; the server's own answers are another matter.
func (p endpoint) explainUnreached(err error) error {
	var said *mysql.MySQLError
	var dns *net.DNSError
	var untrusted *tls.CertificateVerificationError
	remedy := "look whether the database server runs (systemctl status mariadb mysql)"
	switch {
	case errors.As(err, &said), errors.As(err, &untrusted), errors.Is(err, mysql.ErrNoTLS):
		return err // connectHint says what to do
	case errors.As(err, &dns):
		remedy = "correct DBHost in etc/billmgr.conf, or this server's DNS"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		remedy = "start the database server, or correct DBHost and DBSocket in etc/billmgr.conf"
	case errors.Is(err, fs.ErrPermission):
		remedy = "look at the rights of the socket and its folders, and at SELinux or AppArmor"
	case p.network == "tcp":
		remedy += " and whether a firewall stands between"
	}
	return fmt.Errorf("%w; %s: %s", err, p.why, remedy)
}

// meter bounds what a query reads from the wire: a bound in SQL is not the same on every engine, and behind the driver it
// is too late.
type meter struct {
	left int
	over bool
}

func (m *meter) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &meteredConn{Conn: conn, meter: m}, nil
}

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
