// Package loopback serves the stand-ins on addresses that other hosts cannot reach.
package loopback

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Listen listens on a loopback address and refuses any other: a stand-in has a well-known password
// and a control address without authentication.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q must be HOST:PORT: %w", address, err)
	}
	if ip := net.ParseIP(host); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("address %q is not a loopback address, use 127.0.0.1:PORT", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if bound, ok := listener.Addr().(*net.TCPAddr); !ok || !bound.IP.IsLoopback() {
		listener.Close()
		return nil, fmt.Errorf("address %q is bound to %s, which is not loopback", address, listener.Addr())
	}
	return listener, nil
}

// Serve serves until the context ends, then gives running requests two seconds to finish.
func Serve(ctx context.Context, handlers map[net.Listener]http.Handler) error {
	failed := make(chan error, len(handlers))
	var servers []*http.Server
	for listener, handler := range handlers {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ReadTimeout: 2 * time.Minute}
		servers = append(servers, server)
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(grace); err != nil {
			server.Close()
		}
	}
	return nil
}
