package doctor

import (
	"context"
	"time"
)

// Check is one row of the table.
type Check struct {
	// ID names the check in documents and on the page docs/doctor.md; it does not change.
	ID    string
	Group string // heading on the screen
	Title string // a few words for the screen
	About string // what the check means, for docs/doctor.md
	// Needs lists checks without whose success this one cannot be made. After lists checks that have to end before.
	Needs []string
	After []string
	// Limit is the time for the check. One that takes longer has failed, and does not stop the others.
	Limit time.Duration
	// grace is how long the check may go on after its limit or the end of the run; 0 for 2 seconds.
	grace time.Duration
	// Applies reports whether the check belongs to this examination; nil: always. Others are left out.
	Applies func(*examination) bool
	run     func(context.Context, *examination) []Finding
}

// Limits of the checks: of files of this host, of queries and calls of the panel, of exchanges with other hosts.
const (
	hostLimit   = 10 * time.Second
	panelLimit  = 20 * time.Second
	remoteLimit = 45 * time.Second
	probeLimit  = 2 * time.Minute
)

// Checks returns the table of checks in the order of the screen.
func Checks() []Check {
	var all []Check
	for _, group := range [][]Check{hostChecks(), databaseChecks(), sellerChecks(), mailChecks(), sweepChecks(), publishChecks(), itemChecks()} {
		all = append(all, group...)
	}
	return all
}

// withItem reports whether --item was given.
func withItem(x *examination) bool { return x.o.Item > 0 }
