package panel

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/panellog"
)

// Options are the settings of a Host, and the functions of the operating system that it uses.
type Options struct {
	// Root is the panel's root directory, absolute (/usr/local/mgr5 on a real host).
	Root string
	// Binary is the name of the program: processingmodule.module, the caller's name in the panel's log, the first part
	// of lock names and of the journal's name.
	Binary string
	// Getenv reads a variable of this process's environment. No variable changes what a Host does (rules CLI-2), so it is not
	// called; children get Environ.
	Getenv func(string) (string, bool)
	// Environ is the environment of child processes; SSH_CONNECTION in it is replaced.
	Environ []string
	Now     func() time.Time
	// Sleep waits, and ends early with an error when the context ends.
	Sleep func(context.Context, time.Duration) error
	// Rand gives the random names of the variables that pass secrets to a child.
	Rand io.Reader
	// Log is the log; nil writes nothing.
	Log *panellog.Logger
	// Observer sees the calls of mgrctl; nil for none.
	Observer exchange.Observer
	// Journal keeps the purchase journal in memory for all Hosts that are made with it: a run with several of them reads it once.
	// nil gives a Host one of its own.
	Journal *Journal
	// Forms is what is known of the forms of calls that the panel takes, for all Hosts that are made with it. nil gives a Host one
	// of its own.
	Forms *CallForms
}

// Host is the panel for one run of a module. It is not for concurrent use: a run does one thing at a time, and the locks belong to
// its one database connection.
type Host struct {
	o   Options
	log *panellog.Logger // component panel

	conf      map[string]string // billmgr.conf, nil before the first need
	paramlist map[string]string // the panel's answer to paramlist, nil before the first need

	db            *database
	reading       bool // rows of a query are being read from the connection
	key           *rsa.PrivateKey
	accountLock   string             // name of the account's lock, empty if none is held
	items         map[int64][]string // names of the items' locks
	lastItemLocks []string           // names of the locks of the item that was locked last
	sweepLocks    []string           // names of the sweep's locks, nil if they are not held
	cluster       string             // the query of SingleWriter; tests replace it

	limits limits
}

// limits are the limits of a Host; tests have lower ones.
type limits struct {
	callback  time.Duration // one mgrctl call
	itemTries int           // seconds to wait for an item's lock; each try takes one
	buyTries  int           // seconds to wait for an account's lock if the context has no deadline
	dial      time.Duration // connecting to the database
	query     time.Duration // one read or write on the database's connection
	claims    int           // items whose claims are read by one query: those of all could be more than a query may return
}

func standardLimits() limits {
	return limits{
		callback:  60 * time.Second,
		itemTries: 30, // rules BUY-1
		buyTries:  300,
		dial:      10 * time.Second,
		query:     30 * time.Second,
		claims:    20_000,
	}
}

// New makes a Host. It opens nothing and starts nothing.
func New(o Options) *Host {
	if o.Log == nil {
		o.Log = panellog.Discard()
	}
	if o.Journal == nil {
		o.Journal = &Journal{}
	}
	if o.Forms == nil {
		o.Forms = &CallForms{}
	}
	return &Host{o: o, log: o.Log.Named("panel"), limits: standardLimits(), cluster: clusterQuery, items: map[int64][]string{}}
}

// Close closes the database connection, which releases the locks. Closing twice is allowed.
func (h *Host) Close() error {
	sweepLocks := h.sweepLocks
	h.accountLock, h.lastItemLocks, h.sweepLocks = "", nil, nil
	clear(h.items)
	if h.db == nil {
		return nil
	}
	// The server ends a closed connection when it comes to it. Other locks are waited for, the sweep's is not: a sweep that
	// is started right after this one must find it free.
	if err := h.releaseLocks(context.Background(), sweepLocks); err != nil {
		h.log.Debugf("releasing the sweep's lock: %v", err)
	}
	if h.db == nil { // the connection broke
		return nil
	}
	err := h.db.close()
	h.db = nil
	return err
}

// DoNothing reports whether the administrator switched all modules off by etc/billmgr.DoNothing
// (docs/reference/billmanager.md §1.5). A file whose presence cannot be checked counts as present: doing nothing can be made up
// for later.
func (h *Host) DoNothing() bool {
	_, err := os.Lstat(h.path("etc/billmgr.DoNothing"))
	return err == nil || !errors.Is(err, os.ErrNotExist)
}

// path returns a path of the panel's configuration as an absolute one; such paths are relative to the panel's root
// (docs/reference/billmanager.md §1.1).
func (h *Host) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(h.o.Root, name)
}
