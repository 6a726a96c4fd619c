package seller

import (
	"context"
	"crypto/tls"
	"time"

	"pmssl/internal/exchange"
	"pmssl/internal/panellog"
)

// Env is the part of the system that a seller's client needs.
type Env struct {
	Getenv   func(string) (string, bool)
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Jitter   func() float64 // in [0,1)
	StateDir string         // <root>/var, absolute
	Binary   string
	Log      *panellog.Logger
	// DryRun says that the seller's client must send nothing that may change something, and write no file but the
	// counter of its calls.
	DryRun bool
	// SellerCA returns the absolute path of the file with the CA certificates to trust at the seller (rules CLI-8); empty
	// for the system's.
	SellerCA func() (string, error)
	// Answered is called with each answer of the seller that arrives, whatever it says: the header Date (empty if absent) and the
	// state of TLS (nil without TLS). nil if nobody wants to know.
	Answered func(date string, state *tls.ConnectionState)
	// Observer sees what the client sends and gets; nil for none.
	Observer exchange.Observer
}
