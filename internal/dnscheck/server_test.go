package dnscheck_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"pmssl/internal/dnscheck"
)

// testTimeout is the time limit of queries that get an answer; no test comes near it.
const testTimeout = time.Minute

// zone is a DNS server on loopback. Names are fully qualified; an absent name is NXDOMAIN.
type zone struct {
	records map[string][]string // by name: records in the form of zone files
	rcode   map[string]int      // by "NAME TYPE": what is answered instead
	before  func(w dns.ResponseWriter, query *dns.Msg, network string) (answered bool)
	change  func(answer *dns.Msg)

	address  string
	udp, tcp atomic.Int32 // queries
}

// serve starts the zone and returns it with its address.
func serve(t *testing.T, z *zone) *zone {
	t.Helper()
	packets, streams := listen(t)
	z.address = packets.LocalAddr().String()
	for _, server := range []*dns.Server{
		{PacketConn: packets, Handler: z.handler("udp", &z.udp)}, {Listener: streams, Handler: z.handler("tcp", &z.tcp)},
	} {
		ended := make(chan error, 1)
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			require.NoError(t, server.Shutdown())
			require.NoError(t, <-ended)
		})
	}
	return z
}

// listen opens the same port for UDP and TCP.
func listen(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		streams, err := net.Listen("tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		require.NoError(t, packets.Close())
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

func (z *zone) handler(network string, count *atomic.Int32) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		count.Add(1)
		if z.before != nil && z.before(w, query, network) {
			return
		}
		answer := z.answer(query)
		if z.change != nil {
			z.change(answer)
		}
		if network == "udp" {
			answer.Truncate(int(query.IsEdns0().UDPSize()))
		}
		_ = w.WriteMsg(answer) // the other side may be gone
	})
}

// answer returns the answer of a recursive server, which follows CNAMEs.
func (z *zone) answer(query *dns.Msg) *dns.Msg {
	answer := new(dns.Msg).SetReply(query)
	answer.RecursionAvailable = true
	asked := query.Question[0]
	if code, set := z.rcode[asked.Name+" "+dns.TypeToString[asked.Qtype]]; set {
		answer.Rcode = code
		return answer
	}
	for name := asked.Name; ; {
		texts, exists := z.records[strings.ToLower(name)]
		if !exists {
			answer.Rcode = dns.RcodeNameError
			return answer
		}
		next := ""
		for _, text := range texts {
			record, err := dns.NewRR(name + " 60 IN " + text)
			if err != nil {
				panic(err)
			}
			if cname, is := record.(*dns.CNAME); is {
				next = cname.Target
			}
			if kind := record.Header().Rrtype; kind == asked.Qtype || kind == dns.TypeCNAME {
				answer.Answer = append(answer.Answer, record)
			}
		}
		if next == "" {
			return answer
		}
		name = next
	}
}

// resolver returns a resolver that asks only this zone.
func (z *zone) resolver() *dnscheck.Resolver { return asking(z.address, testTimeout) }

func asking(server string, timeout time.Duration) *dnscheck.Resolver {
	return dnscheck.New(dnscheck.Options{Server: server, Dial: new(net.Dialer).DialContext, Timeout: timeout})
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}
