//go:build pmssl_simclock

package system

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheSimulatedClockReadsItsFileEachTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	set := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	t.Setenv(clockVariable, path)
	set("2026-04-02T10:00:00Z\n")
	now := clock()
	assert.Equal(t, time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC), now())
	set("2031-04-02T00:00:00Z")
	assert.Equal(t, 2031, now().Year())
	set("")
	assert.Equal(t, 2031, now().Year(), "the last good instant")
}

func TestASimulatedClockThatIsWrongAtTheStartEndsTheProcess(t *testing.T) {
	t.Setenv(clockVariable, filepath.Join(t.TempDir(), "missing"))
	assert.Panics(t, func() { clock() })
}
