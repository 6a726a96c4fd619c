package publish

import (
	"context"
	"errors"
	"fmt"
)

// Errors of publishers. They are wrapped with what was seen; each ends in the client's mail of today and a log line.
var (
	// ErrConflict is another record in the record's place that the module did not write.
	ErrConflict = errors.New("another record stands there")
	// ErrWildcard is a name that exists only through a wildcard record: a record below it would make it vanish (RFC 4592).
	ErrWildcard = errors.New("the host exists only through a wildcard record, which a record below it would hide")
	// ErrDenied is a refusal of the server: wrong credentials, or no right to the zone or the type.
	ErrDenied = errors.New("the server refuses the change")
)

// ErrNoPublisher says that no publisher of the configuration is for a record, or that the server of its publisher does not keep a zone
// that no block names: publishing it is left to the client. Of a record that was published it says that its publisher is not
// configured any more.
var ErrNoPublisher = errors.New("no publisher is for it")

// unserved is an ErrNoPublisher with a text of its own.
type unserved struct{ text string }

func (u unserved) Error() string { return u.text }

// Is reports whether target is ErrNoPublisher.
func (u unserved) Is(target error) bool { return target == ErrNoPublisher }

// noPublisher returns an error that is ErrNoPublisher.
func noPublisher(format string, args ...any) error { return unserved{fmt.Sprintf(format, args...)} }

// Publisher writes challenges in one place: a name server, a panel, a web server, a program. Implementations are safe to
// be repeated: each looks first, or leaves the decision to the server by a prerequisite.
type Publisher interface {
	// Zone returns the zone, or for files the host, in which the publisher keeps the name; false if it does not keep it.
	Zone(ctx context.Context, name string) (zone Zone, ok bool, err error)
	// Publish writes the record. It replaces the values in old, which are the module's own earlier ones in that place, and
	// nothing else: ErrConflict, ErrWildcard and ErrDenied leave everything as it was. A record that is there already is
	// no error.
	Publish(ctx context.Context, zone string, r Record, old []string) error
	// Withdraw removes this exact value and nothing else. A value that is not there is no error.
	Withdraw(ctx context.Context, zone string, r Record) error
}

// Zone is a zone, or a site, as a publisher knows it.
type Zone struct {
	Name string // A-labels, lower case, no final dot
	// Owner is the user name of the zone's or site's owner on that server; empty if the publisher does not know owners.
	Owner string
	// Account is the value of the field account that PowerDNS keeps with a zone; empty elsewhere.
	Account string
}

// Checker is a Publisher that can say without writing whether Publish would be refused, for `SSLUnattended dry`.
type Checker interface {
	Check(ctx context.Context, zone string, r Record) error
}

// ItemPublisher is a Publisher that wants to know which item a record is for.
type ItemPublisher interface {
	Publisher
	// ForItem returns the same publisher for the records of one item.
	ForItem(item int64) Publisher
}
