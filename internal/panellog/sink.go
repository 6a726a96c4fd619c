package panellog

import (
	"fmt"
	"io"
	"sync"
)

// sink writes the entries of this process. Each entry is one Write, so that O_APPEND keeps the lines of parallel processes
// complete.
type sink struct {
	mu       sync.Mutex
	w        io.Writer // nil: nothing can be written
	stderr   io.Writer
	name     string // name of the binary, for the line on stderr
	target   string // what w writes to, for the same line
	reported bool   // the line on stderr was written
}

// write appends one entry. It returns no error, because the command works without a log too.
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

// reportUnavailable reports that the log cannot be opened.
func (s *sink) reportUnavailable(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report(err)
}

// report writes once to stderr why the log cannot be written. Callers hold mu.
func (s *sink) report(err error) {
	if s.reported || s.stderr == nil {
		return
	}
	s.reported = true
	text := visible(fmt.Sprintf("%s: cannot write the log %s, going on without it: %v", s.name, s.target, err))
	// If stderr is closed too, the error cannot be reported.
	_, _ = fmt.Fprintln(s.stderr, escapeNewlines(text))
}

func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
}
