package dnscheck

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// QueryTime is how long one question may take at all its servers together, where Options do not say.
const QueryTime = 2 * time.Second

// Options are what a Resolver needs of the world.
type Options struct {
	// Server is the address of the DNS server to ask, host:port; empty for those of Conf.
	Server string
	// Conf is the path of the system's resolv.conf(5), read at the first question. Where it is missing or names no server
	// this host itself is asked, as the system's own resolver does.
	Conf string
	// Dial opens the connections, network "udp" or "tcp", as net.Dialer.DialContext does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds one question, fallbacks included; 0 is QueryTime.
	Timeout time.Duration
}

// Resolver looks names up at recursive DNS servers. It may be used by several goroutines.
type Resolver struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration
	servers func() ([]string, error)
}

// New makes a Resolver. It opens nothing.
func New(o Options) *Resolver {
	r := &Resolver{dial: o.Dial, timeout: o.Timeout}
	if r.timeout <= 0 {
		r.timeout = QueryTime
	}
	r.servers = sync.OnceValues(func() ([]string, error) {
		if o.Server != "" {
			return []string{o.Server}, nil
		}
		return systemServers(o.Conf)
	})
	return r
}

// Exists reports whether a name (A-labels, no asterisk) is there at all, whatever records it has. It is false only where
// DNS says NXDOMAIN of the name itself; a CNAME that leads to nothing is there (RFC 6604 3). Where no server gives an
// answer that can be used the error says why.
func (r *Resolver) Exists(ctx context.Context, name string) (bool, error) {
	answer, err := r.ask(ctx, name, dns.TypeA)
	if err != nil {
		return false, err
	}
	return answer.Rcode != dns.RcodeNameError || hasOwner(answer, name), nil
}

// Issuers returns which CAs the CAA records allow to certify the name (A-labels, no asterisk): by their issuer domain
// names, in lower case and the order of the records, without parameters. wildcard asks for `*.name`. restricted is false if
// no record limits anybody; restricted without any issuer means that nobody may. The records are those of the name or of
// the closest parent that has any (RFC 8659 3). Where one of these look-ups has no answer the error says why.
func (r *Resolver) Issuers(ctx context.Context, name string, wildcard bool) (allowed []string, restricted bool, err error) {
	for labels := strings.Split(strings.TrimSuffix(name, "."), "."); len(labels) > 0; labels = labels[1:] {
		domain := strings.Join(labels, ".")
		answer, err := r.ask(ctx, domain, dns.TypeCAA)
		if err != nil {
			return nil, false, err
		}
		if records := authorizations(answer, domain); len(records) > 0 {
			allowed, restricted = evaluate(records, wildcard)
			return allowed, restricted, nil
		}
	}
	return nil, false, nil
}
