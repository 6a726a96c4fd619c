package deliver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/deliver"
	"pmssl/internal/publish"
	"pmssl/internal/publish/publishtest"
)

// internet is a Dial function with a handler for each address; what has none is refused.
type internet struct {
	mu       sync.Mutex
	handlers map[string]func(net.Conn) // by NETWORK ADDRESS
	errs     map[string]error
	dialled  []string
}

func (i *internet) Dial(_ context.Context, network, address string) (net.Conn, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	key := network + " " + address
	i.dialled = append(i.dialled, key)
	if err := i.errs[key]; err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", err)}
	}
	handler := i.handlers[key]
	if handler == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		defer listener.Close()
		if conn, err := listener.Accept(); err == nil {
			defer conn.Close()
			handler(conn)
		}
	}()
	return net.Dial("tcp", listener.Addr().String())
}

// certificates returns self-signed certificates of the hosts: host → serial.
func certificates(t *testing.T, serials map[string]int64) map[string]*tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	all := map[string]*tls.Certificate{}
	for host, serial := range serials {
		template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{host}, NotAfter: time.Unix(1, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		require.NoError(t, err)
		all[host] = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	return all
}

// serves returns a TLS server that chooses by SNI: host → serial.
func serves(t *testing.T, serials map[string]int64, change ...func(*tls.Config)) func(net.Conn) {
	t.Helper()
	all := certificates(t, serials)
	config := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if one := all[hello.ServerName]; one != nil {
			return one, nil
		}
		return nil, errors.New("no such site")
	}}
	for _, c := range change {
		c(config)
	}
	return func(conn net.Conn) {
		if server := tls.Server(conn, config); server.Handshake() == nil {
			rest, _ := io.ReadAll(server)
			assert.Empty(t, rest, "nothing is sent after the handshake")
		}
	}
}

// look looks at the sites of a block.
func look(t *testing.T, block string, i *internet, sites ...string) deliver.Sight {
	t.Helper()
	sight, err := lookErr(t, t.Context(), block, i, sites...)
	require.NoError(t, err)
	return sight
}

func lookErr(t *testing.T, ctx context.Context, block string, i *internet, sites ...string) (deliver.Sight, error) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	require.NoError(t, os.WriteFile(folder+"/a.conf", []byte(block), 0o600))
	env, _ := publishtest.Env(t)
	env.Dial = i.Dial
	service := deliver.New(deliver.Options{Folder: folder, Env: env, Constructors: map[publish.Kind]deliver.Constructor{
		publish.KindExec:   func(publish.Deploy, publish.Env) (deliver.Deliverer, error) { return nil, nil },
		publish.KindISPmgr: func(publish.Deploy, publish.Env) (deliver.Deliverer, error) { return nil, nil },
	}})
	return service.Seen(ctx, deliver.Target{Block: "a", Sites: sites}, "2a")
}

const (
	twoAddresses = "deploy a exec\nprogram /p\nzone *\ncheck 192.0.2.80 [2001:db8::80]:8443\n"
	four, six    = "tcp 192.0.2.80:443", "tcp [2001:db8::80]:8443"
	panelOnly    = "deploy a ispmgr\nurl https://web7.example.net:1500/ispmgr\nlogin u /p\n"
	host4, host6 = "tcp4 web7.example.net:443", "tcp6 web7.example.net:443"
)

func TestACertificateIsSeenWhenEveryAddressShowsItForEverySite(t *testing.T) {
	both := map[string]int64{"a.example": 0x2a, "b.example": 0x2a}
	for name, c := range map[string]struct {
		block    string
		handlers func(t *testing.T) map[string]func(net.Conn)
		errs     map[string]error
		seen     bool
		why      string
	}{
		"both addresses": {block: twoAddresses, seen: true, handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, both), six: serves(t, both)}
		}},
		"one site shows the old one": {block: twoAddresses, why: "b.example at 192.0.2.80:443 shows certificate 29", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, map[string]int64{"a.example": 0x2a, "b.example": 0x29}), six: serves(t, both)}
		}},
		"one address shows the old one": {block: twoAddresses, why: "a.example at [2001:db8::80]:8443 shows certificate 29", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, both), six: serves(t, map[string]int64{"a.example": 0x29, "b.example": 0x29})}
		}},
		"no such site": {block: twoAddresses, why: "b.example at 192.0.2.80:443: TLS: ", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, map[string]int64{"a.example": 0x2a}), six: serves(t, both)}
		}},
		"one address is down": {block: twoAddresses, why: "a.example at [2001:db8::80]:8443: dial tcp: connect: connection refused", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, both)}
		}},
		"a host without IPv6": {block: twoAddresses, seen: true, errs: map[string]error{six: syscall.ENETUNREACH}, handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, both)}
		}},
		"IPv6 only, from a host without it": {block: twoAddresses[:strings.Index(twoAddresses, "check")] + "check 2001:db8::80\n", why: "a.example: none of its addresses can be reached from here",
			errs: map[string]error{"tcp [2001:db8::80]:443": syscall.ENETUNREACH}},
		"no network at all": {block: twoAddresses, why: "a.example at 192.0.2.80:443: dial tcp: connect: network is unreachable",
			errs: map[string]error{four: syscall.ENETUNREACH, six: syscall.ENETUNREACH}},
		"a client's certificate is wanted": {block: twoAddresses, seen: true, handlers: func(t *testing.T) map[string]func(net.Conn) {
			strict := func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }
			return map[string]func(net.Conn){four: serves(t, both, strict), six: serves(t, both)}
		}},
		"an old server": {block: twoAddresses, seen: true, handlers: func(t *testing.T) map[string]func(net.Conn) {
			old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }
			return map[string]func(net.Conn){four: serves(t, both, old), six: serves(t, both)}
		}},
		"no TLS": {block: twoAddresses, why: "a.example at 192.0.2.80:443: TLS: ", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }}
		}},
		"without check, the panel's host": {block: panelOnly, seen: true, errs: map[string]error{host6: syscall.EADDRNOTAVAIL}, handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){host4: serves(t, both)}
		}},
		"a panel's host with IPv6 alone": {block: panelOnly, why: "a.example at web7.example.net:443: dial tcp4: connect: connection refused", handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){host6: serves(t, both)}
		}},
		"a panel by its address": {block: strings.Replace(panelOnly, "web7.example.net", "192.0.2.80", 1), seen: true, handlers: func(t *testing.T) map[string]func(net.Conn) {
			return map[string]func(net.Conn){four: serves(t, both)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			i := &internet{errs: c.errs}
			if c.handlers != nil {
				i.handlers = c.handlers(t)
			}
			sight := look(t, c.block, i, "a.example", "b.example")
			assert.Equal(t, c.seen, sight.Seen, sight.Why)
			if assert.Equal(t, strings.Contains(c.why, "certificate 29"), sight.Served != nil) && sight.Served != nil {
				assert.Equal(t, int64(0x29), sight.Served.SerialNumber.Int64())
			}
			if c.seen {
				assert.Empty(t, sight.Why)
			} else {
				assert.Contains(t, sight.Why, c.why)
			}
		})
	}
	assert.False(t, look(t, twoAddresses, &internet{}).Seen, "no site shows nothing")
}

// A name without addresses of one kind is looked at by the other kind.
func TestTheKindOfAddressThatAHostLacksIsLeftOut(t *testing.T) {
	for name, lacks := range map[string]error{
		"as the resolver says": &net.DNSError{Err: "no such host", Name: "web7.example.net", IsNotFound: true},
		"as the dialer says":   &net.OpError{Op: "dial", Err: &net.AddrError{Err: "no suitable address found", Addr: "web7.example.net"}},
	} {
		i := &internet{handlers: map[string]func(net.Conn){host6: serves(t, map[string]int64{"a.example": 0x2a})}, errs: map[string]error{host4: lacks}}
		assert.True(t, look(t, panelOnly, i, "a.example").Seen, name)
	}
	i := &internet{errs: map[string]error{host4: &net.DNSError{IsNotFound: true}, host6: &net.DNSError{IsNotFound: true}}}
	assert.Equal(t, deliver.Sight{Why: "a.example: none of its addresses can be reached from here"}, look(t, panelOnly, i, "a.example"))
	i = &internet{errs: map[string]error{host4: &net.DNSError{Err: "server misbehaving", IsTemporary: true}}}
	assert.Contains(t, look(t, panelOnly, i, "a.example").Why, "server misbehaving")
}

func TestAServerThatHangsIsLeftWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	i := &internet{handlers: map[string]func(net.Conn){four: func(c net.Conn) { cancel(); _, _ = io.Copy(io.Discard, c) }}}
	_, err := lookErr(t, ctx, twoAddresses, i, "a.example")
	require.ErrorIs(t, err, context.Canceled)
}
