package demo

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/internet"
)

// webServer is the web server of both sites. A site is served with the file NAME/fullchain.pem, which a delivery or the client
// replaces, and with the client's own key, which stands there since the CSR was made.
type webServer struct {
	dir string

	mu   sync.Mutex
	read map[string]servedPair // by site
}

// servedPair is what was read for a site, with the content of its file.
type servedPair struct {
	file []byte
	pair *tls.Certificate
}

// startWebServer starts the server at the address of the sites.
func (s *environment) startWebServer() error {
	s.web = &webServer{dir: filepath.Join(s.dir, "sites"), read: map[string]servedPair{}}
	for _, name := range []string{domain, hostedDomain} {
		if err := os.MkdirAll(filepath.Join(s.web.dir, name), 0o700); err != nil {
			return err
		}
	}
	return s.world.ServeTLS(s.web.certificate, internet.WebAddress)
}

func (w *webServer) keyFile(site string) string { return filepath.Join(w.dir, site, "privkey.pem") }
func (w *webServer) certificateFile(site string) string {
	return filepath.Join(w.dir, site, "fullchain.pem")
}

// certificate returns what a handshake shows.
func (w *webServer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	site := hello.ServerName
	if site != domain && site != hostedDomain {
		return nil, fmt.Errorf("no site %q", site)
	}
	file, err := os.ReadFile(w.certificateFile(site))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.read[site]; bytes.Equal(known.file, file) {
		return known.pair, nil
	}
	key, err := os.ReadFile(w.keyFile(site))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(file, key)
	if err != nil {
		return nil, err
	}
	w.read[site] = servedPair{file, &pair}
	return &pair, nil
}

// installByHand puts a certificate and its chain in place, as the client does.
func (w *webServer) installByHand(site string, chain []byte) error {
	return clock.WriteFile(w.certificateFile(site), chain, 0o600)
}

// visit returns the certificate that a site shows now to a visitor who trusts the seller's authority. The error says why it is not
// one that is valid for the site.
func (s *environment) visit(ctx context.Context, site string) (*x509.Certificate, error) {
	return s.world.Visit(ctx, internet.WebAddress, site, s.roots)
}

// deployHook is the program of the deploy block: it copies the certificate to where the web server reads it.
const deployHook = `#!/bin/sh
set -eu
site=%s/${RENEWED_LINEAGE##*/}
cp "$RENEWED_LINEAGE/fullchain.pem" "$site/new"
mv "$site/new" "$site/fullchain.pem"
`

// configureDelivery writes what an administrator writes for the web server of the zone: a deploy block, and whose the sites are.
func (s *environment) configureDelivery(zone string) error {
	etc, hook := filepath.Join(s.panel.Root(), "etc"), filepath.Join(s.dir, "bin", "deploy-hook")
	text := fmt.Sprintf("deploy web1 exec\n  program %s\n  zone    %s\n  check   %s\nallow %s account %d\n", hook, zone, internet.WebAddress, zone, s.panel.Account())
	s.print.value("etc/pmssl/web1.conf", text)
	if err := os.WriteFile(hook, fmt.Appendf(nil, deployHook, s.web.dir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(etc, "pmssl", "web1.conf"), []byte(text), 0o600)
}

// look visits the site of an order at the time of the clock, and counts a gap unless it shows a certificate that is valid then.
func (t *term) look(ctx context.Context, o *siteTerm, at time.Time) (shown *x509.Certificate) {
	shown, err := t.visit(ctx, o.domain)
	o.looks++
	if err != nil {
		o.gaps++
		t.print.note("%s  %s: nothing valid at the TLS port: %v", at.Format(time.DateOnly), o.domain, err)
	}
	return shown
}

// lookAndInstall looks at the site of an order at the beginning of a day. If it does not show the certificate that was stored on an
// earlier day, the client installs it by hand.
func (t *term) lookAndInstall(ctx context.Context, o *siteTerm, date time.Time) error {
	shown := t.look(ctx, o, date)
	if shown.Equal(o.certificates[len(o.certificates)-1].leaf) {
		return nil
	}
	item, err := t.panel.Item(ctx, o.item)
	if err != nil {
		return err
	}
	o.byHand++
	return t.web.installByHand(o.domain, item.Crt)
}
