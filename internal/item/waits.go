package item

import (
	"sync"
	"time"
)

// Waits is the time that a run may spend waiting for challenges to be seen and for certificates, over all its items. A nil
// *Waits allows none. It is safe for concurrent use: what items that are worked on at once wait is added up.
type Waits struct {
	mu          sync.Mutex
	total, left time.Duration
}

// NewWaits returns a budget of so much time.
func NewWaits(total time.Duration) *Waits { return &Waits{total: total, left: total} }

// Take takes a wait out of the budget and reports whether it was there.
func (w *Waits) Take(d time.Duration) bool { return w.take(d, 0) }

// TakeSpare takes a wait out of the first half of the budget: the second half is for waits without which an item makes no
// progress.
func (w *Waits) TakeSpare(d time.Duration) bool { return w != nil && w.take(d, w.total/2) }

// take takes a wait if at least reserve is left after it.
func (w *Waits) take(d, reserve time.Duration) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left-d < reserve {
		return false
	}
	w.left -= d
	return true
}
