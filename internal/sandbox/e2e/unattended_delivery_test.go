package e2e

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// siteAddresses returns those of the client's web server (hosts).
func siteAddresses() []string { return []string{internet.WebAddress, internet.WebIPv6} }

// deliveryServer is a web server of the provider for one site, at siteAddresses. It serves the files that a program put into its folder.
type deliveryServer struct {
	dir, domain string
	// atHandshake is called before a certificate is shown; nil does nothing.
	atHandshake atomic.Pointer[func()]
}

// startDelivery starts the server for a domain and its www, with a program that copies what it is given as deploy hooks of certbot do,
// and configures that as a deploy block.
func (f *unattendedFixture) startDelivery(t *testing.T, domain string) *deliveryServer {
	t.Helper()
	f.sendChains(t)
	w := &deliveryServer{dir: filepath.Join(f.dir, "web"), domain: domain}
	require.NoError(t, os.Mkdir(w.dir, 0o755))
	hook := filepath.Join(w.dir, "hook")
	text := strings.ReplaceAll(`#!/bin/sh
set -eu
umask 077
[ ! -e DIR/before ] || . DIR/before
name=${RENEWED_LINEAGE##*/}
for domain in $RENEWED_DOMAINS; do
  [ "$domain" != "$name" ] || cat "$RENEWED_LINEAGE/privkey.pem" "$RENEWED_LINEAGE/fullchain.pem" >"DIR/$name.new"
done
mv "DIR/$name.new" "DIR/$name.pem"
[ ! -e DIR/after ] || . DIR/after
`, "DIR", w.dir)
	syscall.ForkLock.RLock() // see fixture.install
	require.NoError(t, os.WriteFile(hook, []byte(text), 0o700))
	syscall.ForkLock.RUnlock()
	require.NoError(t, f.world.ServeTLS(w.certificate, siteAddresses()...))
	f.configureDelivery(t, "lb1", "exec", "program "+hook, "zone "+domain, "check "+strings.Join(siteAddresses(), " "), "key yes")
	f.allow(t, domain)
	return w
}

// sendChains makes the seller send the intermediate certificates too, without which no visitor trusts a site.
func (f *unattendedFixture) sendChains(t testing.TB) {
	t.Helper()
	if f.seller.module == "pmispmgrssl" {
		require.NoError(t, f.standIn.setSetting("certificate_form", `"base64zip"`))
	}
}

// does makes the program run shell commands before or after it copies; none for an empty text.
func (w *deliveryServer) does(t *testing.T, when, commands string) {
	t.Helper()
	file := filepath.Join(w.dir, when)
	if commands == "" {
		require.NoError(t, os.RemoveAll(file))
		return
	}
	require.NoError(t, os.WriteFile(file, []byte(commands+"\n"), 0o600))
}

func (w *deliveryServer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if hello.ServerName != w.domain && hello.ServerName != "www."+w.domain {
		return nil, fmt.Errorf("no site %q", hello.ServerName)
	}
	if act := w.atHandshake.Load(); act != nil {
		(*act)()
	}
	file := filepath.Join(w.dir, w.domain+".pem")
	pair, err := tls.LoadX509KeyPair(file, file)
	return &pair, err
}

// configureDelivery writes a deploy block. KEYFILE is the file with the secret of the publisher of the same name.
func (f *unattendedFixture) configureDelivery(t testing.TB, name, kind string, lines ...string) {
	t.Helper()
	key := filepath.Join(f.panel.Root(), "etc", "pmssl", name+".key")
	f.writeConfiguration(t, "deploy-"+name, "deploy "+name+" "+kind+"\n  "+strings.ReplaceAll(strings.Join(lines, "\n  "), "KEYFILE", key))
}

// allow writes the line that says that a domain is the client's.
func (f *unattendedFixture) allow(t testing.TB, domain string) {
	t.Helper()
	f.writeConfiguration(t, "allow-"+domain, fmt.Sprintf("allow %s account %d", domain, f.panel.Account()))
}

func (f *unattendedFixture) writeConfiguration(t testing.TB, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "pmssl", file+".conf"), []byte(text+"\n"), 0o600))
}

// visit opens a site at each of its addresses as a visitor does, and returns the serial of the valid certificate that it shows, the same
// everywhere.
func (f *unattendedFixture) visit(t testing.TB, domain string) (serial string, err error) {
	t.Helper()
	for _, address := range siteAddresses() {
		leaf, err := f.world.Visit(t.Context(), address, domain, f.roots)
		if err != nil {
			return "", fmt.Errorf("%s at %s: %w", domain, address, err)
		}
		shown := fmt.Sprintf("%x", leaf.SerialNumber)
		if serial != "" && shown != serial {
			return "", fmt.Errorf("%s shows certificate %s at %s, and %s before", domain, shown, address, serial)
		}
		serial = shown
	}
	return serial, nil
}

// served is visit of a site that shows a valid certificate.
func (f *unattendedFixture) served(t testing.TB, domain string) string {
	t.Helper()
	serial, err := f.visit(t, domain)
	require.NoError(t, err)
	return serial
}

// checkDelivered checks that the site shows the stored certificate and that nothing of the delivery is left.
func (f *unattendedFixture) checkDelivered(t testing.TB, item int64, domain string) {
	t.Helper()
	serial := fmt.Sprintf("%x", f.leaf(t, item).SerialNumber)
	params := f.itemOf(t, item).Params
	require.Equal(t, serial, params["deployed_serial"], f.logTail(t))
	require.Empty(t, params["delivery"])
	require.Equal(t, serial, f.served(t, domain))
	left, err := filepath.Glob(filepath.Join(f.panel.Root(), "var", "pmssl-deploy", "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// rules DELIVER-2, DELIVER-3: the first certificate and its reissue reach the site without a person.
func TestUnattendedCertificatesReachTheSite(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startUnattended(t, seller, firstOrders)
		w := f.startDelivery(t, "example.com")
		before := f.dumps()
		item := f.unattendedItem(t, "example.com", 12)
		f.checkDelivered(t, item, "example.com")
		first := f.served(t, "example.com")

		f.setTime(t, reissueDay)
		w.does(t, "before", `cat "$RENEWED_LINEAGE/privkey.pem" >&2; exit 1`)
		f.takeLog(t)
		doc := f.sweep(t)
		require.Zero(t, doc.Failed, f.logTail(t))
		f.sweepHourly(t, item, 30)
		assert.NotEmpty(t, f.itemOf(t, item).Params["delivery"], "the program fails")
		assert.Equal(t, first, f.served(t, "example.com"), "the site goes on with the former certificate")
		w.does(t, "before", "")
		require.Zero(t, f.advance(t, 2*time.Hour).Failed)
		f.checkDelivered(t, item, "example.com")
		assert.NotEqual(t, first, f.served(t, "www.example.com"))
		f.checkQuiet(t, item, before)
		log := f.takeLog(t)
		for _, line := range keyLines(t, f.itemOf(t, item).Key) {
			assert.NotContains(t, log, line, "the program printed the key")
		}
	})
}
