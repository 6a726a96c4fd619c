package powerdns

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"pmssl/internal/plaintext"
	"pmssl/internal/publish"
)

const (
	// requestTime bounds one request, the connection and its answer included.
	requestTime = 30 * time.Second
	// maxBody bounds an answer in octets; those to questions about one name have about one thousand.
	maxBody = 1 << 20
	// maxHits is how many records a search shows. It finds those that have the name, and those that hold it.
	maxHits = 1000
)

// client talks to the API. The shapes of its messages are those of PowerDNS 4.7.
type client struct {
	http  *http.Client
	base  string // up to the server's id, without a final slash
	place string // for messages
	key   func() (string, error)
}

// zoneData is what the API says of a zone.
type zoneData struct {
	Name       string  `json:"name"`
	Kind       string  `json:"kind"`
	Account    string  `json:"account"`
	SOAEditAPI string  `json:"soa_edit_api"`
	RRsets     []rrset `json:"rrsets"`
}

// copied reports whether the server takes the zone from another one.
func (z zoneData) copied() bool {
	switch strings.ToLower(z.Kind) {
	case "slave", "secondary", "consumer":
		return true
	}
	return false
}

type rrset struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	TTL        int      `json:"ttl,omitempty"`
	ChangeType string   `json:"changetype,omitempty"`
	Records    []record `json:"records"`
}

type record struct {
	Content  string `json:"content"`
	Disabled bool   `json:"disabled"`
}

// hit is what the search finds.
type hit struct {
	Kind     string `json:"object_type"`
	Zone     string `json:"zone"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	TTL      int    `json:"ttl"`
	Content  string `json:"content"`
	Disabled bool   `json:"disabled"`
}

func newClient(b publish.Block, e publish.Env) (*client, error) {
	c := &client{base: "http://localhost", place: b.Socket}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx, "unix", b.Socket) }
	if b.Socket == "" {
		if err := checkURL(b.URL); err != nil {
			return nil, err
		}
		c.base = strings.TrimRight(b.URL.String(), "/")
		c.place, dial = c.base, e.Dial
		if b.URL.Scheme == "http" {
			dial = onlyThisHost(e.Dial)
		}
	}
	c.base += "/api/v1/servers/" + url.PathEscape(cmp.Or(b.ServerID, "localhost"))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	c.http = &http.Client{
		Transport: &http.Transport{ // without a proxy, whatever the environment says
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, Time: e.Now},
			Protocols:              protocols,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.key = sync.OnceValues(func() (string, error) {
		key, err := publish.ReadSecret(b.APIKey)
		if err == nil {
			e.Learn(key)
		}
		return key, err
	})
	return c, nil
}

func checkURL(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("neither a URL nor a socket of the API is named")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the URL of the API has more than scheme, host, port and path")
	case u.Scheme == "https" && u.Host != "":
		return nil
	case u.Scheme == "http" && isThisHost(u.Hostname()):
		return nil
	}
	return fmt.Errorf("the API key would pass the network in the clear: write an https URL, one of this host's loopback, or a socket, not %s", u.Redacted())
}

func isThisHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// onlyThisHost refuses connections to other hosts, whatever a name resolves to.
func onlyThisHost(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if peer, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !peer.Addr().Unmap().IsLoopback() {
			_ = conn.Close()
			return nil, fmt.Errorf("%s is not this host, and nothing is sent to others without TLS", address)
		}
		return conn, nil
	}
}

// findZone returns a zone of exactly this name.
func (c *client) findZone(ctx context.Context, name string) (zoneData, bool, error) {
	var zones []zoneData
	if err := c.do(ctx, http.MethodGet, "/zones?dnssec=false&zone="+url.QueryEscape(name+"."), nil, &zones); err != nil {
		return zoneData{}, false, err
	}
	for _, zone := range zones {
		if sameName(zone.Name, name) {
			return zone, true, nil
		}
	}
	return zoneData{}, false, nil
}

// rrsets returns the record sets at exactly this name that the server serves, and the zone. A wildcard's records are only at
// its own name.
func (c *client) rrsets(ctx context.Context, zone, name string) ([]rrset, zoneData, error) {
	var data zoneData
	path := "/zones/" + url.PathEscape(zone+".") + "?rrset_name=" + url.QueryEscape(name+".")
	if err := c.do(ctx, http.MethodGet, path, nil, &data); err != nil {
		return nil, data, err
	}
	if !sameName(data.Name, zone) {
		return nil, data, errors.New("the server answers with another zone")
	}
	var sets []rrset
	for _, set := range data.RRsets {
		if sameName(set.Name, name) {
			sets = append(sets, set)
		}
	}
	return sets, data, nil
}

// disabled returns the records at the name that the server keeps and does not serve. Backends without a search have an empty
// answer.
func (c *client) disabled(ctx context.Context, zone, name string) ([]standingRecord, error) {
	var hits []hit
	path := fmt.Sprintf("/search-data?object_type=record&max=%d&q=%s", maxHits, url.QueryEscape(name))
	if err := c.do(ctx, http.MethodGet, path, nil, &hits); err != nil {
		return nil, err
	}
	if len(hits) >= maxHits {
		return nil, fmt.Errorf("the server finds %d records and more at %s, and shows no others", maxHits, name)
	}
	var found []standingRecord
	for _, h := range hits {
		if h.Kind == "record" && h.Disabled && sameName(h.Zone, zone) && sameName(h.Name, name) {
			found = append(found, standingRecord{Type: h.Type, TTL: h.TTL, Content: h.Content, Disabled: true})
		}
	}
	return found, nil
}

func (c *client) patch(ctx context.Context, zone string, set rrset) error {
	if set.Records == nil {
		set.Records = []record{}
	}
	return c.do(ctx, http.MethodPatch, "/zones/"+url.PathEscape(zone+"."), map[string][]rrset{"rrsets": {set}}, nil)
}

// statusError is an answer with a code other than success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("%d %s: the server does not take the API key: compare the key file with api-key in its pdns.conf", e.status, e.text)
	case http.StatusNotFound:
		return fmt.Sprintf("404 %s: the server has no such zone, or its id is not the word serverid", e.text)
	}
	return fmt.Sprintf("the server answers %d %s", e.status, e.text)
}

// Unwrap makes answers about the key a publish.ErrDenied.
func (e *statusError) Unwrap() error {
	if e.status == http.StatusUnauthorized || e.status == http.StatusForbidden {
		return publish.ErrDenied
	}
	return nil
}

// do sends one request and decodes its answer.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return unreachable(plaintext.Error(err, 3*maxShown))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the server's answer: %w", err)
	case len(body) > maxBody:
		return fmt.Errorf("the server's answer has more than %d octets: the publisher needs PowerDNS 4.7 or later", maxBody)
	case response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent:
		return &statusError{response.StatusCode, message(body)}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the server's answer is not the JSON of PowerDNS's API: %w", err)
	}
	return nil
}

func (c *client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	key, err := c.key()
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-API-Key", key)
	request.Header.Set("Accept", "application/json")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// unreachable adds what an answer that is cut off means here.
func unreachable(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the server closes the connection without an answer: see webserver-allow-from in its pdns.conf", err)
	}
	return err
}

// message returns what the server says about a refusal: its JSON's error, or the beginning of its text.
func message(body []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	text := string(body)
	if json.Unmarshal(body, &said) == nil && said.Error != "" {
		text = said.Error
	}
	return plaintext.Clip(plaintext.Line(text), maxShown)
}

// sameName compares a name of the API, with a final dot, with one of ours.
func sameName(theirs, ours string) bool {
	return strings.EqualFold(strings.TrimSuffix(theirs, "."), ours)
}
