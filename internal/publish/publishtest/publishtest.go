// Package publishtest starts real servers for tests of publishers: scripts/peer.sh writes their configuration below a
// temporary folder and runs them unprivileged on loopback. Only tests import it.
package publishtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// Server is a kind of server that scripts/peer.sh can run.
type Server struct {
	Kind     string   // first word of scripts/peer.sh
	Programs []string // that must be installed
	Package  string   // Debian's packages that hold them
	// Ready reports by nil that the server answers.
	Ready func(ctx context.Context, p *Peer) error
}

// Bind and Knot take names of zones as words, example.com if there is none.
var (
	Bind = Server{Kind: "bind", Programs: []string{"named"}, Package: "bind9", Ready: AnswersSOA}
	Knot = Server{Kind: "knot", Programs: []string{"knotd"}, Package: "knot", Ready: AnswersSOA}
)

// PowerDNS takes names of zones as words, example.com if there is none. Peer.Second is the port of its HTTP API.
var PowerDNS = Server{
	Kind: "pdns", Programs: []string{"pdns_server", "pdnsutil", "sqlite3"}, Package: "pdns-server pdns-backend-sqlite3 sqlite3",
	Ready: func(ctx context.Context, p *Peer) error {
		if err := Accepts(ctx, p.Second); err != nil {
			return err
		}
		return AnswersSOA(ctx, p)
	},
}

// How long a server may need to answer, and how often it is asked.
const (
	patience = 60 * time.Second
	pace     = 20 * time.Millisecond
	attempts = 3 // another process may take a free port before the server does
)

// Peer is a running server.
type Peer struct {
	Dir    string // its configuration, data and secret (file "secret")
	Addr   string // 127.0.0.1:PORT
	Second string // 127.0.0.1:PORT of a second port, that PowerDNS uses for its API
	Words  []string

	server Server
	cmd    *exec.Cmd
	output *buffer
	ended  chan struct{}
}

// Start runs a server for the test's duration and returns when it answers. Without the server's programs the test is
// skipped, with CI=true it fails.
func Start(t testing.TB, server Server, words ...string) *Peer {
	t.Helper()
	for _, program := range server.Programs {
		if !installed(program) {
			missing(t, program, server.Package)
		}
	}
	p := &Peer{Dir: folder(t), server: server, Words: words}
	t.Cleanup(p.Stop)
	for range attempts {
		p.Addr, p.Second = freeAddr(t), freeAddr(t)
		if p.run(t) {
			return p
		}
	}
	t.Fatalf("%s does not start; it says:\n%s", server.Kind, p.output)
	return nil
}

// Secret returns the TSIG or API key that the server takes, in the form of its configuration.
func (p *Peer) Secret(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(p.Dir, "secret"))
	require.NoError(t, err)
	return strings.TrimSpace(string(data))
}

// SecretFile returns the path of a file with the text, as it is written for a publisher: of mode 0600.
func SecretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(text+"\n"), 0o600))
	return path
}

// Kind returns which kind of server it is.
func (p *Peer) Kind() string { return p.server.Kind }

// Output returns what the server has written so far.
func (p *Peer) Output() string { return p.output.String() }

// Stop ends the server at once, as a crash does.
func (p *Peer) Stop() {
	if p.cmd == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
	p.cmd = nil
}

// Restart starts a stopped server again at the same addresses, with the data that it had.
func (p *Peer) Restart(t testing.TB) {
	t.Helper()
	if !p.run(t) {
		t.Fatalf("%s does not start again; it says:\n%s", p.server.Kind, p.output)
	}
}

// run starts the script and waits until the server answers; false if it ended instead.
func (p *Peer) run(t testing.TB) bool {
	t.Helper()
	args := []string{p.server.Kind, p.Dir, port(p.Addr)}
	if p.server.Kind == PowerDNS.Kind {
		args = append(args, port(p.Second))
	}
	p.output = &buffer{}
	cmd := exec.Command(script(), append(args, p.Words...)...)
	cmd.Stdout, cmd.Stderr = p.output, p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// The kernel sends Pdeathsig when the thread that started the process ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	require.NoError(t, <-started)
	p.cmd, p.ended = cmd, ended
	if p.awaitReady(t) {
		return true
	}
	p.Stop()
	return false
}

func (p *Peer) awaitReady(t testing.TB) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last error
	for {
		if last = p.server.Ready(ctx, p); last == nil {
			return true
		}
		select {
		case <-p.ended:
			return false
		case <-ctx.Done():
			t.Fatalf("%s does not answer within %v: %v; it says:\n%s", p.server.Kind, patience, last, p.output)
		case <-time.After(pace):
		}
	}
}

// AnswersSOA reports by nil that a name server has each of its zones, and that a zone to be signed is.
func AnswersSOA(ctx context.Context, p *Peer) error {
	zones := p.Words
	if len(zones) == 0 {
		zones = []string{"example.com"}
	}
	for _, zone := range zones {
		kind := dns.TypeSOA
		if strings.HasPrefix(zone, "signed.") {
			kind = dns.TypeDNSKEY
		}
		answer, err := Ask(ctx, p.Addr, zone, kind)
		if err != nil {
			return err
		}
		if !answer.Authoritative || len(answer.Answer) == 0 {
			return fmt.Errorf("%s: %s", zone, dns.RcodeToString[answer.Rcode])
		}
	}
	return nil
}

// Ask puts a question to a name server by TCP, without a key.
func Ask(ctx context.Context, addr, name string, kind uint16) (*dns.Msg, error) {
	client := &dns.Client{Net: "tcp"}
	answer, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(name), kind), addr)
	return answer, err
}

// Accepts reports by nil that connections to the address are accepted.
func Accepts(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

func installed(program string) bool {
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} { // often not in a user's PATH
		if _, err := os.Stat(filepath.Join(dir, program)); err == nil {
			return true
		}
	}
	return false
}

func missing(t testing.TB, program, packages string) {
	t.Helper()
	words := fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", program, packages)
	if os.Getenv("CI") == "true" {
		t.Fatal(words)
	}
	t.Skip(words)
}

// folder makes the test's temporary folder passable for the user nobody, whom the server runs as.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	return dir
}

// freeAddr returns an address on loopback whose port nobody uses, neither by TCP nor by UDP.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		addr := listener.Addr().String()
		packets, err := net.ListenPacket("udp", addr)
		_ = listener.Close()
		if err == nil {
			_ = packets.Close()
			return addr
		}
	}
	t.Fatal("no port is free by TCP and UDP")
	return ""
}

func port(addr string) string {
	_, number, _ := net.SplitHostPort(addr)
	if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		panic("address without a port: " + addr)
	}
	return number
}

func script() string { return filepath.Join(root(), "scripts", "peer.sh") }

// root returns the repository's folder.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// buffer keeps what a process writes while the test reads it.
type buffer struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}
