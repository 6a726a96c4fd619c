package app

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// watched is a fixture whose watchdog does not wait in real time. Its Exit closes a channel.
type watched struct {
	*fixture
	ended   chan struct{} // closed by Exit
	code    int
	signals chan os.Signal
	mu      sync.Mutex
	waits   []time.Duration
}

func newWatched(t *testing.T, r row) *watched {
	w := &watched{fixture: newFixture(t, r), ended: make(chan struct{}), signals: make(chan os.Signal, 1)}
	w.system.CatchSignals = catching(w.signals)
	w.system.RealSleep = func(ctx context.Context, d time.Duration) error {
		w.mu.Lock()
		w.waits = append(w.waits, d)
		w.mu.Unlock()
		if d == finalMessage {
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
				return nil
			}
		}
		return ctx.Err()
	}
	w.system.Exit = func(code int) {
		w.code = code
		close(w.ended)
	}
	return w
}

// waited returns the waits up to now.
func (w *watched) waited() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.waits)
}

// awaitCheck returns after the watchdog's wait, when it had time to check the critical section.
func (w *watched) awaitCheck() {
	for !slices.Contains(w.waited(), haltTime) {
		runtime.Gosched()
	}
	for range 1000 {
		runtime.Gosched()
	}
}

// A run that ignores its context is ended after a signal and after its deadline.
func TestABusyRunIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		signal bool
		kind   string
		want   string
	}{
		"after a signal":     {true, fault.Interrupted, "the run got signal terminated and had not ended 20s later"},
		"after the deadline": {false, fault.Client, "the command took longer than 1ns and had not ended 20s later"},
	} {
		t.Run(name, func(t *testing.T) {
			var w *watched
			r := plain(func(context.Context, *item.Run) (*etree.Document, error) {
				if c.signal {
					w.signals <- syscall.SIGTERM
				}
				<-w.ended
				return answering("too late")(t.Context(), nil)
			})
			if !c.signal {
				r.deadline = time.Nanosecond
			}
			w = newWatched(t, r)
			assert.Equal(t, 1, w.run("--command", "act"), "the run's own answer does not count any more")
			assert.Equal(t, 1, w.code)
			kind, text := w.failure(t)
			assert.Equal(t, c.kind, kind)
			assert.Contains(t, text, c.want)
			assert.NotContains(t, w.stdout.String(), "too late", "stdout has one document")
			assert.Equal(t, []time.Duration{haltTime, finalMessage}, w.waited())
			assert.Contains(t, w.log(t), "CRITICAL")
		})
	}
}

// stuck is a stdout whose writes block until the process ends.
type stuck struct {
	ended  chan struct{}
	writes atomic.Int32
}

func (s *stuck) Write(p []byte) (int, error) {
	s.writes.Add(1)
	<-s.ended
	return 0, syscall.EPIPE
}

// The panel may have gone away without closing the pipe.
func TestARunWhoseAnswerNobodyReadsIsEnded(t *testing.T) {
	var w *watched
	out := &stuck{}
	w = newWatched(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		w.signals <- syscall.SIGTERM
		<-ctx.Done()
		return answering("hello")(ctx, run)
	}))
	out.ended = w.ended
	first := w.system.RealSleep
	w.system.RealSleep = func(ctx context.Context, d time.Duration) error {
		for out.writes.Load() == 0 { // the answer is being written by then
			runtime.Gosched()
		}
		return first(ctx, d)
	}
	w.system.Stdout = out
	assert.Equal(t, 1, w.run("--command", "act"))
	assert.Equal(t, 1, w.code)
	assert.EqualValues(t, 1, out.writes.Load(), "no second answer after a part of the first")
}

// A run is ended even if the error document cannot be written.
func TestARunIsEndedEvenIfItsErrorCannotBeWritten(t *testing.T) {
	var w *watched
	w = newWatched(t, plain(func(context.Context, *item.Run) (*etree.Document, error) {
		w.signals <- syscall.SIGTERM
		<-w.ended
		return nil, nil
	}))
	w.system.RealSleep = func(context.Context, time.Duration) error { return nil } // the time for writing the error document is over at once
	w.system.Stdout = &stuck{ended: w.ended}
	w.run("--command", "act")
	assert.Equal(t, 1, w.code)
}

func TestNoRunIsEndedWhileItSpendsMoney(t *testing.T) {
	var w *watched
	var spends atomic.Bool
	w = newWatched(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
		run.CriticalSection(true)
		spends.Store(true)
		w.signals <- syscall.SIGTERM
		<-ctx.Done()
		w.awaitCheck()
		spends.Store(false)
		run.CriticalSection(false)
		<-w.ended
		return nil, nil
	}))
	exit := w.system.Exit
	w.system.Exit = func(code int) {
		assert.False(t, spends.Load(), "ended while it was spending")
		exit(code)
	}
	w.run("--command", "act")
	assert.Equal(t, 1, w.code, "and is ended afterwards")
	assert.Equal(t, []time.Duration{haltTime, haltTime, finalMessage}, w.waited(), "the wait begins again after the purchase was recorded")
}

// Reporting a failure to the panel has a time limit of its own.
func TestNoRunIsEndedWhileItReportsAFailure(t *testing.T) {
	var w *watched
	var reporting atomic.Bool
	w = newWatched(t, plain(failing(fault.Errorf(fault.API, "", "refused"))))
	w.panel.hang = func(ctx context.Context) error {
		reporting.Store(true)
		defer reporting.Store(false)
		w.signals <- syscall.SIGTERM
		<-ctx.Done()
		w.awaitCheck()
		return ctx.Err()
	}
	w.system.Exit = func(int) { assert.False(t, reporting.Load(), "ended while the failure was reported") }
	w.run("--command", "act", "--item", "42", "--runningoperation", "7")
	assert.False(t, reporting.Load())
}

func TestARunThatEndsInTimeIsNotEnded(t *testing.T) {
	w := newWatched(t, plain(answering("hello")))
	w.system.Exit = func(int) { t.Error("ended") }
	for range 50 {
		w.stdout.Reset()
		require.Equal(t, 0, w.run("--command", "act"))
		assert.Equal(t, "hello", w.document(t).FindElement("/doc/said").Text())
	}
	assert.NotContains(t, w.waited(), finalMessage)
}

// Nothing that costs money begins once the process is being ended.
func TestTheCriticalSectionStaysClosedOnceTheProcessEnds(t *testing.T) {
	var v criticalSection
	v.begin()
	v.begin()
	underWay := v.closeIfIdle()
	require.NotNil(t, underWay)
	v.end()
	select {
	case <-underWay:
		t.Fatal("one of two is still under way")
	default:
	}
	v.end()
	<-underWay
	v.end() // one too many is harmless
	require.Nil(t, v.closeIfIdle())
	begun := make(chan struct{})
	go func() {
		v.begin() // never returns
		close(begun)
	}()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case <-begun:
		t.Fatal("begun")
	default:
	}
}
