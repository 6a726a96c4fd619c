package panel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/fault"
)

const (
	// maxValue is the limit of one column's text in bytes. Certificates with their chains are below 100 KiB, a stored ZIP below
	// 1 MiB.
	maxValue = 4 << 20
	// maxRead is the limit of one query's result in bytes. The claims of 100,000 items are below 30 MiB.
	maxRead = 128 << 20
)

// field is one value of a row as text. The types of the panel's columns are not documented (docs/reference/billmanager.md §4),
// so the code does not depend on them.
type field struct{ sql.NullString }

// number returns the leading integer of the text, 0 if there is none, as SQL's CONVERT(…, UNSIGNED) does.
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

// rows runs a query and returns all of its rows. Errors are fault.DB with the table as object and the server's address. After an
// error that broke the connection, the next query opens a new one.
func (h *Host) rows(ctx context.Context, table, query string, args ...any) ([][]field, error) {
	var all [][]field
	err := h.each(ctx, func(row []field) { all = append(all, row) }, table, query, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// each is rows for results that are not kept: it calls f with one row after the other. f must not ask the database, whose one
// connection the rows are read from: that would be an error. After an error f may have had some of the rows.
func (h *Host) each(ctx context.Context, f func(row []field), table, query string, args ...any) error {
	db, err := h.database(ctx)
	if err != nil {
		return err
	}
	h.o.Log.Named("db").Tracef("%s %v", query, args)
	h.reading = true
	defer func() { h.reading = false }()
	err = db.read(ctx, f, query, args)
	if err == nil {
		return nil
	}
	if connectionLost(err) {
		h.db = nil
		clear(h.items)
		_ = db.close() // it is broken already, or holds rows that are not read
	}
	return h.dbFault(ctx, db.address, table, queryHint(err))
}

// errTooMuch means that a query's result exceeds a limit.
var errTooMuch = errors.New("more than the limit")

// read runs the query with a new limit of maxRead bytes.
func (d *database) read(ctx context.Context, f func(row []field), query string, args []any) error {
	d.meter.left, d.meter.over = maxRead, false
	err := d.meter.whileOpen(ctx, func(ctx context.Context) error { return d.scan(ctx, f, query, args) })
	if d.meter.over {
		return fmt.Errorf("%w: the rows have over %d bytes", errTooMuch, maxRead)
	}
	return err
}

// scan runs the query and calls f with each of its rows.
func (d *database) scan(ctx context.Context, f func(row []field), query string, args []any) error {
	rows, err := d.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row := make([]field, len(columns))
		targets := make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i].NullString
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, value := range row {
			if len(value.String) > maxValue {
				return fmt.Errorf("%w: column %s has %d bytes, at most %d are read", errTooMuch, columns[i], len(value.String), maxValue)
			}
		}
		f(row)
	}
	return rows.Err()
}

// row is rows for a query of one row; false if absent.
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

// dbFault returns a fault with the server's address and words, which name a missing table or column. It never contains the
// password: neither the driver nor the server repeats it. If the run was ended, it returns fault.Interrupted: the driver reports
// a cancelled query as a broken connection.
func (h *Host) dbFault(ctx context.Context, address, table string, err error) *fault.Error {
	object := table
	if object == "" {
		object = "connect"
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.Errorf(fault.Interrupted, object, "the run was told to end while it asked the panel's database (%w)", err).Retryable()
	}
	failure := fault.Errorf(fault.DB, object, "the panel's database at %s: %w", address, err)
	failure.Retry = !errors.Is(err, errTooMuch) && connectionLost(err)
	return failure
}

// connectionLost reports whether the server was not reached or the connection is unusable: any error that is not the server's
// answer to a query, and the answers that end the connection (too many connections, shutdown, killed, idle for too long).
func connectionLost(err error) bool {
	var answer *mysql.MySQLError
	return !errors.As(err, &answer) || slices.Contains([]uint16{1040, 1053, 1203, 1927, 4031}, answer.Number)
}
