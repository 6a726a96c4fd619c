package sellerhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"pmssl/internal/filelock"
)

// CacheFile is a small file in which the processes of this host share an answer of the seller, so that the request is not
// repeated. It is replaced atomically: no process reads a half-written file. After a crash of the host it may be empty or an older one,
// and counts as unusable or too old.
type CacheFile struct {
	Path    string
	MaxSize int64 // in bytes; Read refuses a longer file
	// DryRun makes Write do nothing, and WithLock run its function without a lock file.
	DryRun bool
}

// Read returns the file's content. The error is fs.ErrNotExist if there is no file. Any other error means that the file cannot
// be used, for example because it is too large, a symbolic link or a pipe.
func (f CacheFile) Read() ([]byte, error) {
	file, err := filelock.OpenRegular(f.Path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a cache file: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("the cache file %s: %w", f.Path, err)
	}
	if info.Size() > f.MaxSize {
		return nil, fmt.Errorf("the cache file %s has %d bytes, at most %d are read: remove it", f.Path, info.Size(), f.MaxSize)
	}
	content, err := io.ReadAll(io.LimitReader(file, f.MaxSize))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return content, nil
}

// Write replaces the file. Only its owner can read it.
func (f CacheFile) Write(content []byte) error {
	if f.DryRun {
		return nil
	}
	if err := filelock.ReplaceCache(f.Path, 0o600, filelock.Content(content)); err != nil {
		return fmt.Errorf("writing the cache file %s: %w", f.Path, err)
	}
	return nil
}

// Remove removes the file. It is no error if there is none.
func (f CacheFile) Remove() error {
	if f.DryRun {
		return nil
	}
	if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the cache file: %w", err)
	}
	return nil
}

// WithLock runs the function while no other process of this host does: one process asks the seller, and the others then read
// its answer. The lock is an empty file beside the cache file.
func (f CacheFile) WithLock(ctx context.Context, run func() error) error {
	if f.DryRun {
		return run()
	}
	file, err := openReplacing(f.Path + ".lock")
	if err != nil {
		return err
	}
	if err := lock(ctx, file); err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return run()
}
