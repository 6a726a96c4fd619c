package deliver

import (
	"context"

	"pmssl/internal/publish"
)

// InTurn returns the service for one of several goroutines: each of its calls waits for its turn in the queue.
func InTurn(s Service, q *publish.Queue, place int) Service { return &inTurn{s, q, place} }

type inTurn struct {
	service Service
	queue   *publish.Queue
	place   int
}

// do makes a call that does not fail, and that no context ends.
func (t *inTurn) do(call func()) {
	_ = t.queue.Do(context.Background(), t.place, func() error { call(); return nil })
}

// Mode implements Service.
func (t *inTurn) Mode() (mode publish.Mode) {
	t.do(func() { mode = t.service.Mode() })
	return mode
}

// Configured implements Service.
func (t *inTurn) Configured() (is bool) {
	t.do(func() { is = t.service.Configured() })
	return is
}

// Possible implements Service.
func (t *inTurn) Possible(ctx context.Context, order Order, names []string) (is bool) {
	t.do(func() { is = t.service.Possible(ctx, order, names) })
	return is
}

// Targets implements Service.
func (t *inTurn) Targets(ctx context.Context, order Order, names []string) (targets []Target, reasons []Reason, err error) {
	err = t.queue.Do(ctx, t.place, func() (err error) {
		targets, reasons, err = t.service.Targets(ctx, order, names)
		return err
	})
	return targets, reasons, err
}

// Deliver implements Service.
func (t *inTurn) Deliver(ctx context.Context, order Order, target Target, c Certificate) error {
	return t.queue.Do(ctx, t.place, func() error { return t.service.Deliver(ctx, order, target, c) })
}

// CheckKey implements Service.
func (t *inTurn) CheckKey(ctx context.Context, order Order, target Target, names []string) error {
	return t.queue.Do(ctx, t.place, func() error { return t.service.CheckKey(ctx, order, target, names) })
}

// Seen implements Service.
func (t *inTurn) Seen(ctx context.Context, target Target, serial string) (sight Sight, err error) {
	err = t.queue.Do(ctx, t.place, func() (err error) {
		sight, err = t.service.Seen(ctx, target, serial)
		return err
	})
	return sight, err
}
