package doctor

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"pmssl/internal/dnscheck"
)

// fakeDNS is the resolver at resolverAddress and the name servers of zones, in memory.
type fakeDNS struct {
	t *testing.T
	// zones are zones by name, with records in the form of zone files. Each is at the addresses of its name servers.
	zones map[string][]string
	// answer replaces the answer of a server; nil for its own.
	answer func(server string, q dns.Question) *dns.Msg

	mu    sync.Mutex
	asked []string // "SERVER NAME TYPE"
}

const resolverAddress = "192.0.2.1:53"

func (f *fakeDNS) resolver() *dnscheck.Resolver {
	return dnscheck.New(dnscheck.Options{Server: resolverAddress, Dial: f.dial})
}

func (f *fakeDNS) dial(_ context.Context, _, server string) (net.Conn, error) {
	client, far := net.Pipe() // both ends have the framing of TCP
	go func() {
		conn := &dns.Conn{Conn: far}
		defer conn.Close()
		if query, err := conn.ReadMsg(); err == nil {
			_ = conn.WriteMsg(f.reply(server, query))
		}
	}()
	return client, nil
}

func (f *fakeDNS) reply(server string, query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf("%s %s %s", server, strings.TrimSuffix(q.Name, "."), dns.TypeToString[q.Qtype]))
	f.mu.Unlock()
	if f.answer != nil {
		if own := f.answer(server, q); own != nil {
			rcode := own.Rcode
			own.SetReply(query)
			own.Rcode = rcode
			return own
		}
	}
	answer := new(dns.Msg).SetReply(query)
	answer.RecursionAvailable, answer.Authoritative = server == resolverAddress, server != resolverAddress
	answer.Answer = f.records(q.Name, q.Qtype)
	at := q.Name
	for _, rr := range answer.Answer {
		if alias, is := rr.(*dns.CNAME); is {
			at = alias.Target
		}
	}
	if n := len(answer.Answer); n == 0 || answer.Answer[n-1].Header().Rrtype != q.Qtype {
		answer.Ns = f.records(f.zoneOf(at), dns.TypeSOA)
	}
	return answer
}

// zoneOf returns the longest zone above a name.
func (f *fakeDNS) zoneOf(name string) string {
	for at := strings.TrimSuffix(name, "."); at != ""; _, at, _ = strings.Cut(at, ".") {
		if _, there := f.zones[at]; there {
			return at + "."
		}
	}
	return "."
}

// records returns the records of a type at a name, with the aliases that lead to them.
func (f *fakeDNS) records(name string, kind uint16) []dns.RR {
	var found []dns.RR
	zone := strings.TrimSuffix(f.zoneOf(name), ".")
	lines := append([]string{zone + ". SOA ns.example. host.example. 7 1 1 1 1"}, f.zones[zone]...)
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		require.NoError(f.t, err)
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		if alias, is := rr.(*dns.CNAME); is && kind != dns.TypeCNAME {
			return append([]dns.RR{rr}, f.records(alias.Target, kind)...)
		}
		if rr.Header().Rrtype == kind {
			found = append(found, rr)
		}
	}
	return found
}
