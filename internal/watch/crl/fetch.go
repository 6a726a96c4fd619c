package crl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"pmssl/internal/dnscheck"
	"pmssl/internal/plaintext"
)

const (
	// maxList is the longest list that is read, in bytes.
	maxList = 10 << 20
	// fetchTime bounds the fetch of one list: DNS, redirects and the list itself.
	fetchTime = 30 * time.Second
	// dialTime bounds the connection to one address.
	dialTime = 10 * time.Second
	// maxRedirects is how many redirects are followed.
	maxRedirects = 3
	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 4
	// maxURL and maxWhy are the longest URL that is asked and the longest text that is kept about a failure, in bytes.
	maxURL = 500
	maxWhy = 300
	// httpPort is the only port that is asked: a list is published by http (BR 7.1.2.11.2), and nobody's redirect chooses another
	// service.
	httpPort = "80"
)

// Resolver looks up the addresses of a host.
type Resolver interface {
	Addresses(ctx context.Context, host string) ([]netip.Addr, error)
}

// fetch returns what is at a URL, at most limit bytes.
func (s *Store) fetch(ctx context.Context, address string, limit int64, within time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	if err := allowed(parsed); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	request.Header.Set("User-Agent", "pmssl")
	response, err := s.client().Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it repeats the URL
			err = wrapped.Err
		}
		return nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the answer is HTTP %d", response.StatusCode)
	case response.ContentLength > limit:
		return nil, errTooLong(limit)
	}
	var body bytes.Buffer
	body.Grow(int(max(response.ContentLength, 0)) + bytes.MinRead)
	switch n, err := body.ReadFrom(io.LimitReader(response.Body, limit+1)); {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, errTooLong(limit)
	}
	return body.Bytes(), nil
}

func errTooLong(limit int64) error {
	if limit < 1<<20 {
		return fmt.Errorf("it is longer than %d KiB", limit>>10)
	}
	return fmt.Errorf("it is longer than %d MiB", limit>>20)
}

// client returns the client for one fetch. No proxy is used.
func (s *Store) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: s.dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("it is redirected more than %d times", maxRedirects)
			}
			if err := allowed(next.URL); err != nil {
				return fmt.Errorf("a redirect is not followed: %w (%s)", err, plaintext.Clip(line(next.URL.Redacted()), 200))
			}
			return nil
		},
	}
}

// allowed returns an error if a URL is not asked.
func allowed(u *url.URL) error {
	switch {
	case u.Scheme != "http":
		return errors.New("only http is used for lists")
	case u.Hostname() == "", u.User != nil, u.Port() != "" && u.Port() != httpPort:
		return errors.New("the URL must have a host and no user, and no other port than " + httpPort)
	case len(u.String()) > maxURL:
		return fmt.Errorf("the URL is longer than %d bytes", maxURL)
	}
	return nil
}

// dial connects to one of the addresses of a host. The address that was looked up is the one that is dialled.
func (s *Store) dial(ctx context.Context, network, target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	addresses, err := s.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, address := range alternate(addresses, maxAddresses) {
		attempt, cancel := context.WithTimeout(ctx, dialTime)
		conn, err := s.o.Dial(attempt, network, net.JoinHostPort(address.String(), port))
		cancel()
		if err == nil {
			return conn, nil
		}
		if failures = append(failures, err); ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failures...)
}

// alternate returns at most limit of the addresses, one of IPv4 and one of IPv6 in turn, as far as there are both: a host that has only one
// of the two finds an address that it can reach.
func alternate(addresses []netip.Addr, limit int) []netip.Addr {
	var turns [2][]netip.Addr
	for _, address := range addresses {
		kind := 0
		if address.Is6() {
			kind = 1
		}
		turns[kind] = append(turns[kind], address)
	}
	var all []netip.Addr
	for n := range addresses {
		for _, kind := range turns {
			if n < len(kind) && len(all) < limit {
				all = append(all, kind[n])
			}
		}
	}
	return all
}

// addresses returns the addresses of a host to which something may be sent.
func (s *Store) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	all, err := []netip.Addr{}, error(nil)
	if literal, parsed := netip.ParseAddr(host); parsed == nil {
		all = append(all, literal.Unmap())
	} else if all, err = s.o.Resolver.Addresses(ctx, strings.TrimSuffix(host, ".")); err != nil && len(all) == 0 {
		return nil, fmt.Errorf("DNS does not answer about %s: %w", line(host), err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no address in DNS", line(host))
	}
	var public []netip.Addr
	for _, address := range all {
		if s.o.Private || dnscheck.Public(address) {
			public = append(public, address)
		}
	}
	if len(public) == 0 {
		return nil, fmt.Errorf("%s has no public address (%s)", line(host), all[0])
	}
	return public, nil
}

// isSilence reports whether a fetch failed because the other side did not answer in time.
func isSilence(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// line returns a text from outside as one printable line of limited length.
func line(text string) string {
	return strings.TrimSpace(plaintext.Clip(plaintext.Line(plaintext.Clip(text, 4*maxWhy)), maxWhy-len("…")))
}
