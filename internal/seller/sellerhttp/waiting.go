package sellerhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"pmssl/internal/panellog"
)

const (
	// waitingLasts is how long what one process has read of a seller's list serves all of this host.
	waitingLasts = 2 * time.Minute
	// maxWaitingFile bounds the file, in bytes: a hundred thousand ids.
	maxWaitingFile = 1 << 20
)

// Waiting remembers, for all processes of this host, which orders a seller's list showed as waiting. Syncing a thousand of
// them then costs one walk through the list every two minutes instead of a thousand questions.
type Waiting struct {
	Path string
	Now  func() time.Time
	Log  *panellog.Logger
	// Walk reads the list and returns the ids that it shows as waiting.
	Walk func(context.Context) ([]int64, error)
	// DryRun reads the list without keeping it, see CacheFile.
	DryRun bool
}

// waitingCache is the content of the file.
type waitingCache struct {
	Read    time.Time `json:"read"`
	Waiting []int64   `json:"waiting"`
}

// Has reports whether the list showed the id as waiting when it was last read, by whichever process. Where it did not, only
// a question about the id itself tells what has become of it.
func (w Waiting) Has(ctx context.Context, id int64) (bool, error) {
	seen, fresh := w.last()
	if !fresh {
		err := w.file().Alone(ctx, func() (err error) {
			if seen, fresh = w.last(); !fresh { // unless another process was first
				seen, err = w.walk(ctx)
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return slices.Contains(seen.Waiting, id), nil
}

func (w Waiting) file() CacheFile {
	return CacheFile{Path: w.Path, Most: maxWaitingFile, DryRun: w.DryRun}
}

// last returns what was read last; false if it is too old or of no use. An instant in the future was written before the
// clock was set back.
func (w Waiting) last() (waitingCache, bool) {
	content, err := w.file().Read()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.Log.Warningf("what was read of the seller's list is not used: %v", err)
		}
		return waitingCache{}, false
	}
	var seen waitingCache
	if err := json.Unmarshal(content, &seen); err != nil {
		return waitingCache{}, false // read anew and written over
	}
	age := w.Now().Sub(seen.Read)
	return seen, age >= 0 && age < waitingLasts
}

func (w Waiting) walk(ctx context.Context) (waitingCache, error) {
	seen := waitingCache{Read: w.Now().UTC()} // before the walk: nothing in it is newer than this
	var err error
	if seen.Waiting, err = w.Walk(ctx); err != nil {
		return waitingCache{}, err
	}
	content, err := json.Marshal(seen)
	if err != nil {
		return waitingCache{}, fmt.Errorf("encoding what waits: %w", err)
	}
	if err := w.file().Write(content); err != nil {
		w.Log.Warningf("what was read of the seller's list is not kept: %v", err)
	}
	return seen, nil
}
