package standin

import (
	"fmt"
	"iter"
	"slices"
)

// Orders holds the certificates of a seller by id. The zero value is empty and ready.
type Orders[C any] struct {
	byID map[int64]*C
	ids  []int64 // ascending
}

// Put keeps a certificate under an id.
func (o *Orders[C]) Put(id int64, c *C) {
	if o.byID == nil {
		o.byID = map[int64]*C{}
	}
	if _, present := o.byID[id]; !present {
		at, _ := slices.BinarySearch(o.ids, id)
		o.ids = slices.Insert(o.ids, at, id)
	}
	o.byID[id] = c
}

// Get returns the certificate of an id, or nil if there is none.
func (o *Orders[C]) Get(id int64) *C { return o.byID[id] }

// Find returns the certificate of an id. The error wraps ErrUnknown if there is none.
func (o *Orders[C]) Find(id int64) (*C, error) {
	if c := o.byID[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w certificate %d", ErrUnknown, id)
}

// All iterates over the certificates in ascending order of their ids. Certificates that are put
// during the iteration are left out.
func (o *Orders[C]) All() iter.Seq2[int64, *C] {
	return func(yield func(int64, *C) bool) {
		for _, id := range o.ids {
			if !yield(id, o.byID[id]) {
				return
			}
		}
	}
}
