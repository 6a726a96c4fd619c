package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// udpSize is the limit of an answer by UDP in bytes; longer ones come by TCP. Packets of that size are not fragmented (DNS
// flag day 2020).
const udpSize = 1232

// ask sends one query to the servers, one after the other, until one answers it with records, without records, or with
// NXDOMAIN. Each server gets an equal share of the time, so that a dead server does not use up that of the next.
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

// question returns the query for the records of one type.
func question(name string, kind uint16) *dns.Msg {
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	return query.SetEdns0(udpSize, false)
}

// askServer sends the query to one server by UDP and, if the answer does not fit, by TCP.
func (r *Resolver) askServer(ctx context.Context, server string, query *dns.Msg, limit time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := r.exchange(ctx, "udp", server, query)
	if err == nil && answer.Truncated {
		answer, err = r.exchange(ctx, "tcp", server, query)
	}
	if err != nil {
		return nil, err
	}
	return answer, checkUsable(answer)
}

// exchange sends the query over a new connection, whose port an attacker cannot know, and reads the answer. By UDP it
// ignores answers with another id, which may be late ones.
func (r *Resolver) exchange(ctx context.Context, network, server string, query *dns.Msg) (*dns.Msg, error) {
	conn, err := r.dial(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // the client below ends at deadlines, but not at a cancellation
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err() // instead of the error of the closed connection
	case err != nil:
		return nil, err
	}
	return answer, checkAnswer(answer, query)
}

// checkAnswer returns an error unless the message, which has the query's id, answers the query.
func checkAnswer(answer, query *dns.Msg) error {
	switch {
	case !answer.Response || answer.Opcode != dns.OpcodeQuery:
		return errors.New("the message is not an answer")
	case len(answer.Question) != 1:
		return fmt.Errorf("the answer is to %d questions", len(answer.Question))
	}
	got, sent := answer.Question[0], query.Question[0]
	if !strings.EqualFold(got.Name, sent.Name) || got.Qtype != sent.Qtype || got.Qclass != sent.Qclass {
		return errors.New("the answer is to another question")
	}
	return nil
}

// checkUsable returns an error if the answer says nothing about the name: it is truncated, a failure of the server, or from a
// server without recursion.
func checkUsable(answer *dns.Msg) error {
	switch {
	case answer.Truncated:
		return errors.New("the answer is truncated by TCP too")
	case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
		return fmt.Errorf("it answers %s", rcode(answer.Rcode))
	case !answer.RecursionAvailable && !answer.Authoritative:
		return errors.New("it does not offer recursion: configure a recursive server")
	}
	return nil
}

// rcode returns the name of the response code, or its number if it has no name.
func rcode(code int) string {
	if name, known := dns.RcodeToString[code]; known {
		return name
	}
	return fmt.Sprintf("code %d", code)
}
