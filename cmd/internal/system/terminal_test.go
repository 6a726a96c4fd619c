package system

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules TEXT-1: the panel's pipe, a file and /dev/null, which is a character device too, are no terminals.
func TestOnlyATerminalCountsAsOne(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	assert.False(t, terminal(null), "/dev/null")

	reading, writing, err := os.Pipe()
	require.NoError(t, err)
	defer reading.Close()
	defer writing.Close()
	assert.False(t, terminal(writing), "a pipe")

	file, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer file.Close()
	assert.False(t, terminal(file), "a file")

	pseudo, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	defer pseudo.Close()
	assert.True(t, terminal(pseudo))
}
