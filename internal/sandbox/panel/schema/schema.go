// Package schema creates the stand-in panel's database: the tables of docs/reference/billmanager.md §4 and the rows of a fresh
// panel.
package schema

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

var (
	//go:embed schema.sql
	tables string
	//go:embed seed.sql
	rows string
)

// ErrNotEmpty is returned for a database that holds tables which are not the stand-in's.
var ErrNotEmpty = errors.New("the database is not empty and its name does not begin with pmssl_")

// Prefix begins the names of databases that the stand-in may fill although they are not empty (docs/testing.md).
const Prefix = "pmssl_"

// Apply creates tables and first rows in an empty database, and leaves a database alone that the stand-in filled
// earlier. For a database with other tables it returns ErrNotEmpty or, if the name has the Prefix, the error of the
// first table that exists.
func Apply(ctx context.Context, db *sql.DB, name string) error {
	existing, err := tableNames(ctx, db)
	if err != nil {
		return err
	}
	if existing["pmssl_sandbox"] {
		return nil
	}
	if len(existing) > 0 && !strings.HasPrefix(name, Prefix) {
		return fmt.Errorf("database %s: %w", name, ErrNotEmpty)
	}
	for _, text := range []string{tables, rows} {
		for _, st := range statements(text) {
			if _, err := db.ExecContext(ctx, st); err != nil {
				return fmt.Errorf("database %s: %w in %q", name, err, firstLine(st))
			}
		}
	}
	return nil
}

func tableNames(ctx context.Context, db *sql.DB) (map[string]bool, error) {
	rs, err := db.QueryContext(ctx, "SHOW TABLES")
	if err != nil {
		return nil, fmt.Errorf("looking for tables: %w", err)
	}
	defer rs.Close()
	names := map[string]bool{}
	for rs.Next() {
		var n string
		if err := rs.Scan(&n); err != nil {
			return nil, err
		}
		names[n] = true
	}
	return names, rs.Err()
}

// statements splits the embedded text: a statement ends with a semicolon at the end of a line.
func statements(text string) []string {
	var all []string
	for _, st := range strings.Split(text, ";\n") {
		var lines []string
		for l := range strings.Lines(st) {
			if !strings.HasPrefix(l, "--") && strings.TrimSpace(l) != "" {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 {
			all = append(all, strings.Join(lines, ""))
		}
	}
	return all
}

func firstLine(s string) string {
	l, _, _ := strings.Cut(s, "\n")
	return l
}
