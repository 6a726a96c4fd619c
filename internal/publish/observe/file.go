package observe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"pmssl/internal/dnscheck"
	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// fetchTime bounds one request, redirects included.
	fetchTime = 10 * time.Second
	// maxRedirects is how many redirects are followed where the block allows them.
	maxRedirects = 3
	// maxFileAddresses is how many addresses of a host are looked at.
	maxFileAddresses = 16
	// maxShown is how many octets of an error of a web server are shown.
	maxShown = 500
)

// file fetches a file from every address of its host, or from those that the block names.
func (o *Observer) file(ctx context.Context, b publish.Block, r publish.Record) (publish.Sight, error) {
	addresses := b.Check
	if len(addresses) == 0 {
		var err error
		if addresses, err = o.publicAddresses(ctx, r.Name); err != nil {
			return publish.Sight{}, err
		}
	}
	if len(addresses) == 0 {
		return publish.Sight{Why: r.Name + " has no address at which a CA could look"}, nil
	}
	reached := false
	for _, address := range addresses {
		why, err := o.fetch(ctx, b, r, address)
		switch {
		case ctx.Err() != nil:
			return publish.Sight{}, ctx.Err()
		case err != nil && dnscheck.NoRoute(err) && address.Is6():
			continue
		case err != nil:
			why = fmt.Sprintf("%s at %s: %v", r, address, err)
		}
		if why != "" {
			return publish.Sight{Why: why}, nil
		}
		reached = true
	}
	if !reached {
		return publish.Sight{Why: "none of the addresses of " + r.Name + " can be reached from here"}, nil
	}
	return publish.Sight{Seen: true}, nil
}

// publicAddresses returns the addresses of a host, through the resolver. One that no CA could reach is an error: nothing is
// sent to private networks because a client's zone names them.
func (o *Observer) publicAddresses(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := o.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, address := range found {
		if !dnscheck.Public(address) {
			return nil, fmt.Errorf("%s has the address %s, which no CA can reach", host, address)
		}
	}
	return found[:min(len(found), maxFileAddresses)], nil
}

// errRedirect ends a request at a redirect that is not followed.
var errRedirect = errors.New("it is redirected")

// fetch requests the file at one address and returns what is there instead; empty if the file is there.
func (o *Observer) fetch(ctx context.Context, b publish.Block, r publish.Record, address netip.Addr) (why string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, (&url.URL{Scheme: "http", Host: r.Name, Path: r.Path}).String(), nil)
	if err != nil {
		return "", err
	}
	response, err := o.client(b, r, address).Do(request)
	// The error of the client repeats the address of a redirect, whatever stands in it.
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = plaintext.Error(failed.Err, maxShown)
	}
	if errors.Is(err, errRedirect) {
		return fmt.Sprintf("%s at %s: %v; most CAs want the file itself", r, address, err), nil
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(len(r.Value))+1))
	switch {
	case err != nil:
		return "", err
	case response.StatusCode != http.StatusOK:
		return fmt.Sprintf("%s at %s answers %d", r, address, response.StatusCode), nil
	case string(body) != r.Value:
		return fmt.Sprintf("%s at %s holds %q", r, address, plaintext.Clip(string(body), 100)), nil
	}
	return "", nil
}

// client returns the client for one address: whatever the URL's host is, it is dialled there.
func (o *Observer) client(b publish.Block, r publish.Record, address netip.Addr) *http.Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(target)
			if err != nil {
				return nil, err
			}
			return o.dial(ctx, network, net.JoinHostPort(address.String(), port))
		},
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case !b.Redirects:
			return fmt.Errorf("%w to %s", errRedirect, plaintext.Clip(next.URL.Redacted(), 200))
		case next.URL.Hostname() != r.Name || len(via) > maxRedirects || next.URL.Port() != "":
			return fmt.Errorf("%w to %s, which is another host or port", errRedirect, plaintext.Clip(next.URL.Redacted(), 200))
		}
		return nil
	}}
}
