package doctor

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

func TestFreeSpaceOfAnyFileSystem(t *testing.T) {
	for _, row := range []struct {
		name string
		info syscall.Statfs_t
		want Outcome
	}{
		{name: "enough", info: syscall.Statfs_t{Bavail: 1 << 20, Bsize: 4096, Frsize: 4096, Files: 1 << 20, Ffree: 1 << 20}, want: Passed},
		{name: "little", info: syscall.Statfs_t{Bavail: 1 << 16, Bsize: 4096, Frsize: 4096}, want: Warned},
		{name: "none", info: syscall.Statfs_t{Bsize: 4096, Frsize: 4096}, want: Failed},
		{name: "no inodes", info: syscall.Statfs_t{Bavail: 1 << 20, Bsize: 4096, Frsize: 4096, Files: 1 << 20}, want: Failed},
		{name: "more than fits into a number", info: syscall.Statfs_t{Bavail: math.MaxUint64, Bsize: 1 << 20, Frsize: 4096, Files: math.MaxUint64, Ffree: math.MaxUint64}, want: Passed},
		{name: "blocks that are not as long as a transfer", info: syscall.Statfs_t{Bavail: 1 << 13, Bsize: 1 << 20, Frsize: 4096}, want: Failed},
		{name: "read-only", info: syscall.Statfs_t{Bavail: 1 << 20, Bsize: 4096, Flags: 1}, want: Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := &examination{o: Options{Diagnosis: item.Diagnosis{Statfs: func(string) (syscall.Statfs_t, error) { return row.info, nil }}}}
			found := checkSpace(t.Context(), x)
			assert.Equal(t, row.want, Worst(found), "%v", found)
		})
	}
}

// Opening a FIFO would wait for somebody who writes.
func TestAFIFOInThePlaceOfTheProgramIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	place := filepath.Join(root, "processing/pmtest")
	require.NoError(t, os.Mkdir(filepath.Dir(place), 0o700))
	require.NoError(t, syscall.Mkfifo(place, 0o600))
	executable := filepath.Join(root, "executable")
	require.NoError(t, os.WriteFile(executable, nil, 0o700))
	x := &examination{o: Options{Binary: "pmtest", Diagnosis: item.Diagnosis{Root: root, Host: root, Executable: func() string { return executable }}}}
	found := checkProgram(t.Context(), x)
	require.Len(t, found, 1)
	assert.Equal(t, Failed, found[0].Outcome)
	assert.Contains(t, found[0].Text, "it is not a regular file")
}

func TestWhatOnlyRootCanReadIsNoCrossForOthers(t *testing.T) {
	err := fmt.Errorf("open: %w", &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES})
	want := Failed
	if os.Geteuid() != 0 {
		want = Unchecked
	}
	assert.Equal(t, want, because("mend it", err).Outcome)
	assert.Equal(t, Failed, because("mend it", fs.ErrNotExist).Outcome)
}

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
