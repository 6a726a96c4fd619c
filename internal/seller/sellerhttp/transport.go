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

// transport follows no proxy setting of the environment (rules CLI-2) and speaks HTTP/1.1 only: the retries of HTTP/2
// happen below net/http's surface. Without reuse each request has a new connection, on which net/http never sends a request
// again by itself. Without TLS it reaches this host alone, whatever a name resolves to.
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

// thisHost refuses to connect to another host than this one. It is net.Dialer's Control.
func thisHost(_, address string, _ syscall.RawConn) error {
	peer, err := netip.ParseAddrPort(address)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("%s is not this host, and nothing is sent to others without TLS", address)
	}
	return nil
}
