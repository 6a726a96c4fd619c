package ctl

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// request is one call of a function, with its resources.
type request struct {
	ctx      context.Context
	db       *sql.Tx // a transaction: a caller that is killed leaves no partial change
	cipher   *root.Cipher
	random   io.Reader
	conf     root.Conf
	settings root.Settings
	now      time.Time
	caller   string
	function string
	params   map[string]string
	names    []string // of params, in the order of the command line
}

// handler is a function of the panel.
type handler func(r *request) (Reply, error)

var confirmed = Reply{OK: true}

// system reports whether a parameter belongs to the call and not to the function.
func system(name string) bool {
	return slices.Contains([]string{"func", "out", "lang", "sok", "auth", "clicked_button"}, name)
}

func (r *request) sok() bool { return r.params["sok"] == "ok" }

// need returns a parameter, or an error if it is empty.
func (r *request) need(name string) (string, error) {
	if v := r.params[name]; v != "" {
		return v, nil
	}
	return "", &Error{Type: "value", Object: name, Value: ""}
}

func (r *request) id(name string) (int64, error) {
	text, err := r.need(name)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, &Error{Type: "value", Object: name, Value: text}
	}
	return n, nil
}

// row returns the id in elid, or an error if the table has no such row.
func (r *request) row(table string) (int64, error) { return r.rowOf("elid", table) }

// rowOf is like row for an id in another parameter. The name of the table never comes from a caller.
func (r *request) rowOf(param, table string) (int64, error) {
	id, err := r.id(param)
	if err != nil {
		return 0, err
	}
	var n int
	err = r.db.QueryRowContext(r.ctx, "SELECT COUNT(*) FROM "+table+" WHERE id=?", id).Scan(&n)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, &Error{Type: "missed", Object: table, Value: strconv.FormatInt(id, 10)}
	}
	return id, nil
}

func (r *request) exec(query string, args ...any) error {
	_, err := r.db.ExecContext(r.ctx, query, args...)
	return err
}

func (r *request) insert(query string, args ...any) (int64, error) {
	res, err := r.db.ExecContext(r.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// form returns the columns of one row as fields.
func (r *request) form(query string, args ...any) (Reply, error) {
	rs, err := r.db.QueryContext(r.ctx, query, args...)
	if err != nil {
		return Reply{}, err
	}
	defer rs.Close()
	names, err := rs.Columns()
	if err != nil {
		return Reply{}, err
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var reply Reply
	if rs.Next() {
		if err := rs.Scan(into...); err != nil {
			return Reply{}, err
		}
		for i, n := range names {
			reply.Fields = append(reply.Fields, Pair{n, values[i].String})
		}
	}
	return reply, rs.Err()
}

// data returns the parameters of the function: all except those of the call and the named ones.
func (r *request) data(but ...string) []Pair {
	var all []Pair
	for name, value := range r.params {
		if !system(name) && !slices.Contains(but, name) {
			all = append(all, Pair{name, value})
		}
	}
	slices.SortFunc(all, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// day returns the panel's date.
func (r *request) day() string { return r.now.Format(time.DateOnly) }

func (r *request) stamp() string { return r.now.Format(time.DateTime) }

// setParam stores a parameter of an item or a module in its table and deletes it from the other one. An empty encrypted
// value has no row, because LIB cannot decrypt an empty text.
func (r *request) setParam(t root.ParamTables, owner int64, name, value string, crypted bool) error {
	if err := r.dropParam(t, owner, name); err != nil {
		return err
	}
	table := t.Plain
	if crypted {
		if value == "" {
			return nil
		}
		sealed, err := r.cipher.Encrypt(value, r.random)
		if errors.Is(err, root.ErrTooLong) {
			return &Error{Type: "value", Object: name, Message: "the value of " + name + " is bigger than the key allows"}
		}
		if err != nil {
			return err
		}
		table, value = t.Crypted, sealed
	}
	return r.exec("INSERT INTO "+table+" ("+t.Owner+", intname, value) VALUES (?, ?, ?)", owner, name, value)
}

func (r *request) dropParam(t root.ParamTables, owner int64, name string) error {
	for _, table := range []string{t.Plain, t.Crypted} {
		if err := r.exec("DELETE FROM "+table+" WHERE "+t.Owner+"=? AND intname=?", owner, name); err != nil {
			return err
		}
	}
	return nil
}

// isCrypted reports whether a parameter of the owner is stored encrypted.
func (r *request) isCrypted(t root.ParamTables, owner int64, name string) (bool, error) {
	var n int
	err := r.db.QueryRowContext(r.ctx,
		"SELECT COUNT(*) FROM "+t.Crypted+" WHERE "+t.Owner+"=? AND intname=?", owner, name).Scan(&n)
	return n > 0, err
}
