package subscription

import (
	"context"
	"errors"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
)

// turnTime is how much of a sweep's time for publishers and looks an item must have had for its turn to count if there was no more.
const turnTime = time.Minute

// turn is what publishers and looks took of a sweep's time for one item (rules UNATT-9). It stands below the item's own limit of
// time and above the sweep's.
type turn struct {
	publish.Service
	now   func() time.Time
	calls int
	spent time.Duration
	cut   bool // the sweep had no time left
}

// run makes a call and counts its time.
func (t *turn) run(call func() error) error {
	t.calls++
	began := t.now()
	err := call()
	t.spent += max(0, t.now().Sub(began)) // clocks may be set back
	t.cut = t.cut || errors.Is(err, publish.ErrTimeSpent)
	return err
}

// Place implements publish.Service.
func (t *turn) Place(ctx context.Context, order publish.Order, records []publish.Record) (placed []publish.Placement, err error) {
	err = t.run(func() (err error) {
		placed, err = t.Service.Place(ctx, order, records)
		return err
	})
	return placed, err
}

// Publish implements publish.Service.
func (t *turn) Publish(ctx context.Context, order publish.Order, p publish.Placement, old []string) error {
	return t.run(func() error { return t.Service.Publish(ctx, order, p, old) })
}

// Look implements publish.Service.
func (t *turn) Look(ctx context.Context, p publish.Placement) (sight publish.Sight, err error) {
	err = t.run(func() (err error) {
		sight, err = t.Service.Look(ctx, p)
		return err
	})
	return sight, err
}

// Withdraw implements publish.Service.
func (t *turn) Withdraw(ctx context.Context, order publish.Order, p publish.Placement) error {
	return t.run(func() error { return t.Service.Withdraw(ctx, order, p) })
}

// endTurn notes what an item took of the sweep's time. An item whose mark cannot be saved has its turn later than it could.
func (s *sweep) endTurn(ctx context.Context, j *sweptItem, t *turn) {
	if t.cut {
		s.timeSpent.Store(true)
	}
	if s.dry || ctx.Err() != nil {
		return
	}
	if err := j.noteTurn(ctx, t); err != nil {
		j.Log.Warningf("since when it waits for its turn could not be saved: %v", err)
	}
}

// noteTurn saves on the item that it had no turn, or drops that. Who waits longest goes first in the next sweep: an item that was
// skipped keeps its place, one whose turn was cut short goes behind those that had none.
func (j *sweptItem) noteTurn(ctx context.Context, t *turn) error {
	mark := j.Item.Params[itemparam.ChallengesDeferred]
	waits := j.HasStatus(item.ServiceWaiting) || j.HasStatus(item.ServiceRequested)
	switch now := j.Now().UTC(); {
	case t.calls == 0 && waits: // its account does not work now, or nothing is due
	case !t.cut:
		mark = ""
	case mark == "" || mark > now.Format(time.RFC3339) || t.spent >= turnTime:
		mark = now.Format(time.RFC3339)
	}
	return j.SaveParam(ctx, itemparam.ChallengesDeferred, mark)
}

// workOnDeferred works on the items for which earlier sweeps had no time left, those that wait longest first, as long as this
// sweep has some. It returns those that it worked on.
func (s *sweep) workOnDeferred(ctx context.Context, waiting, worked set) ([]int64, error) {
	deferred, err := s.filterNamed(s.Panel.DeferredItems(ctx))
	if err != nil || s.dry {
		return nil, err
	}
	var tasks []task
	for _, it := range worked.without(deferred) {
		if waiting[it] {
			tasks = append(tasks, task{item: it, as: asSync, begin: s.beginner(), asks: true, work: s.reconcile})
		} else {
			tasks = append(tasks, task{item: it, as: asSync, begin: loadItem, work: s.withdraw})
		}
	}
	started, err := s.workOnAll(ctx, tasks, func() bool { return !s.timeSpent.Load() })
	if err != nil {
		return nil, err
	}
	done := itemsOf(tasks[:started])
	worked.add(done)
	return done, nil
}
