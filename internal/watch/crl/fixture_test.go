package crl_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch/crl"
)

const (
	// listURL is the URL that certificates name, host and address are those of its server.
	listURL = "http://crl.ca.example/0.crl"
	host    = "crl.ca.example"
	address = "192.0.2.70"
)

// start is when every test begins.
func start() time.Time { return time.Date(2026, 10, 9, 6, 30, 0, 0, time.UTC) }

// authority signs lists.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(t testing.TB, name string, change ...func(*x509.Certificate)) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	id := sha256.Sum256(public)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, SubjectKeyId: id[:20],
		KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, NotBefore: start().AddDate(-1, 0, 0), NotAfter: start().AddDate(9, 0, 0),
	}
	for _, c := range change {
		c(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{certificate, key}
}

// newList returns a list of this time with the entries, and with the scope that names the URL.
func newList(t testing.TB, at time.Time, entries ...x509.RevocationListEntry) *x509.RevocationList {
	t.Helper()
	return &x509.RevocationList{
		Number: big.NewInt(at.Unix()), ThisUpdate: at, NextUpdate: at.Add(7 * 24 * time.Hour), RevokedCertificateEntries: entries,
		ExtraExtensions: []pkix.Extension{scopeOf(t, scope{Point: points(listURL), UserCerts: true})},
	}
}

// entry returns an entry of a list.
func entry(serial int64, code int) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: start().Add(-time.Hour), ReasonCode: code}
}

// sign signs a list.
func (a authority) sign(t testing.TB, list *x509.RevocationList) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	require.NoError(t, err)
	return der
}

// scope is the extension IssuingDistributionPoint (RFC 5280 5.2.5).
type scope struct {
	Point          pointName      `asn1:"optional,tag:0"`
	UserCerts      bool           `asn1:"optional,tag:1"`
	CACerts        bool           `asn1:"optional,tag:2"`
	SomeReasons    asn1.BitString `asn1:"optional,tag:3"`
	Indirect       bool           `asn1:"optional,tag:4"`
	AttributeCerts bool           `asn1:"optional,tag:5"`
}

type pointName struct {
	FullName     []asn1.RawValue  `asn1:"optional,tag:0"`
	RelativeName pkix.RDNSequence `asn1:"optional,tag:1"`
}

func points(urls ...string) pointName {
	var p pointName
	for _, u := range urls {
		p.FullName = append(p.FullName, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(u)})
	}
	return p
}

func scopeOf(t testing.TB, s scope) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal(s)
	require.NoError(t, err)
	return extension(28, true, value)
}

// extension returns an extension of the arc id-ce.
func extension(id int, critical bool, value []byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, id}, Critical: critical, Value: value}
}

// world is a CA's server behind a socket, with DNS and a clock.
type world struct {
	ca     authority
	at     time.Time
	folder string // of the copies
	// names are the addresses of hosts; one without is unknown to DNS.
	names map[string][]string

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string // hosts and paths
	dialed []string
	listen net.Listener
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		ca: newAuthority(t, "Example CA"), at: start(), folder: filepath.Join(t.TempDir(), "pmexample.crl"), names: map[string][]string{host: {address}},
	}
	w.serve(w.ca.sign(t, newList(t, w.at, entry(0xabc, 4), entry(0xdef, 1))))
	var err error
	w.listen, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked = append(w.asked, r.Host+r.URL.Path)
		answer := w.answer
		w.mu.Unlock()
		answer(to, r)
	})}
	go func() { _ = server.Serve(w.listen) }()
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	return w
}

// serveBy sets what the server answers.
func (w *world) serveBy(answer http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// serve has the server answer with this content.
func (w *world) serve(content []byte) {
	w.serveBy(func(to http.ResponseWriter, _ *http.Request) { _, _ = to.Write(content) })
}

// Addresses implements crl.Resolver.
func (w *world) Addresses(_ context.Context, name string) ([]netip.Addr, error) {
	all, known := w.names[name]
	if !known {
		return nil, errors.New("SERVFAIL")
	}
	var found []netip.Addr
	for _, a := range all {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

// dial connects to the server, whatever the address is; ports other than 80 are closed.
func (w *world) dial(ctx context.Context, network, target string) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, target)
	w.mu.Unlock()
	if _, port, err := net.SplitHostPort(target); err != nil || port != "80" {
		return nil, fmt.Errorf("%s is closed", target)
	}
	return new(net.Dialer).DialContext(ctx, network, w.listen.Addr().String())
}

func (w *world) options() crl.Options {
	return crl.Options{Dial: w.dial, Resolver: w, Now: func() time.Time { return w.at }, Folder: w.folder}
}

// open returns a Store whose earlier failures and copies are those of the folder.
func (w *world) open(t testing.TB, change ...func(*crl.Options)) *crl.Store {
	t.Helper()
	o := w.options()
	for _, c := range change {
		c(&o)
	}
	s, err := crl.Open(o)
	require.NoError(t, err)
	return s
}

// query asks about the two serials that are revoked and one that is not.
func (w *world) query() crl.Query {
	return crl.Query{URL: listURL, Issuer: w.ca.certificate, Serials: []string{"1", "abc", "def"}}
}

// run asks in a run of its own.
func (w *world) run(t testing.TB, change ...func(*crl.Options)) crl.Answer {
	t.Helper()
	s := w.open(t, change...)
	answer, err := s.Ask(t.Context(), w.query())
	require.NoError(t, err)
	require.NoError(t, s.Close(true, nil))
	return answer
}

// requests returns how often the server was asked since the last call.
func (w *world) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.asked)
	w.asked = nil
	return n
}
