package status

import (
	"time"

	"pmssl/internal/cabforum"
)

// States of an item, one word each, the one that counts if several apply first (docs/monitoring.md, rules STATUS-3).
const (
	StateExpired     = "expired"     // the certificate has ended inside its paid term
	StateRevoked     = "revoked"     // the CA has revoked the certificate in place
	StateDamaged     = "damaged"     // something that the module needs cannot be read
	StateUnclear     = "unclear"     // the outcome of a purchase is not known
	StateFailed      = "failed"      // it does not go on without an administrator
	StateUninstalled = "uninstalled" // a site serves an old certificate
	StatePublishing  = "publishing"  // an order waits, and the module has published its challenges
	StateWaiting     = "waiting"     // an order or a reissue is at the seller
	StateDue         = "due"         // the certificate is to be replaced now
	StateDelivering  = "delivering"  // the certificate is on its way to its servers
	StateOrdered     = "ordered"     // paid or not, nothing was asked of the seller yet
	StateEnded       = "ended"       // the paid term is over
	StateEnding      = "ending"      // the paid term ends soon
	StateSuspended   = "suspended"   // the panel's administrator or the panel suspended it
	StateOK          = "ok"          // nothing is to be done
)

// States returns all states in that order.
func States() []string {
	return []string{
		StateExpired, StateRevoked, StateDamaged, StateUnclear, StateFailed, StateUninstalled, StatePublishing, StateWaiting, StateDue,
		StateDelivering, StateOrdered, StateEnded, StateEnding, StateSuspended, StateOK,
	}
}

// Who is waited for.
const (
	WaitsSeller        = "seller"
	WaitsClient        = "client"
	WaitsAdministrator = "administrator"
	WaitsNobody        = "nobody" // the module or the panel goes on by itself, or nothing is to be done
)

// Waits returns all values.
func Waits() []string { return []string{WaitsSeller, WaitsClient, WaitsAdministrator, WaitsNobody} }

// Severity is how bad an item's state is: the exit codes of a monitoring plugin.
type Severity int

// The severities.
const (
	OK Severity = iota
	Warning
	Critical
)

// String returns ok, warning or critical.
func (s Severity) String() string {
	switch s {
	case Critical:
		return "critical"
	case Warning:
		return "warning"
	}
	return "ok"
}

// Row is what is shown about one item. Texts are single printable lines.
type Row struct {
	Item, Module int64
	Domain       string // A-labels
	Product      string // the seller's name of it, else the template
	State        string
	Severity     Severity
	WaitsFor     string
	// Begins and Ends are the validity of the stored certificate, UTC; zero if none is stored or it cannot be read.
	Begins, Ends         time.Time
	Serial               string // lower-case hex
	TermStart, PaidUntil cabforum.Date
	Lineage              []int64 // ids at the seller, the oldest first
	// Served is the outcome of the last look at the sites (rules WATCH-2); empty if none is known for this certificate. Looked is
	// when that was, Place what was found where.
	Served string
	Looked time.Time
	Place  string
	// Action is what is done next without a person, on Day, UTC; "none" without a day if nothing is. Reason says why nothing is done
	// before (rules STATUS-4).
	Action string
	Day    cabforum.Date
	Reason string
	Error  string // the last one; empty if there is none
}

// hurts returns the day on which a site is hurt if nothing is done: the end of the certificate. Without one it is far away.
func (r *Row) hurts() int64 {
	if r.Ends.IsZero() {
		return 1 << 62
	}
	return r.Ends.Unix()
}

// compareRows orders rows by urgency: what hurts a site first (rules STATUS-5).
func compareRows(a, b *Row) int {
	switch {
	case a.Severity != b.Severity:
		return int(b.Severity - a.Severity)
	case a.hurts() < b.hurts():
		return -1
	case a.hurts() > b.hurts():
		return 1
	case a.Item < b.Item:
		return -1
	case a.Item > b.Item:
		return 1
	}
	return 0
}

// ends returns the date of the certificate's end, zero if there is none.
func (r *Row) ends() cabforum.Date {
	if r.Ends.IsZero() {
		return cabforum.Date{}
	}
	return cabforum.DateOf(r.Ends)
}
