package panelweb

import (
	"strconv"
	"sync"
)

// kept is how many values a store keeps.
const kept = 200

// store keeps the latest values that pages need after a form: what was entered, and what came of it. It is safe for concurrent
// use.
type store[T any] struct {
	mu     sync.Mutex
	next   int
	values map[string]T
}

func newStore[T any]() *store[T] { return &store[T]{values: map[string]T{}} }

// add keeps a value and returns its id. The oldest one is forgotten if there are too many.
func (s *store[T]) add(value T) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	delete(s.values, strconv.Itoa(s.next-kept))
	id := strconv.Itoa(s.next)
	s.values[id] = value
	return id
}

// get returns the value with an id, and whether it is kept.
func (s *store[T]) get(id string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, there := s.values[id]
	return value, there
}
