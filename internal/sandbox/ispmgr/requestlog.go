package ispmgr

import "time"

// LogEntry is one request as the stand-in saw it, secrets redacted.
type LogEntry struct {
	Number     int64             `json:"number"` // from 1
	Time       time.Time         `json:"time,omitzero"`
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	Command    string            `json:"command"` // value of func
	Submit     bool              `json:"submit"`  // sok=ok
	Parameters map[string]string `json:"parameters"`
	Leaks      []string          `json:"leaks,omitempty"` // "private key in key", "authinfo in the query"
	Fault      string            `json:"fault,omitempty"`
	Status     int               `json:"status"` // 0: no answer was sent
	Error      *Problem          `json:"error,omitempty"`
}

// maxLogged bounds the memory of the log: the older half goes when it is full.
// The counters go on.
const maxLogged = 20_000

type requestLog struct {
	entries  []LogEntry
	counters map[string]int64
	seen     int64
}

func newRequestLog() requestLog { return requestLog{counters: map[string]int64{}} }

func (l *requestLog) add(entry LogEntry) {
	l.seen++
	entry.Number = l.seen
	if len(l.entries) == maxLogged {
		l.entries = append([]LogEntry{}, l.entries[maxLogged/2:]...)
	}
	l.entries = append(l.entries, entry)
	l.counters[entry.Command]++
	if entry.Submit {
		l.counters[entry.Command+" sok"]++
	}
}

func (s *Server) remember(entry LogEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, err := s.clock.Now(); err == nil {
		entry.Time = now
	}
	s.log.add(entry)
}
