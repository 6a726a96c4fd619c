package namecheap

import (
	"time"

	"pmssl/internal/sandbox/clock"
)

// Clock is the time of the stand-in.
type Clock = clock.Clock

// NewClock makes a clock over the real one. File, which may be empty, is the
// clock where it holds one RFC 3339 instant.
func NewClock(real func() time.Time, file string) *Clock { return clock.New(real, file) }
