// Package observe looks at published challenges as a CA does: at every authoritative name server and through a resolver, or
// at every address of a web server (docs/reference/unattended.md §5, step 4).
package observe

import (
	"context"
	"net"
	"time"

	"pmssl/internal/dnscheck"
	"pmssl/internal/publish"
)

// Options are what an Observer works with.
type Options struct {
	// Dial opens connections, as net.Dialer.DialContext does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver is a recursive server that validates DNSSEC, host:port; empty for those of ResolvConf.
	Resolver   string
	ResolvConf string
}

// Observer looks at records. It may be used by several goroutines.
type Observer struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	resolver *dnscheck.Resolver
}

// New returns an Observer. It opens nothing.
func New(o Options) *Observer {
	return &Observer{dial: o.Dial, resolver: dnscheck.New(dnscheck.Options{Server: o.Resolver, Conf: o.ResolvConf, Dial: o.Dial, Timeout: lookTime})}
}

// lookTime bounds one question to one server.
const lookTime = 5 * time.Second

// Look looks once at a published record: at each place where a CA may look. What is not seen is no error; an error means
// that nobody could be asked.
func (o *Observer) Look(ctx context.Context, b publish.Block, p publish.Placement) (publish.Sight, error) {
	if p.Record.Type == publish.File {
		return o.file(ctx, b, p.Record)
	}
	return o.record(ctx, p)
}
