package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Ways in which certificate.save with crt_type=zip leaves certificate.crt. What the real panel does is not public.
const (
	StorePEM    = "pem"    // the PEM members of the archive, leaf first, one after the other
	StoreZIP    = "zip"    // the archive's bytes
	StoreBase64 = "base64" // as it came
	StoreRefuse = "refuse" // an error document: a panel without crt_type
)

// Settings changes how the panel behaves where the protocol leaves it open.
type Settings struct {
	// CrtStore is one of StorePEM, StoreZIP, StoreBase64, StoreRefuse; "" = StorePEM.
	CrtStore string `json:"crt_store"`
	// StructuredErrorExit is mgrctl's exit code for an error document in a structured format (docs/reference/billmanager.md
	// §16.7); the default 0 is what docs/reference/billmanager.md §5.1 infers.
	StructuredErrorExit int `json:"structured_error_exit"`
	// ImportIgnores makes processing.import.service drop every parameter that is not its own: whether the real panel keeps item
	// parameters that come with an import is only seen for domains (docs/reference/billmanager.md §11).
	ImportIgnores bool `json:"import_ignores"`
	// Clock is a file with one RFC 3339 instant that is the panel's time; "" = real time.
	Clock string `json:"clock,omitempty"`
}

// Kinds of faults.
const (
	FaultError      = "error"       // an error document, nothing is done
	FaultErrorAfter = "error_after" // it is done, and the answer is an error document
	FaultHang       = "hang"        // nothing is done, no answer, until it is killed
	FaultHangAfter  = "hang_after"  // it is done, no answer, until it is killed
	FaultExit       = "exit"        // nothing is done, no output, an exit code
	FaultGarbage    = "garbage"     // it is done, the output is unreadable, exit code 0
	FaultEmpty      = "empty"       // it is done, no output, exit code 0
	FaultDown       = "down"        // the panel does not run: a message on stderr, exit code 1
)

var faultKinds = [...]string{
	FaultError, FaultErrorAfter, FaultHang, FaultHangAfter, FaultExit, FaultGarbage, FaultEmpty, FaultDown,
}

// Fault breaks calls of mgrctl.
type Fault struct {
	Func string `json:"func"` // function name; "*" = all
	Kind string `json:"kind"` // one of the Fault constants: error, error_after, hang, hang_after, exit, garbage, empty, down
	// Times the fault strikes; 0 = until it is cleared.
	Times int `json:"times,omitempty"`
	// Skip lets that many calls through first.
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
	if f.Times < 0 || f.Skip < 0 {
		return fmt.Errorf("fault of %s: times and skip are counts", f.Func)
	}
	return nil
}

func (d Dir) settingsPath() string { return d.Path("var", "sandbox", "settings.json") }
func (d Dir) faultsPath() string   { return d.Path("var", "sandbox", "faults.json") }

// ReadSettings returns the settings; their zero value where none were ever written.
func (d Dir) ReadSettings() (Settings, error) {
	s := Settings{}
	err := readJSON(d.settingsPath(), &s)
	if s.CrtStore == "" {
		s.CrtStore = StorePEM
	}
	return s, err
}

// WriteSettings replaces the settings; they hold for the next call of mgrctl.
func (d Dir) WriteSettings(s Settings) error {
	if s.CrtStore != "" && !slices.Contains([]string{StorePEM, StoreZIP, StoreBase64, StoreRefuse}, s.CrtStore) {
		return fmt.Errorf("crt_store %q: want pem, zip, base64 or refuse", s.CrtStore)
	}
	return writeJSON(d.settingsPath(), s)
}

// Faults returns the board of faults with what is left of each.
func (d Dir) Faults() ([]Fault, error) {
	var all []Fault
	err := readJSON(d.faultsPath(), &all)
	return all, err
}

// WriteFaults replaces the board of faults.
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

// TakeFault returns the fault that this call meets, nil for none, and counts it. Calls of parallel processes are counted
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

func (d Dir) lockFaults() (unlock func(), err error) {
	f, err := os.OpenFile(d.faultsPath()+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("board of faults: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("board of faults: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock back
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
