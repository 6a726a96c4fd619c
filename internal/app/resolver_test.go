package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

// dialling returns a fixture whose Dial always fails, and the addresses that were dialled.
func dialling(t *testing.T, rows ...row) (*fixture, *[]string) {
	t.Helper()
	s := newFixture(t, rows...)
	var dialled []string
	s.system.ResolvConf = filepath.Join(s.root, "resolv.conf")
	s.system.Dial = func(_ context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, network+" "+address)
		return nil, errors.New("the network is down")
	}
	return s, &dialled
}

func TestCommandsLookNamesUpThroughTheInjectedDial(t *testing.T) {
	for server, wanted := range map[string]string{"": "udp 192.0.2.53:53", "127.0.0.1:5353": "udp 127.0.0.1:5353"} {
		s, dialled := dialling(t, plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
			_, err := run.Resolver(server).Exists(ctx, "example.com")
			return nil, err
		}))
		require.NoError(t, os.WriteFile(s.system.ResolvConf, []byte("nameserver 192.0.2.53\n"), 0o600))
		assert.Equal(t, 1, s.run("--command", "act"))
		assert.Equal(t, []string{wanted}, *dialled)
	}
}

func TestWithoutDialThereIsNoResolver(t *testing.T) {
	s := newFixture(t, plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
		assert.Nil(t, run.Resolver)
		return nil, nil
	}))
	assert.Equal(t, 0, s.run("--command", "act"))
}

func TestFeaturesDialsNothing(t *testing.T) {
	s, dialled := dialling(t)
	require.Equal(t, 0, s.run("--command", "features"), s.stdout.String())
	assert.Empty(t, *dialled)
}
