package internet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"
)

// handshakeTime is how long a handshake may take, in real time.
const handshakeTime = 10 * time.Second

// ServeTLS serves TLS at public addresses, port 443. Each handshake shows what certificate returns for it; an error ends the
// handshake with an alert. After the handshake the connection is closed.
func (w *World) ServeTLS(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), addresses ...string) error {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate})
	if err != nil {
		return err
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			open.Go(func() { shakeHands(conn.(*tls.Conn)) })
		}
	})
	w.closed = append(w.closed, func() error {
		err := listener.Close()
		open.Wait()
		return err
	})
	for _, address := range addresses {
		if err := w.Map(net.JoinHostPort(address, "443"), listener.Addr().String()); err != nil {
			return err
		}
	}
	return nil
}

// shakeHands does one handshake. One that fails is the peer's to notice.
func shakeHands(conn *tls.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	_ = conn.HandshakeContext(ctx)
	_ = conn.Close()
}

// Visit opens a site by HTTPS as a visitor of this moment does, at port 443 of a public address, and returns the certificate of
// the site. It is an error if the certificate is not valid now, not for the name, or not by one of the roots.
func (w *World) Visit(ctx context.Context, address, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := w.From("visitor")(ctx, "tcp", net.JoinHostPort(address, "443"))
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{ServerName: name, RootCAs: roots, Time: w.now})
	defer conn.Close()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}
