package walk

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"pmssl/internal/sandbox/model"
	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/syscalls"
)

const (
	// latestKill is the number of the last system call at which a run is killed. Most runs have fewer, and end before it.
	latestKill = 200
	// untilNextRun is the time until the panel runs a killed command again: longer than a seller's list may lack a paid order (rules BUY-4).
	untilNextRun = 11 * time.Minute
)

// killable reports whether the run of a step may be killed. At a seller who answers as usual it is known what becomes of it: the next run
// completes it. Both runs are on the same day, which the dates depend on.
func (w *walk) killable(s Step) bool {
	today := model.DateOf(w.m.Now())
	return slices.Contains([]Kind{Order, Open, Renew, Reissue, NewKey, Retry, Sync}, s.Kind) && w.m.Fault() == model.NoFault &&
		model.DateOf(w.m.Now().Add(untilNextRun)) == today && untilNextRun < w.limit() && !w.renewsWaiting(s)
}

// renewsWaiting reports whether a step renews an order that waits for its proof. If such a run is killed, it depends on the moment whether the
// next one pays, or first waits until the order is issued: what the seller works on may be the renewal (rules BUY-4).
func (w *walk) renewsWaiting(s Step) bool {
	i := w.m.Item(s.Item)
	if i == nil || s.Kind != Renew && (i.Operation == nil || i.Operation.Command != "prolong") {
		return false
	}
	o := w.m.NewestOrder(i)
	return o != nil && o.State == model.Validating
}

// driveKilled takes a step in the system. A run that was killed is run again after a while, as the panel does.
func (w *walk) driveKilled(ctx context.Context, s *Step) (*panel.Run, error) {
	if s.Kill == 0 {
		return w.drive(ctx, s)
	}
	run, err := w.killAt(ctx, s)
	if err != nil || !s.killed {
		return run, err
	}
	w.result.Kills++
	if _, err := w.p.Clock.Advance(untilNextRun); err != nil {
		return nil, err
	}
	if s.Kind == Sync {
		return w.drive(ctx, s)
	}
	op, err := w.operation(ctx, s.Item)
	switch {
	case errors.Is(err, errNoOperation):
		s.completed = true
	case err != nil:
		return nil, err
	default:
		if run, err = w.p.Panel.RunOperation(ctx, op); err != nil || !run.OK() {
			return run, err
		}
	}
	return w.p.Panel.Sync(ctx, s.Item)
}

// killAt takes a step whose run is killed after its system call of this number, and notes in the step whether it has come to it. The calls of
// mgrctl that the run has started are carried out.
func (w *walk) killAt(ctx context.Context, s *Step) (*panel.Run, error) {
	report := filepath.Join(w.p.Dir(), "calls.json")
	kill := syscalls.Disturbance{At: s.Kill, After: true, Ignore: w.seller.Module() + ".log", Wait: true}
	w.p.Panel.SetTracer(kill.Words(w.o.Bin, report)...)
	defer w.p.Panel.SetTracer()
	run, err := w.drive(ctx, s)
	if err != nil {
		return nil, err
	}
	result, err := syscalls.TakeResult(report)
	s.killed = result.Hit
	return run, err
}
