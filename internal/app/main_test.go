package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/parallel"
	"pmssl/internal/seller"
)

func answering(text string) item.Func {
	return func(context.Context, *item.Run) (*etree.Document, error) {
		doc := etree.NewDocument()
		doc.CreateElement("doc").CreateElement("said").SetText(text)
		return doc, nil
	}
}

func TestACommandsDocumentIsAllOfStdout(t *testing.T) {
	s := newFixture(t, plain(answering("hello")))
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<doc><said>hello</said></doc>\n", s.stdout.String())
	assert.Empty(t, s.stderr.String())
	assert.Equal(t, 1, s.panel.closed)
}

func TestACommandWithoutDocumentSaysNothing(t *testing.T) {
	s := newFixture(t, plain(failing(nil)))
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Empty(t, s.stdout.String())
	assert.Empty(t, s.stderr.String())
}

func TestUnknownCommand(t *testing.T) {
	s := newFixture(t)
	assert.Equal(t, 1, s.run("--command", "fly", "--runningoperation", "7", "--item", "42"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Unknown, kind)
	assert.Contains(t, text, `"fly"`)
	assert.Contains(t, text, "sync_item")
	assert.Empty(t, s.stderr.String())
}

func TestNoCommandShowsUsageOnStderr(t *testing.T) {
	s := newFixture(t)
	assert.Equal(t, 1, s.run("--item", "5"))
	assert.Empty(t, s.stdout.String())
	assert.Contains(t, s.stderr.String(), "usage: pmdouble --command COMMAND")
	assert.NotContains(t, s.stderr.String(), "MGR5_ROOT", "a hint suffices")
	first, _, _ := strings.Cut(s.stderr.String(), "\n")
	assert.Equal(t, "pmdouble: --command is missing: it names what to do", first)
}

func TestTextsForPeople(t *testing.T) {
	for word, want := range map[string]string{"--version": "pmdouble 1.2.3 (abc)\n", "-V": "pmdouble 1.2.3 (abc)\n", "-T": "pmssl\n"} {
		s := newFixture(t)
		assert.Equal(t, 0, s.run(word))
		assert.Equal(t, want, s.stdout.String())
		assert.NoFileExists(t, filepath.Join(s.root, "var", "pmdouble.log"), "no log is needed for this")
	}
	open, _ := commands().find("open")
	for line, want := range map[string]string{
		"--help":                commands().usage(Program{Name: "pmdouble"}),
		"--help --command open": open.help(Program{Name: "pmdouble"}),
		"--command open --help": open.help(Program{Name: "pmdouble"}),
		"--help open":           open.help(Program{Name: "pmdouble"}),
		"-h open":               open.help(Program{Name: "pmdouble"}),
	} {
		s := newFixture(t)
		assert.Equal(t, 0, s.run(strings.Fields(line)...), line)
		assert.Equal(t, want, s.stdout.String(), line)
		assert.Empty(t, s.stderr.String(), line)
	}
}

func TestArgumentsAreCheckedBeforeAnythingElse(t *testing.T) {
	r := plain(failing(errors.New("must not run")))
	r.needs, r.reads = needItem|needModule, readsDocument
	s := newFixture(t, r)
	assert.Equal(t, 1, s.run("--command", "act", "--item", "x"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Value, kind)
	assert.Equal(t, `command act: --item "x" is not a positive whole number; missing --module`, text)
}

func TestDoNothingEndsAtOnce(t *testing.T) {
	for _, r := range commands() {
		if !r.doNothing {
			continue
		}
		s := newFixture(t)
		s.panel.idle = true
		words := []string{"--command", r.name}
		switch {
		case r.byHand: // whose command line is checked before
		case r.accepts(parseArgs(nil), "item"):
			words = append(words, "--item", "nonsense", "--runningoperation", "7")
		default:
			words = append(words, "--module", "nonsense", "--runningoperation", "7")
		}
		assert.Equal(t, 0, s.run(words...), r.name)
		assert.Empty(t, s.stdout.String(), r.name)
		assert.Empty(t, s.panel.calls, r.name)
		assert.Contains(t, s.log(t), "DoNothing", r.name)
	}
}

func TestFormCommandsIgnoreDoNothing(t *testing.T) {
	s := newFixture(t)
	s.panel.idle = true
	assert.Equal(t, 0, s.run("--command", "features"))
	assert.NotEmpty(t, s.stdout.String())
}

func TestTheRunCarriesWhatTheCommandNeeds(t *testing.T) {
	var run *item.Run
	r := plain(func(_ context.Context, given *item.Run) (*etree.Document, error) { run = given; return nil, nil })
	r.reads = readsText
	s := newFixture(t, r)
	s.system.Stdin = strings.NewReader("\xEF\xBB\xBF-----BEGIN")
	require.Equal(t, 0, s.run("--command", "act", "--item", "5", "--param", "a", "--value", "b"))
	assert.Equal(t, "-----BEGIN", run.Text)
	assert.Nil(t, run.Doc)
	assert.Equal(t, "pmdouble", run.Binary)
	assert.EqualValues(t, 5, run.Args.Item)
	assert.Equal(t, []string{"a"}, run.Args.Params)
	assert.Equal(t, instant(), run.Now())
	assert.Equal(t, "Double", run.Info.Title)
	addresses, err := run.Addresses()
	assert.NoError(t, err)
	assert.Len(t, addresses, 1)
	assert.NotNil(t, run.Panel)
}

func TestTheSellerGetsItsEnv(t *testing.T) {
	s := newFixture(t, plain(failing(nil)))
	var got seller.Env
	s.system.Args, s.system.Stdout, s.system.Stderr = []string{"--command", "act"}, io.Discard, io.Discard
	a := app{program: Program{Name: "pmdouble", Info: func(given seller.Env) seller.Info { got = given; return testInfo() }},
		system: s.system, rows: s.rows, newPanel: newPanelOf(s)}
	require.Equal(t, 0, a.main())
	assert.Equal(t, filepath.Join(s.root, "var"), got.StateDir)
	assert.Equal(t, "pmdouble", got.Binary)
	assert.NotNil(t, got.Log)
	assert.NotNil(t, got.Sleep)
	assert.NotNil(t, got.Jitter)
	assert.Equal(t, instant(), got.Now())
}

// For broken XML the program prints an error document and exits with 1 without running the command.
func TestBadDocumentOnStdin(t *testing.T) {
	r := plain(failing(errors.New("must not run")))
	r.reads = readsDocument
	s := newFixture(t, r)
	s.system.Stdin = strings.NewReader("<doc><broken")
	assert.Equal(t, 1, s.run("--command", "act"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Input, kind)
	assert.Contains(t, text, "the document on stdin is not accepted")
}

func TestAPanicIsAnErrorLikeOthers(t *testing.T) {
	s := newFixture(t, plain(func(context.Context, *item.Run) (*etree.Document, error) { panic("planted") }))
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Internal, kind)
	assert.Contains(t, text, "planted")
	assert.Contains(t, text, "var/pmdouble.log")
	assert.Equal(t, []string{"runningoperation.edit 7"}, s.panel.calls)
	assert.Contains(t, s.log(t), "main_test.go:", "the stack names the place")
}

// rules ARCH-13
func TestAPanicOfAGoroutineIsAnErrorLikeOthers(t *testing.T) {
	s := newFixture(t, plain(func(context.Context, *item.Run) (*etree.Document, error) {
		var all parallel.Group
		all.Go(plantedPanic)
		all.Wait()
		return nil, nil
	}))
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Internal, kind)
	assert.Contains(t, text, "var/pmdouble.log: planted")
	assert.Equal(t, []string{"runningoperation.edit 7"}, s.panel.calls)
	assert.Contains(t, s.log(t), "app.plantedPanic", "the stack names the place")
}

func plantedPanic() { panic("planted") }

// What works beside the command is not needed for its answer.
func TestAPanicBesideTheCommandIsLogged(t *testing.T) {
	s := newFixture(t, plain(answering("hello")))
	s.rows[0].run = func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		for !strings.Contains(s.log(t), "panic beside") {
			runtime.Gosched()
		}
		return answering("hello")(ctx, run)
	}
	s.system.Exit = func(int) { t.Error("the process was ended") }
	s.rows[0].deadline = time.Nanosecond
	s.system.RealSleep = func(context.Context, time.Duration) error { panic("planted") }
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Equal(t, "hello", s.document(t).FindElement("/doc/said").Text())
	assert.Contains(t, s.log(t), `panic beside "act": planted`)
}

func TestAPanicOutsideOfTheCommandStillAnswers(t *testing.T) {
	s := newFixture(t)
	s.system.Now = func() time.Time { panic("clock") }
	assert.Equal(t, 1, s.run("--command", "features"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.Internal, kind)
	assert.Contains(t, s.stderr.String(), "clock")
}

func TestAPanicAfterTheAnswerDoesNotAddASecondOne(t *testing.T) {
	s := newFixture(t, plain(answering("hello")))
	s.panel.panics = "close"
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.Equal(t, "hello", s.document(t).FindElement("/doc/said").Text())
	assert.Contains(t, s.stderr.String(), "planted in close")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	s := newFixture(t, plain(answering("hello")))
	s.system.Stdout = fullDisk{}
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.Contains(t, s.stderr.String(), "no space left")
}

// A finding that nobody was told is a failure, though its exit code is the same.
func TestAFindingThatCannotBeWrittenIsAFailure(t *testing.T) {
	s := newFixture(t, plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
		run.Print, run.ExitCode = "WARNING: x\n", 1
		return nil, nil
	}))
	s.system.Stdout = fullDisk{}
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.Contains(t, s.log(t), `end: "act": failed (no answer on stdout)`)
}

// The answer is written in one piece: half of a document is worse than none.
func TestStdoutIsWrittenOnce(t *testing.T) {
	s := newFixture(t)
	counter := &countingWriter{}
	s.system.Stdout = counter
	assert.Equal(t, 0, s.run("--command", "features"))
	assert.Equal(t, 1, counter.writes)
}

type countingWriter struct{ writes int }

func (c *countingWriter) Write(p []byte) (int, error) { c.writes++; return len(p), nil }

func TestTheApproverCommandHasOneTypeOfFailure(t *testing.T) {
	for name, err := range map[string]error{
		"a fault":              fault.Errorf(fault.API, "domain", "what the seller said"),
		"a bare error":         errors.New("what the seller said"),
		"already that type":    fault.Errorf(fault.Approver, "domain", "what the seller said"),
		"a fault behind %w":    fmt.Errorf("asking: %w", fault.Errorf(fault.API, "domain", "what the seller said")),
		"a fault without text": &fault.Error{Type: fault.Client, Err: errors.New("what the seller said")},
	} {
		t.Run(name, func(t *testing.T) {
			r := plain(failing(err))
			r.failsAs = fault.Approver
			s := newFixture(t, r)
			assert.Equal(t, 1, s.run("--command", "act"))
			kind, text := s.failure(t)
			assert.Equal(t, fault.Approver, kind)
			assert.Contains(t, text, "what the seller said")
		})
	}
	r, found := commands().find("approver")
	require.True(t, found)
	assert.Equal(t, fault.Approver, r.failsAs)
}

func TestASignalEndsTheRun(t *testing.T) {
	signals := make(chan os.Signal, 1)
	r := plain(func(ctx context.Context, _ *item.Run) (*etree.Document, error) {
		signals <- syscall.SIGTERM
		<-ctx.Done()
		return nil, fault.Errorf(fault.Client, "seller", "asking: %w", ctx.Err())
	})
	s := newFixture(t, r)
	s.system.CatchSignals = catching(signals)
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
	kind, text := s.failure(t)
	assert.Equal(t, "interrupted", kind)
	assert.Contains(t, text, "signal terminated")
	assert.Equal(t, []string{"runningoperation.edit 7"}, s.panel.calls, "the failure is reported in a context that has not ended")
	assert.True(t, s.panel.deadline)
}

// rules RUN-1: an error that a signal caused has the type interrupted, whatever its own type.
func TestErrorsAfterASignalHaveTheTypeInterrupted(t *testing.T) {
	for name, row := range map[string]struct {
		err     func(ctx context.Context) error
		failsAs string
		want    string
	}{
		"the context's cause": {want: fault.Interrupted,
			err: func(ctx context.Context) error {
				return fault.Errorf(fault.Client, "seller", "asking: %w", context.Cause(ctx))
			}},
		"the seller closed the connection meanwhile": {want: fault.Interrupted,
			err: func(context.Context) error { return fault.Errorf(fault.Client, "seller", "EOF").Retryable() }},
		"mgrctl ended too": {want: fault.Interrupted,
			err: func(context.Context) error { return fault.Errorf(fault.Panel, "x", "mgrctl failed").Retryable() }},
		"the database shuts down": {want: fault.Interrupted,
			err: func(context.Context) error { return fault.Errorf(fault.DB, "x", "shutdown").Retryable() }},
		"no time left to wait for a lock": {want: fault.Interrupted,
			err: func(context.Context) error { return fault.Errorf(fault.Locked, "account", "held").Retryable() }},
		"a command with one type of failure": {want: fault.Interrupted, failsAs: fault.Approver,
			err: func(ctx context.Context) error {
				return fault.Errorf(fault.Client, "seller", "asking: %w", context.Cause(ctx))
			}},
		"a purchase that is waited for": {want: fault.Waiting,
			err: func(context.Context) error { return fault.Errorf(fault.Waiting, "x", "waiting").Retryable() }},
		"a refusal": {want: fault.API,
			err: func(context.Context) error { return fault.Errorf(fault.API, "x", "no") }},
	} {
		t.Run(name, func(t *testing.T) {
			signals := make(chan os.Signal, 1)
			r := plain(func(ctx context.Context, _ *item.Run) (*etree.Document, error) {
				signals <- syscall.SIGTERM
				<-ctx.Done()
				return nil, row.err(ctx)
			})
			r.failsAs = row.failsAs
			s := newFixture(t, r)
			s.system.CatchSignals = catching(signals)
			s.panel.tries = 99
			assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--module", "5", "--runningoperation", "7"))
			kind, text := s.failure(t)
			assert.Equal(t, row.want, kind)
			if row.want == fault.Interrupted {
				assert.Equal(t, []string{"runningoperation.edit 7"}, s.panel.calls, "no problem, no failed run")
				assert.Contains(t, text, "signal terminated ended the run before it was done")
			}
		})
	}
}

// The sender of a signal waits for the end of the process, so reporting the failure has less time.
func TestASignalShortensTheHandlingOfAFailure(t *testing.T) {
	signals := make(chan os.Signal, 1)
	var slept []time.Duration
	s := newFixture(t, plain(failing(fault.Errorf(fault.API, "", "refused"))))
	s.system.CatchSignals = catching(signals)
	s.system.RealSleep = func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }
	s.panel.hang = func(ctx context.Context) error {
		signals <- syscall.SIGTERM
		<-ctx.Done()
		return ctx.Err()
	}
	assert.Equal(t, 1, s.run("--command", "act", "--item", "42", "--runningoperation", "7"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.API, kind)
	assert.Equal(t, []time.Duration{haltTime}, slept)
}

// A step that spends money is completed in a context of its own, so a run can succeed in spite of a signal.
func TestARunMaySucceedInSpiteOfASignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	s := newFixture(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		signals <- syscall.SIGINT
		<-ctx.Done()
		return answering("bought")(ctx, run)
	}))
	s.system.CatchSignals = catching(signals)
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Contains(t, s.stdout.String(), "bought")
}

func TestAnUnclearPurchaseIsNotHiddenByASignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	s := newFixture(t, plain(func(ctx context.Context, _ *item.Run) (*etree.Document, error) {
		signals <- syscall.SIGTERM
		<-ctx.Done()
		return nil, &fault.Error{Type: fault.Unclear, Message: "may have been bought", OutcomeUnknown: true, Err: ctx.Err()}
	}))
	s.system.CatchSignals = catching(signals)
	assert.Equal(t, 1, s.run("--command", "act"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.Unclear, kind)
}

func TestARefusalIsNotHiddenByASignal(t *testing.T) {
	signals := make(chan os.Signal, 1)
	s := newFixture(t, plain(func(ctx context.Context, _ *item.Run) (*etree.Document, error) {
		signals <- syscall.SIGTERM
		<-ctx.Done()
		return nil, fault.Errorf(fault.Value, "csr", "too small")
	}))
	s.system.CatchSignals = catching(signals)
	assert.Equal(t, 1, s.run("--command", "act"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.Value, kind)
}

func TestClosedSignalsAreNoSignal(t *testing.T) {
	signals := make(chan os.Signal)
	close(signals)
	s := newFixture(t, plain(answering("hello")))
	s.system.CatchSignals = catching(signals)
	assert.Equal(t, 0, s.run("--command", "act"))
}

func TestTheDeadlineOfTheRow(t *testing.T) {
	r := plain(func(ctx context.Context, _ *item.Run) (*etree.Document, error) {
		<-ctx.Done()
		return nil, fmt.Errorf("waiting: %w", ctx.Err())
	})
	r.deadline = time.Nanosecond
	s := newFixture(t, r)
	assert.Equal(t, 1, s.run("--command", "act"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Client, kind)
	assert.Contains(t, text, "longer than 1ns")
}

func TestTheLogNamesEachCommand(t *testing.T) {
	s := newFixture(t, plain(failing(fault.Errorf(fault.API, "x", "refused"))))
	assert.Equal(t, 1, s.run("--command", "act", "--item", "5", "--password", "hunter22", "--future", "also-secret", "stray word"))
	log := s.log(t)
	assert.Contains(t, log, "--command act --item 5 --password ***")
	assert.NotContains(t, log, "hunter22")
	assert.NotContains(t, log, "also-secret")
	assert.Equal(t, 1, strings.Count(log, "refused"), "one error is logged once")
	assert.Contains(t, log, "ERROR api_error (x): refused\x1b[0m\n")
	lines := strings.Split(strings.TrimSpace(log), "\n")
	assert.Contains(t, lines[0], "INFO run: pmdouble 1.2.3 (abc): --command act --item 5")
	assert.Contains(t, lines[len(lines)-1], `INFO end: "act": failed (api_error), warnings 0, errors 1, exit code 1, 0s`)
	assert.Contains(t, log, `ignored unknown arguments: --future "stray word"`)
}

// The last line says what the exit code says, with the counts: rules LOG-3.
func TestTheLastLineOfTheLogIsTheResult(t *testing.T) {
	for name, c := range map[string]struct {
		run  item.Func
		args []string
		code int
		want string
	}{
		"done": {run: answering("hello"), want: `"act": ok, warnings 0, errors 0, exit code 0, 0s`},
		"done with care": {run: func(_ context.Context, run *item.Run) (*etree.Document, error) {
			run.Log.Warningf("careful")
			return nil, nil
		}, want: `"act": ok, warnings 1, errors 0, exit code 0, 0s`},
		"failed in part": {run: func(_ context.Context, run *item.Run) (*etree.Document, error) {
			run.Log.Errorf("item 3: refused")
			run.Failed, run.Summary = true, "items 3, failed 1"
			return etree.NewDocument(), nil
		}, code: 1, want: `"act": failed in part, items 3, failed 1, warnings 0, errors 1, exit code 1, 0s`},
		"a finding": {run: func(_ context.Context, run *item.Run) (*etree.Document, error) {
			run.Print, run.ExitCode = "CRITICAL: x\n", 2
			return nil, nil
		}, code: 2, want: `"act": ok, warnings 0, errors 0, exit code 2, 0s`},
		"failed":  {run: failing(fault.Errorf(fault.Limit, "x", "later")), code: 1, want: `"act": failed (limit), warnings 0, errors 1, exit code 1, 0s`},
		"panic":   {run: func(context.Context, *item.Run) (*etree.Document, error) { panic("x") }, code: 1, want: `"act": failed (internal), warnings 0, errors 1, exit code 1, 0s`},
		"unknown": {args: []string{"--command", "x: ok\nMay  7"}, code: 1, want: `"x: ok\nMay  7": failed (unknown_command), warnings 0, errors 1, exit code 1, 0s`},
	} {
		s := newFixture(t, plain(c.run))
		args := c.args
		if args == nil {
			args = []string{"--command", "act"}
		}
		assert.Equal(t, c.code, s.run(args...), name)
		lines := strings.Split(strings.TrimSpace(s.log(t)), "\n")
		assert.Contains(t, lines[len(lines)-1], "INFO end: "+c.want+"\x1b[0m", name)
		for _, line := range lines {
			assert.Regexp(t, `^(    |Nov 22 10:30:00 \[4711:1\] )`, line, "%s: each line is the log's own or indented", name)
		}
	}
}

func TestTheLogHasOneLineForAFailure(t *testing.T) {
	s := newFixture(t, plain(failing(fault.Errorf(fault.API, "x", "%w", errors.Join(errors.New("one"), errors.New("two\nthree"))))))
	assert.Equal(t, 1, s.run("--command", "act"))
	assert.Contains(t, s.log(t), "ERROR api_error (x): one two three\x1b[0m\n")
	assert.Equal(t, 1, strings.Count(s.log(t), "three"))
}

func TestTheRootMustBeAbsolute(t *testing.T) {
	s := newFixture(t)
	s.system.Getenv = func(string) (string, bool) { return "mgr5", true }
	assert.Equal(t, 1, s.run("--command", "features"))
	kind, text := s.failure(t)
	assert.Equal(t, fault.Value, kind)
	assert.Contains(t, text, "MGR5_ROOT")
}

func TestTheDefaultRootIsUsedIfTheVariableIsEmpty(t *testing.T) {
	for _, c := range []struct {
		value string
		set   bool
		want  string
	}{{"", false, "/usr/local/mgr5"}, {"", true, "/usr/local/mgr5"}, {"/srv/mgr5/", true, "/srv/mgr5"}} {
		a := app{system: System{Getenv: func(name string) (string, bool) { return c.value, c.set && name == "MGR5_ROOT" }}}
		root, err := a.root()
		assert.NoError(t, err)
		assert.Equal(t, c.want, root)
	}
}

func TestWithoutALogTheCommandStillWorks(t *testing.T) {
	s := newFixture(t, plain(answering("hello")))
	require.NoError(t, os.Mkdir(filepath.Join(s.root, "var", "pmdouble.log"), 0o755))
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Contains(t, s.stdout.String(), "hello")
	assert.Equal(t, 1, strings.Count(s.stderr.String(), "\n"))
}

// A command that needs no panel does not report that the log cannot be opened.
func TestCommandsWithoutAPanelNeedNoLog(t *testing.T) {
	for name, words := range map[string]string{
		"features": "--command features",
		"plan":     "--command plan --opendate 2026-04-02 --period 12",
		"version":  "--version",
		"help":     "--help",
	} {
		t.Run(name, func(t *testing.T) {
			for what, spoil := range map[string]func(*testing.T, string){
				"no root": func(t *testing.T, root string) { require.NoError(t, os.RemoveAll(root)) },
				"no var":  func(t *testing.T, root string) { require.NoError(t, os.Remove(filepath.Join(root, "var"))) },
				"unwritable log": func(t *testing.T, root string) {
					require.NoError(t, os.Mkdir(filepath.Join(root, "var", "pmdouble.log"), 0o755))
				},
			} {
				s := newFixture(t)
				spoil(t, s.root)
				before := tree(t, s.root)
				assert.Equal(t, 0, s.run(strings.Fields(words)...), what)
				assert.Empty(t, s.stderr.String(), what)
				assert.NotEmpty(t, s.stdout.String(), what)
				after := slices.DeleteFunc(tree(t, s.root), func(path string) bool { return strings.HasSuffix(path, ".log.lock") })
				assert.Equal(t, before, after, what)
			}
		})
	}
}

// The error names a mistyped root. No folder is made there, and no panel is called.
func TestARootThatDoesNotExistIsNamed(t *testing.T) {
	for _, r := range commands() {
		words := []string{"--command", r.name, "--item", "5", "--module", "3"}
		if a := parseArgs(words); r.alone != nil && r.alone(a) {
			continue
		}
		for what, missing := range map[string]string{"root": "", "var": "var"} {
			s := newFixture(t)
			s.root = filepath.Join(s.root, "typo")
			if missing != "" {
				require.NoError(t, os.Mkdir(s.root, 0o755))
			}
			s.system.Getenv = func(name string) (string, bool) { return s.root, name == "MGR5_ROOT" }
			before := tree(t, filepath.Dir(s.root))
			assert.Equal(t, 1, s.run(words...), r.name)
			kind, text := s.failure(t)
			assert.Equal(t, fault.Missed, kind, r.name)
			assert.Contains(t, text, filepath.Join(s.root, missing)+" cannot be used: no such file or directory", "%s, %s", r.name, what)
			assert.Contains(t, text, "MGR5_ROOT", r.name)
			assert.Equal(t, before, tree(t, filepath.Dir(s.root)), r.name)
			assert.Empty(t, s.panel.calls, r.name)
			assert.Empty(t, s.stderr.String(), r.name)
		}
	}
}

// tree lists all files and folders under a root.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all = append(all, path)
		return nil
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return all
}

// A text for people is printed instead of the document, without control characters for the terminal.
func TestACommandsTextIsAllOfStdout(t *testing.T) {
	s := newFixture(t, plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
		run.Print = "hello\x1b[2J\n"
		return nil, nil
	}))
	counter := &countingWriter{}
	s.system.Stdout = io.MultiWriter(&s.stdout, counter)
	assert.Equal(t, 0, s.run("--command", "act"))
	assert.Equal(t, "hello\uFFFD[2J\n", s.stdout.String())
	assert.Equal(t, 1, counter.writes)
}

func TestAFailurePrintsItsDocumentInsteadOfTheText(t *testing.T) {
	s := newFixture(t, plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
		run.Print = "half of it"
		return nil, fault.Errorf(fault.API, "x", "refused")
	}))
	assert.Equal(t, 1, s.run("--command", "act"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.API, kind)
	assert.NotContains(t, s.stdout.String(), "half of it")
}

// The plan of a term without an item makes no call to the panel and works in maintenance mode too.
func TestPlanOfATermNeedsNoPanel(t *testing.T) {
	s := newFixture(t)
	s.panel.idle = true
	require.Equal(t, 0, s.run("--command", "plan", "--opendate", "2026-04-02", "--period", "60"), s.stdout.String())
	doc := s.document(t)
	assert.Equal(t, "2031-04-02", doc.FindElement("/doc/plan").SelectAttrValue("paid_until", ""))
	assert.Equal(t, "2026-10-19", doc.FindElement("/doc/plan/certificate[1]").SelectAttrValue("expires", ""))
	assert.Empty(t, s.panel.calls)
	assert.Empty(t, s.stderr.String())

	s = newFixture(t)
	s.system.Terminal = true
	require.Equal(t, 0, s.run("--command", "plan", "--opendate=2026-04-02", "--period=60"))
	assert.True(t, strings.HasSuffix(s.stdout.String(), "paid until 2031-04-02\n"), s.stdout.String())

	s = newFixture(t)
	require.Equal(t, 0, s.run("--command", "plan", "--opendate", "2026-04-02", "--period", "60", "--before", "20", "--intname", "ev_ssl", "--format", "svg"))
	assert.True(t, strings.HasPrefix(s.stdout.String(), `<?xml version="1.0" encoding="UTF-8"?>`+"\n<svg "), s.stdout.String())
}

func TestPlanNeedsATerm(t *testing.T) {
	for words, want := range map[string]string{
		"":                      "command plan: missing --item or --opendate",
		"--item x":              `command plan: --item "x" is not a positive whole number`,
		"--item 0":              "command plan: --item must not be zero or empty; nothing was done",
		"--period 12":           "command plan: missing --item or --opendate",
		"--opendate 2026-04-02": "command plan: --opendate needs --period with the months of the term",
	} {
		s := newFixture(t)
		assert.Equal(t, 1, s.run(append([]string{"--command", "plan"}, strings.Fields(words)...)...), words)
		_, text := s.failure(t)
		assert.Equal(t, want, text, words)
	}
}

// A signal ends a command that answers at once as it ends any program: catching signals is a tenth of its time.
func TestAnImmediateCommandCatchesNoSignal(t *testing.T) {
	for name, immediate := range map[string]bool{"immediate": true, "any other": false} {
		t.Run(name, func(t *testing.T) {
			r := plain(answering("hello"))
			r.immediate = immediate
			s, caught := newFixture(t, r), false
			s.system.CatchSignals = func(waits bool) <-chan os.Signal { caught = waits; return nil }
			assert.Equal(t, 0, s.run("--command", "act"))
			assert.Equal(t, !immediate, caught)
		})
	}
	for _, r := range commands() {
		assert.Equal(t, r.name == "features", r.immediate, "%s: only a command without a file, a database and a network is immediate", r.name)
	}
}
