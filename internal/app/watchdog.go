package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pmssl/internal/fault"
)

// finalMessage limits the time for writing the error document of a run that the watchdog ends.
const finalMessage = 5 * time.Second

// criticalSection counts the activities during which the process must not be ended: a purchase from its request to its
// journal line, and the handling of a failure, which has a time limit of its own.
type criticalSection struct {
	mu     sync.Mutex
	count  int
	done   chan struct{} // closed when count falls to 0
	ending bool
}

// begin enters the section. It does not return once the process is being ended (closeIfIdle), so that nothing new begins.
func (v *criticalSection) begin() {
	v.mu.Lock()
	if v.ending {
		v.mu.Unlock()
		select {}
	}
	if v.count == 0 {
		v.done = make(chan struct{})
	}
	v.count++
	v.mu.Unlock()
}

// end leaves the section.
func (v *criticalSection) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count == 0 {
		return
	}
	if v.count--; v.count == 0 {
		close(v.done)
	}
}

// closeIfIdle closes the section for good and returns nil if nothing is inside it. Otherwise it returns a channel that is
// closed when the section becomes empty.
func (v *criticalSection) closeIfIdle() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count > 0 {
		return v.done
	}
	v.ending = true
	return nil
}

// setCritical enters or leaves the critical section for a command that spends money (item.Run.CriticalSection).
func (s *invocation) setCritical(inside bool) {
	if inside {
		s.spent.Store(true)
		s.critical.begin()
	} else {
		s.critical.end()
	}
}

// watch ends the process some time after the command's deadline or a signal, but not inside the critical section. Otherwise
// a run that ignores its context, or that writes to a stdout that nobody reads, would keep its locks forever. The context
// run ends when the answer is written, the context command with the deadline or the signal.
func (s *invocation) watch(run, command context.Context) {
	<-command.Done()
	for {
		if run.Err() != nil || s.system.RealSleep(run, haltTime) != nil {
			return
		}
		underWay := s.critical.closeIfIdle()
		if underWay == nil {
			break
		}
		select {
		case <-underWay:
		case <-run.Done():
			return
		}
	}
	written, done := context.WithCancel(context.Background())
	s.background(func() {
		defer done()
		failure := s.overdue(command)
		s.log.Criticalf("%v", failure)
		s.fail(newReport(failure, failure, s.secrets.mask))
		// The command may still be running, so there is no summary.
		s.log.Infof("%s", s.lastLine(failure, "", s.exitCode(failure), s.began))
	})
	_ = s.system.RealSleep(written, finalMessage)
	s.system.Exit(s.exitCode(s.overdue(command)))
}

// overdue returns the fault of a run that the watchdog ends.
func (s *invocation) overdue(command context.Context) *fault.Error {
	why, kind := fmt.Sprintf("the command took longer than %s", s.row.deadline), fault.Client
	if stopped, signalled := interrupted(command); signalled {
		why, kind = "the run got "+stopped.Error(), fault.Interrupted
	}
	return fault.Errorf(kind, s.row.name, "%s and had not ended %s later: the process is ended; the next run continues its work", why, haltTime).Retryable()
}
