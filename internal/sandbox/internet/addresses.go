package internet

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"pmssl/internal/sandbox/clock"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Addresses maps public addresses to addresses on loopback. It is safe for concurrent use.
type Addresses struct {
	file string

	mu      sync.Mutex
	targets map[string]string          // host:port by public host:port
	blocked map[string]map[string]bool // public host:port by perspective
	bogus   map[string]bool            // zones whose signatures are wrong (RFC 4033 5)
}

// NewAddresses returns an empty map. It keeps the map in the file, a line `ADDRESS:PORT TARGET:PORT` for each address, which
// is what PMSSL_DIAL names; without a file name it keeps none.
func NewAddresses(file string) (*Addresses, error) {
	a := &Addresses{file: file, targets: map[string]string{}, blocked: map[string]map[string]bool{}, bogus: map[string]bool{}}
	return a, a.save()
}

// ReadAddresses returns the map that a file holds.
func ReadAddresses(file string) (*Addresses, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := &Addresses{targets: map[string]string{}, blocked: map[string]map[string]bool{}, bogus: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			a.targets[fields[0]] = fields[1]
		}
	}
	return a, nil
}

// File returns the name of the file that holds the map.
func (a *Addresses) File() string { return a.file }

// Map makes the public address lead to a port of this host. Both are host:port.
func (a *Addresses) Map(public, target string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.targets[public] = target
	return a.save()
}

// Unmap makes the public address unreachable.
func (a *Addresses) Unmap(public string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.targets, public)
	return a.save()
}

// Block makes the public address unreachable from one perspective (Addresses.From).
func (a *Addresses) Block(perspective, public string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.blocked[perspective] == nil {
		a.blocked[perspective] = map[string]bool{}
	}
	a.blocked[perspective][public] = true
}

// Unblock makes all addresses reachable again from the perspective.
func (a *Addresses) Unblock(perspective string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.blocked, perspective)
}

// SetBogus makes whoever validates DNSSEC refuse all names of a zone, or accept them again.
func (a *Addresses) SetBogus(zone string, bogus bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bogus[dns.CanonicalName(zone)] = bogus
}

// isBogus reports whether a name is in a zone whose signatures are wrong.
func (a *Addresses) isBogus(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for zone, bogus := range a.bogus {
		if bogus && dns.IsSubDomain(zone, dns.CanonicalName(name)) {
			return true
		}
	}
	return false
}

// save writes the file in one step. The caller holds the lock.
func (a *Addresses) save() error {
	if a.file == "" {
		return nil
	}
	var text strings.Builder
	for _, public := range slices.Sorted(maps.Keys(a.targets)) {
		fmt.Fprintf(&text, "%s %s\n", public, a.targets[public])
	}
	return clock.WriteFile(a.file, []byte(text.String()), 0o600)
}

// From returns what opens connections from a place in the network. Addresses that are not in the map cannot be reached.
func (a *Addresses) From(perspective string) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		a.mu.Lock()
		target, found := a.targets[address]
		blocked := a.blocked[perspective][address]
		a.mu.Unlock()
		if !found || blocked {
			return nil, fmt.Errorf("dial %s from %s: no route to this address", address, perspective)
		}
		return new(net.Dialer).DialContext(ctx, network, target)
	}
}
