package publishtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// Nginx and Apache serve sites NAME.example, which scripts/peer.sh lists, with the challenges below Peer.PanelRoot.
var (
	Nginx  = Server{Kind: "nginx", Programs: []string{"nginx"}, Package: "nginx", Ready: AnswersHTTP}
	Apache = Server{Kind: "apache", Programs: []string{"apache2"}, Package: "apache2", Ready: AnswersHTTP}
)

// PanelRoot returns the folder that web servers take for the panel's.
func (p *Peer) PanelRoot() string { return filepath.Join(p.Dir, "mgr5") }

// Site returns the folder of a site, as its owner has it.
func (p *Peer) Site(name string) string { return filepath.Join(p.Dir, "sites", name) }

// Addr6 returns the address of a web server on IPv6 loopback; empty if it does not answer there.
func (p *Peer) Addr6() string {
	addr := "[::1]:" + port(p.Addr)
	if Accepts(context.Background(), addr) != nil {
		return ""
	}
	return addr
}

// AnswersHTTP reports by nil that a web server serves its first site.
func AnswersHTTP(ctx context.Context, p *Peer) error {
	answer, err := Get(ctx, p.Addr, "plain.example", "/")
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("the site plain.example answers %d", answer.Status)
	}
	return err
}

// Answer is what a web server answered.
type Answer struct {
	Status   int
	Type     string // header Content-Type
	Location string
	Body     string
}

// Get sends a GET request with the host and the path exactly as they are, hostile ones too.
func Get(ctx context.Context, addr, host, path string) (Answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return Answer{}, err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host); err != nil {
		return Answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	media, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	return Answer{response.StatusCode, media, response.Header.Get("Location"), string(body)}, err
}
