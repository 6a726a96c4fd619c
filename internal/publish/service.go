package publish

import (
	"context"
	"time"
)

// Order is the certificate that challenges are for.
type Order struct {
	Item    int64
	Account int64    // of the client who holds the item
	Names   []string // of the certificate: A-labels, lower case, "*." kept
	// Standing are the module's own records that may stand from before: what stands in their places is no conflict.
	Standing []Record
}

// Placement is where one record goes, and why it may.
type Placement struct {
	Publisher string // name of the block
	Zone      string
	Record    Record
	Evidence  string // which rule of docs/reference/unattended.md §3 was met, for the log
}

// Sight is what one look at a published record showed.
type Sight struct {
	Seen bool
	// Why says what was seen instead, where and at which address; empty if Seen.
	Why string
	// HostGone says that the host above the record answered before the record was written and does not any more: the
	// record is withdrawn at once.
	HostGone bool
	// NegativeTTL is how long resolvers may keep the record's absence (RFC 2308 5); 0 if not known.
	NegativeTTL time.Duration
}

// Service publishes through the publishers of a configuration. Each write checks afresh whose name it is.
type Service interface {
	// Mode is what SSLUnattended says; Best what SSLUnattendedMethod says.
	Mode() Mode
	Best() bool
	// Place finds the publisher and the evidence for each record. Records without one, and what is dangerous about any,
	// are in the error, which says for each name why: then nothing is to be written for any of the order.
	Place(ctx context.Context, order Order, records []Record) ([]Placement, error)
	// Publish writes a placed record; old are earlier values of the module in the same place, which it replaces.
	Publish(ctx context.Context, order Order, p Placement, old []string) error
	// Look looks at a published record once, at every place where a CA may look.
	Look(ctx context.Context, p Placement) (Sight, error)
	// Withdraw removes exactly this value. Nothing there is no error.
	Withdraw(ctx context.Context, order Order, p Placement) error
}
