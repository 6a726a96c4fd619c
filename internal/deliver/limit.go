package deliver

import (
	"context"
	"fmt"
	"time"

	"pmssl/internal/publish"
)

// ProgramTime is how long one call of an administrator's program may take. Hooks copy files to several servers and reload them.
const ProgramTime = 120 * time.Second

// ErrTimeSpent is the error of calls for which a run has no time left. It passes by itself: the next run goes on.
var ErrTimeSpent = fmt.Errorf("the time of this run for deliveries is used up, the next one goes on: %w", context.DeadlineExceeded)

// NewBudget returns a budget for the time of deliveries.
func NewBudget(now func() time.Time, total time.Duration) *publish.Budget {
	return publish.NewBudget(now, total, ErrTimeSpent)
}

// Limit returns the service with limits on the time that its calls take in all: each of the budgets has to have some left.
func Limit(s Service, budgets ...*publish.Budget) Service { return &limited{s, budgets} }

type limited struct {
	Service
	budgets []*publish.Budget
}

// run does a call within what is left of all budgets.
func (l *limited) run(ctx context.Context, call func(context.Context) error) error {
	for _, budget := range l.budgets {
		inner := call
		call = func(ctx context.Context) error { return budget.Run(ctx, inner) }
	}
	return call(ctx)
}

// Targets implements Service.
func (l *limited) Targets(ctx context.Context, order Order, names []string) (targets []Target, reasons []Reason, err error) {
	err = l.run(ctx, func(ctx context.Context) (err error) {
		targets, reasons, err = l.Service.Targets(ctx, order, names)
		return err
	})
	return targets, reasons, err
}

// Deliver implements Service.
func (l *limited) Deliver(ctx context.Context, order Order, target Target, c Certificate) error {
	return l.run(ctx, func(ctx context.Context) error { return l.Service.Deliver(ctx, order, target, c) })
}

// CheckKey implements Service.
func (l *limited) CheckKey(ctx context.Context, order Order, target Target, names []string) error {
	return l.run(ctx, func(ctx context.Context) error { return l.Service.CheckKey(ctx, order, target, names) })
}

// Seen implements Service.
func (l *limited) Seen(ctx context.Context, target Target, serial string) (sight Sight, err error) {
	err = l.run(ctx, func(ctx context.Context) (err error) {
		sight, err = l.Service.Seen(ctx, target, serial)
		return err
	})
	return sight, err
}
