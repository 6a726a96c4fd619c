package item

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// Args are the words of the command line that commands look at (docs/reference/billmanager.md §1.2).
type Args struct {
	Command    string
	Subcommand string
	Item       int64
	Module     int64
	Operation  int64 // running operation, 0 if the panel started none
	Intname    string
	Domain     string
	Emails     string // send_dv_email: comma-separated, in the order of the names
	ItemType   string // import: intname of the type of item
	Search     string // import: names, blanks or backslashes between them
	Lang       string
	ID         string
	None       bool // resolve: nothing was bought
	Yes        bool // resolve: do it
	Level      int
	DryRun     bool   // show what would be done, and do nothing
	Resend     bool   // subscription: write to the client of Item although it was told
	Date       string // subscription: YYYY-MM-DD, simulate this day, with --dry-run only
	OpenDate   string // plan: YYYY-MM-DD, the first day of a term that no item has
	Period     string // plan: its months
	Before     string // plan: days before the end, instead of the panel's setting
	Format     string // plan: text, xml or svg; empty for what suits stdout. probe: text or xml
	// Params and Values are the pairs of --param and --value in the order given.
	Params, Values []string
}

// Run is one run of one command: everything that it may look at. Nothing below it reads the world directly.
type Run struct {
	Binary string // name of the program: log, locks, journal
	Args   Args
	// Doc is the document from stdin for commands that read one, nil otherwise; Text is stdin as text (a CSR).
	Doc  *etree.Document
	Text string

	Panel  Panel
	Info   seller.Info
	Mailer Mailer // letters to clients
	Log    Log
	Now    func() time.Time
	// Addresses lists this host's own IPv4 addresses.
	Addresses func() ([]netip.Addr, error)
	// Resolver makes what looks names up at a DNS server, host:port, or at the system's where server is empty. It opens
	// nothing. nil where names are not to be looked up.
	Resolver func(server string) Resolver

	// Spending is told true right before money may be spent and false once the outcome is recorded; in between nothing
	// ends the process. nil if nobody listens.
	CriticalSection func(bool)

	Dry *DryRun // what a dry run would do, nil for a real one
	// Outages are the accounts whose seller failed in the sweep that works on many items; nil for a command for one.
	Outages Outages

	// Terminal tells that a person reads stdout.
	Terminal bool

	// Print is set by a command whose answer is a text for people instead of a document: it is what goes to stdout.
	Print string
	// Failed is set by a command whose document tells of failures: it is printed, and the exit code is 1.
	Failed bool
	// Summary is set by a command that works on many items: its counts, for the last line of the log.
	Summary string
}

// Func is one command. The document is what goes to stdout on success; nil prints nothing.
type Func func(ctx context.Context, run *Run) (*etree.Document, error)

// Outages are the accounts whose seller failed as a whole in this sweep, with what it failed with.
type Outages map[string]*fault.Error

// Interrupted reports whether work failed because the run is over: over is the context's error, nil while the run goes on.
// What does not pass by itself, and a purchase without an answer, is told as it is.
func Interrupted(over, err error) bool {
	failure := fault.From(err)
	return over != nil && failure != nil && !failure.OutcomeUnknown && (failure.Retry || errors.Is(err, over))
}

// SubscriptionSettings reads the policy out of the panel's configuration (docs/reference/validity.md §B3.5).
func SubscriptionSettings(ctx context.Context, panel Panel) (cabforum.Settings, []string, error) {
	policy, err := panel.Setting(ctx, cabforum.SettingPolicy)
	if err != nil {
		return cabforum.Settings{}, nil, err
	}
	before, err := panel.Setting(ctx, cabforum.SettingBefore)
	if err != nil {
		return cabforum.Settings{}, nil, err
	}
	settings, warnings := cabforum.ParseSettings(policy, before)
	return settings, warnings, nil
}
