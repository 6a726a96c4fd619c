package ispmgr

import "time"

// LogEntry is one request, secrets redacted.
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

// logRequest logs a request. Submits are also counted as "FUNCTION sok".
func (s *Server) logRequest(entry LogEntry) {
	names := []string{entry.Command}
	if entry.Submit {
		names = append(names, entry.Command+" sok")
	}
	s.log.Add(func(number int64) LogEntry {
		entry.Number = number
		if now, err := s.clock.Now(); err == nil {
			entry.Time = now
		}
		return entry
	}, names...)
}

// Requests returns the log since the last ClearRequests, oldest first; with a function such as
// "certificate.order.param", only its requests.
func (s *Server) Requests(command string) []LogEntry {
	return s.log.Entries(func(entry LogEntry) bool { return command == "" || entry.Command == command })
}

// Counters returns the numbers of requests by function since the last
// ClearRequests; "FUNCTION sok" counts the submits among them.
func (s *Server) Counters() map[string]int64 { return s.log.Counters() }

// ClearRequests empties the log and the counters.
func (s *Server) ClearRequests() { s.log.Clear() }
