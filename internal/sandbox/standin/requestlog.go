package standin

import (
	"maps"
	"sync"
)

// maxLogged bounds the memory of a log: the older half is dropped when it is full. The counters
// keep counting.
const maxLogged = 20_000

// Log keeps an entry E of each request and counts them. The zero value is empty
// and ready. It is safe for concurrent use.
type Log[E any] struct {
	mu       sync.Mutex
	entries  []E
	counters map[string]int64
	seen     int64
}

// Add keeps the entry that make returns for the next number, which starts at 1, and counts it under
// each of the names.
func (l *Log[E]) Add(make func(number int64) E, names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen++
	if len(l.entries) == maxLogged {
		l.entries = append([]E{}, l.entries[maxLogged/2:]...)
	}
	l.entries = append(l.entries, make(l.seen))
	if l.counters == nil {
		l.counters = map[string]int64{}
	}
	for _, name := range names {
		l.counters[name]++
	}
}

// Entries returns the entries since the last Clear for which wanted is true, oldest first.
func (l *Log[E]) Entries(wanted func(E) bool) []E {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := []E{}
	for _, entry := range l.entries {
		if wanted(entry) {
			list = append(list, entry)
		}
	}
	return list
}

// Counters returns the numbers of entries since the last Clear by name.
func (l *Log[E]) Counters() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	counters := map[string]int64{}
	maps.Copy(counters, l.counters)
	return counters
}

// Clear empties the log and the counters; numbers start at 1 again.
func (l *Log[E]) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.counters, l.seen = nil, nil, 0
}
