package execute

import (
	"time"

	"pmssl/internal/deliver"
)

// WithRunTime limits how long the block's program may run.
func WithRunTime(d deliver.Deliverer, limit time.Duration) deliver.Deliverer {
	d.(*deliverer).runTime = limit
	return d
}
