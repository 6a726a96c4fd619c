package standin

import (
	"slices"
	"sync"
)

// FaultSet holds the faults of a seller, F being the seller's own type of them,
// and the requests that a vanish fault held back. The zero value is empty and
// ready. It is safe for concurrent use.
type FaultSet[F any] struct {
	mu      sync.Mutex
	faults  []*posted[F]
	last    int
	pending []func()
}

type posted[F any] struct {
	fault    F
	course   FaultSpec
	id, hits int
}

// Add puts a fault on the board and tells its id. The caller has checked it.
func (b *FaultSet[F]) Add(f F, c FaultSpec) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	b.faults = append(b.faults, &posted[F]{fault: f, course: c, id: b.last})
	return b.last
}

// Faults are those on the board; one that has hit often enough is gone. Stamp
// writes the id, and how many requests are yet to pass first, into a copy.
func (b *FaultSet[F]) Faults(stamp func(f *F, id, skip int)) []F {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]F, 0, len(b.faults))
	for _, p := range b.faults {
		list = append(list, p.fault)
		stamp(&list[len(list)-1], p.id, p.course.Skip)
	}
	return list
}

// Clear takes faults off the board, all of them where no id is given.
func (b *FaultSet[F]) Clear(ids ...int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = slices.DeleteFunc(b.faults, func(p *posted[F]) bool {
		return len(ids) == 0 || slices.Contains(ids, p.id)
	})
}

// Take finds the first fault that hits a request and counts the hit. Without
// one the fault and its course are zero.
func (b *FaultSet[F]) Take(matches func(F) bool) (hit F, c FaultSpec) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.faults {
		if !matches(p.fault) {
			continue
		}
		if p.course.Skip > 0 {
			p.course.Skip--
			continue
		}
		p.hits++
		if p.course.Times > 0 && p.hits >= p.course.Times {
			b.faults = slices.Delete(b.faults, i, i+1)
		}
		return p.fault, p.course
	}
	return hit, c
}

// Postpone keeps the execution of a request for Appear.
func (b *FaultSet[F]) Postpone(execute func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending = append(b.pending, execute)
}

// Pending is how many requests wait for Appear.
func (b *FaultSet[F]) Pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// Appear executes the requests that were postponed, in their order, and tells
// how many there were.
func (b *FaultSet[F]) Appear() int {
	b.mu.Lock()
	waiting := b.pending
	b.pending = nil
	b.mu.Unlock()
	for _, execute := range waiting {
		execute()
	}
	return len(waiting)
}
