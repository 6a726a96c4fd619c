package panel

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"pmssl/internal/panellog"
)

// Options are the world in which a Host lives.
type Options struct {
	// Root is the panel's root directory, absolute (/usr/local/mgr5 on a real host).
	Root string
	// Binary is the name of the program: processingmodule.module, the caller's name in the panel's log, the first part
	// of lock names and of the journal's name.
	Binary string
	// Getenv looks a variable of our own environment up. No variable changes what a Host does (rules CLI-2), so it asks for
	// none; children get Environ.
	Getenv func(string) (string, bool)
	// Environ is what child processes are started with; SSH_CONNECTION in it is replaced.
	Environ []string
	Now     func() time.Time
	// Sleep waits, and ends early with an error when the context ends.
	Sleep func(context.Context, time.Duration) error
	// Rand names the variables that carry secrets to a child.
	Rand io.Reader
	// Log takes what happens; nil drops it.
	Log *panellog.Logger
}

// Host is the panel as one run of a module sees it. It is not for concurrent use: a run does one thing at a time, and
// locks belong to its one database connection.
type Host struct {
	o   Options
	log *panellog.Logger // room panel

	conf      map[string]string // billmgr.conf, nil before the first need
	paramlist map[string]string // the panel's answer to paramlist, nil before the first need

	db            *database
	key           *rsa.PrivateKey
	accountLock   string             // name of the account's lock, empty if none is held
	items         map[int64][]string // names of the items' locks
	lastItemLocks []string           // names of the locks of the item that was locked last
	journal       journalRead
	cluster       string // the query of SingleWriter; tests have no cluster

	limits limits
}

// limits are the patience of a Host; tests shorten them.
type limits struct {
	callback  time.Duration // one mgrctl call
	itemTries int           // seconds to wait for an item's lock
	buyTries  int           // seconds to wait for an account's lock where the context has no deadline
	dial      time.Duration // connecting to the database
	query     time.Duration // one read or write on the database's connection
}

func standardLimits() limits {
	return limits{
		callback:  60 * time.Second,
		itemTries: 30, // rules BUY-1
		buyTries:  300,
		dial:      10 * time.Second,
		query:     30 * time.Second,
	}
}

// New makes a Host. It opens nothing and starts nothing.
func New(o Options) *Host {
	if o.Log == nil {
		o.Log = panellog.Discard()
	}
	return &Host{o: o, log: o.Log.Named("panel"), limits: standardLimits(), cluster: clusterQuery, items: map[int64][]string{}}
}

// Close ends the database connection; the locks go with it. Closing twice is harmless.
func (h *Host) Close() error {
	h.accountLock, h.lastItemLocks = "", nil
	clear(h.items)
	if h.db == nil {
		return nil
	}
	err := h.db.close()
	h.db = nil
	return err
}

// DoNothing reports whether the administrator switched all modules off by etc/billmgr.DoNothing
// (docs/reference/billmanager.md §1.5). A file that cannot be looked at counts as being there: doing nothing is what can be
// taken back.
func (h *Host) DoNothing() bool {
	_, err := os.Lstat(h.path("etc/billmgr.DoNothing"))
	return err == nil || !errors.Is(err, os.ErrNotExist)
}

// path makes a path of the panel's configuration absolute: they are relative to its root (docs/reference/billmanager.md
// §1.1).
func (h *Host) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(h.o.Root, name)
}
