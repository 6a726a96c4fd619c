// Package standin is what the stand-in sellers have in common: their world,
// their state, the faults on their board and the log of their requests. What a
// seller says and when it issues is its own.
package standin

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"time"

	"pmssl/internal/sandbox/ca"
	"pmssl/internal/sandbox/clock"
)

// ErrUnknown is what the control methods wrap when they are asked for
// something that is not there.
var ErrUnknown = errors.New("unknown")

// Hidden stands for a secret that is there.
const Hidden = "***"

// Config is the world of a seller with accounts A and settings S.
type Config[A, S any] struct {
	// Clock tells the time; required.
	Clock *clock.Clock
	// CA signs the leaves; nil makes an ECDSA authority in memory.
	CA *ca.Authority
	// Settings; nil means the package's DefaultSettings.
	Settings *S
	// Accounts; nil means the package's DefaultAccount alone.
	Accounts []A
	// StateFile keeps everything over a restart; "" keeps nothing.
	StateFile string
	// Random is where unique values, keys and sessions come from; nil means
	// crypto/rand.
	Random io.Reader
	// Sleep waits for delay faults; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Complete fills in what was left out. It fails without a clock.
func (c Config[A, S]) Complete(account A, settings S) (Config[A, S], error) {
	if c.Clock == nil {
		return c, errors.New("stand-in seller needs a clock: set Config.Clock")
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Sleep == nil {
		c.Sleep = wait
	}
	if c.Settings == nil {
		c.Settings = &settings
	}
	if c.Accounts == nil {
		c.Accounts = []A{account}
	}
	if c.CA != nil {
		return c, nil
	}
	var err error
	c.CA, err = ca.New(ca.ECDSA, c.Random)
	return c, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SourceOf is the address that a request came from.
func SourceOf(r *http.Request) netip.Addr {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return source.Addr().Unmap()
}
