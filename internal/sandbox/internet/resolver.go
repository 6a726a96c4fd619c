package internet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/miekg/dns"
)

const (
	// questionTime bounds one question to one server.
	questionTime = 2 * time.Second
	// maxReferrals bounds the referrals of one look-up, maxDepth the look-ups that one needs for names of servers and aliases.
	maxReferrals = 16
	maxDepth     = 8
)

// Resolver looks names up from the root on and keeps nothing.
type Resolver struct {
	dial DialFunc
	root []string // addresses of the root's servers, host:port
}

// NewResolver returns a resolver that begins at the root of the simulated DNS.
func NewResolver(dial DialFunc) *Resolver {
	return &Resolver{dial: dial, root: []string{net.JoinHostPort(RootAddress, "53")}}
}

// Lookup returns the answer of the servers with authority, with the end of aliases.
func (r *Resolver) Lookup(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	return r.lookUp(ctx, dns.CanonicalName(name), kind, 0)
}

func (r *Resolver) lookUp(ctx context.Context, name string, kind uint16, depth int) (*dns.Msg, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: the servers or aliases lead too far", name)
	}
	answer, _, err := r.walk(ctx, name, kind, depth)
	if err != nil {
		return nil, err
	}
	last := name
	for _, rr := range answer.Answer {
		if alias, is := rr.(*dns.CNAME); is && dns.CanonicalName(rr.Header().Name) == last {
			last = dns.CanonicalName(alias.Target)
		}
	}
	there := slices.ContainsFunc(answer.Answer, func(rr dns.RR) bool { return dns.CanonicalName(rr.Header().Name) == last })
	if last == name || there || kind == dns.TypeCNAME || kind == dns.TypeANY {
		return answer, nil
	}
	rest, err := r.lookUp(ctx, last, kind, depth+1)
	if err != nil {
		return nil, err
	}
	answer.Answer, answer.Ns, answer.Rcode = append(answer.Answer, rest.Answer...), rest.Ns, rest.Rcode
	return answer, nil
}

// walk follows referrals from the root to the servers with authority for the name. It returns their answer, and the addresses
// of all servers that the last referral names.
func (r *Resolver) walk(ctx context.Context, name string, kind uint16, depth int) (*dns.Msg, []string, error) {
	servers := r.root
	for range maxReferrals {
		answer, err := r.askAny(ctx, servers, name, kind)
		if err != nil {
			return nil, nil, err
		}
		if answer.Authoritative {
			return answer, servers, nil
		}
		if servers, err = r.referred(ctx, answer, depth); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil, nil, fmt.Errorf("%s: too many referrals", name)
}

// askAny asks servers until one answers.
func (r *Resolver) askAny(ctx context.Context, servers []string, name string, kind uint16) (*dns.Msg, error) {
	err := errors.New("there is no server to ask")
	for _, server := range servers {
		var answer *dns.Msg
		if answer, err = r.ask(ctx, server, name, kind); err == nil {
			return answer, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, err)
}

// ask asks one server, host:port. A code other than NOERROR and NXDOMAIN is an error.
func (r *Resolver) ask(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	question := new(dns.Msg).SetQuestion(name, kind)
	question.RecursionDesired = false
	question.SetEdns0(4096, false)
	conn, err := r.dial(ctx, "udp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answer, _, err := (&dns.Client{Timeout: questionTime}).ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", server, err)
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		return nil, fmt.Errorf("%s answers %s", server, dns.RcodeToString[answer.Rcode])
	}
	return answer, nil
}

// referred returns the addresses of the servers that a referral names.
func (r *Resolver) referred(ctx context.Context, referral *dns.Msg, depth int) ([]string, error) {
	var found []string
	for _, rr := range referral.Ns {
		ns, is := rr.(*dns.NS)
		if !is {
			continue
		}
		addresses := addressesIn(referral.Extra, dns.CanonicalName(ns.Ns))
		if addresses == nil {
			var err error
			if addresses, err = r.addresses(ctx, dns.CanonicalName(ns.Ns), depth+1); err != nil {
				return nil, err
			}
		}
		for _, address := range addresses {
			found = append(found, net.JoinHostPort(address, "53"))
		}
	}
	if len(found) == 0 {
		return nil, errors.New("a server neither answers nor refers to others")
	}
	return found, nil
}

// addresses returns the IPv4 and IPv6 addresses of a host.
func (r *Resolver) addresses(ctx context.Context, host string, depth int) ([]string, error) {
	var found []string
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		answer, err := r.lookUp(ctx, host, kind, depth)
		if err != nil {
			return nil, err
		}
		found = append(found, addressesIn(answer.Answer, "")...)
	}
	return found, nil
}

// addressesIn returns the addresses of a host among records; of every host if its name is empty.
func addressesIn(records []dns.RR, host string) []string {
	var found []string
	for _, rr := range records {
		if host != "" && dns.CanonicalName(rr.Header().Name) != host {
			continue
		}
		switch rr := rr.(type) {
		case *dns.A:
			found = append(found, rr.A.String())
		case *dns.AAAA:
			found = append(found, rr.AAAA.String())
		}
	}
	return found
}

// recurse answers a question for a client of the resolver.
func (r *Resolver) recurse(m *dns.Msg) *dns.Msg {
	answer := new(dns.Msg).SetReply(m)
	answer.RecursionAvailable = true
	found, err := r.Lookup(context.Background(), m.Question[0].Name, m.Question[0].Qtype)
	if err != nil {
		answer.Rcode = dns.RcodeServerFailure
		return answer
	}
	answer.Rcode, answer.Answer, answer.Ns = found.Rcode, found.Answer, found.Ns
	return answer
}
