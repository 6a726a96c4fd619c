package observe_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/observe"
)

const resolver = "192.0.2.2:53"

// world is DNS as a test writes it: the records of the resolver and of every name server, and which addresses were dialled.
type world struct {
	t       *testing.T
	records []string
	dead    []string // addresses that take a connection and do not answer

	mu      sync.Mutex
	dialled []string
}

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, address)
	w.mu.Unlock()
	if slices.Contains(w.dead, address) {
		return nil, context.DeadlineExceeded
	}
	here, there := net.Pipe()
	go w.serve(there)
	return here, nil
}

// serve answers questions on a connection with the framing of TCP, which the client uses for everything but packets.
func (w *world) serve(conn net.Conn) {
	defer conn.Close()
	wire := &dns.Conn{Conn: conn}
	for {
		question, err := wire.ReadMsg()
		if err != nil {
			return
		}
		answer := new(dns.Msg).SetReply(question)
		answer.Authoritative, answer.RecursionAvailable = true, true
		for _, text := range w.records {
			rr, err := dns.NewRR(text)
			if assert.NoError(w.t, err) && strings.EqualFold(rr.Header().Name, question.Question[0].Name) && slices.Contains([]uint16{question.Question[0].Qtype, dns.TypeCNAME}, rr.Header().Rrtype) {
				answer.Answer = append(answer.Answer, rr)
			}
		}
		if err := wire.WriteMsg(answer); err != nil {
			return
		}
	}
}

func (w *world) count(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, dialled := range w.dialled {
		if dialled == address {
			n++
		}
	}
	return n
}

func (w *world) observer() *observe.Observer {
	return observe.New(observe.Options{Dial: w.dial, Resolver: resolver})
}

func alias(name string) publish.Placement {
	r := publish.DNSRecord("_5d41."+name, "CNAME", "a.b.sectigo.com")
	r.Domain = name
	return publish.Placement{Publisher: "ns1", Zone: name, Record: r}
}

func zoneAt(address string) []string {
	kind := "A"
	if strings.Contains(address, ":") {
		kind = "AAAA"
	}
	return []string{
		"example.com. 60 NS ns1.example.com.", "example.com. 60 SOA ns1.example.com. h.example.com. 1 1 1 1 300",
		"ns1.example.com. 60 " + kind + " " + address, "_5d41.example.com. 60 CNAME a.b.sectigo.com.",
	}
}

func TestARecordIsSeenAtItsNameServersAndTheResolver(t *testing.T) {
	w := &world{t: t, records: zoneAt("192.0.2.53")}
	sight, err := w.observer().Look(t.Context(), publish.Block{}, alias("example.com"))
	require.NoError(t, err)
	assert.True(t, sight.Seen, sight.Why)
	assert.Positive(t, w.count("192.0.2.53:53"))
	assert.Positive(t, w.count(resolver))
}

// RFC 4592 2.2.2: a record below a host that only a wildcard serves takes the host out of DNS.
func TestAHostThatARecordHidesIsGone(t *testing.T) {
	for name, row := range map[string]struct {
		host    string
		records []string
		gone    bool
	}{
		"served by its own record":                    {"www.example.com", []string{"www.example.com. 60 A 192.0.2.1", "*.example.com. 60 A 192.0.2.2"}, false},
		"served by an alias":                          {"www.example.com", []string{"www.example.com. 60 CNAME other.example.net.", "*.example.com. 60 A 192.0.2.2"}, false},
		"served by nothing":                           {"www.example.com", nil, false},
		"served by a wildcard":                        {"www.example.com", []string{"*.example.com. 60 A 192.0.2.2"}, true},
		"mail that a wildcard serves":                 {"www.example.com", []string{"*.example.com. 60 MX 10 mx.example.net."}, true},
		"two levels below, by the lower wildcard":     {"a.b.example.com", []string{"*.b.example.com. 60 A 192.0.2.2"}, true},
		"two levels below, by the higher wildcard":    {"a.b.example.com", []string{"*.example.com. 60 A 192.0.2.2"}, true},
		"a higher wildcard that does not reach it":    {"a.b.example.com", []string{"*.example.com. 60 A 192.0.2.2", "b.example.com. 60 A 192.0.2.3"}, false},
		"the zone itself, which is under no wildcard": {"example.com", []string{"*.com. 60 A 192.0.2.2", "*.example.com. 60 A 192.0.2.2"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, records: append(zoneAt("192.0.2.53"), "_5d41."+row.host+". 60 CNAME a.b.sectigo.com.")}
			w.records = append(w.records, row.records...)
			p := alias(row.host)
			p.Zone = "example.com"
			sight, err := w.observer().Look(t.Context(), publish.Block{}, p)
			require.NoError(t, err)
			assert.Equal(t, row.gone, sight.HostGone)
			assert.Equal(t, !row.gone, sight.Seen, sight.Why)
		})
	}
}

// What a client's zone names is no reason to send anything into the provider's own networks.
func TestNothingIsSentToPrivateAddresses(t *testing.T) {
	for _, address := range []string{
		"127.0.0.1", "10.0.0.5", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.1", "198.18.0.1", "240.0.0.1", "255.255.255.255",
		"::1", "fe80::1", "fd00:ec2::254", "fec0::1", "::ffff:10.0.0.5", "64:ff9b::10.0.0.5", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "2002:a00:5::1",
	} {
		w := &world{t: t, records: append(zoneAt(address), "www.example.com. 60 "+strings.TrimPrefix(zoneAt(address)[2], "ns1.example.com. 60 "))}
		_, err := w.observer().Look(t.Context(), publish.Block{}, alias("example.com"))
		assert.ErrorContains(t, err, "which no CA can reach", address)
		file := publish.FileRecord("http://www.example.com/.well-known/pki-validation/A.txt", "x")
		_, err = w.observer().Look(t.Context(), publish.Block{}, publish.Placement{Record: file})
		assert.ErrorContains(t, err, "which no CA can reach", address)
		for _, dialled := range w.dialled {
			assert.Equal(t, resolver, dialled, address)
		}
	}
}

// Networks without IPv4 have resolvers that answer with translated addresses (RFC 6147).
func TestTranslatedPublicAddressesAreLookedAt(t *testing.T) {
	w := &world{t: t, records: zoneAt("64:ff9b::192.0.2.53")}
	sight, err := w.observer().Look(t.Context(), publish.Block{}, alias("example.com"))
	require.NoError(t, err)
	assert.True(t, sight.Seen, sight.Why)
}

// A sweep looks at the records of many items at the same servers.
func TestANameServerThatIsSilentIsNotWaitedForAgainAndAgain(t *testing.T) {
	w := &world{t: t, records: zoneAt("192.0.2.53"), dead: []string{"192.0.2.53:53"}}
	o := w.observer()
	for range 20 {
		sight, err := o.Look(t.Context(), publish.Block{}, alias("example.com"))
		require.NoError(t, err)
		assert.False(t, sight.Seen)
		assert.Contains(t, sight.Why, "192.0.2.53")
	}
	assert.Equal(t, 2, w.count("192.0.2.53:53"))
}

func TestTheNameServersOfAZoneAreLookedUpOnceInARun(t *testing.T) {
	w := &world{t: t, records: zoneAt("192.0.2.53")}
	o := w.observer()
	for range 2 {
		sight, err := o.Look(t.Context(), publish.Block{}, alias("example.com"))
		require.NoError(t, err)
		require.True(t, sight.Seen)
	}
	first := w.count(resolver)
	_, err := o.Look(t.Context(), publish.Block{}, alias("example.com"))
	require.NoError(t, err)
	assert.Equal(t, first+1, w.count(resolver), "only the record itself")
}
