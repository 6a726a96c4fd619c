package powerdns

import (
	"crypto/x509"
	"net/http"

	"pmssl/internal/publish"
)

// Trust makes a publisher trust these authorities in place of the system's.
func Trust(p publish.Publisher, roots *x509.CertPool) {
	p.(*publisher).api.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
}
