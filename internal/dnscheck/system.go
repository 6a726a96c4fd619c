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
	// maxConf is the number of bytes of resolv.conf that are read; real ones have a few lines.
	maxConf = 64 << 10
	// maxServers is the number of servers that are asked, as in the system's own resolver (resolv.conf(5), MAXNS).
	maxServers = 3
	// thisHost is asked if no server is named (resolv.conf(5)).
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

// parseConf returns the servers of a resolv.conf(5) as host:port. Words that are not addresses are ignored.
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
