package app

import (
	"context"
	"slices"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/parallel"
)

const (
	// failureTime limits the handling of a failure, in which an important call-back is retried for 60 s.
	failureTime = 4 * time.Minute
	// haltTime limits it after a signal, whose sender waits for the process to end.
	haltTime = 20 * time.Second
	// tailLines is the number of log lines in an error document (docs/reference/billmanager.md §1.6).
	tailLines = 100
	// problemName is the panel's name for a module that cannot reach its seller (docs/reference/billmanager.md §1.6).
	problemName = "processingmodule_connect"
)

// reportFailure reports a failure to the panel, in the order of the C++ framework (docs/reference/billmanager.md §1.6). It
// tries each step even if the one before failed. Errors of the steps are logged; the command's own error is what is answered.
func (s *invocation) reportFailure(ctx context.Context, failure *fault.Error, r report) {
	s.critical.begin()
	defer s.critical.end()
	ctx, stop := s.handlingContext(ctx)
	defer stop()
	if s.row.rollback && s.args.Item > 0 && s.lastRun(ctx, failure) {
		s.attempt("undoing the change of the tariff", func() error { return s.rollBack(ctx) })
	}
	if s.args.Operation > 0 {
		s.attempt("adding the error to the running operation", func() error { return s.editOperation(ctx, r) })
		if s.args.Item > 0 && !blameless(failure) {
			s.attempt("making the operation manual", func() error { return s.escalate(ctx, failure, r) })
		}
	}
	if module := s.module(); module > 0 && blamesConnection(s.cause(failure)) {
		s.attempt("registering the problem", func() error {
			return s.panel.RegisterProblem(ctx, problemName, module, s.moduleName(ctx), r.text)
		})
	}
}

// blameless reports whether the run only has to be repeated: another run holds the item (rules BUY-1), the answer to a
// purchase is waited for (rules BUY-4), or a signal ended the run (rules RUN-1). Such a run does not make the operation manual.
func blameless(failure *fault.Error) bool {
	return slices.Contains([]string{fault.Locked, fault.Waiting, fault.Interrupted}, failure.Type)
}

// refused reports whether the next run would fail in the same way: the seller refused, the order is wrong, or only an
// administrator can find out what became of a purchase. Other failures (network, limits, the panel, its database, a signal)
// are temporary.
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

// limit returns the number of failed runs after which this fault makes the operation manual.
func (s *invocation) limit(failure *fault.Error) int {
	switch {
	case s.row.refusals > 0 && refused(failure):
		return s.row.refusals
	case s.row.tries > 0:
		return s.row.tries
	}
	return manyTries
}

// lastRun reports whether the panel does not run the command again by itself after this fault. Before the last run the
// change of the tariff must not be undone: the next run may carry it out.
func (s *invocation) lastRun(ctx context.Context, failure *fault.Error) bool {
	if s.args.Operation == 0 || !failure.Retry && !blameless(failure) {
		return true
	}
	last := false
	if !blameless(failure) {
		s.attempt("reading the number of the operation's runs", func() error {
			tries, _, err := s.panel.Tries(ctx, s.args.Operation)
			last = err == nil && tries >= s.limit(failure)
			return err
		})
	}
	return last
}

// handlingContext returns the context for reporting a failure. It outlives the command's context, so that a run whose time is
// up is reported too. After a signal it ends sooner.
func (s *invocation) handlingContext(command context.Context) (context.Context, func()) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(command), failureTime)
	forget := context.AfterFunc(command, func() {
		s.background(func() {
			if _, signalled := interrupted(command); signalled && s.system.RealSleep(ctx, haltTime) == nil {
				stop()
			}
		})
	})
	return ctx, func() { forget(); stop() }
}

// attempt runs one step and logs its error or panic.
func (s *invocation) attempt(what string, step func() error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Criticalf("panic while %s: %v\n%s", what, r, parallel.StackOf(r))
		}
	}()
	if err := step(); err != nil {
		s.log.Errorf("%s failed: %v", what, err)
	}
}

// rollBack restores the item's previous tariff if it had one.
func (s *invocation) rollBack(ctx context.Context) error {
	if s.panel.order.Item == 0 {
		// The command failed before it read its item.
		if _, err := s.panel.LoadItem(ctx, s.args.Item); err != nil {
			return err
		}
	}
	if s.panel.order.LastPrice <= 0 {
		return nil
	}
	return s.panel.RollbackPricelist(ctx, s.args.Item)
}

func (s *invocation) editOperation(ctx context.Context, r report) error {
	h := history{report: r, time: s.system.Now(), module: s.module(), moduleName: s.moduleName(ctx), log: s.log.Tail(tailLines)}
	text, err := h.render(maxErrorXML)
	if err != nil {
		return err
	}
	return s.panel.EditOperation(ctx, s.args.Operation, text)
}

// escalate makes an operation that failed too often manual and opens a task for the administrator, unless one exists.
func (s *invocation) escalate(ctx context.Context, failure *fault.Error, r report) error {
	limit := s.limit(failure)
	tries, tasks, err := s.panel.Tries(ctx, s.args.Operation)
	if err != nil || tries < limit || tasks > 0 {
		return err
	}
	s.log.ExtInfof("%s has failed %d times of %d: the operation becomes manual", s.row.name, tries, limit)
	manual := s.panel.SetManual(ctx, s.args.Operation)
	kind, err := s.panel.TaskType(ctx, s.row.name, s.args.Item)
	if err == nil && kind != "" {
		err = s.panel.EditTask(ctx, s.args.Item, s.args.Operation, kind, clip(r.text, maxFaultText))
	}
	if manual != nil {
		if err != nil {
			s.log.Errorf("opening a task failed: %v", err)
		}
		return manual
	}
	return err
}

// module returns the id of the processing module: the one of the command line, else the item's; 0 if neither is known.
func (s *invocation) module() int64 {
	if s.args.Module > 0 {
		return s.args.Module
	}
	return s.panel.order.Module
}

// moduleName returns the name of the processing module for people; empty if it is not known.
func (s *invocation) moduleName(ctx context.Context) (name string) {
	if s.module() == 0 {
		return ""
	}
	s.attempt("reading the processing module's name", func() (err error) {
		name, err = s.panel.ModuleName(ctx, s.module())
		return err
	})
	return s.secrets.mask(name)
}

// cause returns the fault before classify gave it the row's type.
func (s *invocation) cause(failure *fault.Error) *fault.Error {
	if s.row.failsAs != "" && failure.Type == s.row.failsAs && failure.Err != nil {
		return fault.From(failure.Err)
	}
	return failure
}

// blamesConnection reports whether a fault means that the module's connection does not work: the types client and auth of
// the C++ framework (docs/reference/billmanager.md §1.6), and this module's more specific types.
func blamesConnection(failure *fault.Error) bool {
	switch failure.Type {
	case fault.Client, fault.NotSeller, fault.Auth, fault.Login, fault.Address, fault.ClientIP:
		return true
	}
	return false
}
