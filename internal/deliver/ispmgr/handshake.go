package ispmgr

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"pmssl/internal/deliver"
)

// httpsPort is where sites are looked at if the block does not say.
const httpsPort = "443"

// handshake returns the certificate that a site shows at the first of the block's addresses that answers. Nothing is verified: it is
// compared with the certificate that is delivered.
func (d *deliverer) handshake(ctx context.Context, name string) (*x509.Certificate, error) {
	var failed []error
	for _, address := range d.addresses() {
		shown, err := deliver.Served(ctx, d.env, "tcp", address, name)
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
