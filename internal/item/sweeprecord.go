package item

import "time"

// Results of a sweep over all items (SweepRecord.Result).
const (
	SweepOK          = "ok"          // it has worked on every item
	SweepPartial     = "partial"     // so it has, and some of them failed
	SweepFailed      = "failed"      // it failed as a whole; SweepRecord.Error says why
	SweepInterrupted = "interrupted" // a signal or its deadline ended it; the next one goes on
)

// MaxSweepFailures is the number of failed items that a SweepRecord lists.
const MaxSweepFailures = 1000

// SweepRecord is the content of the file var/<bin>.sweep: how the last sweep over all items ended (rules SWEEP-12). Times are UTC.
// The counts are those of the sweep's document (rules SWEEP-5); they are zero if the sweep failed as a whole.
type SweepRecord struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Result  string    `json:"result"`
	Error   string    `json:"error,omitempty"`
	// Completed is the end of the last sweep that has worked on every item; zero if none has since the file exists.
	Completed time.Time `json:"completed,omitzero"`
	Items     int       `json:"items"`
	Due       int       `json:"due"`
	Reissued  int       `json:"reissued"`
	Notified  int       `json:"notified"`
	Failed    int       `json:"failed"`
	Revoked   int       `json:"revoked"`
	Watched   int       `json:"watched"` // items whose sites were looked at
	Old       int       `json:"old"`     // items with a site that serves an old certificate
	// Failures are the items that failed, at most MaxSweepFailures of them.
	Failures []SweepFailure `json:"failures,omitempty"`
}

// SweepFailure is an item that failed in a sweep.
type SweepFailure struct {
	Item  int64  `json:"item"`
	Error string `json:"error"` // one line
}
