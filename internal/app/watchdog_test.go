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

// watched is a stage whose watchdog waits for no real time, and whose process ends by closing a channel.
type watched struct {
	*stage
	ended   chan struct{} // closed by Exit
	code    int
	signals chan os.Signal
	mu      sync.Mutex
	waits   []time.Duration
}

func newWatched(t *testing.T, r row) *watched {
	w := &watched{stage: newStage(t, r), ended: make(chan struct{}), signals: make(chan os.Signal, 1)}
	w.system.Signals = w.signals
	w.system.Sleep = func(ctx context.Context, d time.Duration) error {
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

// awaitCheck returns when the watchdog's time is over and it had the occasion to look what is under way.
func (w *watched) awaitCheck() {
	for !slices.Contains(w.waited(), haltTime) {
		runtime.Gosched()
	}
	for range 1000 {
		runtime.Gosched()
	}
}

// A run that looks at nothing any more does not stay for good, after a signal and after its deadline.
func TestABusyRunIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		signal bool
		kind   string
		says   string
	}{
		"after a signal":     {true, fault.Interrupted, "signal terminated was to end the run, and 20s later"},
		"after the deadline": {false, fault.Client, "the command took longer than 1ns, and 20s later"},
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
			assert.Equal(t, 1, w.play("--command", "act"), "what the run itself would have said does not count any more")
			assert.Equal(t, 1, w.code)
			kind, text := w.failure(t)
			assert.Equal(t, c.kind, kind)
			assert.Contains(t, text, c.says)
			assert.NotContains(t, w.stdout.String(), "too late", "stdout has one document")
			assert.Equal(t, []time.Duration{haltTime, finalMessage}, w.waited())
			assert.Contains(t, w.log(t), "CRITICAL")
		})
	}
}

// stuck is a stdout that nobody reads until the process ends.
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
	first := w.system.Sleep
	w.system.Sleep = func(ctx context.Context, d time.Duration) error {
		for out.writes.Load() == 0 { // the answer is being written by then
			runtime.Gosched()
		}
		return first(ctx, d)
	}
	w.system.Stdout = out
	assert.Equal(t, 1, w.play("--command", "act"))
	assert.Equal(t, 1, w.code)
	assert.EqualValues(t, 1, out.writes.Load(), "no second answer behind half of one")
}

// The same where even the error document cannot be written.
func TestARunIsEndedWithoutLastWordsToo(t *testing.T) {
	var w *watched
	w = newWatched(t, plain(func(context.Context, *item.Run) (*etree.Document, error) {
		w.signals <- syscall.SIGTERM
		<-w.ended
		return nil, nil
	}))
	w.system.Sleep = func(context.Context, time.Duration) error { return nil } // the time for the last words is over at once
	w.system.Stdout = &stuck{ended: w.ended}
	w.play("--command", "act")
	assert.Equal(t, 1, w.code)
}

func TestNoRunIsEndedWhileItSpends(t *testing.T) {
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
	w.play("--command", "act")
	assert.Equal(t, 1, w.code, "and then it is")
	assert.Equal(t, []time.Duration{haltTime, haltTime, finalMessage}, w.waited(), "the time begins anew when the purchase is recorded")
}

// Telling the panel of a failure has bounds of its own.
func TestNoRunIsEndedWhileThePanelIsTold(t *testing.T) {
	var w *watched
	var tells atomic.Bool
	w = newWatched(t, plain(failing(fault.Errorf(fault.API, "", "refused"))))
	w.host.hang = func(ctx context.Context) error {
		tells.Store(true)
		defer tells.Store(false)
		w.signals <- syscall.SIGTERM
		<-ctx.Done()
		w.awaitCheck()
		return ctx.Err()
	}
	w.system.Exit = func(int) { assert.False(t, tells.Load(), "ended while the panel was told") }
	w.play("--command", "act", "--item", "42", "--runningoperation", "7")
	assert.False(t, tells.Load())
}

func TestARunThatEndsInTimeIsNotEnded(t *testing.T) {
	w := newWatched(t, plain(answering("hello")))
	w.system.Exit = func(int) { t.Error("ended") }
	for range 50 {
		w.stdout.Reset()
		require.Equal(t, 0, w.play("--command", "act"))
		assert.Equal(t, "hello", w.document(t).FindElement("/doc/said").Text())
	}
	assert.NotContains(t, w.waited(), finalMessage)
}

// Between the decision to end the process and its end nothing that costs money begins.
func TestNothingVitalBeginsOnceTheProcessEnds(t *testing.T) {
	var v criticalSection
	v.begin()
	v.begin()
	underWay := v.bar()
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
	require.Nil(t, v.bar())
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
