package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/internet"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// peer is a real name server that scripts/peer.sh runs on loopback.
type peer struct {
	addr, second string // 127.0.0.1:PORT for DNS; of a second port, which PowerDNS uses for its API
	secret       string // of the TSIG key, or the API key
	zone         string
}

// startPeer starts a real name server of a kind with one zone, whose text is given, and waits until it answers.
func startPeer(t *testing.T, kind, program, packages, zone, text string) *peer {
	t.Helper()
	needsProgram(t, program, packages)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711)) // the server runs as nobody
	require.NoError(t, os.WriteFile(filepath.Join(dir, zone+".zone"), []byte("$ORIGIN "+zone+".\n$TTL 300\n"+text), 0o644))
	p := &peer{addr: freeAddress(t), second: freeAddress(t), zone: zone}
	_, port, _ := net.SplitHostPort(p.addr)
	args := []string{kind, dir, port}
	if kind == "pdns" {
		_, api, _ := net.SplitHostPort(p.second)
		args = append(args, api)
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	runPeer(t, append(args, zone), func() bool {
		answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(question, p.addr)
		return err == nil && answer.Authoritative && len(answer.Answer) > 0
	})
	raw, err := os.ReadFile(filepath.Join(dir, "secret"))
	require.NoError(t, err)
	p.secret = strings.TrimSpace(string(raw))
	return p
}

// needsProgram skips the test where a server's program is not installed; with CI=true it fails the test.
func needsProgram(t *testing.T, program, packages string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if _, err := os.Stat(filepath.Join("/usr/sbin", program)); err != nil {
		words := fmt.Sprintf("%s is not installed (Debian: apt-get install %s)", program, packages)
		if os.Getenv("CI") == "true" {
			t.Fatal(words)
		}
		t.Skip(words)
	}
}

// runPeer starts the script, which becomes the server, and waits until it is ready. The server ends with the test.
func runPeer(t *testing.T, args []string, ready func() bool) {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	cmd := exec.Command(filepath.Join(filepath.Dir(file), "..", "..", "..", "scripts", "peer.sh"), args...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			require.Fail(t, "the server ended", output.String())
		default:
		}
		if ready() {
			return
		}
	}
	require.Fail(t, "the server does not answer")
}

// freeAddress returns an address on loopback whose port is free by TCP and UDP.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		address := listener.Addr().String()
		packets, err := net.ListenPacket("udp", address)
		require.NoError(t, listener.Close())
		if err == nil {
			require.NoError(t, packets.Close())
			return address
		}
	}
	require.Fail(t, "no port is free by TCP and UDP")
	return ""
}

// transfer returns the zone of a server that lets everybody transfer it, without serials.
func (p *peer) transfer(t *testing.T) string {
	t.Helper()
	envelopes, err := new(dns.Transfer).In(new(dns.Msg).SetAxfr(dns.Fqdn(p.zone)), p.addr)
	require.NoError(t, err)
	var records []dns.RR
	for one := range envelopes {
		require.NoError(t, one.Error)
		records = append(records, one.RR...)
	}
	return internet.Dump(records)
}
