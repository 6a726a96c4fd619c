package item

import (
	"sync"

	"pmssl/internal/fault"
)

// Outages are the accounts whose seller failed as a whole in this sweep, with what it failed with (rules SWEEP-9). The zero value
// has none. It is safe for concurrent use.
type Outages struct {
	mu     sync.Mutex
	faults map[string]*fault.Error
}

// Of returns what the account's seller failed with; nil if it did not fail.
func (o *Outages) Of(account string) *fault.Error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.faults[account]
}

// Note keeps the first fault of an account, and reports whether this one is the first.
func (o *Outages) Note(account string, failure *fault.Error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.faults[account] != nil {
		return false
	}
	if o.faults == nil {
		o.faults = map[string]*fault.Error{}
	}
	o.faults[account] = failure
	return true
}
