package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pmssl/internal/fault"
)

// finalMessage is how long the error document of a run that has to be ended may take to be written.
const finalMessage = 5 * time.Second

// criticalSection counts what must not be cut in two: a purchase from its request to its record, and the handling of a
// failure, which has its own bounds.
type criticalSection struct {
	mu     sync.Mutex
	count  int
	done   chan struct{} // closed when count falls to 0
	ending bool
}

// begin is called before something vital. Once the process is being ended it does not return: nothing is begun any more.
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

// end is called after it.
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

// bar keeps anything vital from beginning and returns nil, or returns what is closed when all that is under way has ended.
func (v *criticalSection) bar() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.count > 0 {
		return v.done
	}
	v.ending = true
	return nil
}

// inCritical is the command's word on whether money is being spent right now (command.Run.CriticalSection).
func (s *invocation) inCritical(now bool) {
	if now {
		s.spent = true
		s.critical.begin()
	} else {
		s.critical.end()
	}
}

// watch ends the process some time after the command's deadline or a signal: a run that is busy without looking at its
// context, or that writes to a stdout which nobody reads, would stay for good, with its locks. It waits for what is vital.
// run is the whole run's, until its answer is written; command ends with the deadline or the signal.
func (s *invocation) watch(run, command context.Context) {
	<-command.Done()
	for {
		if run.Err() != nil || s.system.Sleep(run, haltTime) != nil {
			return
		}
		underWay := s.critical.bar()
		if underWay == nil {
			break
		}
		select {
		case <-underWay:
		case <-run.Done():
			return
		}
	}
	said, done := context.WithCancel(context.Background())
	go func() {
		defer done()
		failure := s.overdue(command)
		s.log.Criticalf("%v", failure)
		s.speak(newReport(failure, failure, s.secrets.mask).document())
		// The command may still be at work: its counts are not known.
		s.log.Infof("%s", s.lastLine(failure, "", 1, s.began))
	}()
	_ = s.system.Sleep(said, finalMessage)
	s.system.Exit(1)
}

// overdue returns the fault of a run that did not end by itself.
func (s *invocation) overdue(command context.Context) *fault.Error {
	why, kind := fmt.Sprintf("the command took longer than %s", s.row.deadline), fault.Client
	if stopped, signalled := interrupted(command); signalled {
		why, kind = stopped.Error()+" was to end the run", fault.Interrupted
	}
	return fault.Errorf(kind, s.row.name, "%s, and %s later it still was not done: the process is ended; the next run goes on from there", why, haltTime).Retryable()
}
