package publishtest_test

import (
	"context"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish/publishtest"
)

func TestNameServersServeTheZonesTheyAreGiven(t *testing.T) {
	for _, server := range []publishtest.Server{publishtest.Bind, publishtest.Knot, publishtest.PowerDNS} {
		t.Run(server.Kind, func(t *testing.T) {
			peer := publishtest.Start(t, server, "example.net", "signed.example")
			assert.NotEmpty(t, peer.Secret(t))
			answer, err := publishtest.Ask(context.Background(), peer.Addr, "www.example.net", dns.TypeA)
			require.NoError(t, err)
			assert.True(t, answer.Authoritative)
			assert.Len(t, answer.Answer, 1)
		})
	}
}

func TestAStoppedServerDoesNotAnswerAndComesBackAtItsAddress(t *testing.T) {
	peer := publishtest.Start(t, publishtest.Knot)
	peer.Stop()
	_, err := publishtest.Ask(context.Background(), peer.Addr, "example.com", dns.TypeSOA)
	require.Error(t, err)
	peer.Restart(t)
	_, err = publishtest.Ask(context.Background(), peer.Addr, "example.com", dns.TypeSOA)
	require.NoError(t, err)
}
