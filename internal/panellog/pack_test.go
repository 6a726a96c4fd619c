package panellog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two processes read the directory, and one packs the archive before the other.
func TestArchivePackedByAnotherProcessIsInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pmx.log.20240507150716.1")
	require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o640))
	require.NoError(t, packArchive(path))
	assert.ErrorIs(t, packArchive(path), errInUse)
}
