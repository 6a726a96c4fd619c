package filelock_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/filelock"
)

func openRoot(t *testing.T) (*os.Root, string) {
	t.Helper()
	path := t.TempDir()
	root, err := os.OpenRoot(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, root.Close()) })
	return root, path
}

// text returns what writes a text.
func text(words string) func(io.Writer) error {
	return func(to io.Writer) error { _, err := io.WriteString(to, words); return err }
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	root, folder := openRoot(t)
	require.NoError(t, filelock.WriteFile(root, "index", 0o600, text("one"), root.Link))
	require.ErrorIs(t, filelock.WriteFile(root, "index", 0o600, text("two"), root.Link), fs.ErrExist)
	require.ErrorContains(t, filelock.WriteFile(root, "index", 0o600, func(to io.Writer) error {
		_, _ = io.WriteString(to, "half")
		return errors.New("no space left on device")
	}, root.Rename), "no space")
	content, err := os.ReadFile(filepath.Join(folder, "index"))
	require.NoError(t, err)
	assert.Equal(t, "one", string(content))
	require.NoError(t, filelock.WriteFile(root, "index", 0o600, text("three"), root.Rename))
	content, err = os.ReadFile(filepath.Join(folder, "index"))
	require.NoError(t, err)
	assert.Equal(t, "three", string(content))
	assert.Equal(t, []string{"index"}, names(t, folder))
	info, err := os.Stat(filepath.Join(folder, "index"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
}

// Writers of one name do not meet: while one writes, another replaces the file and removes what was left.
func TestWritersOfOneNameDoNotMeet(t *testing.T) {
	root, folder := openRoot(t)
	require.NoError(t, filelock.WriteFile(root, "index", 0o600, func(to io.Writer) error {
		_, _ = io.WriteString(to, "outer ")
		assert.NoError(t, filelock.RemoveUnfinished(root, func(string, string) bool { return true }))
		assert.NoError(t, filelock.WriteFile(root, "index", 0o600, text("inner"), root.Rename))
		content, err := os.ReadFile(filepath.Join(folder, "index"))
		assert.NoError(t, err)
		assert.Equal(t, "inner", string(content))
		_, err = io.WriteString(to, "text")
		return err
	}, root.Rename))
	content, err := os.ReadFile(filepath.Join(folder, "index"))
	require.NoError(t, err)
	assert.Equal(t, "outer text", string(content))
	assert.Equal(t, []string{"index"}, names(t, folder))
}

func TestManyWritersAtOnce(t *testing.T) {
	root, folder := openRoot(t)
	long := strings.Repeat("x", 64<<10)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 8 {
				assert.NoError(t, filelock.RemoveUnfinished(root, func(string, string) bool { return true }))
				assert.NoError(t, filelock.WriteFile(root, "index", 0o600, text(fmt.Sprint(i)+long), root.Rename))
				content, err := os.ReadFile(filepath.Join(folder, "index"))
				assert.NoError(t, err)
				assert.True(t, strings.HasSuffix(string(content), long) && len(content) <= len(long)+2, "a reader sees a whole file")
			}
		})
	}
	all.Wait()
	assert.Equal(t, []string{"index"}, names(t, folder))
}

func TestWhatAnEndedProcessLeftIsRemoved(t *testing.T) {
	root, folder := openRoot(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.WriteFile(elsewhere, []byte("mine"), 0o600))
	const random = ".ABCDEFGHIJKLMNOPQRSTUVWXY2.new"
	for _, name := range []string{".index" + random, "index.new", ".index.new", ".other" + random, "index.txt", "index"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("half"), 0o600))
	}
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(folder, ".index.BBCDEFGHIJKLMNOPQRSTUVWXY2.new")))
	running, err := os.OpenFile(filepath.Join(folder, ".index.CBCDEFGHIJKLMNOPQRSTUVWXY2.new"), os.O_WRONLY|os.O_CREATE, 0o600)
	require.NoError(t, err)
	defer running.Close()
	locked, err := filelock.Try(running, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, locked)

	require.NoError(t, filelock.RemoveUnfinished(root, func(_, name string) bool { return name == "index" }))

	assert.Equal(t, []string{".index.CBCDEFGHIJKLMNOPQRSTUVWXY2.new", ".other" + random, "index", "index.txt"}, names(t, folder))
	assert.FileExists(t, elsewhere)
}

func TestUnfinishedNames(t *testing.T) {
	for entry, want := range map[string]string{
		".42.json.ABCDEFGHIJKLMNOPQRSTUVWXY2.new": "42.json", "42.json.new": "42.json", ".prove.en.txt.new": "prove.en.txt",
		".a.ABCDEFGHIJKLMNOPQRSTUVWXY1.new": "a.ABCDEFGHIJKLMNOPQRSTUVWXY1", "42.json": "", ".new": "", "new": "", "": "",
	} {
		name, is := filelock.UnfinishedName(entry)
		if !is {
			name = ""
		}
		assert.Equal(t, want, name, entry)
		assert.Equal(t, want != "", is, entry)
	}
}

// rules ARCH-14: what a killed process left goes with the next replacement, what a running one writes and other files stay.
func TestAFileIsReplacedWholeAndLeavesNothing(t *testing.T) {
	for name, replace := range map[string]func(string, fs.FileMode, func(io.Writer) error) error{
		"a file": filelock.ReplaceFile, "a cache": filelock.ReplaceCache,
	} {
		t.Run(name, func(t *testing.T) { replacesWhole(t, replace) })
	}
}

func replacesWhole(t *testing.T, replace func(string, fs.FileMode, func(io.Writer) error) error) {
	t.Helper()
	root, folder := openRoot(t)
	path := filepath.Join(folder, "state")
	for _, left := range []string{"state.new", ".state.new", ".state.ABCDEFGHIJKLMNOPQRSTUVWXYZ.new", "state.old", "other.new"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, left), nil, 0o600))
	}
	require.NoError(t, filelock.WriteFile(root, "state", 0o600, func(io.Writer) error {
		return replace(path, 0o600, filelock.Content([]byte("inner")))
	}, root.Rename), "another process replaces it meanwhile")
	require.NoError(t, replace(path, 0o640, filelock.Content([]byte("outer"))))
	assert.Equal(t, []string{"other.new", "state", "state.old"}, names(t, folder))
	content, err := filelock.ReadRegular(path, 5)
	require.NoError(t, err)
	assert.Equal(t, "outer", string(content))
	require.ErrorContains(t, replace(path, 0o600, func(io.Writer) error { return errors.New("no space left on device") }), "no space")
	_, err = filelock.ReadRegular(path, 4)
	require.ErrorContains(t, err, "more than 4 bytes")
	assert.Equal(t, []string{"other.new", "state", "state.old"}, names(t, folder))
}
