package dnscheck

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/miekg/dns"
)

const (
	// maxConf is how much of resolv.conf is read, in bytes; real ones have a few lines.
	maxConf = 64 << 10
	// maxServers is how many servers are asked: as many as the system's own resolver takes (resolv.conf(5), MAXNS).
	maxServers = 3
	// thisHost is asked where no server is named (resolv.conf(5)).
	thisHost = "127.0.0.1:53"
)

// systemServers returns the addresses of the servers that the system's configuration names.
func systemServers(path string) ([]string, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{thisHost}, nil
	case err != nil:
		return nil, fmt.Errorf("reading the system's DNS servers: %w", err)
	}
	defer file.Close()
	conf, err := io.ReadAll(io.LimitReader(file, maxConf))
	if err != nil {
		return nil, fmt.Errorf("reading the system's DNS servers: %w", err)
	}
	servers, err := parseConf(conf)
	if err != nil {
		return nil, fmt.Errorf("reading the system's DNS servers in %s: %w", path, err)
	}
	return servers, nil
}

// parseConf reads the servers of a resolv.conf(5) as host:port. What is no address is passed over.
func parseConf(conf []byte) ([]string, error) {
	config, err := dns.ClientConfigFromReader(bytes.NewReader(conf))
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, word := range config.Servers {
		if _, err := netip.ParseAddr(word); err == nil && len(servers) < maxServers {
			servers = append(servers, net.JoinHostPort(word, config.Port))
		}
	}
	if len(servers) == 0 {
		servers = []string{thisHost}
	}
	return servers, nil
}
