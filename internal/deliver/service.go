package deliver

import (
	"context"
	"crypto/x509"
	"errors"

	"pmssl/internal/publish"
)

// ErrByHand is a delivery that does not come about in this way unless somebody changes something: the panel has no entry that it could
// renew, and there is no private key to make one with. The text says why, and what the administrator can do.
var ErrByHand = errors.New("the certificate is to be installed by hand")

// Order is the item whose certificate is delivered.
type Order struct {
	Item    int64
	Account int64 // of the client who holds the item
}

// Certificate is what is delivered. It is stored in the panel already.
type Certificate struct {
	Serial string   // lower-case hex, as the item parameter certificate_serial has it
	Leaf   string   // PEM
	Chain  string   // PEM of the intermediates in order, without the root; empty if the seller delivered none
	Names  []string // of the leaf: A-labels, lower case, "*." kept
	// Key returns the PEM of the private key that fits the leaf; empty if the panel holds none. It is called for blocks with
	// `key yes` only. What it returns is known to the masker of log and errors already. It may be nil: there is no key.
	Key func(ctx context.Context) (string, error)
}

// Target is what one deploy block does for a certificate.
type Target struct {
	Block string
	// Sites are the host names of the certificate that the block's server serves, A-labels, sorted. A wildcard stands for
	// its parent name.
	Sites    []string
	Key      bool   // a private key may be handed to the server (publish.Deploy.TakesKey)
	Evidence string // which rules of docs/reference/unattended.md §3 were met, for the log
}

// Reason is why a name of the certificate has no target. An error that wraps ErrNoBlock or publish.ErrNotOwner lasts: the name is
// the client's to care for. Any other may pass, as if a panel does not answer. One that wraps publish.ErrNotAsked says nothing: the
// server did not answer about another item in this run.
type Reason struct {
	Name string // A-labels, "*." kept
	Err  error
}

// Sight is what one look at a target's sites showed.
type Sight struct {
	// Seen says that each site shows the certificate at every address.
	Seen bool
	// Why says what was seen instead, for which site and at which address; empty if Seen.
	Why string
	// Served is the certificate that Why is about; nil if none was shown.
	Served *x509.Certificate
}

// Service delivers by the deploy blocks of the configuration. Each delivery checks afresh whose sites they are.
type Service interface {
	// Mode is what SSLUnattended says. With Dry, Targets logs what would be delivered, and Deliver is an error.
	Mode() publish.Mode
	// Configured reports whether there is any deploy block. It costs one look into the folder of the configuration. A
	// configuration that cannot be read counts as one with blocks: Targets says what is wrong.
	Configured() bool
	// Possible reports whether a block may serve one of the names for the account, as far as its zones and the panel's database
	// say: no server is asked. If that cannot be read it is possible.
	Possible(ctx context.Context, order Order, names []string) bool
	// Targets finds the blocks that serve the names, with evidence that the sites are the account's own. A name without one is
	// among the reasons, and is left to the client. An error says nothing about any name: the configuration or the panel's
	// database cannot be read, or the run ends.
	Targets(ctx context.Context, order Order, names []string) ([]Target, []Reason, error)
	// Deliver brings the certificate to the target's server. Delivering a certificate that is there already changes nothing.
	// An error that wraps ErrByHand lasts until somebody changes something; any other may pass. With ErrTimeSpent and publish.ErrNotAsked nothing was begun, or it
	// was ended with the time of the run.
	Deliver(ctx context.Context, order Order, target Target, c Certificate) error
	// CheckKey reports by nil that the target's server would take a certificate for these names and another key than that of the one
	// it has, as far as its forms and the rights on it show. Nothing is changed. The error may pass.
	CheckKey(ctx context.Context, order Order, target Target, names []string) error
	// Seen looks at every site of the target at the block's own addresses (word check), by a TLS handshake with SNI, and
	// compares the serial of what is served. Nothing else is verified. An error is one of the configuration (ErrNoBlock: the
	// target's block is gone), or the end of the run; a server that does not answer is a Sight.
	Seen(ctx context.Context, target Target, serial string) (Sight, error)
}

// Site is one site as its server knows it.
type Site struct {
	Name    string   // A-labels, lower case
	Aliases []string // further names that the site's row lists, "*." kept
	// Owner is the user name of the site's owner on that server; empty if the server does not know owners.
	Owner string
}

// Deliverer brings certificates to one server: a panel, or a program. Implementations are safe to be repeated: each looks
// first.
type Deliverer interface {
	// Site returns the site that serves the host name; false if the server has none. A site whose alias `*.example.com` fits
	// serves www.example.com. A wildcard's site is asked for by its parent name.
	Site(ctx context.Context, name string) (site Site, kept bool, err error)
	// Deliver puts the certificate in place for the sites, which Site returned just before and whose owner is the client. It
	// changes nothing that belongs to another owner. A site whose own name the certificate does not have, because an alias of it
	// was asked for, gets no other certificate than the one that it has, renewed.
	Deliver(ctx context.Context, order Order, sites []Site, c Certificate) error
}

// Checker is a Deliverer that can say without changing anything whether Deliver would be refused, for `SSLUnattended dry`.
type Checker interface {
	Check(ctx context.Context, sites []Site) error
}

// KeyChecker is a Deliverer that can say without changing anything whether Deliver would be refused for a certificate of another key.
type KeyChecker interface {
	CheckKey(ctx context.Context, sites []Site, names []string) error
}

// Constructor makes the Deliverer of a block. It opens and reads nothing: what is wrong shows at the first use.
type Constructor func(d publish.Deploy, e publish.Env) (Deliverer, error)
