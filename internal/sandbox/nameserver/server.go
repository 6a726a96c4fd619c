// Package nameserver is a stand-in for a recursive DNS server on loopback. Every name exists and has no records, except
// the names that were removed and the CAA records that were added. It speaks UDP only.
package nameserver

import (
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
)

// Server answers queries until it is closed.
type Server struct {
	conn net.PacketConn
	done chan struct{}

	mu     sync.Mutex
	absent []string
	caa    map[string][]property
}

type property struct{ tag, value string }

// Start listens on a free port of loopback.
func Start() (*Server, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{conn: conn, done: make(chan struct{}), caa: map[string][]property{}}
	go s.serve()
	return s, nil
}

// Address returns the host:port on which the server listens.
func (s *Server) Address() string { return s.conn.LocalAddr().String() }

// Close ends the server.
func (s *Server) Close() error {
	err := s.conn.Close()
	<-s.done
	return err
}

// Remove makes a name and all names below it absent: NXDOMAIN (RFC 8020).
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent = append(s.absent, strings.ToLower(name))
}

// AddCAA adds a CAA record to a name (RFC 8659 4.1).
func (s *Server) AddCAA(name, tag, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = strings.ToLower(name)
	s.caa[name] = append(s.caa[name], property{tag, value})
}

func (s *Server) serve() {
	defer close(s.done)
	packet := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFrom(packet)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			continue // an error of one packet
		}
		if answer := s.answer(packet[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from) // the sender may be gone
		}
	}
}

// lookUp returns the CAA properties of a name and reports whether the name exists.
func (s *Server) lookUp(name string) (properties []property, exists bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := slices.ContainsFunc(s.absent, func(absent string) bool { return name == absent || strings.HasSuffix(name, "."+absent) })
	return s.caa[name], !gone
}
