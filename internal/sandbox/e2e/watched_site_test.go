package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tlsSite is a web server with TLS in the simulated Internet. What looks at certificates does not check that the server has their
// keys, so it has one of its own.
type tlsSite struct {
	mu     sync.Mutex
	leaf   *x509.Certificate
	key    *ecdsa.PrivateKey
	names  map[string]int // names that were asked for
	listen net.Listener
}

// serveTLS starts a site at public addresses, port 443.
func (f *unattendedFixture) serveTLS(t *testing.T, addresses ...string) *tlsSite {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	site := &tlsSite{key: key, names: map[string]int{}}
	site.listen, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: site.certificate})
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := site.listen.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_ = conn.(*tls.Conn).Handshake()
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = site.listen.Close()
		all.Wait()
	})
	for _, address := range addresses {
		require.NoError(t, f.world.Map(net.JoinHostPort(address, "443"), site.listen.Addr().String()))
	}
	return site
}

func (s *tlsSite) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[hello.ServerName]++
	return &tls.Certificate{Certificate: [][]byte{s.leaf.Raw}, PrivateKey: s.key}, nil
}

func (s *tlsSite) install(leaf *x509.Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaf = leaf
}

// A client who does not install the new certificate gets a mail after two days, and no other one once it is installed.
func TestWatchedSiteThatStaysOld(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, "2026-04-02")
		item := f.unattendedItem(t, "example.com", 36)
		site := f.serveTLS(t, "192.0.2.80", "2001:db8::80")
		site.install(f.leaf(t, item))
		f.advance(t, 24*time.Hour)
		assert.Contains(t, f.itemOf(t, item).Params["site_watch"], `"outcome":"current"`)
		assert.Positive(t, site.names["example.com"])

		first := f.itemOf(t, item).Params["certificate_serial"]
		ends := f.leaf(t, item).NotAfter
		f.setTime(t, ends.AddDate(0, 0, -10).Format(time.DateOnly))
		for range 30 {
			if f.advance(t, time.Hour); f.itemOf(t, item).Params["certificate_serial"] != first {
				break
			}
		}
		require.NotEqual(t, first, f.itemOf(t, item).Params["certificate_serial"], f.logTail(t))
		assert.Equal(t, first, f.itemOf(t, item).Params["earlier_serials"])
		assert.Contains(t, f.itemOf(t, item).Params["site_watch"], `"outcome":"old"`)
		assert.Empty(t, f.takeMails(t))

		f.advance(t, 25*time.Hour)
		assert.Empty(t, f.takeMails(t))
		f.advance(t, 25*time.Hour)
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].subject, "Install the new SSL certificate for example.com")
		assert.Contains(t, mails[0].body, "192.0.2.80")
		assert.Contains(t, mails[0].body, first)

		site.install(f.leaf(t, item))
		for range 10 {
			f.advance(t, 24*time.Hour)
		}
		assert.Contains(t, f.itemOf(t, item).Params["site_watch"], `"outcome":"current"`)
		assert.Empty(t, f.takeMails(t))
	})
}
