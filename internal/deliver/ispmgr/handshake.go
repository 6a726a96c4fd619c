package ispmgr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

const (
	// handshakeTime bounds one connection.
	handshakeTime = 5 * time.Second
	// httpsPort is where sites are looked at if the block does not say.
	httpsPort = "443"
)

// handshake returns the certificate that a site shows at the first of the block's addresses that answers. Nothing is verified: it is
// compared with the certificate that is delivered.
func (d *deliverer) handshake(ctx context.Context, name string) (*x509.Certificate, error) {
	var failed []error
	for _, address := range d.addresses() {
		shown, err := d.handshakeAt(ctx, address, name)
		if err == nil {
			return shown, nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", address, err))
	}
	return nil, errors.Join(failed...)
}

// addresses returns where the block's sites are served.
func (d *deliverer) addresses() []string {
	var all []string
	for _, address := range d.block.Check {
		all = append(all, address.String())
	}
	if len(all) == 0 && d.block.URL != nil {
		all = []string{net.JoinHostPort(d.block.URL.Hostname(), httpsPort)}
	}
	return all
}

func (d *deliverer) handshakeAt(ctx context.Context, address, name string) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	plain, err := d.env.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	connection := tls.Client(plain, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, Time: d.env.Now})
	if err := connection.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	shown := connection.ConnectionState().PeerCertificates
	if len(shown) == 0 {
		return nil, errors.New("no certificate is shown")
	}
	return shown[0], nil
}
