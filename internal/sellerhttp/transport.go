package sellerhttp

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// transport follows no proxy setting of the environment (contract 7) and speaks HTTP/1.1 only: the retries of HTTP/2 happen below
// net/http's surface. Without reuse each request has a new connection, on which net/http never sends a request again by
// itself.
func transport(roots *x509.CertPool, reuse bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 20 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    20 * time.Second,
		Protocols:              protocols,
		DisableKeepAlives:      !reuse,
		DisableCompression:     true,
		MaxIdleConns:           1,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}
