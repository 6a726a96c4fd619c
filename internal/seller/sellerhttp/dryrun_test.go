package sellerhttp_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pmssl/internal/fault"
	"pmssl/internal/seller/sellerhttp"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Rules CLI-7: a client for a dry run sends only calls that are known to read, whatever the class of the others.
func TestDryRunSendsOnlyReads(t *testing.T) {
	for name, c := range map[string]struct {
		class sellerhttp.Class
		reads bool
		sent  bool
	}{
		"a read":                          {sellerhttp.Read, true, true},
		"a read that sets something":      {sellerhttp.Read, false, false},
		"what is sent once":               {sellerhttp.Once, true, false},
		"a purchase":                      {sellerhttp.Purchase, true, false},
		"a purchase that calls itself so": {sellerhttp.Purchase, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSeller(t, says(200, good))
			clock := newClock()
			client := sellerhttp.New(sellerhttp.Config{
				Seller: "Shop", Address: s.URL, Now: clock.Now, Sleep: clock.Sleep, Jitter: func() float64 { return 0 },
				Reads: func(sellerhttp.Call) bool { return c.reads },
			})
			var got string
			err := client.Do(t.Context(), ask(c.class, &got))
			if c.sent {
				require.NoError(t, err)
				assert.Equal(t, 1, s.count())
				return
			}
			assert.Zero(t, s.count())
			var failure *sellerhttp.Error
			require.True(t, errors.As(err, &failure))
			assert.True(t, failure.Withheld())
			assert.False(t, failure.Sent)
			assert.Equal(t, fault.Internal, failure.Fault().Type, "a command that does not expect it has a fault")
		})
	}
}

func TestDryRunDoesNotChangeFiles(t *testing.T) {
	dir := t.TempDir()
	file := sellerhttp.CacheFile{Path: filepath.Join(dir, "kept"), MaxSize: 100, DryRun: true}
	require.NoError(t, file.Write([]byte("new")))
	ran := false
	require.NoError(t, file.WithLock(t.Context(), func() error { ran = true; return nil }))
	assert.True(t, ran)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}
