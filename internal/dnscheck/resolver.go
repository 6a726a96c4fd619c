package dnscheck

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// QueryTime is the default time limit of one query at all servers together.
const QueryTime = 2 * time.Second

// Options are the settings of a Resolver.
type Options struct {
	// Server is the address of the DNS server to ask, host:port; empty for those of Conf.
	Server string
	// Conf is the path of the system's resolv.conf(5), read at the first query. If it is absent or names no server, this host
	// itself is asked, as the system's own resolver does.
	Conf string
	// Dial opens the connections, network "udp" or "tcp", as net.Dialer.DialContext does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout limits one query, fallbacks included; 0 is QueryTime.
	Timeout time.Duration
}

// Resolver looks names up at recursive DNS servers. It may be used by several goroutines.
type Resolver struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration
	servers func() ([]string, error)
}

// New returns a Resolver. It opens nothing.
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

// Exists reports whether a name (A-labels, no asterisk) exists, with any or no records. It returns false only if DNS answers
// NXDOMAIN for the name itself; a CNAME whose target does not exist does exist (RFC 6604 3). If no server gives a usable
// answer, the error says why.
func (r *Resolver) Exists(ctx context.Context, name string) (bool, error) {
	answer, err := r.ask(ctx, name, dns.TypeA)
	if err != nil {
		return false, err
	}
	return answer.Rcode != dns.RcodeNameError || hasOwner(answer, name), nil
}

// Issuers returns the issuer domain names of the CAs that the CAA records allow for the name (A-labels, no asterisk) or, with
// wildcard, for `*.name`: in lower case and the order of the records, without parameters. restricted is false if no record
// restricts issuance; restricted without any issuer means that no CA may issue. The records are those of the name or of the
// closest parent that has any (RFC 8659 3). If one of these look-ups has no answer, the error says why.
func (r *Resolver) Issuers(ctx context.Context, name string, wildcard bool) (allowed []string, restricted bool, err error) {
	a, err := r.Authorization(ctx, name, wildcard)
	return a.Allowed, a.Restricted, err
}

// Authorization is Issuers with the place of the records.
func (r *Resolver) Authorization(ctx context.Context, name string, wildcard bool) (Authorization, error) {
	for labels := strings.Split(strings.TrimSuffix(name, "."), "."); len(labels) > 0; labels = labels[1:] {
		domain := strings.Join(labels, ".")
		answer, err := r.ask(ctx, domain, dns.TypeCAA)
		if err != nil {
			return Authorization{}, err
		}
		if records := authorizations(answer, domain); len(records) > 0 {
			a := evaluate(records, wildcard)
			a.Domain, a.Owner = strings.ToLower(domain), strings.TrimSuffix(target(answer, domain), ".")
			return a, nil
		}
	}
	return Authorization{}, nil
}
