package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrTimeSpent is the error of calls for which a run has no time left. It passes by itself: the next run goes on.
var ErrTimeSpent = fmt.Errorf("the time of this run for challenges is used up, the next one goes on: %w", context.DeadlineExceeded)

// Budget is a limit on the time that several calls take in all. A call ends with the limit; each later one fails at once. It is safe
// for concurrent use; the times of calls that run at once are added up.
type Budget struct {
	now   func() time.Time
	spent error

	mu   sync.Mutex
	left time.Duration
}

// NewBudget returns a budget of the given time. spent is the error of calls for which none is left; it is to wrap
// context.DeadlineExceeded.
func NewBudget(now func() time.Time, total time.Duration, spent error) *Budget {
	return &Budget{now: now, left: total, spent: spent}
}

// Spent reports whether no time is left.
func (b *Budget) Spent() bool { return b.take(0) <= 0 }

// take takes what a call took out of the budget, and returns what is left.
func (b *Budget) take(took time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left -= took
	return b.left
}

// notBegun is the error of a call for which no time is left; it wraps ErrNotAsked too.
type notBegun struct{ error }

// Unwrap returns the errors that this one wraps.
func (e notBegun) Unwrap() []error { return []error{e.error, ErrNotAsked} }

// Run does a call within what is left of the time. The error of a call that was not begun wraps ErrNotAsked.
func (b *Budget) Run(ctx context.Context, call func(ctx context.Context) error) error {
	left := b.take(0)
	if left <= 0 {
		return notBegun{b.spent}
	}
	bounded, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	began := b.now()
	err := call(bounded)
	b.take(max(0, b.now().Sub(began))) // clocks may be set back
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		b.take(left)
		return errors.Join(b.spent, err)
	}
	return err
}

// Limit returns the service with a limit on the time that its calls take in all, so that publishers and name servers which do
// not answer cannot keep a run from its other work.
func Limit(s Service, now func() time.Time, total time.Duration) Service {
	return &limited{s, NewBudget(now, total, ErrTimeSpent)}
}

type limited struct {
	Service
	budget *Budget
}

// Place implements Service.
func (l *limited) Place(ctx context.Context, order Order, records []Record) (placed []Placement, err error) {
	err = l.budget.Run(ctx, func(ctx context.Context) (err error) {
		placed, err = l.Service.Place(ctx, order, records)
		return err
	})
	return placed, err
}

// Publish implements Service.
func (l *limited) Publish(ctx context.Context, order Order, p Placement, old []string) error {
	return l.budget.Run(ctx, func(ctx context.Context) error { return l.Service.Publish(ctx, order, p, old) })
}

// Look implements Service.
func (l *limited) Look(ctx context.Context, p Placement) (sight Sight, err error) {
	err = l.budget.Run(ctx, func(ctx context.Context) (err error) {
		sight, err = l.Service.Look(ctx, p)
		return err
	})
	return sight, err
}

// Withdraw implements Service.
func (l *limited) Withdraw(ctx context.Context, order Order, p Placement) error {
	return l.budget.Run(ctx, func(ctx context.Context) error { return l.Service.Withdraw(ctx, order, p) })
}
