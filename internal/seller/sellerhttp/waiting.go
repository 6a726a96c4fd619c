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
	// waitingLasts is how long the list that one process has read serves all processes of this host.
	waitingLasts = 2 * time.Minute
	// maxWaitingFile is the longest file, in bytes: a hundred thousand ids.
	maxWaitingFile = 1 << 20
)

// WaitingOrders stores, for all processes of this host, which orders a seller's list showed as waiting. Syncing a thousand of
// them then costs one walk through the list every two minutes instead of a thousand requests.
type WaitingOrders struct {
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

// Has reports whether the list showed the id as waiting when a process last read it. If it did not, only a request about the
// id returns its state.
func (w WaitingOrders) Has(ctx context.Context, id int64) (bool, error) {
	seen, fresh := w.last()
	if !fresh {
		err := w.file().WithLock(ctx, func() (err error) {
			if seen, fresh = w.last(); !fresh { // no other process was faster
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

func (w WaitingOrders) file() CacheFile {
	return CacheFile{Path: w.Path, MaxSize: maxWaitingFile, DryRun: w.DryRun}
}

// last returns the content of the file; false if it is too old or unusable. A time in the future was written before the clock
// was set back, and counts as too old.
func (w WaitingOrders) last() (waitingCache, bool) {
	content, err := w.file().Read()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			w.Log.Warningf("the cached list of waiting orders is not used: %v", err)
		}
		return waitingCache{}, false
	}
	var seen waitingCache
	if err := json.Unmarshal(content, &seen); err != nil {
		return waitingCache{}, false // the list is read again and replaces it
	}
	age := w.Now().Sub(seen.Read)
	return seen, age >= 0 && age < waitingLasts
}

func (w WaitingOrders) walk(ctx context.Context) (waitingCache, error) {
	seen := waitingCache{Read: w.Now().UTC()} // before the walk: the list is at least as new as this
	var err error
	if seen.Waiting, err = w.Walk(ctx); err != nil {
		return waitingCache{}, err
	}
	content, err := json.Marshal(seen)
	if err != nil {
		return waitingCache{}, fmt.Errorf("encoding the list of waiting orders: %w", err)
	}
	if err := w.file().Write(content); err != nil {
		w.Log.Warningf("the list of waiting orders is not cached: %v", err)
	}
	return seen, nil
}
