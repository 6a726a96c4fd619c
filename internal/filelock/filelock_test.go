package filelock_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pmssl/internal/filelock"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := filelock.OpenRegular(path, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func TestLockIsFreeWhenItsFileIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared")
	first, second := open(t, path), open(t, path)
	free, err := filelock.Try(first, filelock.Shared)
	require.NoError(t, err)
	assert.True(t, free)
	free, err = filelock.Try(second, filelock.Shared)
	require.NoError(t, err)
	assert.True(t, free, "two shared locks")
	free, err = filelock.Try(second, filelock.Exclusive)
	require.NoError(t, err)
	assert.False(t, free)
	require.NoError(t, first.Close())
	require.NoError(t, filelock.Wait(t.Context(), second, filelock.Exclusive))
}

func TestWaitEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared")
	holder := open(t, path)
	waiter, err := filelock.OpenRegular(path, os.O_RDWR, 0) // closed by Wait
	require.NoError(t, err)
	require.NoError(t, filelock.Wait(t.Context(), holder, filelock.Exclusive))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, filelock.Wait(ctx, waiter, filelock.Exclusive), context.Canceled)
}

func TestWaitSaysWhyAFileCannotBeLocked(t *testing.T) {
	file := open(t, filepath.Join(t.TempDir(), "shared"))
	require.NoError(t, file.Close())
	require.ErrorIs(t, filelock.Wait(t.Context(), file, filelock.Exclusive), syscall.EBADF)
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	for _, c := range []struct {
		name    string
		create  func(path string) error
		symlink bool
		says    string
	}{
		{name: "symbolic link", create: func(path string) error { return os.Symlink(filepath.Dir(path), path) }, symlink: true, says: "is a symbolic link"},
		{name: "FIFO", create: func(path string) error { return syscall.Mkfifo(path, 0o600) }, says: "is not a regular file"},
		{name: "directory", create: func(path string) error { return os.Mkdir(path, 0o700) }, says: "is not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "placed")
			require.NoError(t, c.create(path))
			_, err := filelock.OpenRegular(path, os.O_RDONLY, 0)
			var other *filelock.NotRegularError
			require.ErrorAs(t, err, &other)
			assert.Equal(t, c.symlink, other.Symlink())
			assert.ErrorContains(t, err, c.says)
		})
	}
	_, err := filelock.OpenRegular(filepath.Join(t.TempDir(), "absent"), os.O_RDONLY, 0)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSameIsFalseForAReplacedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared")
	file := open(t, path)
	assert.True(t, filelock.Same(file, path))
	require.NoError(t, os.Remove(path))
	assert.False(t, filelock.Same(file, path))
	open(t, path)
	assert.False(t, filelock.Same(file, path))
}
