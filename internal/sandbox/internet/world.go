package internet

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/miekg/dns"

	"pmssl/internal/sandbox/ca"
)

// Addresses of the simulated Internet (RFC 5737, RFC 3849).
const (
	RootAddress     = "192.0.2.1"  // the server of the root and of the top-level domains
	ResolverAddress = "192.0.2.2"  // a resolver for everybody
	PrimaryAddress  = "192.0.2.53" // ns1.hosting.net, which takes dynamic updates
	primaryIPv6     = "2001:db8::53"
	SecondAddress   = "192.0.2.54" // ns2.hosting.net, a secondary
	secondIPv6      = "2001:db8::54"
	WebAddress      = "192.0.2.80"
	WebIPv6         = "2001:db8::80"
	CAAddress       = "192.0.2.70" // of the hosts that certificates of the stand-in authority name
	CAIPv6          = "2001:db8::70"
)

// KeyName is the name of the TSIG key that may change CNAME and TXT records at the primary.
const KeyName = "pmssl"

// World is a simulated Internet: a root with the top-level domains com, net, org and example, a resolver, and the two name
// servers of a hosting provider.
type World struct {
	*Addresses
	Primary, Second *NameServer
	// Secret is that of the TSIG key, in base64.
	Secret string

	now    func() time.Time
	top    *NameServer // of the root and the top-level domains
	tops   map[string]*Zone
	zones  []*Zone
	closed []func() error
}

// NewWorld starts the servers. file keeps the map of addresses (NewAddresses); now is the time by which a secondary is behind.
func NewWorld(file string, now func() time.Time) (w *World, err error) {
	w = &World{now: now, tops: map[string]*Zone{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if w.Addresses, err = NewAddresses(file); err != nil {
		return w, err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return w, err
	}
	w.Secret = base64.StdEncoding.EncodeToString(secret)
	if err := w.startServers(); err != nil {
		return w, err
	}
	return w, w.makeTops()
}

// Close ends all servers.
func (w *World) Close() error {
	var all error
	for _, end := range w.closed {
		all = errors.Join(all, end())
	}
	w.closed = nil
	return all
}

func (w *World) startServers() error {
	keys := map[string]string{dns.Fqdn(KeyName): w.Secret}
	resolver := NewResolver(w.From("resolver"))
	validate := func(m *dns.Msg) *dns.Msg {
		if w.isBogus(m.Question[0].Name) {
			return new(dns.Msg).SetRcode(m, dns.RcodeServerFailure)
		}
		return resolver.recurse(m)
	}
	w.top = &NameServer{now: w.now}
	w.Primary = &NameServer{now: w.now, keys: keys, primary: true}
	w.Second = &NameServer{now: w.now, keys: keys}
	for _, row := range []struct {
		server    *NameServer
		addresses []string
	}{
		{w.top, []string{RootAddress}},
		{&NameServer{now: w.now, recurse: validate}, []string{ResolverAddress}},
		{w.Primary, []string{PrimaryAddress, primaryIPv6}},
		{w.Second, []string{SecondAddress, secondIPv6}},
	} {
		if err := startServer(row.server); err != nil {
			return err
		}
		w.closed = append(w.closed, row.server.Close)
		for _, address := range row.addresses {
			if err := w.Map(net.JoinHostPort(address, "53"), row.server.Target()); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeTops makes the root, the top-level domains and the provider's own zone.
func (w *World) makeTops() error {
	for _, top := range []string{".", "com.", "net.", "org.", "example."} {
		text := "@ SOA ns.root.example. hostmaster.root.example. 1 3600 600 86400 60\n@ NS ns.root.example.\n"
		switch top {
		case ".":
			text += "com. NS ns.root.example.\nnet. NS ns.root.example.\norg. NS ns.root.example.\nexample. NS ns.root.example.\n"
		case "example.":
			text += "ns.root A " + RootAddress + "\n"
			for _, host := range []string{ca.CRLHost, ca.IssuerHost} {
				text += fmt.Sprintf("%[1]s. A %[2]s\n%[1]s. AAAA %[3]s\n", host, CAAddress, CAIPv6)
			}
		}
		zone, err := NewZone(top, text, w.now)
		if err != nil {
			return err
		}
		w.tops[top] = zone
		w.top.addZone(zone)
	}
	_, err := w.AddZone("hosting.net", fmt.Sprintf("ns1 A %s\nns1 AAAA %s\nns2 A %s\nns2 AAAA %s\n", PrimaryAddress, primaryIPv6, SecondAddress, secondIPv6))
	if err != nil {
		return err
	}
	return w.tops["net."].Add(fmt.Sprintf("ns1.hosting A %s\nns1.hosting AAAA %s\nns2.hosting A %s\nns2.hosting AAAA %s\n",
		PrimaryAddress, primaryIPv6, SecondAddress, secondIPv6))
}

// Servers are the names of the provider's name servers.
func Servers() []string { return []string{"ns1.hosting.net", "ns2.hosting.net"} }

// ZoneText returns the text of a zone at name servers, with records in the form of a zone file behind its own.
func ZoneText(records string, servers ...string) string {
	text := "@ SOA " + servers[0] + ". hostmaster.hosting.net. 1 3600 600 86400 60\n"
	for _, server := range servers {
		text += "@ NS " + server + ".\n"
	}
	return text + records
}

// AddZone adds a zone at both name servers of the provider, with these records beside SOA and NS, and delegates it.
func (w *World) AddZone(name, records string) (*Zone, error) {
	zone, err := NewZone(name, ZoneText(records, Servers()...), w.now)
	if err != nil {
		return nil, err
	}
	if err := w.Delegate(name, Servers()...); err != nil {
		return nil, err
	}
	w.zones = append(w.zones, zone)
	w.Primary.addZone(zone)
	w.Second.addZone(zone)
	return zone, nil
}

// Zone returns a zone that AddZone has added, or nil.
func (w *World) Zone(name string) *Zone {
	for _, z := range w.zones {
		if z.Name() == strings.TrimSuffix(name, ".") {
			return z
		}
	}
	return nil
}

// Zones returns the zones that AddZone has added.
func (w *World) Zones() []*Zone { return w.zones }

// Delegate adds the NS records of a zone to its parent.
func (w *World) Delegate(name string, servers ...string) error {
	var parent *Zone
	own := dns.CanonicalName(name)
	for _, z := range w.zones {
		if z.name != own && dns.IsSubDomain(z.name, own) && (parent == nil || dns.IsSubDomain(parent.name, z.name)) {
			parent = z
		}
	}
	if parent == nil {
		labels := dns.SplitDomainName(own)
		parent = w.tops[labels[len(labels)-1]+"."]
	}
	if parent == nil {
		return fmt.Errorf("the simulated Internet has no top-level domain for %s", name)
	}
	for _, server := range servers {
		if err := parent.Add(own + " NS " + server + ".\n"); err != nil {
			return err
		}
	}
	return nil
}

// AddServer makes a name below hosting.net lead to a name server on loopback, at a public address.
func (w *World) AddServer(label, address, target string) error {
	if err := w.Zone("hosting.net").Add(label + " A " + address + "\n"); err != nil {
		return err
	}
	return w.Map(net.JoinHostPort(address, "53"), target)
}

// ServeCA serves HTTP at the addresses of the hosts that certificates of the stand-in authority name, such as the Repository of a
// stand-in seller. Until then nobody answers there.
func (w *World) ServeCA(repository http.Handler) error {
	return errors.Join(w.ServeWeb(CAAddress, repository), w.ServeWeb(CAIPv6, repository))
}

// RemoveCA makes the addresses of ServeCA unreachable.
func (w *World) RemoveCA() error {
	return errors.Join(w.Unmap(net.JoinHostPort(CAAddress, "80")), w.Unmap(net.JoinHostPort(CAIPv6, "80")))
}

// ServeWeb serves HTTP at a public address, port 80.
func (w *World) ServeWeb(address string, handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	w.closed = append(w.closed, server.Close)
	return w.Map(net.JoinHostPort(address, "80"), listener.Addr().String())
}
