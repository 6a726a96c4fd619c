package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Forms in which certificate.save with crt_type=zip stores certificate.crt. What the real panel does is not public.
const (
	StorePEM    = "pem"    // the PEM members of the archive, leaf first, one after the other
	StoreZIP    = "zip"    // the archive's bytes
	StoreBase64 = "base64" // as it was sent
	StoreRefuse = "refuse" // an error document, as from a panel without crt_type
)

// What service.saveparam does with several parameters in one call, `<param>=<value>` each. What the real panel does is not public.
const (
	SaveAll    = "all"    // all are stored
	SaveFirst  = "first"  // the first one of the call is stored
	SaveLast   = "last"   // the last one of the call is stored
	SaveRefuse = "refuse" // an error document; none is stored
)

// Settings changes how the panel behaves where the protocol leaves it open.
type Settings struct {
	// CrtStore is one of StorePEM, StoreZIP, StoreBase64, StoreRefuse; "" = StorePEM.
	CrtStore string `json:"crt_store"`
	// StructuredErrorExit is mgrctl's exit code for an error document in a structured format (docs/reference/billmanager.md
	// §16.7); the default 0 is what docs/reference/billmanager.md §5.1 infers.
	StructuredErrorExit int `json:"structured_error_exit"`
	// ImportIgnores makes processing.import.service drop every parameter that is not its own: for certificates it is
	// unknown whether the real panel keeps the item parameters of an import (docs/reference/billmanager.md §11).
	ImportIgnores bool `json:"import_ignores"`
	// Delay is how long, in real time, each call of mgrctl takes before it does anything, such as "50ms"; "" = no time.
	Delay string `json:"delay,omitempty"`
	// SaveParams is one of SaveAll, SaveFirst, SaveLast, SaveRefuse; "" = SaveAll.
	SaveParams string `json:"save_params,omitempty"`
	// Clock is a file with one RFC 3339 instant that is the panel's time; "" = real time.
	Clock string `json:"clock,omitempty"`
}

// Wait returns the Delay.
func (s Settings) Wait() (time.Duration, error) {
	if s.Delay == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(s.Delay)
	if err == nil && wait < 0 {
		err = errors.New("it is negative")
	}
	if err != nil {
		return 0, fmt.Errorf("delay %q: %w", s.Delay, err)
	}
	return wait, nil
}

// Kinds of faults.
const (
	FaultError      = "error"       // an error document; no change is made
	FaultErrorAfter = "error_after" // the change is made, and the answer is an error document
	FaultHang       = "hang"        // no change, no answer until it is killed
	FaultHangAfter  = "hang_after"  // the change is made, no answer until it is killed
	FaultExit       = "exit"        // no change, no output, an exit code
	FaultGarbage    = "garbage"     // the change is made, unreadable output, exit code 0
	FaultEmpty      = "empty"       // the change is made, no output, exit code 0
	FaultDown       = "down"        // the panel does not run: a message on stderr, exit code 1
	FaultKill       = "kill"        // SIGKILL to the program that called mgrctl; no change is made
	FaultKillAfter  = "kill_after"  // the change is made, then SIGKILL to the program that called mgrctl
)

var faultKinds = [...]string{
	FaultError, FaultErrorAfter, FaultHang, FaultHangAfter, FaultExit, FaultGarbage, FaultEmpty, FaultDown, FaultKill, FaultKillAfter,
}

// Fault makes calls of mgrctl fail.
type Fault struct {
	Func string `json:"func"` // function name; "*" = all
	Kind string `json:"kind"` // one of the Fault constants: error, error_after, hang, hang_after, exit, garbage, empty, down, kill, kill_after
	// Times is the number of calls that fail; 0 = until it is cleared.
	Times int `json:"times,omitempty"`
	// Skip is the number of calls that pass first.
	Skip int `json:"skip,omitempty"`
	// Caller limits it to one SSH_CONNECTION; "" = all.
	Caller string `json:"caller,omitempty"`
	Exit   int    `json:"exit,omitempty"` // exit code of kind exit; 0 = 1
	Type   string `json:"type,omitempty"` // error type of kinds error and error_after; "" = db
	Object string `json:"object,omitempty"`
	Value  string `json:"value,omitempty"`
}

func (f Fault) validate() error {
	if f.Func == "" {
		return errors.New(`fault without func: name a function, or "*" for all`)
	}
	if !slices.Contains(faultKinds[:], f.Kind) {
		return fmt.Errorf("fault kind %q: want one of %v", f.Kind, faultKinds)
	}
	if (f.Kind == FaultKill || f.Kind == FaultKillAfter) && f.Caller == "" {
		return fmt.Errorf("fault of %s: kind %s needs a caller, whom it kills", f.Func, f.Kind)
	}
	if f.Times < 0 || f.Skip < 0 {
		return fmt.Errorf("fault of %s: times and skip must not be negative", f.Func)
	}
	return nil
}

func (d Dir) settingsPath() string { return d.Path("var", "sandbox", "settings.json") }
func (d Dir) faultsPath() string   { return d.Path("var", "sandbox", "faults.json") }

// ReadSettings returns the settings, or the defaults if none were ever written.
func (d Dir) ReadSettings() (Settings, error) {
	s := Settings{}
	err := readJSON(d.settingsPath(), &s)
	if s.CrtStore == "" {
		s.CrtStore = StorePEM
	}
	return s, err
}

// WriteSettings replaces the settings from the next call of mgrctl on.
func (d Dir) WriteSettings(s Settings) error {
	if s.CrtStore != "" && !slices.Contains([]string{StorePEM, StoreZIP, StoreBase64, StoreRefuse}, s.CrtStore) {
		return fmt.Errorf("crt_store %q: want pem, zip, base64 or refuse", s.CrtStore)
	}
	if _, err := s.Wait(); err != nil {
		return err
	}
	if s.SaveParams != "" && !slices.Contains([]string{SaveAll, SaveFirst, SaveLast, SaveRefuse}, s.SaveParams) {
		return fmt.Errorf("save_params %q: want all, first, last or refuse", s.SaveParams)
	}
	return writeJSON(d.settingsPath(), s)
}

// Faults returns the active faults, each with its remaining Times and Skip.
func (d Dir) Faults() ([]Fault, error) {
	var all []Fault
	err := readJSON(d.faultsPath(), &all)
	return all, err
}

// WriteFaults replaces the active faults.
func (d Dir) WriteFaults(all []Fault) error {
	for _, f := range all {
		if err := f.validate(); err != nil {
			return err
		}
	}
	unlock, err := d.lockFaults()
	if err != nil {
		return err
	}
	defer unlock()
	return writeJSON(d.faultsPath(), all)
}

// TakeFault returns the fault that hits this call, or nil, and counts the hit. Calls of parallel processes are counted
// one after the other.
func (d Dir) TakeFault(function, caller string) (*Fault, error) {
	if _, err := os.Stat(d.faultsPath()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	unlock, err := d.lockFaults()
	if err != nil {
		return nil, err
	}
	defer unlock()
	all, err := d.Faults()
	if err != nil {
		return nil, err
	}
	for i := range all {
		f := &all[i]
		if f.Func != "*" && f.Func != function || f.Caller != "" && f.Caller != caller {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return nil, writeJSON(d.faultsPath(), all)
		}
		hit := *f
		if f.Times == 1 {
			all = slices.Delete(all, i, i+1)
		} else if f.Times > 1 {
			f.Times--
		}
		return &hit, writeJSON(d.faultsPath(), all)
	}
	return nil, nil
}

func (d Dir) lockFaults() (unlock func(), err error) { return lockFile(d.faultsPath() + ".lock") }

// databaseLock is a file that is there if the database does not separate transactions.
func (d Dir) databaseLock() string { return d.Path("var", "sandbox", "database.lock") }

// SeparateTransactions makes calls of mgrctl work on the database one after the other: an engine whose transactions are not isolated
// loses what two of them write at once.
func (d Dir) SeparateTransactions() error {
	if err := os.WriteFile(d.databaseLock(), nil, 0o600); err != nil {
		return fmt.Errorf("database of the stand-in: %w", err)
	}
	return nil
}

// LockDatabase waits for its turn at a database that does not separate transactions; at another one it does nothing.
func (d Dir) LockDatabase() (unlock func(), err error) {
	if _, err := os.Stat(d.databaseLock()); errors.Is(err, os.ErrNotExist) {
		return func() {}, nil
	}
	return lockFile(d.databaseLock())
}

// lockFile takes the lock of a file, which it creates if necessary.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of the stand-in: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock of the stand-in: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing the file releases the lock
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file in one step, so that a reader in another process never sees half of it.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(text, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}
