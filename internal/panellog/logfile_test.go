package panellog

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process may be killed inside its write after another one has checked the log's end.
func TestEntryBehindAnIncompleteLineIsWrittenAgain(t *testing.T) {
	for name, row := range map[string]struct{ before, after string }{
		"empty log":  {"", "mine\n"},
		"whole line": {"whole\n", "whole\nmine\n"},
		"half line":  {"whole\nhal", "whole\nhalmine\nmine\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pmx.log")
			f, err := openLogFile(path, 0, time.Now, time.Sleep, nil)
			require.NoError(t, err)
			defer f.File.Close()
			other, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			defer other.Close()
			_, err = other.WriteString(row.before)
			require.NoError(t, err)

			n, err := f.appendLine([]byte("mine\n")) // the end was checked before
			require.NoError(t, err)
			assert.Equal(t, len("mine\n"), n)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, row.after, string(text))
		})
	}
}
