package command_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

func TestParseResolver(t *testing.T) {
	for value, want := range map[string]struct {
		server string
		on     bool
	}{
		"": {"", true}, "off": {"", false}, "OFF": {"", false}, " off ": {"", false},
		"192.0.2.1": {"192.0.2.1:53", true}, "127.0.0.1:5353": {"127.0.0.1:5353", true}, " 192.0.2.1 ": {"192.0.2.1:53", true},
		"[::1]:53": {"[::1]:53", true}, "::1": {"[::1]:53", true}, "[2001:db8::1]": {"[2001:db8::1]:53", true}, "fe80::1%eth0": {"[fe80::1%eth0]:53", true},
	} {
		server, on, err := item.ParseResolver(value)
		require.NoError(t, err, value)
		assert.Equal(t, want.server, server, value)
		assert.Equal(t, want.on, on, value)
	}
	for _, value := range []string{"on", "dns.example", "dns.example:53", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", "192.0.2.1,192.0.2.2",
		"::1:53:", "[192.0.2.1]", "[::1", "192.0.2", "udp://192.0.2.1", strings.Repeat("9", 1000), "\x00"} {
		server, on, err := item.ParseResolver(value)
		require.ErrorContains(t, err, "SSLResolver is ", value)
		assert.Less(t, len(err.Error()), 500)
		assert.Empty(t, server)
		assert.False(t, on, "an unreadable value disables look-ups")
	}
}

func FuzzParseResolver(f *testing.F) {
	for _, seed := range []string{"", "off", "192.0.2.1", "127.0.0.1:5353", "[::1]:53", "[fe80::1%a]:1", "[]", "ä"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		server, on, err := item.ParseResolver(value)
		if err != nil || server == "" {
			assert.Empty(t, server)
			assert.True(t, err == nil || !on)
			return
		}
		assert.True(t, on)
		address, err := netip.ParseAddrPort(server)
		require.NoError(t, err)
		assert.NotZero(t, address.Port())
		again, _, err := item.ParseResolver(server)
		require.NoError(t, err)
		assert.Equal(t, server, again, "parsing the result gives the same value")
	})
}
