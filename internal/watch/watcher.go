package watch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pmssl/internal/dnscheck"
	"pmssl/internal/parallel"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
)

const (
	// maxConnections is how many handshakes and look-ups run at once, over all items.
	maxConnections = 20
	// connectTime bounds one connection: dialling and handshake.
	connectTime = 5 * time.Second
	// maxAddresses is how many addresses of one name are looked at.
	maxAddresses = 8
	// maxPlaces is how many addresses of all names of an item are looked at.
	maxPlaces = 40
	// maxSilent is how often in a row an address is waited for in vain in one run. Hundreds of sites may be at one address.
	maxSilent = 2
	// maxWhy and maxSerial are the longest texts kept about a place, in bytes.
	maxWhy    = 300
	maxSerial = 64

	httpsPort = 443
)

// Options are what a Watcher works with.
type Options struct {
	// Dial opens connections, as net.Dialer.DialContext does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Resolver is a recursive DNS server, host:port; empty for those of ResolvConf.
	Resolver   string
	ResolvConf string
	// Private says that addresses which the Internet does not reach are dialled too.
	Private bool
	// State is the path of the file that keeps looks between runs.
	State string
}

// Watcher looks at sites. It may be used by several goroutines. It is for one run: it remembers which addresses do not answer.
type Watcher struct {
	o        Options
	timeout  time.Duration // of one connection: connectTime; tests shorten it
	resolver *dnscheck.Resolver
	slots    chan struct{} // one for each connection at once

	mu     sync.Mutex
	silent map[netip.Addr]int // how often in a row an address did not answer
}

// New returns a Watcher. It opens nothing.
func New(o Options) *Watcher {
	return &Watcher{
		o: o, timeout: connectTime, slots: make(chan struct{}, maxConnections), silent: map[netip.Addr]int{},
		resolver: dnscheck.New(dnscheck.Options{Server: o.Resolver, Conf: o.ResolvConf, Dial: o.Dial, Timeout: connectTime}),
	}
}

// Look looks once at what the sites of a certificate serve: at every address of each name. Whatever the other side does ends in an
// outcome. An error means that the look did not come to its end, because the context ended or this program has a fault.
func (w *Watcher) Look(ctx context.Context, t Target) (Look, error) {
	hosts := t.hosts()
	found := make([][]Place, len(hosts))
	failures := make([]error, len(hosts))
	unresolved := make([]bool, len(hosts))
	share := min(maxAddresses, max(1, maxPlaces/max(1, len(hosts))))
	var all parallel.Group
	for i, h := range hosts {
		all.Go(func() {
			failures[i] = guarded(func() { found[i], unresolved[i] = w.lookAtHost(ctx, t, h, share) })
		})
	}
	all.Wait()
	if err := errors.Join(append(failures, ctx.Err())...); err != nil {
		return Look{}, err
	}
	look := Look{Unresolved: len(hosts) > 0}
	var places []Place
	for i := range hosts {
		places = append(places, found[i]...)
		look.Unresolved = look.Unresolved && unresolved[i]
	}
	if len(places) == 0 {
		places = []Place{{Outcome: Unreachable, Why: "the certificate has no host name to look at"}}
	}
	look.Places = conclude(places)
	return look, nil
}

// guarded calls f and returns an error instead of a panic: what reads hostile data must not end the process.
func guarded(f func()) error {
	if caught := parallel.Catch(f); caught != nil {
		return fmt.Errorf("a fault of this program while it looked at a site: %w", caught)
	}
	return nil
}

// take waits for one of the slots and reports whether it got one before the context ended.
func (w *Watcher) take(ctx context.Context) bool {
	select {
	case w.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *Watcher) release() { <-w.slots }

// lookAtHost looks at up to limit addresses of a name. unresolved says that DNS had no answer.
func (w *Watcher) lookAtHost(ctx context.Context, t Target, h host, limit int) (places []Place, unresolved bool) {
	addresses, err := w.addresses(ctx, h.name)
	switch {
	case len(addresses) == 0 && err != nil:
		return []Place{{Name: h.name, Outcome: Unreachable, Why: line(fmt.Sprintf("DNS does not answer: %v", err)), minor: h.guessed}}, true
	case len(addresses) == 0:
		return []Place{{Name: h.name, Outcome: None, Why: "has no address in DNS", minor: true}}, false
	}
	addresses = spread(addresses, limit)
	places = make([]Place, len(addresses))
	var all parallel.Group
	for i, address := range addresses {
		all.Go(func() { places[i] = w.lookAt(ctx, t, h, address) })
	}
	all.Wait() // its panic is guarded by Look
	return places, false
}

// addresses looks a name up in DNS.
func (w *Watcher) addresses(ctx context.Context, name string) ([]netip.Addr, error) {
	if !w.take(ctx) {
		return nil, ctx.Err()
	}
	defer w.release()
	return w.resolver.Addresses(ctx, name)
}

// spread returns at most limit of the sorted addresses, half of them IPv6 if there are so many.
func spread(addresses []netip.Addr, limit int) []netip.Addr {
	if len(addresses) <= limit {
		return addresses
	}
	first6 := 0
	for first6 < len(addresses) && addresses[first6].Is4() {
		first6++
	}
	v4, v6 := addresses[:first6], addresses[first6:]
	n6 := min(len(v6), max(limit/2, limit-len(v4)))
	return append(v4[:limit-n6:limit-n6], v6[:n6]...)
}

// lookAt looks at one address of a name.
func (w *Watcher) lookAt(ctx context.Context, t Target, h host, address netip.Addr) Place {
	p := Place{Name: h.name, Address: address.String()}
	if !w.o.Private && !dnscheck.Public(address) {
		p.Outcome, p.Why, p.minor = Unreachable, "the address is not public; SSLSubscriptionWatchPrivate is off", true
		return p
	}
	if w.isSilent(address) {
		p.Outcome, p.Why, p.minor = Unreachable, "the address did not answer several times in this run", h.guessed
		return p
	}
	if !w.take(ctx) {
		return p // Look returns the context's error
	}
	defer w.release()
	served, err := w.handshake(ctx, h.name, address)
	w.noteAnswer(address, err)
	switch {
	case served != nil:
		p.Serial, p.Expires, p.CRL = plaintext.Clip(pki.Serial(served), maxSerial), served.NotAfter, ListOf(served)
		p.Outcome, p.Why = t.compare(served)
		p.minor = h.guessed && p.Outcome == Other
	case dnscheck.NoRoute(err) && address.Is6():
		p.Outcome, p.Why, p.minor = Unreachable, line(fmt.Sprintf("this host has no route to it: %v", err)), true
	default:
		p.Outcome, p.Why = failedAs(err)
		p.minor = h.guessed
	}
	return p
}

// isSilent reports whether the address did not answer maxSilent times in a row.
func (w *Watcher) isSilent(address netip.Addr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.silent[address] >= maxSilent
}

// noteAnswer counts how often in a row an address did not answer in time.
func (w *Watcher) noteAnswer(address netip.Addr, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if timedOut(err) {
		w.silent[address]++
		return
	}
	delete(w.silent, address)
}

// line returns a text from outside as one printable line of limited length.
func line(text string) string {
	return strings.TrimSpace(plaintext.Clip(plaintext.Line(plaintext.Clip(text, 4*maxWhy)), maxWhy-len("…")))
}
