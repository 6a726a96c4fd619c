package watch_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

// certificates are those of one site over time.
type certificates struct {
	earlier, before, current, later, cdn, stranger issued
}

func newCertificates(t testing.TB) certificates {
	key := newKey(t)
	day := func(n int) time.Time { return now().AddDate(0, 0, n) }
	return certificates{
		earlier:  issue(t, newKey(t), "CA", day(-180), nil, "example.com"), // its serial is known, its key was another
		before:   issue(t, key, "CA", day(-90), nil, "example.com"),        // of the same key
		current:  issue(t, key, "CA", day(-1), nil, "example.com"),
		later:    issue(t, key, "CA", day(0), nil, "example.com"),
		cdn:      issue(t, newKey(t), "CDN's CA", day(-10), nil, "example.com"),
		stranger: issue(t, newKey(t), "CA", day(-10), nil, "other.example"),
	}
}

func (c certificates) target() watch.Target {
	return watch.Target{Leaf: c.current.leaf, Earlier: []string{"abc", c.earlier.serial()}}
}

func dialFailure(code syscall.Errno) error { return os.NewSyscallError("connect", code) }

func TestOutcomeOfASite(t *testing.T) {
	c := newCertificates(t)
	const v4, v6 = "192.0.2.80", "2001:db8::80"
	for name, row := range map[string]struct {
		records []string
		prepare func(i *internet)
		outcome watch.Outcome
		served  string
		address string // of the worst place
		why     string
	}{
		"current at both addresses": {
			records: twoAddresses(), outcome: watch.Current, served: c.current.serial(), address: v4,
			prepare: func(i *internet) { i.serveTLS(v4, c.current); i.serveTLS(v6, c.current) },
		},
		"an earlier certificate": {
			records: twoAddresses()[:1], outcome: watch.Old, served: c.earlier.serial(), address: v4, why: "serves the earlier certificate " + c.earlier.serial() + ", which ends 2026-07-21",
			prepare: func(i *internet) { i.serveTLS(v4, c.earlier) },
		},
		"one of the same key that was issued before": {
			records: twoAddresses()[:1], outcome: watch.Old, served: c.before.serial(), address: v4, why: "of the same key and issued before this one",
			prepare: func(i *internet) { i.serveTLS(v4, c.before) },
		},
		"one of the same key that was issued later": {
			records: twoAddresses()[:1], outcome: watch.Other, served: c.later.serial(), address: v4, why: "serves certificate " + c.later.serial() + " of CA",
			prepare: func(i *internet) { i.serveTLS(v4, c.later) },
		},
		"half of the addresses old": {
			records: twoAddresses(), outcome: watch.Old, served: c.before.serial(), address: v6, why: "issued before",
			prepare: func(i *internet) { i.serveTLS(v4, c.current); i.serveTLS(v6, c.before) },
		},
		"a CDN": {
			records: twoAddresses()[:1], outcome: watch.Other, served: c.cdn.serial(), address: v4, why: "serves certificate " + c.cdn.serial() + " of CDN's CA, which ends 2027-01-07",
			prepare: func(i *internet) { i.serveTLS(v4, c.cdn) },
		},
		"a CDN before an old origin": {
			records: twoAddresses(), outcome: watch.Old, served: c.before.serial(), address: v6, why: "issued before",
			prepare: func(i *internet) { i.serveTLS(v4, c.cdn); i.serveTLS(v6, c.before) },
		},
		"IPv6 only": {
			records: twoAddresses()[1:], outcome: watch.Current, served: c.current.serial(), address: v6,
			prepare: func(i *internet) { i.serveTLS(v6, c.current) },
		},
		"IPv6 that this host does not have": {
			records: twoAddresses(), outcome: watch.Current, served: c.current.serial(), address: v4,
			prepare: func(i *internet) {
				i.serveTLS(v4, c.current)
				i.failing["[2001:db8::80]:443"] = dialFailure(syscall.ENETUNREACH)
			},
		},
		"only IPv6, which this host does not have": {
			records: twoAddresses()[1:], outcome: watch.Unreachable, address: v6, why: "this host has no route to it",
			prepare: func(i *internet) { i.failing["[2001:db8::80]:443"] = dialFailure(syscall.ENETUNREACH) },
		},
		"one address dead": {
			records: twoAddresses(), outcome: watch.Unreachable, address: v6, why: "does not answer within 5s",
			prepare: func(i *internet) {
				i.serveTLS(v4, c.current)
				i.failing["[2001:db8::80]:443"] = context.DeadlineExceeded
			},
		},
		"no route to IPv4": {
			records: twoAddresses()[:1], outcome: watch.Unreachable, address: v4, why: "cannot be reached",
			prepare: func(i *internet) { i.failing["192.0.2.80:443"] = dialFailure(syscall.EHOSTUNREACH) },
		},
		"a closed port": {records: twoAddresses()[:1], outcome: watch.None, address: v4, why: "refuses connections to port 443"},
		"HTTP on port 443": {
			records: twoAddresses()[:1], outcome: watch.None, address: v4, why: "does not speak TLS on port 443",
			prepare: func(i *internet) {
				i.serve(v4, func(conn net.Conn) {
					_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<h1>no</h1>")
				})
			},
		},
		"no site of this name there": {
			records: twoAddresses()[:1], outcome: watch.None, address: v4, why: "refuses the handshake: tls: unrecognized name",
			prepare: func(i *internet) {
				i.serve(v4, func(conn net.Conn) { answerAlert(conn, 112) })
			},
		},
		"a connection that is closed at once": {
			records: twoAddresses()[:1], outcome: watch.None, address: v4, why: "presents no certificate: EOF",
			prepare: func(i *internet) {
				i.serve(v4, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<16)) })
			},
		},
		"another site's certificate": {
			records: twoAddresses()[:1], outcome: watch.Other, served: c.stranger.serial(), address: v4, why: "of CA, which ends",
			prepare: func(i *internet) { i.serveTLS(v4, c.stranger) },
		},
		"no address": {outcome: watch.None, why: "has no address in DNS"},
		"a private address": {
			records: []string{"example.com. 60 A 10.0.0.1"}, outcome: watch.Unreachable, address: "10.0.0.1", why: "not public; SSLSubscriptionWatchPrivate is off",
			prepare: func(i *internet) { i.serveTLS("10.0.0.1", c.current) },
		},
		"a private address beside a public one": {
			records: []string{"example.com. 60 A 10.0.0.1", "example.com. 60 A 192.0.2.80"}, outcome: watch.Current, served: c.current.serial(), address: v4,
			prepare: func(i *internet) { i.serveTLS(v4, c.current) },
		},
		"no answer of DNS": {
			outcome: watch.Unreachable, why: "DNS does not answer",
			prepare: func(i *internet) { i.servfail = []string{"example.com."} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInternet(t, row.records...)
			if row.prepare != nil {
				row.prepare(i)
			}
			look := i.look(i.watcher(), c.target())
			worst := look.Worst()
			assert.Equal(t, row.outcome, look.Outcome(), "%+v", look.Places)
			assert.Equal(t, row.served, worst.Serial)
			assert.Equal(t, row.address, worst.Address)
			assert.Contains(t, worst.Why, row.why)
			assert.Equal(t, "example.com", worst.Name)
			assert.Equal(t, worst.Serial == "", worst.Expires.IsZero())
			assert.Equal(t, worst.Serial == "", worst.CRL == watch.List{})
			assert.True(t, worst.Serial == "" || worst.CRL.URL == "http://crl.example/"+worst.Serial, "the list of what is served")
			assert.Equal(t, name == "no answer of DNS", look.Unresolved)
			assert.Equal(t, row.outcome == watch.Old, len(look.Old()) > 0)
			for _, address := range i.sitesDialled() {
				assert.True(t, strings.HasSuffix(address, ":443"), "%s: what a site says by HTTP does not matter", address)
			}
		})
	}
}

// answerAlert ends the handshake with a fatal alert, once the ClientHello was read.
func answerAlert(conn net.Conn, code byte) {
	_, _ = conn.Read(make([]byte, 1<<16))
	_, _ = conn.Write([]byte{21, 3, 1, 0, 2, 2, code})
	_, _ = io.Copy(io.Discard, conn)
}

func TestTheWorstPlaceDecides(t *testing.T) {
	c := newCertificates(t)
	i := newInternet(t, "example.com. 60 A 192.0.2.1", "example.com. 60 A 192.0.2.2", "example.com. 60 A 192.0.2.3", "example.com. 60 A 192.0.2.4", "example.com. 60 A 192.0.2.5")
	i.serveTLS("192.0.2.1", c.current)
	i.failing["192.0.2.2:443"] = context.DeadlineExceeded
	i.serveTLS("192.0.2.4", c.cdn)
	i.serveTLS("192.0.2.5", c.before)
	var got []watch.Outcome
	for _, p := range i.look(i.watcher(), c.target()).Places {
		got = append(got, p.Outcome)
	}
	assert.Equal(t, watch.Outcomes(), got)
	assert.Equal(t, watch.Unreachable, watch.Look{}.Outcome())
}

func TestNamesOfACertificate(t *testing.T) {
	for name, row := range map[string]struct{ names, want []string }{
		"its own, the common name first":   {[]string{"example.com", "www.example.com", "Example.COM"}, []string{"example.com", "www.example.com"}},
		"a wildcard":                       {[]string{"*.example.com"}, []string{"example.com?", "www.example.com?"}},
		"a wildcard and its parent":        {[]string{"*.example.com", "example.com"}, []string{"example.com", "www.example.com?"}},
		"a wildcard, its parent and www":   {[]string{"*.example.com", "example.com", "www.example.com"}, []string{"example.com", "www.example.com"}},
		"at most ten":                      {[]string{"0.example", "1.example", "2.example", "3.example", "4.example", "5.example", "6.example", "7.example", "8.example", "9.example", "a.example"}, []string{"0.example", "1.example", "2.example", "3.example", "4.example", "5.example", "6.example", "7.example", "8.example", "9.example"}},
		"internationalised":                {[]string{"xn--e1afmkfd.xn--p1ai"}, []string{"xn--e1afmkfd.xn--p1ai"}},
		"no addresses, no single labels":   {[]string{"192.0.2.1", "localhost", "2001:db8::1", "*.com"}, nil},
		"nothing that is not a host name":  {[]string{"exa mple.com", "a..example.com", ".example.com", "*.*.example.com", "пример.рф", "example.com/x", strings.Repeat("a", 64) + ".example"}, nil},
		"with an underscore or final dot":  {[]string{"a_b.example.com", "example.com."}, []string{"a_b.example.com", "example.com"}},
		"a wildcard below a public suffix": {[]string{"*.example.co.uk"}, []string{"example.co.uk?", "www.example.co.uk?"}},
	} {
		t.Run(name, func(t *testing.T) {
			leaf := *issue(t, newKey(t), "CA", now(), nil, "placeholder.example").leaf
			leaf.Subject.CommonName, leaf.DNSNames = row.names[0], row.names
			assert.Equal(t, row.want, watch.Target{Leaf: &leaf}.HostNames())
			leaf.Subject.CommonName = ""
			assert.Equal(t, row.want, watch.Target{Leaf: &leaf}.HostNames())
		})
	}
}

func TestACertificateWithoutHostNamesIsNotLookedFor(t *testing.T) {
	i := newInternet(t)
	look := i.look(i.watcher(), watch.Target{Leaf: issue(t, newKey(t), "CA", now(), nil, "192.0.2.1").leaf})
	assert.Equal(t, watch.Unreachable, look.Outcome())
	assert.False(t, look.Unresolved)
	assert.Empty(t, i.dialled)
}

// The parent and www of a wildcard need not exist, and may have certificates of their own.
func TestGuessedNamesOfAWildcardCountOnlyWithItsCertificates(t *testing.T) {
	key := newKey(t)
	wild := issue(t, key, "CA", now(), nil, "*.example.com")
	before := issue(t, key, "CA", now().AddDate(0, 0, -90), nil, "*.example.com")
	apex := issue(t, newKey(t), "Other CA", now(), nil, "example.com")
	records := []string{"example.com. 60 A 192.0.2.1", "www.example.com. 60 A 192.0.2.2"}
	for name, row := range map[string]struct {
		records  []string
		one, two *issued
		outcome  watch.Outcome
		host     string
	}{
		"the parent has its own, www has the wildcard's": {records, &apex, &wild, watch.Current, "www.example.com"},
		"the parent has its own, www an old one":         {records, &apex, &before, watch.Old, "www.example.com"},
		"there is no www":                                {records[:1], &wild, nil, watch.Current, "example.com"},
		"the parent does not answer":                     {records, nil, &wild, watch.Current, "www.example.com"},
		"both have another one":                          {records, &apex, &apex, watch.Other, "example.com"},
		"neither exists":                                 {nil, nil, nil, watch.None, "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInternet(t, row.records...)
			for address, one := range map[string]*issued{"192.0.2.1": row.one, "192.0.2.2": row.two} {
				if one != nil {
					i.serveTLS(address, *one)
				}
			}
			look := i.look(i.watcher(), watch.Target{Leaf: wild.leaf})
			assert.Equal(t, row.outcome, look.Outcome(), "%+v", look.Places)
			assert.Equal(t, row.host, look.Worst().Name)
		})
	}
}

// A name without a site is no fault of the site that is there.
func TestANameWithoutAddressesDoesNotCountBesideOthers(t *testing.T) {
	cert := issue(t, newKey(t), "CA", now(), nil, "example.com", "www.example.com", "mail.example.com")
	i := newInternet(t, "example.com. 60 A 192.0.2.80", "mail.example.com. 60 MX 1 example.com.")
	i.serveTLS("192.0.2.80", cert)
	assert.Equal(t, watch.Current, i.look(i.watcher(), watch.Target{Leaf: cert.leaf}).Outcome())

	i.records = append(i.records, "mail.example.com. 60 A 192.0.2.25")
	look := i.look(i.watcher(), watch.Target{Leaf: cert.leaf})
	assert.Equal(t, watch.None, look.Outcome(), "it has an address, and nothing answers there")
	assert.Equal(t, "mail.example.com", look.Worst().Name)
}

// Nothing but a ClientHello is sent: no alert, nothing that could be a request.
func TestOnlyAClientHelloIsSent(t *testing.T) {
	c := newCertificates(t)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS12, tls.VersionTLS13} {
		i := newInternet(t, twoAddresses()[:1]...)
		var mu sync.Mutex
		var sent []byte
		var asked string
		ended := make(chan struct{})
		i.serve("192.0.2.80", func(conn net.Conn) {
			defer close(ended)
			taped := &tape{Conn: conn}
			config := &tls.Config{Certificates: []tls.Certificate{c.current.tls}, MinVersion: tls.VersionTLS10, MaxVersion: version}
			config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				asked = hello.ServerName
				return nil, nil
			}
			_ = tls.Server(taped, config).Handshake()
			_, _ = io.Copy(io.Discard, taped)
			mu.Lock()
			sent = taped.read
			mu.Unlock()
		})
		assert.Equal(t, watch.Current, i.look(i.watcher(), c.target()).Outcome())
		<-ended
		mu.Lock()
		kinds := recordKinds(t, sent)
		mu.Unlock()
		require.NotEmpty(t, kinds)
		assert.Equal(t, byte(22), kinds[0], "a handshake record")
		for _, kind := range kinds[1:] {
			assert.Equal(t, byte(20), kind, "TLS 1.3 has an empty record for middleboxes")
		}
		assert.Equal(t, byte(1), sent[5], "ClientHello")
		assert.Less(t, len(sent), 700, "one packet")
		assert.Equal(t, "example.com", asked)
	}
}

// tape is a connection that keeps what was read.
type tape struct {
	net.Conn
	read []byte
}

func (t *tape) Read(into []byte) (int, error) {
	n, err := t.Conn.Read(into)
	t.read = append(t.read, into[:n]...)
	return n, err
}

// recordKinds returns the types of the TLS records.
func recordKinds(t *testing.T, raw []byte) []byte {
	var kinds []byte
	for len(raw) > 0 {
		require.GreaterOrEqual(t, len(raw), 5)
		kinds = append(kinds, raw[0])
		length := 5 + int(raw[3])<<8 + int(raw[4])
		require.GreaterOrEqual(t, len(raw), length)
		raw = raw[length:]
	}
	return kinds
}

// Nothing is trusted, so nothing is too old.
func TestServersWithOldAlgorithmsAreRead(t *testing.T) {
	cert := issue(t, newRSAKey(t), "CA", now(), nil, "example.com")
	for name, config := range map[string]*tls.Config{
		"TLS 1.0":              {MaxVersion: tls.VersionTLS10},
		"TLS 1.1":              {MaxVersion: tls.VersionTLS11},
		"key exchange of RSA":  {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		"3DES":                 {MaxVersion: tls.VersionTLS10, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}},
		"RC4":                  {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}},
		"TLS 1.3, another key": {MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP521}},
	} {
		t.Run(name, func(t *testing.T) {
			if config.MinVersion == 0 {
				config.MinVersion = tls.VersionTLS10
			}
			config.Certificates = []tls.Certificate{cert.tls}
			i := newInternet(t, twoAddresses()[:1]...)
			i.serveConfig("192.0.2.80", config)
			assert.Equal(t, watch.Current, i.look(i.watcher(), watch.Target{Leaf: cert.leaf}).Outcome())
		})
	}
}

// handshakeRecord returns a TLS record of the handshake.
func handshakeRecord(body []byte) []byte {
	return append([]byte{22, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

// endless is a certificate message of 16 MB, of which the pieces never end.
func endless(conn net.Conn) (written int) {
	_, _ = conn.Read(make([]byte, 1<<16))
	piece := handshakeRecord(append([]byte{11, 0xff, 0xff, 0xff}, make([]byte, 16000)...))
	for {
		n, err := conn.Write(piece)
		written += n
		if err != nil {
			return written
		}
		piece = handshakeRecord(make([]byte, 16000))
	}
}

func TestHostileServersEndInAnOutcome(t *testing.T) {
	c := newCertificates(t)
	big := make([][]byte, 20)
	for n := range big {
		big[n] = issue(t, newKey(t), "CA", now(), nil, append([]string{"example.com"}, manyNames(500)...)...).tls.Certificate[0]
	}
	huge := issue(t, newKey(t), "CA", now(), nil, append([]string{"example.com"}, manyNames(20_000)...)...)
	for name, row := range map[string]struct {
		serve   func(conn net.Conn)
		outcome watch.Outcome
	}{
		"a certificate without end": {func(conn net.Conn) { endless(conn) }, watch.None},
		"messages without end": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<16))
			for {
				if _, err := conn.Write(handshakeRecord([]byte{0, 0, 0, 0})); err != nil { // HelloRequest
					return
				}
			}
		}, watch.None},
		"empty records without end": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<16))
			for {
				if _, err := conn.Write(handshakeRecord(nil)); err != nil {
					return
				}
			}
		}, watch.None},
		"warnings without end": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<16))
			for {
				if _, err := conn.Write([]byte{21, 3, 3, 0, 2, 1, 90}); err != nil {
					return
				}
			}
		}, watch.None},
		"a long chain": {func(conn net.Conn) {
			config := &tls.Config{Certificates: []tls.Certificate{{Certificate: append(c.before.tls.Certificate[:1:1], big...), PrivateKey: c.before.key}}}
			_ = tls.Server(conn, config).Handshake()
		}, watch.Old},
		"a certificate with too many names": {func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{huge.tls}}).Handshake()
		}, watch.None},
		"a certificate that is none": {func(conn net.Conn) {
			_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{[]byte("no certificate")}, PrivateKey: c.before.key}}, MaxVersion: tls.VersionTLS12}).Handshake()
		}, watch.None},
		"a site that takes the connection and says nothing": {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, watch.Unreachable},
		"a byte now and then": {func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<16))
			_, _ = conn.Write([]byte{22})
			_, _ = io.Copy(io.Discard, conn)
		}, watch.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInternet(t, twoAddresses()[:1]...)
			i.serve("192.0.2.80", row.serve)
			w := i.watcher()
			if row.outcome == watch.Unreachable {
				w.SetTimeout(100 * time.Millisecond)
			}
			look := i.look(w, c.target())
			assert.Equal(t, row.outcome, look.Outcome(), "%+v", look.Places)
		})
	}
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("name-%d.example.com", i))
	}
	return names
}

func TestOnlySoManyBytesAreRead(t *testing.T) {
	i := newInternet(t, twoAddresses()[:1]...)
	counts := make(chan int, 1)
	i.serve("192.0.2.80", func(conn net.Conn) {
		// what the kernel takes on both sides is written, and not read
		require.NoError(t, conn.(*net.TCPConn).SetWriteBuffer(4<<10))
		counts <- endless(conn)
	})
	c := newCertificates(t)
	i.look(i.watcher(), c.target())
	assert.Less(t, <-counts, 8<<20)
}

// A certificate says about itself what it likes.
func TestTextsOfCertificatesArePrintableAndShort(t *testing.T) {
	c := newCertificates(t)
	hostile := issue(t, newKey(t), "a\x1b[31m\r\nItem: 1\u202e"+strings.Repeat("x", 5000), now(), nil, "example.com")
	i := newInternet(t, twoAddresses()[:1]...)
	i.serveTLS("192.0.2.80", hostile)
	worst := i.look(i.watcher(), c.target()).Worst()
	assert.Equal(t, watch.Other, worst.Outcome)
	assert.NotContains(t, worst.Why, "\x1b")
	assert.NotContains(t, worst.Why, "\n")
	assert.NotContains(t, worst.Why, "\u202e")
	assert.Contains(t, worst.Why, "a[31m Item: 1")
}

func TestNothingIsSentToAddressesThatTheInternetDoesNotReach(t *testing.T) {
	c := newCertificates(t)
	for _, address := range []string{
		"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
		"::", "::1", "fe80::1", "fd00::1", "ff02::1", "fec0::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a00:1::1", "::10.0.0.1",
	} {
		kind := "A"
		if strings.Contains(address, ":") {
			kind = "AAAA"
		}
		i := newInternet(t, "example.com. 60 "+kind+" "+address)
		look := i.look(i.watcher(), c.target())
		assert.Equal(t, watch.Unreachable, look.Outcome(), address)
		assert.Contains(t, look.Worst().Why, "not public", address)
		assert.Empty(t, i.sitesDialled(), address)

		w := watch.New(watch.Options{Dial: i.dial, Resolver: resolver, Private: true})
		i.look(w, c.target())
		assert.Len(t, i.sitesDialled(), 1, "%s: with the option it is dialled", address)
	}
}

// A hosting server has thousands of sites.
func TestAnAddressThatDoesNotAnswerIsNotWaitedForAgainAndAgain(t *testing.T) {
	c := newCertificates(t)
	i := newInternet(t, twoAddresses()[:1]...)
	i.failing["192.0.2.80:443"] = context.DeadlineExceeded
	w := i.watcher()
	for range 20 {
		assert.Equal(t, watch.Unreachable, i.look(w, c.target()).Outcome())
	}
	assert.Len(t, i.sitesDialled(), 2)

	t.Run("in another run it is", func(t *testing.T) {
		i.look(i.watcher(), c.target())
		assert.Len(t, i.sitesDialled(), 3)
	})
	t.Run("an answer counts from zero again", func(t *testing.T) {
		i := newInternet(t, twoAddresses()[:1]...)
		w := i.watcher()
		for range 5 {
			i.failing["192.0.2.80:443"] = context.DeadlineExceeded
			i.look(w, c.target())
			i.failing["192.0.2.80:443"] = dialFailure(syscall.ECONNREFUSED)
			i.look(w, c.target())
		}
		assert.Len(t, i.sitesDialled(), 10)
	})
}

func TestNoMoreThanTwentyConnectionsAtOnce(t *testing.T) {
	var records, names []string
	for n := range 10 {
		names = append(names, fmt.Sprintf("n%d.example.com", n))
		records = append(records, fmt.Sprintf("n%d.example.com. 60 A 192.0.2.%d", n, 100+n), fmt.Sprintf("n%d.example.com. 60 AAAA 2001:db8::%d", n, 100+n))
	}
	cert := issue(t, newKey(t), "CA", now(), nil, names...)
	i := newInternet(t, records...)
	arrived, leave := make(chan struct{}, 1000), make(chan struct{})
	for n := range 10 {
		for _, address := range []string{fmt.Sprintf("192.0.2.%d", 100+n), fmt.Sprintf("2001:db8::%d", 100+n)} {
			i.serve(address, func(conn net.Conn) {
				arrived <- struct{}{}
				<-leave
				_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert.tls}}).Handshake()
			})
		}
	}
	w := i.watcher()
	w.SetTimeout(time.Minute)
	var all sync.WaitGroup
	for range 3 { // three items with twenty places each
		all.Go(func() {
			look, err := w.Look(context.Background(), watch.Target{Leaf: cert.leaf})
			assert.NoError(t, err)
			assert.Equal(t, watch.Current, look.Outcome())
			assert.Len(t, look.Places, 20)
		})
	}
	for range 20 {
		<-arrived
	}
	close(leave)
	all.Wait()
	assert.Equal(t, 20, i.most)
	assert.Zero(t, i.open)
}

// A zone may have as many addresses as it likes.
func TestOnlySoManyAddressesAreLookedAt(t *testing.T) {
	c := newCertificates(t)
	var records []string
	for n := range 50 {
		records = append(records, fmt.Sprintf("example.com. 60 A 192.0.2.%d", 100+n), fmt.Sprintf("example.com. 60 AAAA 2001:db8::%x", 100+n))
	}
	i := newInternet(t, records...)
	i.look(i.watcher(), c.target())
	dialled := i.sitesDialled()
	assert.Len(t, dialled, 8)
	assert.Len(t, slices.DeleteFunc(dialled, func(a string) bool { return strings.HasPrefix(a, "[") }), 4, "half of them IPv4")

	var names []string
	records = nil
	for n := range 10 {
		names = append(names, fmt.Sprintf("n%d.example.com", n))
		for k := range 20 {
			records = append(records, fmt.Sprintf("n%d.example.com. 60 A 192.0.2.%d", n, 10*k+n))
		}
	}
	i = newInternet(t, records...)
	i.look(i.watcher(), watch.Target{Leaf: issue(t, newKey(t), "CA", now(), nil, names...).leaf})
	assert.Len(t, i.sitesDialled(), 40)
}

func TestTheEndOfTheRunIsNoOutcome(t *testing.T) {
	c := newCertificates(t)
	i := newInternet(t, twoAddresses()[:1]...)
	ctx, cancel := context.WithCancel(t.Context())
	i.serve("192.0.2.80", func(conn net.Conn) {
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	_, err := i.watcher().Look(ctx, c.target())
	require.ErrorIs(t, err, context.Canceled)
	_, err = i.watcher().Look(ctx, c.target())
	require.ErrorIs(t, err, context.Canceled)
}

// One item must not end the run for the others.
func TestAPanicIsAnErrorOfTheLook(t *testing.T) {
	c := newCertificates(t)
	i := newInternet(t, twoAddresses()...)
	w := watch.New(watch.Options{Resolver: resolver, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasSuffix(address, ":443") {
			panic("boom")
		}
		return i.dial(ctx, network, address)
	}})
	_, err := w.Look(t.Context(), c.target())
	require.ErrorContains(t, err, "boom")
	require.ErrorContains(t, err, "a fault of this program")
	look := i.look(i.watcher(), c.target())
	assert.Equal(t, watch.None, look.Outcome(), "the slots are free again")
}

// Whatever a server sends, the look ends in an outcome.
func FuzzAnswerOfAServer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte{21, 3, 1, 0, 2, 2, 112})
	f.Add(handshakeRecord([]byte{2, 0, 0, 4, 3, 3, 0, 0}))
	f.Add(append(handshakeRecord(append([]byte{2, 0, 0, 38, 3, 3}, make([]byte, 36)...)), handshakeRecord([]byte{11, 0, 0, 6, 0, 0, 3, 0, 0, 0})...))
	cert := issue(f, newKey(f), "CA", now(), nil, "example.com")
	f.Fuzz(func(t *testing.T, sent []byte) {
		i := newInternet(t, twoAddresses()[:1]...)
		w := watch.New(watch.Options{Resolver: resolver, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == resolver {
				return i.dial(ctx, network, address)
			}
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				go func() { _, _ = io.Copy(io.Discard, there) }()
				_, _ = there.Write(sent)
			}()
			return here, nil
		}})
		i.look(w, watch.Target{Leaf: cert.leaf})
	})
}
