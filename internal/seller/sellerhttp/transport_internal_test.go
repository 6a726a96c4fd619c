package sellerhttp

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Secrets do not leave this host unencrypted, even if a loopback name resolves to another host (docs/reference/ispmanager.md
// §1.1).
func TestWithoutTLSOnlyThisHostIsReached(t *testing.T) {
	for address, reached := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true,
		"10.0.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "[::ffff:10.0.0.1]:80": false, "[fe80::1%lo]:80": false, "localhost:80": false, "": false,
	} {
		assert.Equal(t, reached, thisHost("tcp", address, nil) == nil, address)
	}
	assert.Nil(t, transport(Config{Address: "https://seller.example.test/"}, true).Proxy)
}

func TestEveryConnectionWithoutTLSIsChecked(t *testing.T) {
	for _, address := range []string{"http://203.0.113.1:9/", "HTTP://203.0.113.1:9/"} {
		_, err := transport(Config{Address: address}, false).DialContext(t.Context(), "tcp", "203.0.113.1:9")
		assert.ErrorContains(t, err, "is not this host")
	}
}
