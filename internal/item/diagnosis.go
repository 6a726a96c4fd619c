package item

import (
	"context"
	"crypto/tls"
	"io/fs"
	"net"
	"syscall"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// Diagnosis is what the command doctor may use of the outside besides Run. Each panel that Panel returns is for one goroutine at a
// time, so that checks can run at once.
type Diagnosis struct {
	Version string // of this program
	Root    string // the panel's root directory, absolute
	// Host is the root directory of this host's own files: "/" but in tests.
	Host string
	// Executable returns the path of the running program.
	Executable func() string
	// Manifest returns the module's manifest as this version installs it.
	Manifest func() []byte
	Environ  []string // of child processes
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	// ResolvConf is the path of the system's resolv.conf(5).
	ResolvConf string
	Statfs     func(path string) (syscall.Statfs_t, error)
	Stat       func(path string) (fs.FileInfo, error) // as os.Lstat
	Panel      func() DiagnosticPanel
	// Connect returns a seller that sends only what reads. answered is called with each answer (seller.Env.Answered).
	Connect func(params map[string]string, answered func(date string, state *tls.ConnectionState)) (seller.Seller, error)
	Mail    DiagnosticMail
	// Publishing returns what publishes and delivers, with the facts of this panel.
	Publishing func(panel DiagnosticPanel) PublishingParts
	// Mask replaces secrets in texts for people.
	Mask func(text string) string
}

// PublishingParts are the configuration of publishers and deliverers and what is made of it.
type PublishingParts struct {
	Folder     string // of the configuration: etc/pmssl
	Env        publish.Env
	Publishers map[publish.Kind]publish.Constructor
	Deliverers map[publish.Kind]deliver.Constructor
	// Service returns the publish.Service of the configuration, with a mode of its own.
	Service func(mode publish.Mode) publish.Service
	// Deliver is the deliver.Service of the configuration in the mode dry.
	Deliver deliver.Service
	// Look looks at a published record as a CA does.
	Look func(ctx context.Context, b publish.Block, p publish.Placement) (publish.Sight, error)
}

// DiagnosticMail checks the module's mails without sending any, but for Test.
type DiagnosticMail interface {
	// Sender returns the sender's address, or the fault of SSLSubscriptionMailFrom.
	Sender(ctx context.Context) (string, error)
	// Transport returns what would get the mails: a program or a server's address. A server that does not answer is a fault.
	Transport(ctx context.Context) (string, error)
	// Templates returns how many templates in etc/pmssl/templates replace a built-in one, and what is wrong with them.
	Templates(ctx context.Context) (edited int, problems []error)
	// Test sends a mail to the address that says what sent it.
	Test(ctx context.Context, address string) error
}

// DiagnosticPanel is what doctor reads of the panel. Nothing of it changes anything, but Answer starts the panel if it does not
// run, as every call of mgrctl does.
type DiagnosticPanel interface {
	Settings
	publish.Facts

	// SettingLines returns the lines of all settings files, in the order in which they are read. Warnings are about files that
	// are left out.
	SettingLines(ctx context.Context) (lines []SettingLine, warnings []string, err error)
	// DoNothing reports whether etc/billmgr.DoNothing exists.
	DoNothing() bool
	// DatabaseState connects to the database.
	DatabaseState(ctx context.Context) (DatabaseState, error)
	// MissingColumns returns the tables, and columns as table.column, that the module uses and that the database does not have.
	MissingColumns(ctx context.Context) ([]string, error)
	// SessionDeviations returns what of the session's settings is not as the module has set it, in words.
	SessionDeviations(ctx context.Context) ([]string, error)
	// SingleWriter is that of Locks.
	SingleWriter(ctx context.Context) error
	// CryptKey returns the path of the panel's key if it can be used.
	CryptKey(ctx context.Context) (string, error)
	// Answer asks the panel for its parameters by mgrctl.
	Answer(ctx context.Context) error
	Modules(ctx context.Context) ([]int64, error)
	// IdleModules returns those of Modules that are switched off and have no items.
	IdleModules(ctx context.Context) ([]int64, error)
	ModuleName(ctx context.Context, module int64) (string, error)
	ModuleParams(ctx context.Context, module int64) (map[string]string, error)
	LoadItem(ctx context.Context, it int64) (Item, error)
	// FlaggedItems lists the items of this binary that carry one of the item parameters, at most limit of them.
	FlaggedItems(ctx context.Context, params []string, limit int) ([]FlaggedItem, error)
	// ManualOperations lists the running operations of this binary's items that the panel does not run by itself, at most limit.
	ManualOperations(ctx context.Context, limit int) ([]ManualOperation, error)
	// OpenTasks lists the administrator's open tasks about this binary's items, at most limit.
	OpenTasks(ctx context.Context, limit int) ([]TaskOfItem, error)
	ItemsWithKeyPairs(ctx context.Context) ([]int64, error)
	// LastLook returns when the outcome of a look at the sites of one of this binary's items was last news; the zero time if none was.
	// Sweeps alone look at sites, on whichever host of the panel.
	LastLook(ctx context.Context) (time.Time, error)
	// LastSweep returns the record of the last sweep over all items on this host; false if there is none.
	LastSweep(ctx context.Context) (SweepRecord, bool, error)
	// DamagedJournal returns what is wrong with lines of the purchase journal, and how many are not. fault.Locked if another process
	// keeps the journal's lock.
	DamagedJournal(ctx context.Context) (good int, damage []error, err error)
	Close() error
}

// SettingLine is one line of the panel's settings files.
type SettingLine struct {
	Name, Value string
	File        string // path
	Line        int    // from 1
}

// DatabaseState is what a connection to the panel's database showed.
type DatabaseState struct {
	Address string // and the database's name
	Why     string // this address is used, in words
	Version string // of the server
	TLS     bool
}

// FlaggedItem is an item that carries a parameter.
type FlaggedItem struct {
	Item               int64
	Name, Param, Value string
}

// ManualOperation is a running operation that waits for an administrator.
type ManualOperation struct {
	ID, Item int64
	Command  string // empty if not known
	Name     string // of the item
	Tries    int
}

// TaskOfItem is an open task of the administrator.
type TaskOfItem struct {
	ID, Item int64
	Kind     string
	Name     string // of the item
}
