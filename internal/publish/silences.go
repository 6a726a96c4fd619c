package publish

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// maxSilences is how often in a row a server is waited for in vain in one run: a sweep has more to do.
const maxSilences = 2

// ErrNotAsked is wrapped by the error of a call that was not made, because its server did not answer earlier in the run. It says
// nothing about what the call was for.
var ErrNotAsked = errors.New("is not asked any more in this run")

// Silences remembers which servers did not answer in this run. The zero value remembers none.
type Silences struct{ of map[errand]silence }

// errand is a kind of call of a server: one may answer questions and not take changes.
type errand struct{ block, call string }

// silence is how often in a row a server did not answer in time, and its last error.
type silence struct {
	times int
	err   error
}

// Ask makes a call to the server of a block, unless it did not answer several times in this run.
func (s *Silences) Ask(ctx context.Context, block, name string, call func() error) error {
	return s.AskAtMost(ctx, maxSilences, block, name, call)
}

// AskAtMost is Ask with the number of calls in vain after which the server is not asked any more.
func (s *Silences) AskAtMost(ctx context.Context, times int, block, name string, call func() error) error {
	key := errand{block, name}
	if quiet := s.of[key]; quiet.times >= times {
		return fmt.Errorf("it did not answer %d times, and %w: %w", quiet.times, ErrNotAsked, quiet.err)
	}
	if s.of == nil {
		s.of = map[errand]silence{}
	}
	err := call()
	switch {
	case err != nil && ctx.Err() != nil: // the run has no more time: that says nothing of the server
	case timedOut(err):
		s.of[key] = silence{s.of[key].times + 1, err}
	default:
		delete(s.of, key)
	}
	return err
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}
