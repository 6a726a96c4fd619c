package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

// invocation is one run of one command, from the row to the document.
type invocation struct {
	program Program
	system  System
	root    string // of the panel
	rows    table
	row     row
	args    *arguments
	host    *watchedHost
	log     *panellog.Logger // of this room
	rootLog *panellog.Logger
	info    seller.Info
	secrets *secrets
	// text is what goes to stdout instead of a document, where the command answers people (command.Run.Print).
	text string
	// partial: the document tells of failures; it is printed and the exit code is 1 (command.Run.Failed).
	partial bool
	// told: the log has the error of this run already.
	reported bool
	// failing is the text of the error for which the command was run once more.
	failing string
	// summary is what the command says of its work in one line of the log (command.Run.Summary).
	summary string

	began    time.Time
	spent    bool            // money may have been spent, or a reissue been asked for
	critical criticalSection // what nobody may cut in two
	// over ends the command's context and whatever watches over the run; to be called once the answer is written.
	over func()
	// speak writes a document to stdout unless something else was written, and returns the exit code.
	speak func(*etree.Document) int
}

// serve runs the command. The document goes to stdout whatever the error is; with an error the exit code is 1.
func (s *invocation) serve() (*etree.Document, error) {
	row, found := s.rows.find(s.args.Command)
	if !found {
		err := fault.Errorf(fault.Unknown, clip(s.args.Command, maxFaultWord), "there is no command %q, known are %s",
			clip(s.args.Command, maxFaultWord), s.rows.names())
		s.log.Errorf("%v", err)
		return newReport(err, err, s.secrets.mask).document(), err
	}
	s.row = row
	if err := s.commandLine(); err != nil {
		err = s.classify(context.Background(), err)
		s.log.Errorf("%v", err)
		return newReport(fault.From(err), err, s.secrets.mask).document(), err
	}
	if row.doNothing && !s.args.DryRun && s.host.DoNothing() {
		s.log.ExtInfof("%s: etc/billmgr.DoNothing exists, nothing is done", row.name)
		return nil, nil
	}
	ctx := s.context()
	doc, err := s.repeated(ctx)
	if err == nil {
		return doc, nil
	}
	err = s.classify(ctx, err)
	failure := fault.From(err)
	if !s.reported {
		s.log.Errorf("%s", strings.Join(causes(err), "\n"))
	}
	r := newReport(failure, err, s.secrets.mask)
	if !s.args.DryRun { // which changes nothing in the panel either
		s.failed(ctx, failure, r)
	}
	return r.document(), err
}

// commandLine checks the options before anything is done. A person's mistake concerns nobody else: only where the panel
// started an operation is the panel told, by the handling of failures, what its command lacks.
func (s *invocation) commandLine() error {
	if err := s.row.refuse(s.args); err != nil {
		return err
	}
	if s.args.Operation > 0 {
		return nil
	}
	return s.row.check(s.args)
}

// pauses returns the times between the runs of a command that repeats what passes by itself.
func pauses() []time.Duration { return []time.Duration{2 * time.Second, 10 * time.Second} }

// repeatTime is what must be left of the run's time for it to begin once more.
const repeatTime = time.Minute

// repeated runs the command, and once more where that may help.
func (s *invocation) repeated(ctx context.Context) (*etree.Document, error) {
	began := s.system.Now()
	doc, err := s.guarded(ctx)
	for _, pause := range pauses() {
		if err == nil || !s.repeats(ctx, began, err, pause) {
			break
		}
		doc, err = s.guarded(ctx)
	}
	return doc, err
}

// repeats waits and reports whether the command is run once more within its deadline. It is not where money may have been
// spent: what came of that is for the next run to look up (rules BUY-3).
func (s *invocation) repeats(ctx context.Context, began time.Time, err error, pause time.Duration) bool {
	failure := fault.From(err)
	if !s.row.repeats || s.args.DryRun || !failure.Retry || passes(failure) || s.spent || ctx.Err() != nil {
		return false
	}
	if s.elapsed(began)+pause+repeatTime > s.row.deadline {
		return false
	}
	if text := plaintext.CollapseSpace(err.Error()); text == s.failing {
		s.log.Warningf("%s failed in the same way and is tried again in %s", s.row.name, pause)
	} else {
		s.log.Warningf("%s is tried again in %s: %s", s.row.name, pause, text)
		s.failing = text
	}
	return s.system.Sleep(ctx, pause) == nil
}

// context returns the command's: it ends with the row's deadline and with the first signal. What has to be finished all the
// same, a purchase above all, the commands keep out of its reach. It lives until over is called.
func (s *invocation) context() context.Context {
	run, end := context.WithCancel(context.Background())
	ctx, interrupt := context.WithCancelCause(run)
	ctx, expire := context.WithTimeout(ctx, s.row.deadline)
	go func() {
		select {
		case signal, open := <-s.system.Signals:
			if open {
				interrupt(interruption{signal})
			}
		case <-ctx.Done():
		}
	}()
	if s.system.Exit != nil {
		go s.watch(run, ctx)
	}
	s.over = func() { end(); expire(); interrupt(nil) }
	return ctx
}

// interruption is the cause of a context that a signal ended.
type interruption struct{ signal os.Signal }

// Error implements error.
func (i interruption) Error() string { return "signal " + i.signal.String() }

// Is reports whether target is context.Canceled: net/http and others return the cause of the context that ended, and
// whoever looks for a cancellation must find it there too.
func (interruption) Is(target error) bool { return target == context.Canceled }

// interrupted reports whether a signal ended the context.
func interrupted(ctx context.Context) (stopped interruption, is bool) {
	is = errors.As(context.Cause(ctx), &stopped)
	return stopped, is
}

// guarded runs the command and turns a panic into an error.
func (s *invocation) guarded(ctx context.Context) (doc *etree.Document, err error) {
	defer func() {
		if r := recover(); r != nil {
			doc, err = nil, s.panicked(r)
		}
	}()
	return s.perform(ctx)
}

// panicked logs a panic with its stack and makes the fault of it. To be called while the stack still stands.
func (s *invocation) panicked(reason any) error {
	s.reported = true
	s.log.Criticalf("panic in %q: %v\n%s", clip(s.args.Command, maxFaultWord), reason, debug.Stack())
	return fault.Errorf(fault.Internal, clip(s.args.Command, maxFaultWord), "a fault of this program, see var/%s.log: %v", s.program.Name, reason)
}

// perform checks the arguments, reads what the row reads and calls the command.
func (s *invocation) perform(ctx context.Context) (*etree.Document, error) {
	if err := s.row.check(s.args); err != nil {
		return nil, err
	}
	run := &item.Run{
		Binary: s.program.Name, Args: s.args.Args, Panel: s.host, Info: s.info, Mailer: mailer{s},
		Log: s.rootLog.Named("command"), Now: s.system.Now, Addresses: s.system.Addresses,
		Resolver: resolvers(s.system), Terminal: s.system.Terminal, CriticalSection: s.inCritical,
	}
	if s.row.reads != readsNothing {
		if err := s.read(ctx, run); err != nil {
			return nil, err
		}
	}
	doc, err := s.row.run(ctx, run)
	s.partial, s.text, s.summary = run.Failed, run.Print, run.Summary
	if s.args.DryRun { // it shows what would be handed to the panel, which is masked on its way there
		s.text = s.secrets.mask(s.text)
		maskElement(doc, s.secrets.mask)
	}
	if doc != nil && s.log.Enabled(panellog.Debug) {
		if text, writeErr := doc.WriteToBytes(); writeErr == nil {
			s.log.Debugf("answer: %s", panellog.RedactXML(text))
		}
	}
	return doc, err
}

// maskElement masks the texts and attribute values of a document; nil is nothing to mask.
func maskElement(doc *etree.Document, mask func(string) string) {
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

// read takes stdin in.
func (s *invocation) read(ctx context.Context, run *item.Run) error {
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

// classify gives an error the type that the panel gets: a context that ended says why it did, and a row may have one type
// for everything.
func (s *invocation) classify(ctx context.Context, err error) error {
	failure := fault.From(err)
	stopped, signalled := interrupted(ctx)
	switch {
	case failure.OutcomeUnknown:
		// money may be on the way: nothing is more important to know
	case signalled && cutShort(failure, err):
		err = &fault.Error{Type: fault.Interrupted, Object: s.row.name, Retry: true, Err: err,
			Message: fmt.Sprintf("%v ended the run before it was done (%v); the next run goes on where this one stopped", stopped, err)}
	case failure.Type == fault.Internal && errors.Is(err, context.DeadlineExceeded):
		err = &fault.Error{Type: fault.Client, Object: s.row.name, Retry: true, Err: err,
			Message: fmt.Sprintf("the command took longer than %s (%v)", s.row.deadline, err)}
	}
	// A run that was told to end failed at nothing: the row's type of failure does not hold for it.
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

// cutShort reports whether a signal explains the failure of a run to which one came: the failure is the cancellation
// itself, or it passes by itself. The program at the other end, mgrctl or a database that stops too, may fail before the
// signal is seen here. A purchase that is waited for stays what it is.
func cutShort(failure *fault.Error, err error) bool {
	return failure.Type == fault.Interrupted || errors.Is(err, context.Canceled) || failure.Retry && failure.Type != fault.Waiting
}

// elapsed returns the time since then, for people.
func (s *invocation) elapsed(then time.Time) time.Duration {
	return s.system.Now().Sub(then).Round(time.Millisecond)
}
