package hostpanel

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// SiteServer serves the panel's sites by HTTPS: a handshake shows the certificate that its site has at that moment.
type SiteServer struct {
	server *http.Server
	addr   string
	ended  sync.WaitGroup
}

// ServeTLS starts it at an address of loopback; port 0 takes a free one.
func (p *Panel) ServeTLS(address string) (*SiteServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &SiteServer{addr: listener.Addr().String(), server: &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.handshake},
		Handler:           http.HandlerFunc(p.welcome),
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // handshakes that fail are the rule here
	}}
	s.ended.Go(func() { _ = s.server.ServeTLS(listener, "", "") })
	return s, nil
}

// Address is where the sites are served, host:port.
func (s *SiteServer) Address() string { return s.addr }

// Close ends the server.
func (s *SiteServer) Close() {
	_ = s.server.Close()
	s.ended.Wait()
}

// handshake returns the certificate of the site that is asked for. A name without one gets an alert, as from a web server without a
// default site.
func (p *Panel) handshake(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	host := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	for _, s := range p.sites {
		if !s.answers(host) {
			continue
		}
		if c := p.certificate(s.Owner, s.Certificate); c != nil {
			pair := c.pair
			return &pair, nil
		}
	}
	return nil, fmt.Errorf("no site %q with a certificate", hello.ServerName)
}

func (p *Panel) welcome(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "the site "+r.TLS.ServerName+"\n") // the client may be gone
}
