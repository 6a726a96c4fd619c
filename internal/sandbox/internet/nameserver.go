package internet

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// NameServer answers by UDP and TCP: with authority for its zones, or for others as a resolver. It is safe for concurrent
// use.
type NameServer struct {
	target  string // host:port on loopback
	servers []*dns.Server
	keys    map[string]string // TSIG: secrets in base64 by name of the key
	now     func() time.Time
	recurse func(m *dns.Msg) *dns.Msg // nil: it has zones

	mu      sync.Mutex
	zones   []*Zone
	primary bool
	lag     time.Duration
	hook    Hook
}

// Hook is what a test does at requests of a name server that are signed: updates and the questions around them. A nil
// function does nothing.
type Hook struct {
	Before func(m *dns.Msg) // the request has come and is not carried out
	After  func(m *dns.Msg) // the request is carried out and not answered
}

// tsigFudge is by how many seconds the clocks may differ (RFC 8945 10).
const tsigFudge = 300

// startServer listens on a free port of loopback.
func startServer(s *NameServer) error {
	listener, packets, err := listenBoth()
	if err != nil {
		return err
	}
	s.target = listener.Addr().String()
	accept := func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept } // updates have several records in each section
	for _, server := range []*dns.Server{{Listener: listener}, {PacketConn: packets}} {
		started := make(chan struct{})
		server.Handler, server.TsigSecret, server.MsgAcceptFunc = s, s.keys, accept
		server.NotifyStartedFunc = func() { close(started) }
		s.servers = append(s.servers, server)
		failed := make(chan error, 1)
		go func() { failed <- server.ActivateAndServe() }()
		select {
		case err := <-failed:
			return err
		case <-started:
		}
	}
	return nil
}

// listenBoth opens a port of loopback for TCP and UDP.
func listenBoth() (net.Listener, net.PacketConn, error) {
	var last error
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		packets, err := net.ListenPacket("udp", listener.Addr().String())
		if err == nil {
			return listener, packets, nil
		}
		last = errors.Join(err, listener.Close())
	}
	return nil, nil, fmt.Errorf("no port of loopback is free for TCP and UDP: %w", last)
}

// Target returns the server's address on loopback.
func (s *NameServer) Target() string { return s.target }

// Close ends the server.
func (s *NameServer) Close() error {
	var all error
	for _, server := range s.servers {
		all = errors.Join(all, server.Shutdown())
	}
	return all
}

// SetLag makes the server show its zones as they were so long ago, as a secondary that is behind does.
func (s *NameServer) SetLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// SetHook replaces what happens at signed requests.
func (s *NameServer) SetHook(h Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = h
}

func (s *NameServer) addZone(z *Zone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zones = append(s.zones, z)
}

// zoneOf returns the longest zone of the server that holds the name, or nil.
func (s *NameServer) zoneOf(name string) *Zone {
	var best *Zone
	for _, z := range s.zones {
		if dns.IsSubDomain(z.name, name) && (best == nil || dns.IsSubDomain(best.name, z.name)) {
			best = z
		}
	}
	return best
}

// ServeDNS implements dns.Handler.
func (s *NameServer) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	signature := m.IsTsig()
	if signature != nil && w.TsigStatus() != nil {
		s.refuseSignature(w, m, signature)
		return
	}
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if signature != nil && hook.Before != nil {
		hook.Before(m)
	}
	answer := s.answer(m, signature != nil)
	if signature != nil {
		if hook.After != nil {
			hook.After(m)
		}
		answer.SetTsig(signature.Hdr.Name, signature.Algorithm, tsigFudge, 0) // 0: the library takes the time
	} else if edns := m.IsEdns0(); edns != nil {
		answer.SetEdns0(edns.UDPSize(), false)
		answer.Truncate(int(edns.UDPSize()))
	}
	_ = w.WriteMsg(answer) // who asked may be gone
}

// refuseSignature answers NOTAUTH with the reason in an unsigned signature (RFC 8945 5.2).
func (s *NameServer) refuseSignature(w dns.ResponseWriter, m *dns.Msg, signature *dns.TSIG) {
	answer := new(dns.Msg).SetRcode(m, dns.RcodeNotAuth)
	reason := uint16(dns.RcodeBadSig)
	if _, known := s.keys[dns.CanonicalName(signature.Hdr.Name)]; !known {
		reason = dns.RcodeBadKey
	}
	answer.Extra = append(answer.Extra, &dns.TSIG{
		Hdr:       dns.RR_Header{Name: signature.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: signature.Algorithm, TimeSigned: signature.TimeSigned, Fudge: tsigFudge, OrigId: m.Id, Error: reason,
	})
	if packed, err := answer.Pack(); err == nil {
		_, _ = w.Write(packed)
	}
}

// answer returns the answer to a message.
func (s *NameServer) answer(m *dns.Msg, signed bool) *dns.Msg {
	answer := new(dns.Msg).SetReply(m)
	if len(m.Question) != 1 {
		answer.Rcode = dns.RcodeFormatError
		return answer
	}
	if s.recurse != nil {
		return s.recurse(m)
	}
	s.mu.Lock()
	name := dns.CanonicalName(m.Question[0].Name)
	zone, when := s.zoneOf(name), s.now().Add(-s.lag)
	primary := s.primary && slices.Contains(s.zones, zone)
	s.mu.Unlock()
	switch {
	case m.Opcode == dns.OpcodeUpdate && (zone == nil || zone.name != name):
		answer.Rcode = dns.RcodeNotAuth
	case m.Opcode == dns.OpcodeUpdate && (!signed || !primary):
		answer.Rcode = dns.RcodeRefused
	case m.Opcode == dns.OpcodeUpdate:
		answer.Rcode = zone.update(m)
	case zone == nil || m.Opcode != dns.OpcodeQuery:
		answer.Rcode = dns.RcodeRefused
	default:
		zone.at(when).reply(zone.name, name, m.Question[0].Qtype, answer)
	}
	return answer
}
