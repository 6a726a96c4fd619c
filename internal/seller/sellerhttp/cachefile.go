package sellerhttp

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// CacheFile is a small file in which processes of this host leave each other what a seller has said, so that it is not
// asked for again. It is replaced in one step: nobody reads half of it.
type CacheFile struct {
	Path string
	Most int64 // bytes; what is longer is no file of ours
	// DryRun keeps the file as it is and makes no lock file: Write does nothing, and Alone waits for nobody.
	DryRun bool
}

// Read returns the file's content. An error that is fs.ErrNotExist says that there is none; every other one that it cannot
// be used: somebody has put a link, a pipe or something too large in its place.
func (f CacheFile) Read() ([]byte, error) {
	file, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a cache file: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("the cache file %s: %w", f.Path, err)
	}
	if !info.Mode().IsRegular() || info.Size() > f.Most {
		return nil, fmt.Errorf("%s is not a cache file of this module", f.Path)
	}
	content, err := io.ReadAll(io.LimitReader(file, f.Most))
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
	draft, err := os.CreateTemp(filepath.Dir(f.Path), filepath.Base(f.Path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("keeping %s: %w", f.Path, err)
	}
	_, err = draft.Write(content)
	if closed := draft.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(draft.Name(), f.Path)
	}
	if err != nil {
		_ = os.Remove(draft.Name())
		return fmt.Errorf("keeping %s: %w", f.Path, err)
	}
	return nil
}

// Alone runs what while no other process of this host does the same: one asks the seller and the others find its answer.
// The lock is a file of its own beside the kept one, which is never written to.
func (f CacheFile) Alone(ctx context.Context, what func() error) error {
	if f.DryRun {
		return what()
	}
	file, err := openReplacing(f.Path + ".lock")
	if err != nil {
		return err
	}
	if err := lock(ctx, file); err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return what()
}
