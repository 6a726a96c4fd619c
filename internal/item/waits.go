package item

import "time"

// Waits is the time that a run may spend waiting for challenges to be seen and for certificates, over all its items. A nil
// *Waits allows none.
type Waits struct{ total, left time.Duration }

// NewWaits returns a budget of so much time.
func NewWaits(total time.Duration) *Waits { return &Waits{total, total} }

// Take takes a wait out of the budget and reports whether it was there.
func (w *Waits) Take(d time.Duration) bool {
	if w == nil || d > w.left {
		return false
	}
	w.left -= d
	return true
}

// TakeSpare takes a wait out of the first half of the budget: the second half is for waits without which an item makes no
// progress.
func (w *Waits) TakeSpare(d time.Duration) bool {
	return w != nil && w.left-d >= w.total/2 && w.Take(d)
}
