// Package observe looks at published challenges as a CA does: at every authoritative name server and through a resolver, or
// at every address of a web server (docs/reference/unattended.md §5, step 4).
package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"

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

// Observer looks at records. It may be used by several goroutines. It is for one run: it remembers which name servers a zone
// has and which of them do not answer.
type Observer struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	resolver *dnscheck.Resolver

	mu     sync.Mutex
	known  map[string][]string // addresses of the name servers by zone
	silent map[string]int      // how often in a row a name server did not answer, by address
}

// New returns an Observer. It opens nothing.
func New(o Options) *Observer {
	return &Observer{
		dial: o.Dial, known: map[string][]string{}, silent: map[string]int{},
		resolver: dnscheck.New(dnscheck.Options{Server: o.Resolver, Conf: o.ResolvConf, Dial: o.Dial, Timeout: queryTime}),
	}
}

const (
	// queryTime bounds one question to one server, lookTime a whole look: what a client's servers do must not keep the module
	// busy.
	queryTime = 5 * time.Second
	lookTime  = 30 * time.Second
	// maxSilent is how often in a row a name server is waited for in vain.
	maxSilent = 2
)

// Look looks once at a published record: at each place where a CA may look. What is not seen is no error; an error means
// that nobody could be asked, or that the look took too long.
func (o *Observer) Look(ctx context.Context, b publish.Block, p publish.Placement) (publish.Sight, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	look := o.record
	if p.Record.Type == publish.File {
		look = func(ctx context.Context, p publish.Placement) (publish.Sight, error) { return o.file(ctx, b, p.Record) }
	}
	sight, err := look(ctx, p)
	switch {
	case err != nil && ctx.Err() != nil:
		return publish.Sight{}, fmt.Errorf("looking at %s: no end: %w", p.Record, ctx.Err())
	case errors.Is(err, errResolver):
		return publish.Sight{Why: err.Error()}, nil
	}
	return sight, err
}

// queryServer asks one name server, host:port. One that did not answer several times is not asked again.
func (o *Observer) queryServer(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	o.mu.Lock()
	gone := o.silent[server] >= maxSilent
	o.mu.Unlock()
	if gone {
		return nil, fmt.Errorf("the name server %s does not answer", server)
	}
	answer, err := o.resolver.QueryServer(ctx, server, name, kind)
	o.mu.Lock()
	defer o.mu.Unlock()
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout() {
		o.silent[server]++
	} else {
		delete(o.silent, server)
	}
	return answer, err
}
