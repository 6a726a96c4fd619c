package deliver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"pmssl/internal/publish"
	"pmssl/internal/tlsleaf"
)

// handshakeTime is how long one address may take to show its certificate.
const handshakeTime = 5 * time.Second

// address is one place where a site is looked at.
type address struct {
	network  string // tcp, or tcp4 and tcp6 for a host name
	hostPort string
	named    bool // a host name, which may lack addresses of the one or the other kind
}

// Seen implements Service. It ends at the first address that shows something else. A site has to show the certificate at one
// address at least; left out are IPv6 addresses if this host has no IPv6, and the kind of address that the host of `url` lacks.
func (s *service) Seen(ctx context.Context, t Target, serial string) (Sight, error) {
	d, _, err := s.block(t.Block)
	if err != nil {
		return Sight{}, err
	}
	places := addresses(d)
	for _, site := range t.Sites {
		sight, err := s.shown(ctx, places, site, serial)
		if err != nil || !sight.Seen {
			return sight, err
		}
	}
	return Sight{Seen: len(t.Sites) > 0}, nil
}

// shown returns what a site shows: whether that is the certificate with the serial, and if not, what it is.
func (s *service) shown(ctx context.Context, places []address, site, serial string) (Sight, error) {
	reached := false
	for _, place := range places {
		served, err := Served(ctx, s.o.Env, place.network, place.hostPort, site)
		switch {
		case ctx.Err() != nil:
			return Sight{}, ctx.Err()
		case err != nil && place.absent(err):
			continue
		case err != nil:
			return Sight{Why: fmt.Sprintf("%s at %s: %v", site, place.hostPort, err)}, nil
		}
		if other := fmt.Sprintf("%x", served.SerialNumber); other != serial {
			return Sight{Why: fmt.Sprintf("%s at %s shows certificate %s", site, place.hostPort, other), Served: served}, nil
		}
		reached = true
	}
	if !reached {
		return Sight{Why: site + ": none of its addresses can be reached from here"}, nil
	}
	return Sight{Seen: true}, nil
}

// addresses returns where the sites of a block are looked at: at its word check, or at port 443 of its panel's host.
func addresses(d publish.Deploy) []address {
	var all []address
	for _, at := range d.Check {
		all = append(all, address{network: "tcp", hostPort: at.String()})
	}
	if len(all) > 0 || d.URL == nil {
		return all
	}
	host := d.URL.Hostname()
	at := net.JoinHostPort(host, "443")
	if net.ParseIP(host) != nil {
		return []address{{network: "tcp", hostPort: at}}
	}
	return []address{{"tcp4", at, true}, {"tcp6", at, true}}
}

// absent reports whether an error of the connection says nothing about the site: this host has no IPv6, or the name has no
// address of the kind.
func (a address) absent(err error) bool {
	host, _, _ := net.SplitHostPort(a.hostPort)
	ip := net.ParseIP(host)
	six := a.network == "tcp6" || ip != nil && ip.To4() == nil
	if six && (errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
		return true
	}
	var noAddress *net.AddrError
	var unknown *net.DNSError
	return a.named && (errors.As(err, &noAddress) || errors.As(err, &unknown) && unknown.IsNotFound)
}

// Served returns the certificate that a server shows for a site within 5 seconds. Nothing of it is verified.
func Served(ctx context.Context, e publish.Env, network, hostPort, site string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	connection, err := e.Dial(ctx, network, hostPort)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	leaf, err := tlsleaf.Read(ctx, connection, site)
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return leaf, nil
}
