package panel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/cert"
	"pmssl/internal/mgrlog"
)

const (
	// maxValue is the longest text of one column that is taken, in bytes: certificates with their chains are below
	// 100 KiB, a stored ZIP below 1 MiB.
	maxValue = 4 << 20
	// maxRead is how much one query may bring over the wire, in bytes: all holdings of 100,000 items are below 30 MiB.
	maxRead = 128 << 20
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
	if err != nil {
		_ = pool.Close() // it has no connection
		return nil, h.dbFault(address, "", err)
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
	config.Collation = "utf8mb4_general_ci"
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

// field is one value of a row as text; the types of the panel's columns are not documented (protocol §4), so nothing is
// built on them.
type field struct{ sql.NullString }

// number is the leading integer of the text, 0 where there is none: what SQL's CONVERT(…, UNSIGNED) and a decimal column
// give.
func (f field) number() int64 {
	text := strings.TrimSpace(f.String)
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && text[end] == '-') {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64
	}
	return n
}

// rows runs a query about the table and reads all of its rows. Errors are FaultDB with the server's address; what
// broke the connection closes it, so that the next query opens another.
func (h *Host) rows(ctx context.Context, table, query string, args ...any) ([][]field, error) {
	db, err := h.database(ctx)
	if err != nil {
		return nil, err
	}
	h.o.Log.Room("db").Tracef("%s %v", query, args)
	found, err := db.read(ctx, query, args)
	if err == nil {
		return found, nil
	}
	if gone(err) {
		h.db = nil
		clear(h.items)
		_ = db.close() // it is broken already, or holds rows that nobody wants
	}
	return nil, h.dbFault(db.address, table, err)
}

// errTooMuch is wrapped where a query brings more than is sane.
var errTooMuch = errors.New("more than can be taken")

func (d *database) read(ctx context.Context, query string, args []any) ([][]field, error) {
	d.meter.left, d.meter.over = maxRead, false
	found, err := d.scan(ctx, query, args)
	if d.meter.over {
		return nil, fmt.Errorf("%w: the rows have over %d bytes", errTooMuch, maxRead)
	}
	return found, err
}

func (d *database) scan(ctx context.Context, query string, args []any) ([][]field, error) {
	rows, err := d.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]field
	for rows.Next() {
		row := make([]field, len(columns))
		targets := make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i].NullString
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, value := range row {
			if len(value.String) > maxValue {
				return nil, fmt.Errorf("%w: column %s has %d bytes, at most %d are taken", errTooMuch, columns[i], len(value.String), maxValue)
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
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

// row is rows for a query of one row; false where there is none.
func (h *Host) row(ctx context.Context, table, query string, args ...any) ([]field, bool, error) {
	found, err := h.rows(ctx, table, query, args...)
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	return found[0], true, nil
}

// count is row for SELECT COUNT(*).
func (h *Host) count(ctx context.Context, table, query string, args ...any) (int, error) {
	row, found, err := h.row(ctx, table, query, args...)
	if err != nil || !found {
		return 0, err
	}
	return int(row[0].number()), nil
}

// ids is rows for a query of one number a row.
func (h *Host) ids(ctx context.Context, table, query string, args ...any) ([]int64, error) {
	found, err := h.rows(ctx, table, query, args...)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, row := range found {
		ids = append(ids, row[0].number())
	}
	return ids, nil
}

// pairs is rows for a query of name and value; the last of two rows with one name wins.
func (h *Host) pairs(ctx context.Context, table, query string, args ...any) (map[string]string, error) {
	found, err := h.rows(ctx, table, query, args...)
	if err != nil {
		return nil, err
	}
	pairs := map[string]string{}
	for _, row := range found {
		pairs[row[0].String] = row[1].String
	}
	return pairs, nil
}

// dbFault says what was wrong in the server's words, which name a table or column that is missing, and where the server
// is. The password is never part of it: neither the driver nor the server repeats it.
func (h *Host) dbFault(address, table string, err error) *cert.Fault {
	object := table
	if object == "" {
		object = "connect"
	}
	fault := cert.Faultf(cert.FaultDB, object, "the panel's database at %s: %w", address, err)
	fault.Retry = !errors.Is(err, errTooMuch) && gone(err)
	return fault
}

// gone tells whether the server was not reached or the connection is of no use any more: everything that is not the
// server's answer to a query, and the answers that end the connection (too many connections, shutdown, killed, silent
// for too long).
func gone(err error) bool {
	var said *mysql.MySQLError
	return !errors.As(err, &said) || slices.Contains([]uint16{1040, 1053, 1203, 1927, 4031}, said.Number)
}
