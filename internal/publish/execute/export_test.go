package execute

import (
	"time"

	"pmssl/internal/publish"
)

// WithRunTime limits how long the publisher's program may run.
func WithRunTime(p publish.Publisher, d time.Duration) publish.Publisher {
	p.(*publisher).runTime = d
	return p
}
