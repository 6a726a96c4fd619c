package publish

import (
	"context"
	"io"
	"net"
	"time"
)

// Env is everything outside the program that a publisher may use.
type Env struct {
	Root string // the panel's folder, as /usr/local/mgr5
	// Environ is the environment of child processes, NAME=value: nothing of whoever started the program.
	Environ []string
	// Dial opens connections, as net.Dialer.DialContext does.
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error // ends early with the context's error
	Rand  io.Reader
	// Learn makes the log and every text for the panel show a secret masked. To be called before the secret is used.
	Learn func(secret string)
	Log   Log
}

// Log is where publishers write: item.Log fits.
type Log interface {
	Warningf(format string, args ...any)
	Infof(format string, args ...any)
	ExtInfof(format string, args ...any)
	Debugf(format string, args ...any)
}

// Constructor makes the publisher of a block. It opens and reads nothing: what is wrong shows at the first use.
type Constructor func(b Block, e Env) (Publisher, error)
