// Package tlsleaf reads the certificate that a server presents for a name, whatever it is. Nothing is verified and nothing trusted.
package tlsleaf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// errSeen ends a handshake once the certificate was read.
var errSeen = errors.New("the certificate was read")

// Read returns the leaf that the server at the other end of the connection presents for the name. Of the handshake only the
// ClientHello is sent. crypto/tls reads at most 256 KiB of certificates and 64 KiB of any other message. The connection is the
// caller's to close. Errors are those of crypto/tls and of the connection.
func Read(ctx context.Context, conn net.Conn, name string) (*x509.Certificate, error) {
	var leaf *x509.Certificate
	hello := &helloOnly{Conn: conn}
	config := clientConfig(name)
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		hello.quiet = true
		var err error
		if leaf, err = x509.ParseCertificate(raw[0]); err != nil {
			return err
		}
		return errSeen
	}
	err := tls.Client(hello, config).HandshakeContext(ctx)
	switch {
	case leaf != nil:
		return leaf, nil
	case err == nil: // no cipher suite of these goes without a certificate
		return nil, errors.New("it presents no certificate")
	}
	return nil, err
}

// clientConfig returns the settings of a ClientHello that every server with TLS answers: no version and no algorithm is too old,
// for nothing is trusted, and it fits into one packet, which some old servers need.
func clientConfig(name string) *tls.Config {
	config := &tls.Config{
		ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, SessionTicketsDisabled: true,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	return config
}

// helloOnly is a connection to which nothing is written once it is quiet: no alert about a handshake that is not finished. Only the
// handshake uses it, in one goroutine.
type helloOnly struct {
	net.Conn
	quiet bool
}

// Write implements net.Conn.
func (h *helloOnly) Write(from []byte) (int, error) {
	if h.quiet {
		return len(from), nil
	}
	return h.Conn.Write(from)
}
