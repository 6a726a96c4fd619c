package acceptance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
)

// Progress is where a stage of the walk stands.
type Progress string

// The states of a stage.
const (
	Pending Progress = "pending" // its turn has not come
	Waiting Progress = "waiting" // for somebody, or for a day
	Done    Progress = "done"
	Skipped Progress = "skipped" // it cannot happen any more, or nothing is left to do
	Failed  Progress = "failed"  // the next start tries it again
)

// Whom a stage that is not done waits for.
const (
	ForSeller        = "seller"
	ForClient        = "client" // who publishes the challenge
	ForAdministrator = "administrator"
	ForNobody        = "nobody" // for a day
)

// StageState is where one stage stands. It has no value of the account, the item or the seller.
type StageState struct {
	Name     string   `json:"name"`
	Progress Progress `json:"progress"`
	WaitsFor string   `json:"waits_for,omitempty"`
	Until    string   `json:"until,omitempty"` // YYYY-MM-DD, with ForNobody
	Note     string   `json:"note,omitempty"`
	On       string   `json:"on,omitempty"` // YYYY-MM-DD of the last change
}

// FactState is what the walk found out about a fact.
type FactState struct {
	Verdict Verdict `json:"verdict"`
	Note    string  `json:"note,omitempty"`
	On      string  `json:"on,omitempty"` // YYYY-MM-DD on which the verdict was found
}

// State is what a walk keeps between its starts (rules ACCEPT-4). What was bought is not in it: that is on the item and in the
// purchase journal.
type State struct {
	Version int    `json:"version"`
	Item    int64  `json:"item"`
	Module  int64  `json:"module"`
	Account string `json:"account"` // seller.AccountHash
	Started string `json:"started"` // YYYY-MM-DD
	Starts  int    `json:"starts"`
	// OwnOrder says that the item had no order right before the walk bought one, so that its order is the walk's.
	OwnOrder bool `json:"own_order"`
	// Looked says that the seller was asked to look at the challenges once more.
	Looked bool `json:"looked"`
	// Serial is that of the certificate in place before the stage that waits for another one; Term the start of the paid term
	// before the renewal.
	Serial string               `json:"serial,omitempty"`
	Term   string               `json:"term,omitempty"`
	Stages []StageState         `json:"stages"`
	Facts  map[string]FactState `json:"facts"`
}

// stateVersion is the version of the file's form.
const stateVersion = 1

// maxState limits the file, in bytes; a state has some 20 KiB.
const maxState = 1 << 20

// stageNames returns the stages in their order.
func stageNames() []string {
	return []string{StageRead, StageOrder, StageChallenge, StageIssue, StageReissue, StageReissued, StageRenewal, StageRenewed, StageClose}
}

// newState returns the state of a walk that begins.
func newState(it, module int64, account, today string) *State {
	s := &State{Version: stateVersion, Item: it, Module: module, Account: account, Started: today, Facts: map[string]FactState{}}
	for _, name := range stageNames() {
		s.Stages = append(s.Stages, StageState{Name: name, Progress: Pending})
	}
	return s
}

// parseState reads a state and refuses one that is not whole.
func parseState(text []byte) (*State, error) {
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("it is no state of an acceptance run: %w", err)
	}
	names := stageNames()
	if s.Version != stateVersion || len(s.Stages) != len(names) {
		return nil, fmt.Errorf("it is of version %d with %d stages, this program writes version %d with %d", s.Version, len(s.Stages), stateVersion, len(names))
	}
	for i, stage := range s.Stages {
		switch stage.Progress {
		case Pending, Waiting, Done, Skipped, Failed:
		default:
			return nil, fmt.Errorf("the stage %d is %.20q", i+1, stage.Progress)
		}
		if stage.Name != names[i] {
			return nil, fmt.Errorf("the stage %d is called %.20q", i+1, stage.Name)
		}
	}
	if s.Facts == nil {
		s.Facts = map[string]FactState{}
	}
	return &s, nil
}

// files are the files of one walk.
type files struct {
	state string // path
}

func filesOf(dir, binary string, it int64) files {
	return files{state: filepath.Join(dir, fmt.Sprintf("%s.acceptance.%d", binary, it))}
}

// report returns the path of the report if the command line names none.
func (f files) report() string { return f.state + ".report" }

// lock keeps a second run from the same walk until close is called.
func (f files) lock() (closing func(), err error) {
	file, err := filelock.OpenRegular(f.state+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Errorf(fault.Panel, "state", "the lock of the walk cannot be opened: %w", err)
	}
	free, err := filelock.Try(file, filelock.Exclusive)
	if err == nil && free {
		return func() { _ = file.Close() }, nil
	}
	_ = file.Close()
	if err != nil {
		return nil, fault.Errorf(fault.Panel, "state", "the lock of the walk cannot be taken: %w", err)
	}
	return nil, fault.Errorf(fault.Locked, "item", "another acceptance run works on this item").Retryable()
}

// read returns the state of the walk; nil if none has begun.
func (f files) read() (*State, error) {
	text, err := filelock.ReadRegular(f.state, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var s *State
	if err == nil {
		s, err = parseState(text)
	}
	if err != nil {
		return nil, fault.Errorf(fault.Panel, "state", "the state of the walk in %s cannot be used: %w; remove the file to begin again, nothing is bought twice for that", f.state, err)
	}
	return s, nil
}

// write replaces the state.
func (f files) write(s *State) error {
	text, err := json.MarshalIndent(s, "", " ")
	if err == nil {
		err = filelock.ReplaceFile(f.state, 0o600, filelock.Content(append(text, '\n')))
	}
	if err != nil {
		return fault.Errorf(fault.Panel, "state", "the state of the walk cannot be saved: %w", err)
	}
	return nil
}
