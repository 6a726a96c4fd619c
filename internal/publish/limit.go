package publish

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrTimeSpent is the error of calls for which a run has no time left. It passes by itself: the next run goes on.
var ErrTimeSpent = fmt.Errorf("the time of this run for challenges is used up, the next one goes on: %w", context.DeadlineExceeded)

// Limit returns the service with a limit on the time that its calls take in all, so that publishers and name servers which do
// not answer cannot keep a run from its other work. A call ends with the limit; each later one fails at once with
// ErrTimeSpent.
func Limit(s Service, now func() time.Time, total time.Duration) Service {
	return &limited{Service: s, now: now, left: total}
}

type limited struct {
	Service
	now  func() time.Time
	left time.Duration
}

// run does a call within what is left of the time.
func (l *limited) run(ctx context.Context, call func(ctx context.Context) error) error {
	if l.left <= 0 {
		return ErrTimeSpent
	}
	bounded, cancel := context.WithTimeout(ctx, l.left)
	defer cancel()
	began := l.now()
	err := call(bounded)
	l.left -= max(0, l.now().Sub(began)) // clocks may be set back
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		l.left = 0
		return errors.Join(ErrTimeSpent, err)
	}
	return err
}

// Place implements Service.
func (l *limited) Place(ctx context.Context, order Order, records []Record) (placed []Placement, err error) {
	err = l.run(ctx, func(ctx context.Context) (err error) {
		placed, err = l.Service.Place(ctx, order, records)
		return err
	})
	return placed, err
}

// Publish implements Service.
func (l *limited) Publish(ctx context.Context, order Order, p Placement, old []string) error {
	return l.run(ctx, func(ctx context.Context) error { return l.Service.Publish(ctx, order, p, old) })
}

// Look implements Service.
func (l *limited) Look(ctx context.Context, p Placement) (sight Sight, err error) {
	err = l.run(ctx, func(ctx context.Context) (err error) {
		sight, err = l.Service.Look(ctx, p)
		return err
	})
	return sight, err
}

// Withdraw implements Service.
func (l *limited) Withdraw(ctx context.Context, order Order, p Placement) error {
	return l.run(ctx, func(ctx context.Context) error { return l.Service.Withdraw(ctx, order, p) })
}
