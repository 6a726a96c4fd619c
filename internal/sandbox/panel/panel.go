package panel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "github.com/go-sql-driver/mysql" // the panel's database

	"pmssl/internal/sandbox/panel/root"
	"pmssl/internal/sandbox/panel/schema"
)

// ErrNotEmpty is returned by Open for a database with tables that are not the stand-in's.
var ErrNotEmpty = schema.ErrNotEmpty

// firstAccount is the client's account of a fresh panel (schema/seed.sql).
const firstAccount = 1

// Panel is a stand-in panel on one root and one database. It is safe for concurrent use: each start of a module is
// a process of its own.
type Panel struct {
	cfg    Config
	root   root.Dir
	db     *sql.DB
	cipher *root.Cipher
	where  root.Database

	mu       sync.Mutex
	features map[string]*Features
	tracer   []string // words before the command line of a module
}

// Open creates the root and the schema, or continues with those of an earlier Open.
func Open(ctx context.Context, c Config) (*Panel, error) {
	if c.Now == nil || c.Random == nil {
		return nil, errors.New("panel: Config.Now and Config.Random are required")
	}
	abs, err := filepath.Abs(c.Root)
	if err != nil {
		return nil, fmt.Errorf("panel root %q: %w", c.Root, err)
	}
	where, err := root.FromDSN(c.DSN)
	if err != nil {
		return nil, err
	}
	if c.Mgrctl != "" {
		if _, err := os.Stat(c.Mgrctl); err != nil {
			return nil, fmt.Errorf("the program for sbin/mgrctl: %w", err)
		}
	}
	db, err := sql.Open("mysql", c.DSN)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", where.Name, err)
	}
	p := &Panel{cfg: c, root: root.Dir(abs), db: db, where: where, features: map[string]*Features{}}
	if err := p.setUp(ctx, where); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

// setUp creates schema and root. It refuses a foreign database before it touches the root.
func (p *Panel) setUp(ctx context.Context, where root.Database) error {
	if err := schema.Apply(ctx, p.db, where.Name); err != nil {
		return err
	}
	if err := p.root.Create(where, root.Parts{Mgrctl: p.cfg.Mgrctl, Link: p.cfg.LinkPrograms, Key: p.cfg.Key}, p.cfg.Random); err != nil {
		return err
	}
	conf, err := p.root.ReadConf()
	if err != nil {
		return err
	}
	if p.cipher, err = p.root.Cipher(conf); err != nil {
		return err
	}
	if err := p.separateTransactions(ctx); err != nil {
		return err
	}
	if p.cfg.Clock == "" {
		return nil
	}
	s, err := p.root.ReadSettings()
	if err != nil {
		return err
	}
	if s.Clock, err = filepath.Abs(p.cfg.Clock); err != nil {
		return err
	}
	return p.root.WriteSettings(s)
}

// separateTransactions makes calls of mgrctl work on the database one after the other unless it is MariaDB: the embedded engine does not
// isolate transactions.
func (p *Panel) separateTransactions(ctx context.Context) error {
	var version string
	if err := p.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return fmt.Errorf("version of the database: %w", err)
	}
	if strings.Contains(version, "MariaDB") {
		return nil
	}
	return p.root.SeparateTransactions()
}

// Close closes the panel's database connections. Root and database are kept.
func (p *Panel) Close() error { return p.db.Close() }

// Root returns the absolute path of the panel root.
func (p *Panel) Root() string { return string(p.root) }

// DB returns the panel's own database, for assertions on rows.
func (p *Panel) DB() *sql.DB { return p.db }

// Now returns the panel's time.
func (p *Panel) Now() (time.Time, error) {
	s, err := p.root.ReadSettings()
	if err != nil {
		return time.Time{}, err
	}
	return p.root.Clock(s, p.cfg.Now)
}

// Account returns the id of the first client account.
func (p *Panel) Account() int64 { return firstAccount }

// Requests returns the request log (var/billmgr.log), oldest first: every call of mgrctl since the root was created or
// the log was last cleared.
func (p *Panel) Requests() ([]Request, error) { return p.root.Requests() }

// ClearRequests empties the request log.
func (p *Panel) ClearRequests() error { return p.root.ClearRequests() }

// Settings returns the panel's settings.
func (p *Panel) Settings() (Settings, error) { return p.root.ReadSettings() }

// SetSettings changes the settings from the next call of mgrctl on. An empty Clock keeps the clock file.
func (p *Panel) SetSettings(s Settings) error {
	if s.Clock == "" {
		old, err := p.root.ReadSettings()
		if err != nil {
			return err
		}
		s.Clock = old.Clock
	}
	return p.root.WriteSettings(s)
}

// Faults returns the active faults, each with its remaining Times and Skip.
func (p *Panel) Faults() ([]Fault, error) { return p.root.Faults() }

// SetFaults replaces the active faults; without arguments there are none.
func (p *Panel) SetFaults(f ...Fault) error { return p.root.WriteFaults(f) }

// SetClock sets the panel's time in the clock file. If Config names none, the file is created in the root.
func (p *Panel) SetClock(t time.Time) error {
	s, err := p.root.ReadSettings()
	if err != nil {
		return err
	}
	if s.Clock == "" {
		s.Clock = p.root.Path("var", "sandbox", "clock")
		if err := p.root.WriteSettings(s); err != nil {
			return err
		}
	}
	if err := os.WriteFile(s.Clock, []byte(t.Format(time.RFC3339)+"\n"), 0o644); err != nil {
		return fmt.Errorf("moving the clock: %w", err)
	}
	return nil
}

// DatabaseDirectives returns the lines of billmgr.conf that describe the database, without the password (which is in
// etc/billmgr.conf.d/db.conf of the root).
func (p *Panel) DatabaseDirectives() []root.Directive {
	var all []root.Directive
	for _, d := range p.where.Directives() {
		if d.Name != "DBPassword" {
			all = append(all, d)
		}
	}
	return all
}
