package publish

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// Queue lets one call at a time pass: publishers, and the programs of an administrator above all, are not made for several at once.
// Of those that wait the one with the lowest place goes first, so that calls for an item that was begun earlier are not held up by
// those for items that were begun later. The zero value is ready for use.
type Queue struct {
	mu      sync.Mutex
	busy    bool
	waiting []*queued
}

// queued is a call that waits. turn is closed when it may pass.
type queued struct {
	place int
	turn  chan struct{}
}

// Do makes a call when it is its turn. It returns the context's error if that ends first.
func (q *Queue) Do(ctx context.Context, place int, call func() error) error {
	if err := q.enter(ctx, place); err != nil {
		return err
	}
	defer q.leave()
	return call()
}

func (q *Queue) enter(ctx context.Context, place int) error {
	q.mu.Lock()
	if !q.busy {
		q.busy = true
		q.mu.Unlock()
		return nil
	}
	own := &queued{place, make(chan struct{})}
	at, _ := slices.BinarySearchFunc(q.waiting, place+1, func(one *queued, place int) int { return cmp.Compare(one.place, place) })
	q.waiting = slices.Insert(q.waiting, at, own)
	q.mu.Unlock()
	select {
	case <-own.turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	at = slices.Index(q.waiting, own)
	if at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
	q.mu.Unlock()
	if at < 0 { // its turn came meanwhile
		q.leave()
	}
	return ctx.Err()
}

// leave lets the next call pass.
func (q *Queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.busy = false
		return
	}
	close(q.waiting[0].turn)
	q.waiting = slices.Delete(q.waiting, 0, 1)
}

// InTurn returns the service for one of several goroutines: each of its calls waits for its turn in the queue.
func InTurn(s Service, q *Queue, place int) Service { return &inTurn{s, q, place} }

type inTurn struct {
	service Service
	queue   *Queue
	place   int
}

// Mode implements Service.
func (t *inTurn) Mode() (mode Mode) {
	_ = t.queue.Do(context.Background(), t.place, func() error { mode = t.service.Mode(); return nil }) // the context does not end
	return mode
}

// Best implements Service.
func (t *inTurn) Best() (best bool) {
	_ = t.queue.Do(context.Background(), t.place, func() error { best = t.service.Best(); return nil }) // the context does not end
	return best
}

// Place implements Service.
func (t *inTurn) Place(ctx context.Context, order Order, records []Record) (placed []Placement, err error) {
	err = t.queue.Do(ctx, t.place, func() (err error) {
		placed, err = t.service.Place(ctx, order, records)
		return err
	})
	return placed, err
}

// Publish implements Service.
func (t *inTurn) Publish(ctx context.Context, order Order, p Placement, old []string) error {
	return t.queue.Do(ctx, t.place, func() error { return t.service.Publish(ctx, order, p, old) })
}

// Look implements Service.
func (t *inTurn) Look(ctx context.Context, p Placement) (sight Sight, err error) {
	err = t.queue.Do(ctx, t.place, func() (err error) {
		sight, err = t.service.Look(ctx, p)
		return err
	})
	return sight, err
}

// Withdraw implements Service.
func (t *inTurn) Withdraw(ctx context.Context, order Order, p Placement) error {
	return t.queue.Do(ctx, t.place, func() error { return t.service.Withdraw(ctx, order, p) })
}
