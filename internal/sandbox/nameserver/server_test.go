package nameserver_test

import (
	"context"
	"net"
	"testing"
	"time"

	"pmssl/internal/sandbox/nameserver"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func start(t *testing.T) *nameserver.Server {
	t.Helper()
	server, err := nameserver.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server
}

// The standard library's own resolver reads the answers.
func TestRemovedNamesAreNXDOMAIN(t *testing.T) {
	server := start(t)
	server.Remove("Exampel.com")
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.Address())
	}}
	for _, name := range []string{"exampel.com.", "www.exampel.com."} {
		_, err := resolver.LookupTXT(t.Context(), name)
		var missing *net.DNSError
		require.ErrorAs(t, err, &missing)
		assert.True(t, missing.IsNotFound)
		assert.False(t, missing.IsTimeout)
	}
}

// RFC 1035 4.1, RFC 8659 4.1, byte by byte.
func TestAnswersOnTheWire(t *testing.T) {
	server := start(t)
	server.AddCAA("a.com", "issue", "b.c")
	server.Remove("gone.com")
	conn, err := net.Dial("udp", server.Address())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	for rule, row := range map[string]struct{ query, answer string }{
		"CAA": {
			"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01A\x03com\x00\x01\x01\x00\x01",
			"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01A\x03com\x00\x01\x01\x00\x01" +
				"\xc0\x0c\x01\x01\x00\x01\x00\x00\x00\x3c\x00\x0a\x00\x05issueb.c",
		},
		"another type": {
			"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x03com\x00\x00\x01\x00\x01",
			"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x03com\x00\x00\x01\x00\x01",
		},
		"NXDOMAIN": {
			"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04gone\x03com\x00\x01\x01\x00\x01",
			"\x12\x34\x80\x83\x00\x01\x00\x00\x00\x00\x00\x00\x04gone\x03com\x00\x01\x01\x00\x01",
		},
		"no question":    {"\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x12\x34\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00"},
		"a name cut off": {"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x09a", "\x12\x34\x81\x81\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		_, err := conn.Write([]byte(row.query))
		require.NoError(t, err)
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		require.NoError(t, err)
		assert.Equal(t, row.answer, string(buffer[:n]), rule)
	}
}
