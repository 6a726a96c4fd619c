package watch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// errSeen ends a handshake once the certificate was read.
var errSeen = errors.New("the certificate was read")

// handshake returns the leaf that a server presents for the name. Of the handshake only the ClientHello is sent. crypto/tls reads
// at most 256 KiB of certificates and 64 KiB of any other message.
func (w *Watcher) handshake(ctx context.Context, name string, address netip.Addr) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	conn, err := w.o.Dial(ctx, "tcp", netip.AddrPortFrom(address, httpsPort).String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
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
	err = tls.Client(hello, config).HandshakeContext(ctx)
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

// timedOut reports whether the other side did not answer in time.
func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}

// failedAs returns the outcome of a connection that showed no certificate. A host that refuses the connection, ends it, or speaks
// something else has none; of one that does not answer nothing is known.
func failedAs(err error) (Outcome, string) {
	var record tls.RecordHeaderError
	var network *net.OpError
	switch {
	case timedOut(err):
		return Unreachable, line(fmt.Sprintf("does not answer within %s", connectTime))
	case errors.Is(err, syscall.ECONNREFUSED):
		return None, "refuses connections to port 443"
	case errors.As(err, &record):
		return None, "does not speak TLS on port 443"
	case errors.As(err, &network) && network.Op == "remote error": // an alert, see crypto/tls
		return None, line(fmt.Sprintf("refuses the handshake: %v", network.Err))
	case errors.As(err, &network) && network.Op == "dial":
		return Unreachable, line(fmt.Sprintf("cannot be reached: %v", err))
	}
	return None, line(fmt.Sprintf("presents no certificate: %v", err))
}
