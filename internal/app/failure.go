package app

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"pmssl/internal/fault"
)

const (
	// failureTime bounds the handling of a failure: each call-back that must not be lost is repeated for 60 s.
	failureTime = 4 * time.Minute
	// haltTime is the same for a run that was told to end: whoever sent the signal is waiting.
	haltTime = 20 * time.Second
	// tailLines is how many log lines an error document carries (docs/reference/billmanager.md §1.6).
	tailLines = 100
	// problemName is the panel's name for a module that cannot reach its seller (docs/reference/billmanager.md §1.6).
	problemName = "processingmodule_connect"
)

// failed tells the panel of a failure, in the order of the C++ framework (docs/reference/billmanager.md §1.6). Each step is
// tried, whatever became of the one before; what fails here is logged and never takes the place of the first error.
func (s *invocation) failed(ctx context.Context, failure *fault.Error, r report) {
	s.critical.begin()
	defer s.critical.end()
	ctx, stop := s.handlingContext(ctx)
	defer stop()
	if s.row.rollback && s.args.Item > 0 && s.lastRun(ctx, failure) {
		s.attempt("taking the change of the tariff back", func() error { return s.rollBack(ctx) })
	}
	if s.args.Operation > 0 {
		s.attempt("adding the error to the running operation", func() error { return s.editOperation(ctx, r) })
		if s.args.Item > 0 && !passes(failure) {
			s.attempt("making the operation manual", func() error { return s.escalate(ctx, failure, r) })
		}
	}
	if module := s.module(); module > 0 && blamesConnection(s.cause(failure)) {
		s.attempt("registering the problem", func() error {
			return s.host.RegisterProblem(ctx, problemName, module, s.moduleName(ctx), r.text)
		})
	}
}

// passes reports whether nobody has failed: another run holds the item (rules BUY-1), a purchase without an answer is
// waited for (rules BUY-4), or a signal ended the run (rules RUN-1). Such a run never counts towards manual.
func passes(failure *fault.Error) bool {
	return slices.Contains([]string{fault.Locked, fault.Waiting, fault.Interrupted}, failure.Type)
}

// refused reports whether a fault is the word of somebody who will say the same to the next run: the seller's refusal, what
// is wrong with the order, or a purchase that only an administrator can look up. Whatever keeps the run from its work
// without that (network, limits, the panel, its database, a signal) passes by itself.
func refused(failure *fault.Error) bool {
	if failure.Retry {
		return false
	}
	switch failure.Type {
	case fault.API, fault.Value, fault.Missed, fault.Running, fault.Unclear, fault.OrderEnded, fault.Delivered:
		return true
	}
	return false
}

// limit returns how often the operation may run before this fault makes it manual.
func (s *invocation) limit(failure *fault.Error) int {
	switch {
	case s.row.refusals > 0 && refused(failure):
		return s.row.refusals
	case s.row.tries > 0:
		return s.row.tries
	}
	return manyTries
}

// lastRun reports whether the panel will not run the command again by itself after this fault. A change of tariff that the
// next run carries out must not be taken back by this one.
func (s *invocation) lastRun(ctx context.Context, failure *fault.Error) bool {
	if s.args.Operation == 0 || !failure.Retry && !passes(failure) {
		return true
	}
	last := false
	if !passes(failure) {
		s.attempt("reading how often the operation has run", func() error {
			tries, _, err := s.host.Tries(ctx, s.args.Operation)
			last = err == nil && tries >= s.limit(failure)
			return err
		})
	}
	return last
}

// handlingContext outlives the command's: the panel is told also of a run whose time is up. A signal, before or now,
// leaves it a shorter time.
func (s *invocation) handlingContext(command context.Context) (context.Context, func()) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(command), failureTime)
	forget := context.AfterFunc(command, func() {
		if _, signalled := interrupted(command); signalled && s.system.Sleep(ctx, haltTime) == nil {
			stop()
		}
	})
	return ctx, func() { forget(); stop() }
}

// attempt runs one step and logs what goes wrong with it, a panic included.
func (s *invocation) attempt(what string, step func() error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Criticalf("panic while %s: %v\n%s", what, r, debug.Stack())
		}
	}()
	if err := step(); err != nil {
		s.log.Errorf("%s failed: %v", what, err)
	}
}

// rollBack restores the item's previous tariff where it had one.
func (s *invocation) rollBack(ctx context.Context) error {
	if s.host.order.Item == 0 {
		// The failure came before the command read its item.
		if _, err := s.host.LoadItem(ctx, s.args.Item); err != nil {
			return err
		}
	}
	if s.host.order.LastPrice <= 0 {
		return nil
	}
	return s.host.RollbackPricelist(ctx, s.args.Item)
}

func (s *invocation) editOperation(ctx context.Context, r report) error {
	h := history{report: r, time: s.system.Now(), module: s.module(), moduleName: s.moduleName(ctx), log: s.log.Tail(tailLines)}
	text, err := h.render(maxErrorXML)
	if err != nil {
		return err
	}
	return s.host.EditOperation(ctx, s.args.Operation, text)
}

// escalate hands an operation that failed too often to the administrator, once.
func (s *invocation) escalate(ctx context.Context, failure *fault.Error, r report) error {
	limit := s.limit(failure)
	tries, tasks, err := s.host.Tries(ctx, s.args.Operation)
	if err != nil || tries < limit || tasks > 0 {
		return err
	}
	s.log.ExtInfof("%s has failed %d times of %d: the operation becomes manual", s.row.name, tries, limit)
	manual := s.host.SetManual(ctx, s.args.Operation)
	kind, err := s.host.TaskType(ctx, s.row.name, s.args.Item)
	if err == nil && kind != "" {
		err = s.host.EditTask(ctx, s.args.Item, s.args.Operation, kind, clip(r.text, maxFaultText))
	}
	if manual != nil {
		if err != nil {
			s.log.Errorf("opening a task failed: %v", err)
		}
		return manual
	}
	return err
}

// module returns the processing module concerned: the command line's, else the item's.
func (s *invocation) module() int64 {
	if s.args.Module > 0 {
		return s.args.Module
	}
	return s.host.order.Module
}

// moduleName is for people only: without it the document is still right.
func (s *invocation) moduleName(ctx context.Context) (name string) {
	if s.module() == 0 {
		return ""
	}
	s.attempt("reading the processing module's name", func() (err error) {
		name, err = s.host.ModuleName(ctx, s.module())
		return err
	})
	return s.secrets.mask(name)
}

// cause returns the fault under one that a row renamed.
func (s *invocation) cause(failure *fault.Error) *fault.Error {
	if s.row.failsAs != "" && failure.Type == s.row.failsAs && failure.Err != nil {
		return fault.From(failure.Err)
	}
	return failure
}

// blamesConnection reports whether a fault means that the module's connection does not work: the types client and auth of
// the C++ framework (docs/reference/billmanager.md §1.6), and our finer words for the same.
func blamesConnection(failure *fault.Error) bool {
	switch failure.Type {
	case fault.Client, fault.NotSeller, fault.Auth, fault.Login, fault.Address, fault.ClientIP:
		return true
	}
	return false
}
