package item

import "time"

// Waits is the time that a run may spend waiting for challenges to be seen and for certificates, over all its items. A nil
// *Waits allows none.
type Waits struct{ left time.Duration }

// NewWaits returns a budget of so much time.
func NewWaits(total time.Duration) *Waits { return &Waits{left: total} }

// Take takes a wait out of the budget and reports whether it was there.
func (w *Waits) Take(d time.Duration) bool {
	if w == nil || d > w.left {
		return false
	}
	w.left -= d
	return true
}
