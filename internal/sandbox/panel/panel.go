package panel

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// ErrNotEmpty is returned by Open for a database that holds tables which are not the stand-in's.
var ErrNotEmpty = errors.New("database is not empty")

var errNotYet = errors.New("not built yet")

// Panel is a stand-in panel on one root and one database. It is safe for concurrent use: each start of a module is
// a process of its own.
type Panel struct{}

// Open lays out the root and the schema, or takes over what an earlier Open left, and answers the panel.
func Open(ctx context.Context, c Config) (*Panel, error) { return nil, errNotYet }

// Close closes the panel's database connections. Root and database stay.
func (p *Panel) Close() error { return errNotYet }

// Root is the panel root (absolute).
func (p *Panel) Root() string { return "" }

// DB is the panel's own connection, for assertions on rows.
func (p *Panel) DB() *sql.DB { return nil }

// Now is the panel's time.
func (p *Panel) Now() time.Time { return time.Time{} }

// Account is the first client account (created by Open).
func (p *Panel) Account() int64 { return 0 }

// Install copies a module binary to processing/<name>, 0755, replacing an older one.
func (p *Panel) Install(name, binary string) error { return errNotYet }

// Start starts processing/<module> with these words, cwd = root. It is the one way in which modules are started;
// ctx ending kills the module (Run.Signal is "killed").
func (p *Panel) Start(ctx context.Context, module string, stdin []byte, args ...string) (*Run, error) {
	return nil, errNotYet
}

// OK says that the panel sees success: exit code 0 and no <error> in stdout.
func (r *Run) OK() bool { return r.ExitCode == 0 && r.Error == nil }

// Features asks the module once and remembers the answer. A module that fails here is unusable: the error says why.
func (p *Panel) Features(ctx context.Context, module string) (*Features, error) { return nil, errNotYet }

// TuneConnection draws the wizard's form with these values and answers the module's document in Run.Stdout.
func (p *Panel) TuneConnection(ctx context.Context, module string, values map[string]string) (*Run, error) {
	return nil, errNotYet
}

// CheckConnection is the wizard's last step: params are all declared ones, in plain text.
func (p *Panel) CheckConnection(ctx context.Context, module string, id int64, params map[string]string) (*Run, error) {
	return nil, errNotYet
}

// Connect walks the whole wizard. Where a step is refused, Connected.ID is 0, nothing is saved, and the step's Run
// tells why.
func (p *Panel) Connect(ctx context.Context, module string, c Connection) (*Connected, error) {
	return nil, errNotYet
}

// AddTariff makes a tariff and answers pricelist.id.
func (p *Panel) AddTariff(ctx context.Context, t Tariff) (int64, error) { return 0, errNotYet }

// Place puts an order into the database up to the running operation, as Order does, and does not start open.
func (p *Panel) Place(ctx context.Context, o Order) (*Ordered, error) { return nil, errNotYet }

// Order places an order and runs its open.
func (p *Panel) Order(ctx context.Context, o Order) (*Ordered, error) { return nil, errNotYet }

// Operate makes a running operation for the item's command (suspend, resume, prolong, reopen, setparam, close, open)
// and runs it once.
func (p *Panel) Operate(ctx context.Context, item int64, command string) (op int64, run *Run, err error) {
	return 0, nil, errNotYet
}

// RunOperation starts one running operation: trycount goes up by one before the start.
func (p *Panel) RunOperation(ctx context.Context, op int64) (*Run, error) { return nil, errNotYet }

// RunPending starts every running operation that is not manual, in the order of ids, as the panel does periodically.
func (p *Panel) RunPending(ctx context.Context) ([]*Run, error) { return nil, errNotYet }

// Sync starts sync_item for the item, without a running operation.
func (p *Panel) Sync(ctx context.Context, item int64) (*Run, error) { return nil, errNotYet }

// CancelProlong starts cancel_prolong for the item, without a running operation.
func (p *Panel) CancelProlong(ctx context.Context, item int64) (*Run, error) { return nil, errNotYet }

// Approver asks for the list of approver addresses (CSR on stdin).
func (p *Panel) Approver(ctx context.Context, module int64, csr, intname string, domains ...string) (*Run, error) {
	return nil, errNotYet
}

// Reissue is the client's button: old_altname takes the present altname, the new CSR, key and names are stored, and
// reopen runs as an operation. An empty csr keeps the present one; nil altNames keep the present list.
func (p *Panel) Reissue(ctx context.Context, item int64, csr, key string, altNames []string) (op int64, run *Run, err error) {
	return 0, nil, errNotYet
}

// SetCSR stores another CSR (and key) on the item and starts nothing.
func (p *Panel) SetCSR(ctx context.Context, item int64, csr, key string) error { return errNotYet }

// SetParams stores item parameters (empty value = dropped) and starts nothing.
func (p *Panel) SetParams(ctx context.Context, item int64, params map[string]string) error {
	return errNotYet
}

// Item reads a service. sql.ErrNoRows where there is none.
func (p *Panel) Item(ctx context.Context, id int64) (*Item, error) { return nil, errNotYet }

// Operations lists the running operations, all items.
func (p *Panel) Operations(ctx context.Context) ([]Operation, error) { return nil, errNotYet }

// Tasks lists the administrator's tasks, all items.
func (p *Panel) Tasks(ctx context.Context) ([]Task, error) { return nil, errNotYet }

// Problems lists what modules registered by problems.register.
func (p *Panel) Problems(ctx context.Context) ([]Problem, error) { return nil, errNotYet }

// Requests reads the request log (var/billmgr.log): every mgrctl call since the root was laid out or the log was
// last cleared, in order.
func (p *Panel) Requests() ([]Request, error) { return nil, errNotYet }

// ClearRequests empties the request log.
func (p *Panel) ClearRequests() error { return errNotYet }

// SetSettings changes the panel's behaviour; it holds for the next mgrctl call.
func (p *Panel) SetSettings(s Settings) error { return errNotYet }

// SetFaults replaces the board of faults; no argument clears it.
func (p *Panel) SetFaults(f ...Fault) error { return errNotYet }

// Mgrctl runs <root>/sbin/mgrctl -m billmgr -o xml with these words, as an administrator would.
func (p *Panel) Mgrctl(ctx context.Context, words ...string) (*Run, error) { return nil, errNotYet }
