package watch_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

const resolver = "192.0.2.2:53"

// now is the time of every test in this package.
func now() time.Time { return time.Date(2026, 10, 9, 6, 30, 0, 0, time.UTC) }

// issued is a certificate with its key.
type issued struct {
	leaf *x509.Certificate
	key  crypto.Signer
	tls  tls.Certificate
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func newRSAKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return key
}

// issue returns a certificate of the CA that begins on a day and lasts 100 days; more certificates are sent after it.
func issue(t testing.TB, key crypto.Signer, ca string, from time.Time, more [][]byte, names ...string) issued {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	require.NoError(t, err)
	issuerKey := newKey(t)
	issuer := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: ca}, IsCA: true, BasicConstraintsValid: true}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: from.AddDate(0, 0, 100),
		CRLDistributionPoints: []string{"http://crl.example/" + serial.Text(16)}}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return issued{leaf, key, tls.Certificate{Certificate: append([][]byte{der}, more...), PrivateKey: key}}
}

func (i issued) serial() string { return i.leaf.SerialNumber.Text(16) }

// internet is DNS as a test writes it and the servers at its addresses: listeners on loopback to which the dialler leads.
type internet struct {
	t        testing.TB
	records  []string
	servfail []string          // names, fully qualified, about which DNS has no answer
	sites    map[string]string // by address with port: the loopback address
	failing  map[string]error  // by address with port: the error of dialling

	mu         sync.Mutex
	dialled    []string
	open, most int // connections at once
}

func newInternet(t testing.TB, records ...string) *internet {
	return &internet{t: t, records: records, sites: map[string]string{}, failing: map[string]error{}}
}

// dial opens a connection to the resolver or to a site.
func (i *internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	i.mu.Lock()
	i.dialled = append(i.dialled, address)
	i.open++
	i.most = max(i.most, i.open)
	i.mu.Unlock()
	conn, err := i.connect(ctx, network, address)
	if err != nil {
		i.closed()
		return nil, err
	}
	return &counted{Conn: conn, closed: i.closed}, nil
}

func (i *internet) closed() {
	i.mu.Lock()
	i.open--
	i.mu.Unlock()
}

func (i *internet) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if address == resolver {
		here, there := net.Pipe()
		go i.answer(there)
		return here, nil
	}
	if err := i.failing[address]; err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	site, there := i.sites[address]
	if !there {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", site)
}

// counted is a connection that tells when it is closed.
type counted struct {
	net.Conn
	once   sync.Once
	closed func()
}

func (c *counted) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}

// answer answers questions about DNS.
func (i *internet) answer(conn net.Conn) {
	defer conn.Close()
	wire := &dns.Conn{Conn: conn}
	for {
		question, err := wire.ReadMsg()
		if err != nil {
			return
		}
		answer := new(dns.Msg).SetReply(question)
		answer.RecursionAvailable = true
		for _, name := range i.servfail {
			if strings.EqualFold(name, question.Question[0].Name) {
				answer.Rcode = dns.RcodeServerFailure
			}
		}
		for _, text := range i.records {
			rr, err := dns.NewRR(text)
			if assert.NoError(i.t, err) && strings.EqualFold(rr.Header().Name, question.Question[0].Name) && rr.Header().Rrtype == question.Question[0].Qtype {
				answer.Answer = append(answer.Answer, rr)
			}
		}
		if err := wire.WriteMsg(answer); err != nil {
			return
		}
	}
}

// serve has a handler serve each connection to the address, on a listener of loopback.
func (i *internet) serve(address string, handle func(net.Conn)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(i.t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			all.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	i.t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	i.sites[net.JoinHostPort(address, "443")] = listener.Addr().String()
}

// serveTLS serves certificates with TLS at an address, each for its names, the first one for others.
func (i *internet) serveTLS(address string, certificates ...issued) {
	config := &tls.Config{}
	for _, one := range certificates {
		config.Certificates = append(config.Certificates, one.tls)
	}
	i.serveConfig(address, config)
}

func (i *internet) serveConfig(address string, config *tls.Config) {
	i.serve(address, func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() })
}

func (i *internet) watcher() *watch.Watcher {
	return watch.New(watch.Options{Dial: i.dial, Resolver: resolver})
}

func (i *internet) look(w *watch.Watcher, target watch.Target) watch.Look {
	i.t.Helper()
	look, err := w.Look(context.Background(), target)
	require.NoError(i.t, err)
	require.NotEmpty(i.t, look.Places)
	for _, p := range look.Places {
		assert.True(i.t, p.Outcome.Known(), "%+v", p)
		assert.Equal(i.t, p.Outcome == watch.Current, p.Why == "", "%+v", p)
		assert.LessOrEqual(i.t, len(p.Why), watch.MaxWhy)
	}
	return look
}

func (i *internet) sitesDialled() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var sites []string
	for _, address := range i.dialled {
		if address != resolver {
			sites = append(sites, address)
		}
	}
	return sites
}

// twoAddresses are DNS records of a site with two addresses.
func twoAddresses() []string {
	return []string{"example.com. 60 A 192.0.2.80", "example.com. 60 AAAA 2001:db8::80"}
}
