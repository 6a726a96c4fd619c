package loopback_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/loopback"
)

func TestListenRefusesOtherAddresses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", ""} {
		_, err := loopback.Listen(address)
		assert.ErrorContains(t, err, address, address)
	}
}

func TestServeRunsUntilTheContextEnds(t *testing.T) {
	listener, err := loopback.Listen("localhost:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	go func() { ended <- loopback.Serve(ctx, map[net.Listener]http.Handler{listener: hello}) }()
	answer, err := http.Get("http://" + listener.Addr().String())
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	require.NoError(t, err)
	assert.Equal(t, "hello", string(text))
	cancel()
	require.NoError(t, <-ended)
	_, err = net.Dial("tcp", listener.Addr().String())
	assert.Error(t, err)
}
