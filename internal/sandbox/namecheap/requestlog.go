package namecheap

import (
	"strings"
	"time"
)

// LogEntry is one request, secrets redacted.
type LogEntry struct {
	Number     int64             `json:"number"` // from 1
	Time       time.Time         `json:"time,omitzero"`
	Method     string            `json:"method"`
	Command    string            `json:"command"`
	Parameters map[string]string `json:"parameters"` // names in lower case
	Fault      string            `json:"fault,omitempty"`
	Status     int               `json:"status"` // 0: no answer was sent
	Errors     []APIError        `json:"errors,omitempty"`
}

// logRequest logs a request under the canonical name of its command.
func (s *Server) logRequest(entry LogEntry) {
	if row, known := s.commands[strings.ToLower(entry.Command)]; known {
		entry.Command = row.name
	}
	s.log.Add(func(number int64) LogEntry {
		entry.Number = number
		if now, err := s.clock.Now(); err == nil {
			entry.Time = now
		}
		return entry
	}, entry.Command)
}

// Requests returns the log since the last ClearRequests, oldest first; with a command ("create" or
// "namecheap.ssl.create"), only its requests.
func (s *Server) Requests(command string) []LogEntry {
	return s.log.Entries(func(entry LogEntry) bool { return Fault{Command: command}.matches(entry.Command) })
}

// Counters returns the numbers of requests by command since the last ClearRequests.
func (s *Server) Counters() map[string]int64 { return s.log.Counters() }

// ClearRequests empties the log and the counters.
func (s *Server) ClearRequests() { s.log.Clear() }
