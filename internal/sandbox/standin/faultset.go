package standin

import (
	"slices"
	"sync"
)

// FaultSet holds the active faults of a seller and the requests that a fault of kind vanish held
// back. F is the seller's own type of a fault. The zero value is empty and ready. It is safe for
// concurrent use.
type FaultSet[F any] struct {
	mu      sync.Mutex
	faults  []*activeFault[F]
	last    int
	pending []func()
}

type activeFault[F any] struct {
	fault    F
	spec     FaultSpec
	id, hits int
}

// Add adds a fault, which the caller has checked, and returns its id.
func (s *FaultSet[F]) Add(f F, c FaultSpec) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.faults = append(s.faults, &activeFault[F]{fault: f, spec: c, id: s.last})
	return s.last
}

// List returns the active faults; one that has hit often enough is gone. Stamp writes the id and
// the number of requests that still pass first into a copy of the fault.
func (s *FaultSet[F]) List(stamp func(f *F, id, skip int)) []F {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]F, 0, len(s.faults))
	for _, p := range s.faults {
		list = append(list, p.fault)
		stamp(&list[len(list)-1], p.id, p.spec.Skip)
	}
	return list
}

// Clear removes the faults with these ids, or all faults if no id is given.
func (s *FaultSet[F]) Clear(ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.DeleteFunc(s.faults, func(p *activeFault[F]) bool {
		return len(ids) == 0 || slices.Contains(ids, p.id)
	})
}

// Match returns the first fault that hits a request, with its spec, and counts the hit. Both are
// zero if no fault hits.
func (s *FaultSet[F]) Match(matches func(F) bool) (hit F, c FaultSpec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.faults {
		if !matches(p.fault) {
			continue
		}
		if p.spec.Skip > 0 {
			p.spec.Skip--
			continue
		}
		p.hits++
		if p.spec.Times > 0 && p.hits >= p.spec.Times {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return p.fault, p.spec
	}
	return hit, c
}

// Postpone keeps the execution of a request for Appear.
func (s *FaultSet[F]) Postpone(execute func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, execute)
}

// Pending returns the number of requests that wait for Appear.
func (s *FaultSet[F]) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}

// Appear executes the postponed requests in their order and returns their number.
func (s *FaultSet[F]) Appear() int {
	s.mu.Lock()
	waiting := s.pending
	s.pending = nil
	s.mu.Unlock()
	for _, execute := range waiting {
		execute()
	}
	return len(waiting)
}
