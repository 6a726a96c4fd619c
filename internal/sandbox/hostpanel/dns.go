package hostpanel

import (
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// negativeTTL is the minimum of the SOA records, in seconds.
const negativeTTL = 300

// NameServer answers from a panel's zones, by UDP and TCP at the same port.
type NameServer struct {
	addr    string
	servers []*dns.Server
	ended   sync.WaitGroup
}

// ServeDNS starts the DNS server at an address of loopback; port 0 takes a free one.
func (p *Panel) ServeDNS(address string) (*NameServer, error) {
	for range 20 {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		packets, err := net.ListenPacket("udp", listener.Addr().String())
		if err != nil {
			_ = listener.Close()
			if strings.HasSuffix(address, ":0") {
				continue // somebody else has the port by UDP
			}
			return nil, err
		}
		n := &NameServer{addr: listener.Addr().String()}
		for _, server := range []*dns.Server{{Listener: listener, Handler: dns.HandlerFunc(p.answer)}, {PacketConn: packets, Handler: dns.HandlerFunc(p.answer)}} {
			started := make(chan struct{})
			server.NotifyStartedFunc = func() { close(started) }
			n.servers = append(n.servers, server)
			n.ended.Go(func() { _ = server.ActivateAndServe() })
			<-started
		}
		return n, nil
	}
	return nil, fmt.Errorf("no port is free by TCP and UDP at %s", address)
}

// Address is where the server listens, host:port.
func (n *NameServer) Address() string { return n.addr }

// Close ends the server.
func (n *NameServer) Close() {
	for _, s := range n.servers {
		_ = s.Shutdown()
	}
	n.ended.Wait()
}

func (p *Panel) answer(w dns.ResponseWriter, question *dns.Msg) {
	reply := new(dns.Msg).SetReply(question)
	reply.RecursionAvailable = false
	if len(question.Question) != 1 || question.Opcode != dns.OpcodeQuery {
		reply.Rcode = dns.RcodeRefused
	} else {
		p.resolve(reply, question.Question[0])
	}
	if opt := question.IsEdns0(); opt != nil {
		reply.SetEdns0(dns.DefaultMsgSize, opt.Do())
	}
	if w.RemoteAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := question.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		reply.Truncate(size)
	}
	_ = w.WriteMsg(reply) // a client that is gone
}

// served returns the zones that DNS answers from.
func (p *Panel) served() []Zone {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		return clone(p.frozen)
	}
	return clone(p.zones)
}

// resolve fills in the answer (RFC 1034 4.3.2, wildcards by RFC 4592).
func (p *Panel) resolve(reply *dns.Msg, q dns.Question) {
	zones := p.served()
	name := strings.ToLower(strings.TrimSuffix(q.Name, "."))
	for hops := 0; hops < 8; hops++ {
		zone := nearest(zones, name)
		if zone == nil {
			if hops == 0 {
				reply.Rcode = dns.RcodeRefused
			}
			return
		}
		reply.Authoritative = reply.Authoritative || hops == 0
		next := zone.resolve(reply, name, q.Qtype)
		if next == "" {
			return
		}
		name = next
	}
}

func nearest(zones []Zone, name string) *Zone {
	var found *Zone
	for i, z := range zones {
		if z.Name != "" && (name == z.Name || strings.HasSuffix(name, "."+z.Name)) && (found == nil || len(z.Name) > len(found.Name)) {
			found = &zones[i]
		}
	}
	return found
}

// resolve answers for one name; it returns the target of an alias that is to be followed, else "".
func (z *Zone) resolve(reply *dns.Msg, name string, kind uint16) (next string) {
	if cut := z.delegation(name); cut != "" && (cut != name || kind != dns.TypeDS) {
		reply.Authoritative = false
		reply.Ns = append(reply.Ns, z.rrset(cut, cut, dns.TypeNS)...)
		return ""
	}
	owner, exists := z.ownerOf(name)
	switch {
	case !exists:
		reply.Rcode = dns.RcodeNameError
	case kind != dns.TypeCNAME && kind != dns.TypeANY:
		if alias := z.rrset(owner, name, dns.TypeCNAME); len(alias) > 0 {
			reply.Answer = append(reply.Answer, alias[0])
			return strings.ToLower(strings.TrimSuffix(alias[0].(*dns.CNAME).Target, "."))
		}
	}
	found := z.rrset(owner, name, kind)
	reply.Answer = append(reply.Answer, found...)
	if len(found) == 0 {
		reply.Ns = append(reply.Ns, z.soa())
	}
	return ""
}

// delegation returns the highest name below the zone's, up to the name, that has NS records; "" if there is none.
func (z *Zone) delegation(name string) string {
	cut := ""
	for at := name; at != z.Name; _, at, _ = strings.Cut(at, ".") {
		for _, r := range z.Records {
			if r.Name == at && r.Type == "NS" {
				cut = at
			}
		}
	}
	return cut
}

// ownerOf returns whose records answer for a name: the name itself, or a wildcard. exists is false for NXDOMAIN.
func (z *Zone) ownerOf(name string) (owner string, exists bool) {
	if z.exists(name) {
		return name, true
	}
	for at := name; at != z.Name; {
		_, at, _ = strings.Cut(at, ".")
		if z.exists(at) || at == z.Name {
			return "*." + at, z.exists("*." + at)
		}
	}
	return "", false
}

func (z *Zone) exists(name string) bool {
	if name == z.Name {
		return true
	}
	for _, r := range z.Records {
		if r.Name == name || strings.HasSuffix(r.Name, "."+name) {
			return true
		}
	}
	return false
}

// rrset returns the records of an owner under another name. Beside other records a CNAME is not served unless it stands first: then
// the others are not.
func (z *Zone) rrset(owner, name string, kind uint16) []dns.RR {
	var found []dns.RR
	if owner == z.Name && (kind == dns.TypeSOA || kind == dns.TypeANY) {
		found = append(found, z.soa())
	}
	first := ""
	for _, r := range z.Records {
		if r.Name != owner {
			continue
		}
		if first == "" {
			first = r.Type
		}
		if (r.Type == "CNAME") != (first == "CNAME") {
			continue
		}
		rr, err := r.rr(name)
		if err == nil && (rr.Header().Rrtype == kind || kind == dns.TypeANY) {
			found = append(found, rr)
		}
	}
	return found
}

func (z *Zone) soa() dns.RR {
	server := "ns." + z.Name + "."
	for _, r := range z.Records {
		if r.Name == z.Name && r.Type == "NS" {
			server = r.Value
			break
		}
	}
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: z.Name + ".", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: negativeTTL},
		Ns:  server, Mbox: "hostmaster." + z.Name + ".", Serial: z.Serial, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: negativeTTL,
	}
}
