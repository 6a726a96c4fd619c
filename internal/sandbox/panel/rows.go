package panel

import (
	"context"
	"fmt"

	"pmssl/internal/sandbox/panel/root"
)

func (p *Panel) insert(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := p.db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// setParam stores one parameter, also an empty one. An empty encrypted parameter has no row
// (docs/reference/billmanager.md §7).
func (p *Panel) setParam(ctx context.Context, t root.ParamTables, owner int64, name, value string, crypted bool) error {
	if err := p.dropParam(ctx, t, owner, name); err != nil {
		return err
	}
	table := t.Plain
	if crypted {
		if value == "" {
			return nil
		}
		sealed, err := p.cipher.Encrypt(value, p.cfg.Random)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		table, value = t.Crypted, sealed
	}
	_, err := p.db.ExecContext(ctx, "INSERT INTO "+table+" ("+t.Owner+", intname, value) VALUES (?, ?, ?)", owner, name, value)
	return err
}

func (p *Panel) dropParam(ctx context.Context, t root.ParamTables, owner int64, name string) error {
	for _, table := range []string{t.Plain, t.Crypted} {
		q := "DELETE FROM " + table + " WHERE " + t.Owner + "=? AND intname=?"
		if _, err := p.db.ExecContext(ctx, q, owner, name); err != nil {
			return err
		}
	}
	return nil
}
