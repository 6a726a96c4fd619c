package doctor

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The linker writes the package of a program into each build of it: this test is a build of its own package.
func TestABuildIsKnownByThePackageOfItsProgram(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	assert.True(t, isBuildOf(self, "pmssl/internal/doctor.test"))
	assert.False(t, isBuildOf(self, "pmssl/internal/doctor"))
	assert.False(t, isBuildOf(self, modulePath+"pmnamecheap"))
}

func TestABuildIsSearchedToItsEnd(t *testing.T) {
	folder := t.TempDir()
	const line = "path\tpmssl/cmd/x\n"
	for name, test := range map[string]struct {
		before int // bytes
		text   string
		want   bool
	}{
		"at the start":                    {before: 0, text: line, want: true},
		"across the pieces that are read": {before: 1<<20 - 5, text: line, want: true},
		"at the end of a piece":           {before: 1<<20 - len(line), text: line, want: true},
		"at the start of the second":      {before: 1 << 20, text: line, want: true},
		"across the second and third":     {before: 2<<20 - 20, text: line, want: true},
		"only a part of it":               {before: 1<<20 - 5, text: line[:len(line)-1], want: false},
		"another program":                 {before: 100, text: "path\tpmssl/cmd/xy\n", want: false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "program")
			require.NoError(t, os.WriteFile(path, append(bytes.Repeat([]byte("p"), test.before), test.text...), 0o600))
			assert.Equal(t, test.want, isBuildOf(path, modulePath+"x"))
		})
	}
	assert.False(t, isBuildOf(filepath.Join(folder, "absent"), modulePath+"x"))
	assert.False(t, isBuildOf(folder, modulePath+"x"), "a folder")
}
