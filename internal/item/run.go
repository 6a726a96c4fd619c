package item

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/deliver"
	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
	"pmssl/internal/watch"
	"pmssl/internal/watch/crl"
)

// Args are the values of the command line options that commands use (docs/reference/billmanager.md §1.2).
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
	Resend     bool   // subscription: send the mail about Item again
	Date       string // subscription: YYYY-MM-DD, simulate this day, with --dry-run only
	OpenDate   string // plan: YYYY-MM-DD, the first day of a term without an item
	Period     string // plan: the length of that term in months
	Before     string // plan: days before the end, instead of the panel's setting
	Format     string // the format that was asked for, see Run.Format; empty if none was
	Check      bool   // status: answer like a monitoring plugin
	Probe      bool   // doctor: write and remove a test record
	Mail       string // doctor: send a test mail to this address
	Dir        string // notices: folder
	Spend      string // acceptance: the product that may be paid for at a seller without a test environment
	Report     string // acceptance: file for the report
	// Params and Values are the pairs of --param and --value in the order given.
	Params, Values []string
}

// Run is one run of one command, with everything that the command may use. Code below it reads no clock, environment or
// arguments of its own.
type Run struct {
	Binary string // name of the program: log, locks, journal
	Args   Args
	// Doc is the document from stdin for commands that read one, nil otherwise; Text is stdin as text (a CSR).
	Doc  *etree.Document
	Text string

	Panel  Panel
	Info   seller.Info
	Mailer Mailer // mails to clients
	Log    Log
	Now    func() time.Time
	Rand   io.Reader // of private keys
	// Addresses lists this host's own IPv4 addresses.
	Addresses func() ([]netip.Addr, error)
	// Resolver returns a resolver that asks the DNS server (host:port), or the system's servers if server is empty. It opens
	// no connection. Resolver is nil if names are not looked up.
	Resolver func(server string) Resolver

	// CriticalSection is called with true right before money may be spent and with false once the outcome is recorded; in
	// between nothing ends the process. nil if the run need not be protected.
	CriticalSection func(bool)

	// Publishing publishes challenges; nil where the program cannot.
	Publishing publish.Service
	// Delivering delivers certificates; nil where the program cannot.
	Delivering deliver.Service
	// Notices writes the built-in mail templates into a folder, for an administrator to edit. It overwrites no edited file.
	Notices func(folder string) ([]WrittenFile, error)
	// Watch returns what looks at sites. It opens nothing. nil where the program cannot.
	Watch func(watch.Settings) watch.Service
	// CRLs opens what asks lists of revoked certificates; readOnly keeps it from writing files. An error says why nothing can be
	// kept between runs; the service works all the same. nil where the program cannot.
	CRLs func(settings watch.Settings, readOnly bool) (crl.Service, error)
	// Diagnosis is what doctor works with besides; nil where the program has none.
	Diagnosis *Diagnosis
	// Sleep waits, and ends early with the context's error.
	Sleep func(ctx context.Context, d time.Duration) error
	// Waits is how long the run may wait for challenges in all.
	Waits *Waits

	// VarDir is the panel's folder var, absolute, for commands that keep a file of their own there.
	VarDir string
	// Version is the program's version, for reports.
	Version string
	// Recorder keeps what the run exchanges with seller and panel; nil unless the command's row asks for it.
	Recorder *exchange.Recorder
	// Mask replaces the run's secrets in a text for people; nil where none are known.
	Mask func(string) string

	Dry *DryRun // records what a dry run would do; nil in a real run
	// Outages are the accounts whose seller failed in the sweep that works on many items; nil for a command for one.
	Outages *Outages
	// Worker returns a run beside this one for another goroutine: with a panel of its own, which is connected to the database, and a
	// mailer and clients of the seller that use it. Publishing and Delivering are those of this run. The caller closes its panel with
	// close. nil where the program works on one item at a time.
	Worker func(ctx context.Context) (worker *Run, close func() error, err error)
	// Answered reports whether the seller has answered a call of this run since Answered was called last; nil where that is not known.
	Answered func() bool

	// Format is the format of the answer (ChooseFormat): one that the command's row offers, or text or xml if the row offers none.
	Format string
	// Styles are for texts in Print: colours if stdout is a terminal, else none.
	Styles terminal.Styles

	// Print is set by a command that answers with a text for people instead of a document: the text for stdout.
	Print string
	// Stream is set by a command whose answer may not fit into memory. It writes the whole answer, which reaches stdout only if it
	// returns nil. It masks (Mask) and escapes what comes from outside itself, text by text: nothing masks the whole answer.
	Stream func(to io.Writer) error
	// TempFile opens a file below var that has no name, and ends with the process. The caller closes it.
	TempFile func() (*os.File, error)
	// Failed is set by a command whose document lists failures: the document is printed and the exit code is 1.
	Failed bool
	// ExitCode is set by a command that answers like a monitoring plugin (rules CLI-9): 1, 2 or 3 beside its answer. 0 leaves the
	// exit code as it is.
	ExitCode int
	// Summary is set by a command that works on many items: the counts for the last line of the log.
	Summary string
}

// Func is one command. Its document goes to stdout on success; nil prints nothing.
type Func func(ctx context.Context, run *Run) (*etree.Document, error)

// Interrupted reports whether err comes from the end of the run; over is the context's error, nil while the run goes on. A
// permanent error and a purchase without an answer are never taken for an interruption.
func Interrupted(over, err error) bool {
	failure := fault.From(err)
	return over != nil && failure != nil && !failure.OutcomeUnknown && (failure.Retry || errors.Is(err, over))
}

// SubscriptionSettings reads the subscription policy from the panel's settings, with warnings about values that cannot be
// used (docs/reference/validity.md §B3.5).
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
