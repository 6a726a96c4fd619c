package panellog

import (
	"fmt"
	"io"
	"sync"
)

// sink is where the entries of this process go. Each entry is one Write, so
// that O_APPEND keeps the lines of parallel processes whole.
type sink struct {
	mu       sync.Mutex
	w        io.Writer // nil: nothing can be written
	stderr   io.Writer
	name     string // binary, for the one line on stderr
	target   string // what w writes to, for the same line
	reported bool   // that line has been written
}

// write appends one entry. It never fails towards the caller: the command does
// its work without a log too.
func (s *sink) write(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return
	}
	if _, err := s.w.Write(line); err != nil {
		s.report(err)
	}
}

// reportUnavailable reports that there is no log at all.
func (s *sink) reportUnavailable(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report(err)
}

// report says once why there is no log. Callers hold mu.
func (s *sink) report(err error) {
	if s.reported || s.stderr == nil {
		return
	}
	s.reported = true
	text := visible(fmt.Sprintf("%s: cannot write the log %s, going on without it: %v", s.name, s.target, err))
	// Where stderr is closed as well nobody is left to be told.
	_, _ = fmt.Fprintln(s.stderr, escapeNewlines(text))
}

func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
}
