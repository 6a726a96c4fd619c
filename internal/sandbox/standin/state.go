package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"pmssl/internal/sandbox/clock"
)

// State is the whole state of a stand-in, as its control shows it and its state file keeps it:
// accounts A, certificates C, charges G and settings S. Secrets are only in the file.
type State[A, C, G, S any] struct {
	Time         time.Time   `json:"time,omitzero"`
	Accounts     []A         `json:"accounts"`
	Certificates []C         `json:"certificates"` // by id
	Charges      []G         `json:"charges"`      // oldest first
	Validations  Validations `json:"validations"`
	Pending      int         `json:"pending"` // requests that wait for Appear
	Settings     S           `json:"settings"`
	NextID       int64       `json:"next_id"`
	NextOrder    int64       `json:"next_order"`
}

// SaveState writes the state to the file with mode 0600. With an empty file name it does nothing.
func SaveState[S any](file string, present func() S) error {
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(present(), "", " ")
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := clock.WriteFile(file, content, 0o600); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// LoadState decodes the file over the value that into points at. It returns false if there is no
// file.
func LoadState(file string, into any) (found bool, err error) {
	if file == "" {
		return false, nil
	}
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load state: %w", err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return false, fmt.Errorf("state file %s: %w", file, err)
	}
	return true, nil
}
