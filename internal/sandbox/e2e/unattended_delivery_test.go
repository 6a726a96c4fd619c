package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deliveryServer is a web server of the provider for example.com: it serves the files that a program put into its folder, at IPv4 and
// IPv6 addresses of the simulated Internet.
type deliveryServer struct {
	dir     string
	targets []string // where it listens
}

// siteAddresses are those of the client's zone.
var siteAddresses = []string{"192.0.2.80:443", "[2001:db8::80]:443"}

// startDelivery starts the server, with a program that copies what it is given as deploy hooks of certbot do, and configures that
// as a deploy block. The file FAIL in the server's folder makes it fail, with the key in its output.
func (f *unattendedFixture) startDelivery(t *testing.T) *deliveryServer {
	t.Helper()
	w := &deliveryServer{dir: filepath.Join(f.dir, "web")}
	require.NoError(t, os.Mkdir(w.dir, 0o755))
	hook := filepath.Join(w.dir, "hook")
	text := strings.ReplaceAll(`#!/bin/sh
set -eu
umask 077
if [ -e DIR/FAIL ]; then cat "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1; fi
name=${RENEWED_LINEAGE##*/}
for domain in $RENEWED_DOMAINS; do
  [ "$domain" != "$name" ] || cat "$RENEWED_LINEAGE/privkey.pem" "$RENEWED_LINEAGE/fullchain.pem" >"DIR/$name.new"
done
mv "DIR/$name.new" "DIR/$name.pem"
`, "DIR", w.dir)
	syscall.ForkLock.RLock() // see fixture.install
	require.NoError(t, os.WriteFile(hook, []byte(text), 0o700))
	syscall.ForkLock.RUnlock()
	for _, address := range siteAddresses {
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: w.certificate})
		require.NoError(t, err)
		t.Cleanup(func() { _ = listener.Close() })
		go serveTLS(listener)
		w.targets = append(w.targets, listener.Addr().String())
		require.NoError(t, f.world.Map(address, listener.Addr().String()))
	}
	f.configureDelivery(t, "program "+hook, "zone example.com", "check 192.0.2.80 2001:db8::80", "key yes")
	return w
}

func serveTLS(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}()
	}
}

func (w *deliveryServer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName != "example.com" && hello.ServerName != "www.example.com" {
		return nil, fmt.Errorf("no site %q", hello.ServerName)
	}
	file := filepath.Join(w.dir, "example.com.pem")
	pair, err := tls.LoadX509KeyPair(file, file)
	return &pair, err
}

// configureDelivery writes the deploy block, and the line that says whose the site is.
func (f *unattendedFixture) configureDelivery(t *testing.T, lines ...string) {
	t.Helper()
	text := fmt.Sprintf("deploy lb1 exec\n  %s\nallow example.com account %d\n", strings.Join(lines, "\n  "), f.panel.Account())
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "pmssl", "lb1.conf"), []byte(text), 0o600))
}

// served returns the serial that the site shows at both addresses.
func (w *deliveryServer) served(t *testing.T) string {
	t.Helper()
	var serials []string
	for _, target := range w.targets {
		conn, err := tls.Dial("tcp", target, &tls.Config{ServerName: "www.example.com", InsecureSkipVerify: true})
		require.NoError(t, err)
		serials = append(serials, fmt.Sprintf("%x", conn.ConnectionState().PeerCertificates[0].SerialNumber))
		require.NoError(t, conn.Close())
	}
	require.Equal(t, serials[0], serials[1])
	return serials[0]
}

// checkDelivered checks that the site shows the stored certificate and that nothing of the delivery is left.
func (f *unattendedFixture) checkDelivered(t *testing.T, w *deliveryServer, item int64) {
	t.Helper()
	serial := fmt.Sprintf("%x", f.leaf(t, item).SerialNumber)
	params := f.itemOf(t, item).Params
	assert.Equal(t, serial, params["deployed_serial"], f.logTail(t))
	assert.Empty(t, params["delivery"])
	assert.Equal(t, serial, w.served(t))
	left, err := os.ReadDir(filepath.Join(f.panel.Root(), "var", "pmssl-deploy"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// rules DELIVER-2, DELIVER-3: the first certificate and its reissue reach the site without a person.
func TestUnattendedCertificatesReachTheSite(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		w := f.startDelivery(t)
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 12)
		f.checkDelivered(t, w, item)
		first := w.served(t)

		f.setTime(t, reissueDay)
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "FAIL"), nil, 0o600))
		f.takeLog(t)
		doc := f.sweep(t)
		require.Zero(t, doc.Failed, f.logTail(t))
		f.sweepHourly(t, item, 30)
		assert.NotEmpty(t, f.itemOf(t, item).Params["delivery"], "the program fails")
		assert.Equal(t, first, w.served(t), "the site goes on with the former certificate")
		require.NoError(t, os.Remove(filepath.Join(w.dir, "FAIL")))
		require.Zero(t, f.advance(t, 2*time.Hour).Failed)
		f.checkDelivered(t, w, item)
		assert.NotEqual(t, first, w.served(t))
		f.checkQuiet(t, item, before)
		log := f.takeLog(t)
		key := f.itemOf(t, item).Key
		require.Contains(t, key, "PRIVATE KEY")
		for line := range strings.Lines(key) {
			if len(line) > 40 {
				assert.NotContains(t, log, strings.TrimSpace(line), "the program printed the key")
			}
		}
	})
}
