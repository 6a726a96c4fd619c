package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePasswordOfASettingsFileIsSeenBehindAnyBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"DBPassword x\n": true, "DBPassword\tx\n": true, "A 1\n  DBPassword  x\n": true, "Option DBPassword x\n": true, "#DBPassword x\n": true,
		"DBUser x\n": false, "": false,
	} {
		path := filepath.Join(t.TempDir(), "billmgr.conf")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		assert.Equal(t, want, hasPassword(path), "%q", text)
	}
}
