package panel

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"pmssl/internal/sandbox/panel/root"
)

// Item returns a service. The error wraps sql.ErrNoRows if it does not exist.
func (p *Panel) Item(ctx context.Context, id int64) (*Item, error) {
	i := &Item{ID: id}
	err := p.db.QueryRowContext(ctx, `SELECT IFNULL(name, ''), IFNULL(processingmodule, 0), IFNULL(pricelist, 0), status,
		IFNULL(period, 0), IFNULL(DATE_FORMAT(createdate, '%Y-%m-%d'), ''), IFNULL(DATE_FORMAT(opendate, '%Y-%m-%d'), ''),
		IFNULL(DATE_FORMAT(expiredate, '%Y-%m-%d'), '') FROM item WHERE id=?`, id).
		Scan(&i.Name, &i.Module, &i.Tariff, &i.Status, &i.Period, &i.CreateDate, &i.OpenDate, &i.ExpireDate)
	if err != nil {
		return nil, fmt.Errorf("item %d: %w", id, err)
	}
	if err := p.readCertificate(ctx, i); err != nil {
		return nil, err
	}
	if i.Params, err = p.params(ctx, root.ItemParams().Plain, id); err != nil {
		return nil, err
	}
	if i.Crypted, err = p.params(ctx, root.ItemParams().Crypted, id); err != nil {
		return nil, err
	}
	for name, sealed := range i.Crypted {
		if i.Crypted[name], err = p.cipher.Decrypt(sealed); err != nil {
			return nil, fmt.Errorf("item %d, parameter %s: %w", id, name, err)
		}
	}
	if i.Operations, err = p.operations(ctx, "WHERE item=?", id); err != nil {
		return nil, err
	}
	if i.Tasks, err = p.tasks(ctx, "WHERE item=?", id); err != nil {
		return nil, err
	}
	i.Errors, err = p.texts(ctx, "SELECT errorxml FROM runningoperation_errorhistory WHERE item=? ORDER BY id", id)
	return i, err
}

func (p *Panel) readCertificate(ctx context.Context, i *Item) error {
	var key, csr sql.NullString
	err := p.db.QueryRowContext(ctx, "SELECT pkey, csr, crt FROM certificate WHERE item=?", i.ID).Scan(&key, &csr, &i.Crt)
	if err == sql.ErrNoRows {
		return nil
	}
	i.Key, i.CSR = key.String, csr.String
	return err
}

func (p *Panel) params(ctx context.Context, table string, item int64) (map[string]string, error) {
	rs, err := p.db.QueryContext(ctx, "SELECT intname, IFNULL(value, '') FROM "+table+" WHERE item=?", item)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	m := map[string]string{}
	for rs.Next() {
		var name, value string
		if err := rs.Scan(&name, &value); err != nil {
			return nil, err
		}
		m[name] = value
	}
	return m, rs.Err()
}

func (p *Panel) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rs, err := p.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []string
	for rs.Next() {
		var s string
		if err := rs.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rs.Err()
}

// Operations returns the running operations of all items.
func (p *Panel) Operations(ctx context.Context) ([]Operation, error) { return p.operations(ctx, "") }

func (p *Panel) operations(ctx context.Context, where string, args ...any) ([]Operation, error) {
	rs, err := p.db.QueryContext(ctx, `SELECT id, IFNULL(item, 0), intname, trycount, manual, IFNULL(errorxml, '')
		FROM runningoperation `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Operation
	for rs.Next() {
		var o Operation
		var manual string
		if err := rs.Scan(&o.ID, &o.Item, &o.Command, &o.TryCount, &manual, &o.ErrorXML); err != nil {
			return nil, err
		}
		o.Manual = manual == "on"
		all = append(all, o)
	}
	return all, rs.Err()
}

// Tasks returns the administrator's tasks of all items.
func (p *Panel) Tasks(ctx context.Context) ([]Task, error) { return p.tasks(ctx, "") }

func (p *Panel) tasks(ctx context.Context, where string, args ...any) ([]Task, error) {
	rs, err := p.db.QueryContext(ctx, `SELECT id, IFNULL(item, 0), IFNULL(runningoperation, 0), IFNULL(type, ''),
		IFNULL(params, '') FROM task `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Task
	for rs.Next() {
		var t Task
		var params string
		if err := rs.Scan(&t.ID, &t.Item, &t.Operation, &t.Type, &params); err != nil {
			return nil, err
		}
		if err := decode(params, &t.Params); err != nil {
			return nil, fmt.Errorf("task %d: %w", t.ID, err)
		}
		all = append(all, t)
	}
	return all, rs.Err()
}

// Problems returns the problems that modules registered with problems.register.
func (p *Panel) Problems(ctx context.Context) ([]Problem, error) {
	rs, err := p.db.QueryContext(ctx, "SELECT id, name, IFNULL(elid, ''), IFNULL(level, ''), IFNULL(params, '') FROM problems ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	var all []Problem
	for rs.Next() {
		var problem Problem
		var params string
		if err := rs.Scan(&problem.ID, &problem.Name, &problem.Elid, &problem.Level, &params); err != nil {
			return nil, err
		}
		if err := decode(params, &problem.Params); err != nil {
			return nil, fmt.Errorf("problem %d: %w", problem.ID, err)
		}
		all = append(all, problem)
	}
	return all, rs.Err()
}

func decode(text string, into *map[string]string) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}
