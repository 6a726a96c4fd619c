package panel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/cert"
	"pmssl/internal/mgrlog"
)

// database is the panel's database by one pinned connection: named locks belong to a connection (contract 3.1).
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
	settings, err := h.host(ctx, settingHost, settingUser, settingPassword, settingName)
	if err != nil {
		return nil, err
	}
	config, address, err := h.dsn(ctx, settings)
	if err != nil {
		return nil, err
	}
	wire := &meter{left: maxRead}
	config.DialFunc = wire.dial
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, cert.Faultf(cert.FaultDB, "connect", "the settings DBHost, DBUser, DBName or DBSocket cannot be used: %w", err)
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
		return nil, h.dbFault(ctx, address, "", connectHint(err, config.TLS != nil))
	}
	h.db = &database{pool: pool, conn: conn, address: address, meter: wire}
	h.o.Log.Room("db").Tracef("connected to %s", address)
	return h.db, nil
}

func (h *Host) dsn(ctx context.Context, settings map[string]string) (*mysql.Config, string, error) {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = settings[settingUser], settings[settingPassword], settings[settingName]
	var err error
	if config.Net, config.Addr, err = h.server(ctx, settings[settingHost]); err != nil {
		return nil, "", err
	}
	config.Timeout, config.ReadTimeout, config.WriteTimeout = h.limits.dial, h.limits.query, h.limits.query
	config.Collation = collation
	if config.TLS, err = h.databaseTLS(); err != nil {
		return nil, "", err
	}
	config.InterpolateParams = true // one round trip for a query; safe with utf8mb4, where no byte of a character is a quote
	config.Logger = driverLog{h.o.Log.Room("db")}
	return config, fmt.Sprintf("%s (database %s)", config.Addr, config.DBName), nil
}

// driverLog takes what the driver has to say; by itself it would print to stderr.
type driverLog struct{ log *mgrlog.Logger }

// Print implements mysql.Logger.
func (d driverLog) Print(v ...any) { d.log.Debugf("%s", fmt.Sprint(v...)) }

// mysqlPort is where servers listen.
const mysqlPort = "3306"

// server tells where the database listens. localhost means the socket where one exists, as in the client programs: the
// one of DBSocket, else one in the usual places, else the one that paramlist names; then TCP. A host may carry a port.
func (h *Host) server(ctx context.Context, host string) (network, address string, err error) {
	if host == "localhost" || host == "" {
		socket, err := h.socket(ctx)
		if err != nil {
			return "", "", err
		}
		if socket != "" {
			return "unix", socket, nil
		}
		return "tcp", net.JoinHostPort("localhost", mysqlPort), nil
	}
	if name, port, err := net.SplitHostPort(host); err == nil {
		return "tcp", net.JoinHostPort(name, port), nil
	}
	return "tcp", net.JoinHostPort(strings.Trim(host, "[]"), mysqlPort), nil
}

// usualSockets are where distributions put the server's socket: Debian, Red Hat, both with a bare /run, the sources.
func usualSockets() []string {
	return []string{"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
		"/run/mariadb/mariadb.sock", "/tmp/mysql.sock"}
}

func (h *Host) socket(ctx context.Context) (string, error) {
	settings, err := h.settings()
	if err != nil {
		return "", err
	}
	places := usualSockets()
	if named := settings[settingSocket]; named != "" {
		places = []string{h.path(named)} // another server's socket would be the wrong database
	}
	if found := firstSocket(places); found != "" || settings[settingSocket] != "" {
		return found, nil
	}
	told, err := h.host(ctx, settingSocket)
	if err != nil || told[settingSocket] == "" {
		return "", err
	}
	return firstSocket([]string{h.path(told[settingSocket])}), nil
}

func firstSocket(places []string) string {
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.Mode()&os.ModeSocket != 0 {
			return place
		}
	}
	return ""
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
