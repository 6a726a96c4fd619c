package ispmgr

import "maps"

// AddFault puts a fault on the board and tells its id.
func (s *Server) AddFault(f Fault) (int, error) {
	if err := f.check(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextFault++
	f.ID, f.hits = s.nextFault, 0
	s.faults = append(s.faults, &f)
	return f.ID, nil
}

// Faults are those on the board; a fault that has hit often enough is gone.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		list = append(list, *f)
	}
	return list
}

// ClearFaults takes faults off the board, all of them where no id is given.
func (s *Server) ClearFaults(ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := []*Fault{}
	for _, f := range s.faults {
		cleared := len(ids) == 0
		for _, id := range ids {
			cleared = cleared || id == f.ID
		}
		if !cleared {
			kept = append(kept, f)
		}
	}
	s.faults = kept
}

// Appear executes the requests that a vanish fault held back, in their order,
// and tells how many there were.
func (s *Server) Appear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.pending
	s.pending = nil
	for _, request := range waiting {
		s.executeLocked(request.parameters, request.source)
	}
	return len(waiting)
}

// Requests is the log since the last ClearRequests, oldest first; only those
// of a function where one is given ("certificate.order.param").
func (s *Server) Requests(command string) []LogEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []LogEntry{}
	for _, entry := range s.log.entries {
		if command == "" || entry.Command == command {
			list = append(list, entry)
		}
	}
	return list
}

// Counters are the numbers of requests by function since the last
// ClearRequests; "FUNCTION sok" counts the submits among them.
func (s *Server) Counters() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.log.counters)
}

// ClearRequests empties the log and the counters.
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = newRequestLog()
}
