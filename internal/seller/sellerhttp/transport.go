package sellerhttp

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// transport returns an HTTP transport that ignores the environment's proxy settings (rules CLI-2) and uses HTTP/1.1 only,
// because net/http repeats HTTP/2 requests by itself. Without reuse each request has a new connection, on which net/http never
// repeats a request. Without TLS it connects to this host only, whatever a name resolves to.
func transport(config Config, reuse bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 20 * time.Second}
	if !strings.HasPrefix(strings.ToLower(config.Address), "https:") {
		dialer.Control = thisHost
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.Trust.Roots},
		TLSHandshakeTimeout:    20 * time.Second,
		Protocols:              protocols,
		DisableKeepAlives:      !reuse,
		DisableCompression:     true,
		MaxIdleConns:           1,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// thisHost refuses connections to other hosts. It is the Control function of a net.Dialer.
func thisHost(_, address string, _ syscall.RawConn) error {
	peer, err := netip.ParseAddrPort(address)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("%s is not this host, and nothing is sent to others without TLS", address)
	}
	return nil
}
