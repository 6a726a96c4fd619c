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

	"pmssl/internal/tlsleaf"
)

// handshake returns the leaf that a server presents for the name.
func (w *Watcher) handshake(ctx context.Context, name string, address netip.Addr) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	conn, err := w.o.Dial(ctx, "tcp", netip.AddrPortFrom(address, httpsPort).String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return tlsleaf.Read(ctx, conn, name)
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
