package dnscheck

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// Query asks the recursive servers for the records of a type (dns.TypeNS …). The answer has the code NOERROR or NXDOMAIN;
// where no server gives one the error says why.
func (r *Resolver) Query(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	return r.ask(ctx, name, kind)
}

// QueryServer asks one server, host:port, for what it holds itself: recursion is not desired. Referrals and every code are
// answers; whether the server has authority is in the message.
func (r *Resolver) QueryServer(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	query := question(name, kind)
	query.RecursionDesired = false
	answer, err := r.exchange(ctx, "udp", server, query)
	if err == nil && answer.Truncated {
		answer, err = r.exchange(ctx, "tcp", server, query)
	}
	if err == nil && answer.Truncated {
		err = errors.New("the answer is cut short by TCP too")
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s at the DNS server %s: %w", dns.TypeToString[kind], name, server, err)
	}
	return answer, nil
}
