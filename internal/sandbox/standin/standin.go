// Package standin holds what the stand-in sellers have in common: configuration, state, active
// faults and the log of requests. Each seller has its own answers and decides itself when it
// issues.
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

// ErrUnknown is wrapped by the control methods if they are asked for something that does not exist.
var ErrUnknown = errors.New("unknown")

// Hidden is shown in place of a secret.
const Hidden = "***"

// Config is the configuration of a seller with accounts A and settings S.
type Config[A, S any] struct {
	// Clock is the stand-in's time; required.
	Clock *clock.Clock
	// CA signs the leaves; nil makes an ECDSA authority in memory.
	CA *ca.Authority
	// Settings; nil means the package's DefaultSettings.
	Settings *S
	// Accounts; nil means the package's DefaultAccount alone.
	Accounts []A
	// StateFile keeps the state over a restart; "" keeps nothing.
	StateFile string
	// Random is the source of unique values, keys and sessions; nil means crypto/rand.
	Random io.Reader
	// Looker looks at published challenges for the authority; nil looks at nothing, and the control decides.
	Looker Looker
	// Sleep waits for faults with a delay; nil waits in real time.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Complete fills in defaults. It fails without a clock.
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

// SourceOf returns the address that a request came from.
func SourceOf(r *http.Request) netip.Addr {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return source.Addr().Unmap()
}
