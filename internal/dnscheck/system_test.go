package dnscheck_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/dnscheck"
)

// dialled records the addresses. The address alive is connected to the zone, all others fail.
type dialled struct {
	mu        sync.Mutex
	addresses []string
	alive     string
	zone      string
}

func (d *dialled) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.addresses = append(d.addresses, network+" "+address)
	d.mu.Unlock()
	if address != d.alive {
		return nil, errors.New("nobody is there")
	}
	return new(net.Dialer).DialContext(ctx, network, d.zone)
}

func confFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSystemServersAreAskedInOrder(t *testing.T) {
	z := serve(t, &zone{records: map[string][]string{"example.com.": {}}})
	conf := confFile(t, "# comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::53\nnameserver dns.example\nnameserver 192.0.2.3\nnameserver 192.0.2.4\noptions timeout:9\n")
	for alive, tried := range map[string][]string{
		"192.0.2.1:53":       {"udp 192.0.2.1:53"},
		"[2001:db8::53]:53":  {"udp 192.0.2.1:53", "udp [2001:db8::53]:53"},
		"192.0.2.3:53":       {"udp 192.0.2.1:53", "udp [2001:db8::53]:53", "udp 192.0.2.3:53"},
		"192.0.2.4:53, dead": {"udp 192.0.2.1:53", "udp [2001:db8::53]:53", "udp 192.0.2.3:53"},
	} {
		d := &dialled{alive: alive, zone: z.address}
		exists, err := dnscheck.New(dnscheck.Options{Conf: conf, Dial: d.dial, Timeout: testTimeout}).Exists(background(t), "example.com")
		assert.Equal(t, tried, d.addresses)
		if strings.HasSuffix(alive, "dead") {
			require.ErrorContains(t, err, "192.0.2.1")
			assert.ErrorContains(t, err, "192.0.2.3")
			continue
		}
		require.NoError(t, err)
		assert.True(t, exists)
	}
}

func TestNextServerIsAskedAfterAFailure(t *testing.T) {
	z := &zone{}
	z.before = func(w dns.ResponseWriter, q *dns.Msg, _ string) bool {
		if z.udp.Load() > 1 {
			return false
		}
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
		return true
	}
	serve(t, z)
	d := &dialled{alive: "192.0.2.1:53", zone: z.address}
	conf := confFile(t, "nameserver 192.0.2.1\nnameserver 192.0.2.1\n")
	exists, err := dnscheck.New(dnscheck.Options{Conf: conf, Dial: d.dial, Timeout: testTimeout}).Exists(background(t), "exampel.com")
	require.NoError(t, err)
	assert.False(t, exists)
}

func TestNothingIsOpenedBeforeTheFirstQuery(t *testing.T) {
	d := &dialled{}
	path := filepath.Join(t.TempDir(), "resolv.conf")
	r := dnscheck.New(dnscheck.Options{Conf: path, Dial: d.dial, Timeout: testTimeout})
	assert.Empty(t, d.addresses)
	require.NoError(t, os.WriteFile(path, []byte("nameserver 192.0.2.7\n"), 0o600))
	_, err := r.Exists(background(t), "example.com")
	require.Error(t, err)
	assert.Equal(t, []string{"udp 192.0.2.7:53"}, d.addresses, "the file is read at the first query")
}

func TestThisHostIsAskedIfTheSystemNamesNoServer(t *testing.T) {
	for rule, path := range map[string]string{
		"no file": filepath.Join(t.TempDir(), "none"), "an empty file": confFile(t, ""), "no address in it": confFile(t, "nameserver\nnameserver dns.example\n"),
	} {
		d := &dialled{}
		_, err := dnscheck.New(dnscheck.Options{Conf: path, Dial: d.dial, Timeout: testTimeout}).Exists(background(t), "example.com")
		require.Error(t, err, rule)
		assert.Equal(t, []string{"udp 127.0.0.1:53"}, d.addresses, rule)
	}
}

func TestUnreadableConfigurationIsAnError(t *testing.T) {
	d := &dialled{}
	_, err := dnscheck.New(dnscheck.Options{Conf: t.TempDir(), Dial: d.dial, Timeout: testTimeout}).Exists(background(t), "example.com")
	require.ErrorContains(t, err, "reading the system's DNS servers")
	assert.Empty(t, d.addresses)
}

func FuzzParseConf(f *testing.F) {
	for _, seed := range []string{"nameserver 192.0.2.1", "nameserver fe80::1%eth0\n", "nameserver\n", "options ndots:x", "\x00", "domain\nsearch a b\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		servers, err := dnscheck.ParseConf(text)
		if err != nil {
			return
		}
		assert.NotEmpty(t, servers)
		assert.LessOrEqual(t, len(servers), 3)
		for _, server := range servers {
			_, _, err := net.SplitHostPort(server)
			assert.NoError(t, err)
		}
	})
}
