package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
	"pmssl/internal/parallel"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
)

// invocation is one run of one command.
type invocation struct {
	program Program
	system  System
	root    string // of the panel
	rows    table
	row     row
	args    *arguments
	panel   *watchedPanel
	log     *panellog.Logger // component "module"
	rootLog *panellog.Logger // other components are made of it
	info    seller.Info
	// panelOptions and sellerEnv make further panels and sellers, for checks and items that are worked on at once.
	panelOptions panel.Options
	newPanel     func(panel.Options) panelAPI
	sellerEnv    seller.Env
	answered     *atomic.Bool    // the seller has answered a call of sellerEnv
	beside       []*watchedPanel // further panels, to be closed at the end
	secrets      *secrets
	// recorder keeps what the run exchanges; nil unless the row asks for it.
	recorder *exchange.Recorder
	// text is written to stdout if the command returns no document (item.Run.Print).
	text string
	// format and styles are those of the answer (item.Run).
	format string
	styles terminal.Styles
	// partial is true if the document contains failures: the exit code is 1 (item.Run.Failed).
	partial bool
	// logged is true if the error of this run was logged already.
	logged bool
	// retried is the text of the error after which the command was run again.
	retried string
	// summary is the command's result for the last line of the log (item.Run.Summary).
	summary string
	// code is the exit code that the command asks for (item.Run.ExitCode).
	code int
	// spooled is the document of a command that answers with item.Run.Stream; nil otherwise.
	spooled *spool
	plugin  bool // see app

	signals  <-chan os.Signal // those that end the run; nil if they are not handled
	began    time.Time
	spent    atomic.Bool     // money may have been spent, or a reissue may have been requested
	critical criticalSection // the watchdog does not end the process inside it
	// finish ends the command's context and the watchdog. It is called once the answer is written.
	finish func()
	// fail shows the report of a failure unless something was written before, and returns the exit code.
	fail func(report) int
	// failed is the report of the error that serve returned.
	failed report
	errors string // see app
}

// serve runs the command and returns the document for stdout. With an error the report of it is in failed.
func (s *invocation) serve() (*etree.Document, error) {
	row, found := s.rows.find(s.args.Command)
	if !found {
		err := fault.Errorf(fault.Unknown, clip(s.args.Command, maxFaultWord), "there is no command %q; the commands are %s",
			clip(s.args.Command, maxFaultWord), s.rows.names())
		s.log.Errorf("%v", err)
		s.failed = newReport(err, err, s.secrets.mask)
		s.failed.hint = s.program.Name + " --help lists the commands"
		if s.errors == item.FormatText {
			s.failed.text = s.rows.unknown(s.args.Command)
		}
		return nil, err
	}
	s.row = row
	if err := s.checkArguments(); err != nil {
		err = s.classify(context.Background(), err)
		s.log.Errorf("%v", err)
		s.failed = newReport(fault.From(err), err, s.secrets.mask)
		s.failed.hint = s.program.Name + " --help " + row.name + " shows its options and an example"
		return nil, err
	}
	if row.doNothing && !s.args.DryRun && s.panel.DoNothing() {
		s.log.ExtInfof("%s: etc/billmgr.DoNothing exists, nothing is done", row.name)
		if s.format == item.FormatText {
			s.text = row.name + ": nothing was done, because etc/billmgr.DoNothing exists\n"
		}
		return nil, nil
	}
	ctx := s.context()
	doc, err := s.runWithRetries(ctx)
	if err == nil {
		return doc, nil
	}
	err = s.classify(ctx, err)
	failure := fault.From(err)
	if !s.logged {
		s.log.Errorf("%s", strings.Join(causes(err), "\n"))
	}
	s.failed = newReport(failure, err, s.secrets.mask)
	if !s.args.DryRun { // a dry run does not change the panel
		s.reportFailure(ctx, failure, s.failed)
	}
	return nil, err
}

// checkArguments checks the options before anything is done, and chooses the format of the answer. In an operation of the panel it leaves missing arguments to
// perform, whose failure is reported to the panel; the mistake of a person who typed the command is not.
func (s *invocation) checkArguments() error {
	if err := s.row.refuse(s.args); err != nil {
		return err
	}
	format, err := item.ChooseFormat(s.args.Format, s.row.formats, s.system.Terminal)
	if err != nil {
		return err
	}
	s.format = format
	if s.args.Operation > 0 {
		return nil
	}
	return s.row.check(s.args)
}

// pauses returns the waiting times before a command is run again after a temporary failure.
func pauses() []time.Duration { return []time.Duration{2 * time.Second, 10 * time.Second} }

// repeatTime is the time that must be left before the deadline for the command to be run again.
const repeatTime = time.Minute

// runWithRetries runs the command, and again after a temporary failure (waitForRetry).
func (s *invocation) runWithRetries(ctx context.Context) (*etree.Document, error) {
	began := s.system.Now()
	doc, err := s.withoutPanic(ctx)
	for _, pause := range pauses() {
		if err == nil || !s.waitForRetry(ctx, began, err, pause) {
			break
		}
		doc, err = s.withoutPanic(ctx)
	}
	return doc, err
}

// waitForRetry reports whether the command is to be run again within its deadline, after it has waited for that. It is not
// after money may have been spent: the next run looks up what happened (rules BUY-3).
func (s *invocation) waitForRetry(ctx context.Context, began time.Time, err error, pause time.Duration) bool {
	failure := fault.From(err)
	if !s.row.repeats || s.args.DryRun || !failure.Retry || blameless(failure) || s.spent.Load() || ctx.Err() != nil {
		return false
	}
	if s.elapsed(began)+pause+repeatTime > s.row.deadline {
		return false
	}
	if text := plaintext.CollapseSpace(err.Error()); text == s.retried {
		s.log.Warningf("%s failed with the same error and is tried again in %s", s.row.name, pause)
	} else {
		s.log.Warningf("%s is tried again in %s: %s", s.row.name, pause, text)
		s.retried = text
	}
	return s.system.Sleep(ctx, pause) == nil
}

// context returns the context of the command: it ends with the row's deadline, with the first signal, or when finish is
// called. That of an immediate command does not end. For what must be completed all the same, above all a purchase, the commands use a context of their own.
func (s *invocation) context() context.Context {
	if s.row.immediate {
		return context.Background()
	}
	run, end := context.WithCancel(context.Background())
	ctx, interrupt := context.WithCancelCause(run)
	ctx, expire := context.WithTimeout(ctx, s.row.deadline)
	s.background(func() {
		select {
		case signal, open := <-s.signals:
			if open {
				interrupt(interruption{signal})
			}
		case <-ctx.Done():
		}
	})
	if s.system.Exit != nil {
		s.background(func() { s.watch(run, ctx) })
	}
	s.finish = func() { end(); expire(); interrupt(nil) }
	return ctx
}

// interruption is the cause of a context that a signal ended.
type interruption struct{ signal os.Signal }

// Error implements error.
func (i interruption) Error() string { return "signal " + i.signal.String() }

// Is reports whether target is context.Canceled. net/http and other packages return the cause of the ended context, and a
// caller that checks for a cancellation must recognise it.
func (interruption) Is(target error) bool { return target == context.Canceled }

// interrupted reports whether a signal ended the context.
func interrupted(ctx context.Context) (stopped interruption, is bool) {
	is = errors.As(context.Cause(ctx), &stopped)
	return stopped, is
}

// withoutPanic runs the command and turns a panic into an error.
func (s *invocation) withoutPanic(ctx context.Context) (doc *etree.Document, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, s.panicked(r)
		}
	}()
	return s.perform(ctx)
}

// panicked logs a panic with its stack and returns its fault. It must be called in the deferred function that recovered.
func (s *invocation) panicked(reason any) error {
	s.logged = true
	s.log.Criticalf("panic in %q: %v\n%s", clip(s.args.Command, maxFaultWord), reason, parallel.StackOf(reason))
	return fault.Errorf(fault.Internal, clip(s.args.Command, maxFaultWord), "a fault of this program, see var/%s.log: %v", s.program.Name, reason)
}

// background calls f in a goroutine. A panic in it is logged, and the command goes on: f does not work for its answer.
func (s *invocation) background(f func()) {
	parallel.Go(f, func(caught *parallel.Panic) {
		s.log.Criticalf("panic beside %q: %v\n%s", clip(s.args.Command, maxFaultWord), caught, caught.Stack)
	})
}

// perform checks the arguments, reads stdin if the row says so, and calls the command.
func (s *invocation) perform(ctx context.Context) (*etree.Document, error) {
	if err := s.row.check(s.args); err != nil {
		return nil, err
	}
	run := s.newRun()
	if s.row.reads != readsNothing {
		if err := s.read(ctx, run); err != nil {
			return nil, err
		}
	}
	doc, err := s.row.run(ctx, run)
	s.partial, s.text, s.summary, s.code = run.Failed, run.Print, run.Summary, run.ExitCode
	if err == nil && run.Stream != nil {
		if s.spooled, err = s.spool(run.Stream); err != nil {
			return nil, err
		}
	}
	if s.args.DryRun { // it shows what would be sent to the panel, which watchedPanel would mask
		s.text = s.secrets.mask(s.text)
		maskDocument(doc, s.secrets.mask)
	}
	if doc != nil && s.log.Enabled(panellog.Debug) {
		if text, writeErr := doc.WriteToBytes(); writeErr == nil {
			s.log.Debugf("answer: %s", panellog.RedactXML(text))
		}
	}
	return doc, err
}

// maskDocument masks the texts and attribute values of a document, which may be nil.
func maskDocument(doc *etree.Document, mask func(string) string) {
	if doc == nil {
		return
	}
	var walk func(*etree.Element)
	walk = func(e *etree.Element) {
		for i := range e.Attr {
			e.Attr[i].Value = mask(e.Attr[i].Value)
		}
		for _, child := range e.Child {
			switch child := child.(type) {
			case *etree.Element:
				walk(child)
			case *etree.CharData:
				child.Data = mask(child.Data)
			}
		}
	}
	walk(&doc.Element)
}

// read reads stdin into run.Text or run.Doc. It does not wait for what a person may type.
func (s *invocation) read(ctx context.Context, run *item.Run) error {
	if s.system.StdinTerminal {
		if s.row.reads == readsAny {
			return nil
		}
		return fault.Errorf(fault.Input, "stdin", "stdin is a terminal: %s reads a file, as in %s", s.row.name, s.row.exampleOf(s.program))
	}
	data, err := readInput(ctx, s.system.Stdin)
	if err != nil {
		return err
	}
	if s.row.reads == readsText {
		run.Text = string(data)
		s.log.Debugf("stdin: %s", panellog.RedactText(run.Text))
		return nil
	}
	if s.row.reads == readsAny && len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	doc, err := parseDocument(data)
	if err != nil {
		return err
	}
	if err := s.secrets.learnDocument(doc.Root()); err != nil {
		return err
	}
	if s.log.Enabled(panellog.Debug) {
		s.log.Debugf("stdin: %s", panellog.RedactXML(data))
	}
	run.Doc = doc
	return nil
}

// classify returns the error with the type that is reported to the panel: interrupted or client if the context ended, and
// the row's own type for all its failures (row.failsAs).
func (s *invocation) classify(ctx context.Context, err error) error {
	failure := fault.From(err)
	stopped, signalled := interrupted(ctx)
	switch {
	case failure.OutcomeUnknown:
		// money may have been spent: that matters more than how the run ended
	case signalled && cutShort(failure, err):
		err = &fault.Error{Type: fault.Interrupted, Object: s.row.name, Retry: true, Err: err,
			Message: fmt.Sprintf("%v ended the run before it was done (%v); the next run goes on where this one stopped", stopped, err)}
	case failure.Type == fault.Internal && errors.Is(err, context.DeadlineExceeded):
		err = &fault.Error{Type: fault.Client, Object: s.row.name, Retry: true, Err: err,
			Message: fmt.Sprintf("the command took longer than %s (%v)", s.row.deadline, err)}
	}
	// A run that a signal ended did not fail: it keeps its type.
	if failure = fault.From(err); s.row.failsAs != "" && failure.Type != s.row.failsAs && failure.Type != fault.Interrupted {
		same := *failure
		same.Type, same.Err = s.row.failsAs, err
		if same.Message == "" {
			same.Message = err.Error()
		}
		return &same
	}
	return err
}

// cutShort reports whether a signal that was received explains the failure: the failure is the cancellation itself, or it is
// temporary. mgrctl or the database may get the same signal and fail before the signal is noticed here. A purchase whose
// answer is waited for keeps its type.
func cutShort(failure *fault.Error, err error) bool {
	return failure.Type == fault.Interrupted || errors.Is(err, context.Canceled) || failure.Retry && failure.Type != fault.Waiting
}

// elapsed returns the time since then, rounded to milliseconds for people.
func (s *invocation) elapsed(then time.Time) time.Duration {
	return s.system.Now().Sub(then).Round(time.Millisecond)
}
