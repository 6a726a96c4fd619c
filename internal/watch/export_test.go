package watch

import (
	"io"
	"time"
)

// Limits of a look.
const (
	MaxWhy = maxWhy
)

// SetTimeout shortens the time of one connection.
func (w *Watcher) SetTimeout(d time.Duration) { w.timeout = d }

// HostNames returns the names that are looked at.
func (t Target) HostNames() []string {
	var names []string
	for _, h := range t.hosts() {
		name := h.name
		if h.guessed {
			name += "?"
		}
		names = append(names, name)
	}
	return names
}

// ParseState reads the lines of a state file.
func ParseState(from io.Reader, now time.Time) (*State, error) { return parseState(from, now) }

// Encode writes the lines of a state file.
func (s *State) Encode(to io.Writer) error { return s.encode(to) }
