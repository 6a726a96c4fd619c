package provider

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/internet"
	"pmssl/internal/sandbox/issuance"
	"pmssl/internal/sandbox/panel"
)

// WebServer is the web server of the clients' sites. A site is served with the file NAME/fullchain.pem, which a delivery or the
// client replaces, and with the client's own key, which stands there since the CSR was made. Port 80 serves the files that
// prove control of a domain. It is safe for concurrent use.
type WebServer struct {
	dir string

	mu    sync.Mutex
	sites map[string]string // folder by name; a wildcard by its own
	read  map[string]servedPair
	files map[string]string // content by host and path
}

// servedPair is what was read for a site, with the content of its file.
type servedPair struct {
	file []byte
	pair *tls.Certificate
}

// startWebServer starts the server at the address of the sites.
func (p *Provider) startWebServer() error {
	p.Web = &WebServer{dir: filepath.Join(p.dir, "sites"), sites: map[string]string{}, read: map[string]servedPair{}, files: map[string]string{}}
	return errors.Join(p.World.ServeTLS(p.Web.certificate, internet.WebAddress), p.World.ServeWeb(internet.WebAddress, p.Web))
}

// AddSite adds a site with these names; the first one is its own. All of them lead to the web server, by zones that are added where
// they are missing. A zone is on the provider's name servers, as if another provider kept it, unless Host was called for it. A name
// that belongs to a site already stays with it: an order for several names, which may never be paid, takes no site out of service.
func (p *Provider) AddSite(names ...string) error {
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
	}
	for _, name := range names {
		name = strings.ToLower(name)
		zone := issuance.Registrable(name)
		if p.World.Zone(zone) == nil {
			if _, err := p.World.AddZone(zone, fmt.Sprintf("@ A %s\n", internet.WebAddress)); err != nil {
				return err
			}
		}
		if err := p.World.Zone(zone).Add(fmt.Sprintf("%s. A %s\n", name, internet.WebAddress)); err != nil {
			return err
		}
	}
	return p.Web.addSite(names)
}

func (w *WebServer) addSite(names []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		if name = strings.ToLower(name); w.sites[name] == "" {
			w.sites[name] = siteFolder(names[0])
		}
	}
	return os.MkdirAll(filepath.Join(w.dir, siteFolder(names[0])), 0o700)
}

// checkName refuses what is no domain name, or a wildcard of one: names become folders and lines of zone files. Domains that the
// simulated Internet itself needs are refused too.
func checkName(name string) error {
	for label := range strings.SplitSeq(siteFolder(name), ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return fmt.Errorf("%q is not a domain name", name)
		}
	}
	if slices.Contains([]string{"hosting.net", "root.example", "sandbox-ca.example"}, issuance.Registrable(name)) {
		return fmt.Errorf("%s belongs to the simulated Internet itself: use another name", name)
	}
	return nil
}

// siteFolder returns the folder of a site: its name, as the modules call the certificates that they deliver.
func siteFolder(name string) string { return issuance.ValidationDomain(name) }

// Sites returns the own names of all sites, sorted.
func (w *WebServer) Sites() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, folder := range w.sites {
		all = append(all, folder)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// KeyFile returns the file with the key of a site.
func (w *WebServer) KeyFile(site string) string {
	return filepath.Join(w.dir, siteFolder(site), "privkey.pem")
}

func (w *WebServer) certificateFile(site string) string {
	return filepath.Join(w.dir, siteFolder(site), "fullchain.pem")
}

// certificate returns what a handshake shows.
func (w *WebServer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := strings.ToLower(hello.ServerName)
	_, above, _ := strings.Cut(name, ".")
	site, known := w.sites[name]
	if !known {
		site, known = w.sites["*."+above]
	}
	if !known {
		return nil, fmt.Errorf("no site %q", name)
	}
	file, err := os.ReadFile(w.certificateFile(site))
	if err != nil {
		return nil, err
	}
	if known := w.read[site]; bytes.Equal(known.file, file) {
		return known.pair, nil
	}
	pair, err := w.pair(site, file)
	if err != nil {
		return nil, err
	}
	w.read[site] = servedPair{file, pair}
	return pair, nil
}

// pair returns a certificate with the key of the site that fits it: a former key stands there too.
func (w *WebServer) pair(site string, chain []byte) (*tls.Certificate, error) {
	keys, err := filepath.Glob(filepath.Join(w.dir, siteFolder(site), "privkey*.pem"))
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("the site %s has no key", site)
	for _, name := range keys {
		key, failed := os.ReadFile(name)
		if failed != nil {
			return nil, failed
		}
		pair, failed := tls.X509KeyPair(chain, key)
		if failed == nil {
			return &pair, nil
		}
		err = failed
	}
	return nil, err
}

// Install puts a certificate and its chain in place, as the client does by hand.
func (w *WebServer) Install(site string, chain []byte) error {
	return clock.WriteFile(w.certificateFile(site), chain, 0o600)
}

// publish makes a file appear at a URL, without its scheme.
func (w *WebServer) publish(url, content string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, place, _ := strings.Cut(url, "://")
	w.files[place] = content
}

// ServeHTTP implements http.Handler: the files that were published.
func (w *WebServer) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	content, there := w.files[r.Host+r.URL.Path]
	w.mu.Unlock()
	if !there {
		http.NotFound(answer, r)
		return
	}
	answer.Header().Set("Content-Type", "text/plain")
	_, _ = answer.Write([]byte(content)) // the client may have gone away
}

// VisitSite returns the certificate that a site shows now to a visitor who trusts the sellers' authority. The error says why it is not
// one that is valid for the site. It is safe for concurrent use.
func (p *Provider) VisitSite(ctx context.Context, site string) (*x509.Certificate, error) {
	return p.World.Visit(ctx, internet.WebAddress, site, p.Roots)
}

// Visit does the same with the site of an item.
func (p *Provider) Visit(ctx context.Context, item *panel.Item) (*x509.Certificate, error) {
	return p.VisitSite(ctx, siteOf(item))
}
