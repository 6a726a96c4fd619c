package clock_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/clock"
)

func noon() time.Time { return time.Date(2026, 4, 2, 14, 0, 0, 0, time.UTC) }

func now(t *testing.T, c *clock.Clock) string {
	t.Helper()
	instant, err := c.Now()
	require.NoError(t, err)
	return instant.Format(time.RFC3339)
}

func TestClockStandsStillOnceSet(t *testing.T) {
	for name, file := range map[string]string{"in memory": "", "in a file": filepath.Join(t.TempDir(), "clock")} {
		c := clock.New(noon, file)
		assert.Equal(t, "2026-04-02T14:00:00Z", now(t, c), name)
		require.NoError(t, c.Set(time.Date(2027, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600))))
		assert.Equal(t, "2027-01-01T00:00:00Z", now(t, c), name)
		_, err := c.Advance(36 * time.Hour)
		require.NoError(t, err)
		assert.Equal(t, "2027-01-02T12:00:00Z", now(t, c), name)
		require.NoError(t, c.FollowReal())
		assert.Equal(t, "2026-04-02T14:00:00Z", now(t, c), name)
	}
}

func TestTwoClocksShareAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	a, b := clock.New(noon, file), clock.New(noon, file)
	require.NoError(t, a.Set(noon().AddDate(1, 0, 0)))
	assert.Equal(t, now(t, a), now(t, b))
	require.NoError(t, os.WriteFile(file, []byte("midday"), 0o600))
	_, err := b.Now()
	assert.ErrorContains(t, err, "RFC 3339")
	_, err = b.Advance(time.Hour)
	assert.Error(t, err)
}
