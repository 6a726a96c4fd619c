package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// udpSize is how many bytes of an answer by UDP are taken; longer ones come by TCP. It is what passes without being cut
// into fragments (DNS flag day 2020).
const udpSize = 1232

// ask puts one question to the servers, one after the other until one answers it: with records, with none, or with
// NXDOMAIN. The question's time is shared out evenly, so that a dead server does not use up that of the next.
func (r *Resolver) ask(ctx context.Context, name string, kind uint16) (*dns.Msg, error) {
	servers, err := r.servers()
	if err != nil {
		return nil, err
	}
	share := r.timeout / time.Duration(len(servers))
	var failures []error
	for _, server := range servers {
		if ctx.Err() != nil {
			break
		}
		answer, err := r.askServer(ctx, server, question(name, kind), share)
		if err == nil {
			return answer, nil
		}
		failures = append(failures, fmt.Errorf("%s at the DNS server %s: %w", dns.TypeToString[kind], server, err))
	}
	return nil, fmt.Errorf("looking %s up: %w", name, errors.Join(append(failures, ctx.Err())...))
}

func question(name string, kind uint16) *dns.Msg {
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	return query.SetEdns0(udpSize, false)
}

// askServer asks one server by UDP and, where the answer does not fit, by TCP.
func (r *Resolver) askServer(ctx context.Context, server string, query *dns.Msg, most time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	answer, err := r.exchange(ctx, "udp", server, query)
	if err == nil && answer.Truncated {
		answer, err = r.exchange(ctx, "tcp", server, query)
	}
	if err != nil {
		return nil, err
	}
	return answer, usable(answer)
}

// exchange sends the query over a connection of its own, whose port no forger knows, and reads the answer to it. By UDP
// answers with another id are passed over; they may be late ones.
func (r *Resolver) exchange(ctx context.Context, network, server string, query *dns.Msg) (*dns.Msg, error) {
	conn, err := r.dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // the client below minds deadlines and no cancellation
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err() // rather than that the connection is closed
	case err != nil:
		return nil, err
	}
	return answer, answers(answer, query)
}

// answers holds a message with the query's id against the query itself.
func answers(answer, query *dns.Msg) error {
	switch {
	case !answer.Response || answer.Opcode != dns.OpcodeQuery:
		return errors.New("what came is not an answer")
	case len(answer.Question) != 1:
		return fmt.Errorf("the answer is to %d questions", len(answer.Question))
	}
	got, sent := answer.Question[0], query.Question[0]
	if !strings.EqualFold(got.Name, sent.Name) || got.Qtype != sent.Qtype || got.Qclass != sent.Qclass {
		return errors.New("the answer is to another question")
	}
	return nil
}

// usable tells an answer from a server that has none to give.
func usable(answer *dns.Msg) error {
	switch {
	case answer.Truncated:
		return errors.New("the answer is cut short by TCP too")
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return fmt.Errorf("it answers %s", rcode(answer.Rcode))
	case !answer.RecursionAvailable && !answer.Authoritative:
		return errors.New("it does not look names up for others: name a recursive one")
	}
	return nil
}

// rcode returns the response code's name, or its number where it has none.
func rcode(code int) string {
	if name, known := dns.RcodeToString[code]; known {
		return name
	}
	return fmt.Sprintf("code %d", code)
}
