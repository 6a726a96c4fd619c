package observe_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
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

const (
	resolver  = "192.0.2.2:53"
	webServer = "192.0.2.80:80"
)

// world is DNS as a test writes it: the records of the resolver and of every name server, and which addresses were dialled.
type world struct {
	t       *testing.T
	records []string
	dead    []string // addresses that take a connection and do not answer
	broken  []string // names that are answered SERVFAIL
	web     string   // what 192.0.2.80:80 answers to a request
	endless string   // what it then repeats without an end

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
	if address == webServer {
		go w.serveFile(there)
	} else {
		go w.serve(there)
	}
	return here, nil
}

// serveFile reads a request and answers it.
func (w *world) serveFile(conn net.Conn) {
	defer conn.Close()
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	_, err := conn.Write([]byte(w.web))
	for err == nil && w.endless != "" {
		_, err = conn.Write([]byte(strings.Repeat(w.endless, 100)))
	}
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
		if slices.Contains(w.broken, question.Question[0].Name) {
			answer.Rcode = dns.RcodeServerFailure
		}
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

// A resolver that has no answer may have one later: that is no reason to write to the client now.
func TestAResolverWithoutAnAnswerIsTroubleThatPasses(t *testing.T) {
	file := publish.Placement{Record: publish.FileRecord("http://www.example.com/.well-known/pki-validation/A.txt", "x")}
	for name, row := range map[string]struct {
		broken string
		placed publish.Placement
	}{
		"about the zone":                      {"example.com.", alias("example.com")},
		"about the record":                    {"_5d41.example.com.", alias("example.com")},
		"about a name server":                 {"ns1.example.com.", alias("example.com")},
		"about the host that serves the file": {"www.example.com.", file},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, records: zoneAt("192.0.2.53"), broken: []string{row.broken}}
			sight, err := w.observer().Look(t.Context(), publish.Block{}, row.placed)
			require.NoError(t, err)
			assert.False(t, sight.Seen)
			assert.Contains(t, sight.Why, "SERVFAIL")
		})
	}
}

func TestAFileIsSeenIfTheHostServesExactlyIt(t *testing.T) {
	const file = "ab12\nsectigo.com\nu7"
	ok := func(body string) string { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body }
	for name, row := range map[string]struct {
		web, endless string
		redirects    bool
		says         string // empty if it is seen
	}{
		"the file":                         {ok(file), "", false, ""},
		"the file in pieces":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab12\r\n0f\r\n\nsectigo.com\nu7\r\n0\r\n\r\n", "", false, ""},
		"a line more":                      {ok(file + "\n"), "", false, "holds"},
		"a line less":                      {ok("ab12\nsectigo.com\n"), "", false, "holds"},
		"another file":                     {ok("<html>\x1b[2J"), "", false, `holds "<html>\x1b[2J"`},
		"a body without an end":            {ok(file), "x", false, "holds"},
		"a header without an end":          {"HTTP/1.1 200 OK\r\nA: ", "x", false, "exceeded"},
		"headers without an end":           {"HTTP/1.1 200 OK\r\n", "A: x\r\n", false, "exceeded"},
		"interim answers without an end":   {"", "HTTP/1.1 103 Early Hints\r\n\r\n", false, "exceeded"},
		"a body that is shorter":           {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab12", "", false, "unexpected EOF"},
		"no HTTP":                          {"220 ftp.example.com\r\n", "", false, "malformed"},
		"nothing":                          {"", "", false, "EOF"},
		"a long text that is no HTTP":      {strings.Repeat("x", 60_000) + "\r\n\r\n", "", false, "malformed"},
		"not found":                        {"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n" + file, "", false, "answers 404"},
		"in part":                          {"HTTP/1.1 206 Partial Content\r\nConnection: close\r\n\r\n" + file, "", false, "answers 206"},
		"a redirect":                       {"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "", false, "most CAs want the file itself"},
		"redirects without an end":         {"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: /x\r\n\r\n", "", true, "redirected"},
		"a redirect to another host":       {"HTTP/1.1 302 Found\r\nLocation: http://other.example.com/x\r\n\r\n", "", true, "another host or port"},
		"a redirect to another port":       {"HTTP/1.1 302 Found\r\nLocation: http://www.example.com:8080/x\r\n\r\n", "", true, "another host or port"},
		"a redirect to another protocol":   {"HTTP/1.1 302 Found\r\nLocation: file://www.example.com/etc/passwd\r\n\r\n", "", true, "unsupported protocol"},
		"a redirect that holds a secret":   {"HTTP/1.1 302 Found\r\nLocation: http://u:Planted@other.example.com/\r\n\r\n", "", false, "u:xxxxx@"},
		"a redirect that leads to nothing": {"HTTP/1.1 302 Found\r\n\r\n", "", true, "answers 302"},
		"a long redirect":                  {"HTTP/1.1 302 Found\r\nLocation: /" + strings.Repeat("x", 50_000) + "\r\n\r\n", "", false, "most CAs want the file itself"},
		"a long redirect that is followed": {"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: http://www.example.com/" + strings.Repeat("x", 50_000) + "\r\n\r\n", "", true, "redirected"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, records: []string{"www.example.com. 60 A 192.0.2.80"}, web: row.web, endless: row.endless}
			r := publish.FileRecord("http://www.example.com/.well-known/pki-validation/A.txt", file)
			sight, err := w.observer().Look(t.Context(), publish.Block{Redirects: row.redirects}, publish.Placement{Record: r})
			require.NoError(t, err)
			assert.Equal(t, row.says == "", sight.Seen)
			assert.Contains(t, sight.Why, row.says)
			assert.Less(t, len(sight.Why), 1000)
			assert.NotContains(t, sight.Why, "Planted")
			assert.LessOrEqual(t, w.count(webServer), 4)
		})
	}
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
