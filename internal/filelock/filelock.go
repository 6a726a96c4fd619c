// Package filelock opens and locks files that several processes of this host share.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Mode is how a file is locked.
type Mode int

// Shared locks exclude an exclusive one, an Exclusive lock excludes all others.
const (
	Shared    Mode = syscall.LOCK_SH
	Exclusive Mode = syscall.LOCK_EX
)

// Try takes the file's lock (flock) if it is free now and reports whether it did. The lock ends with the file's last
// descriptor, so that a killed process leaves none behind.
func Try(file *os.File, mode Mode) (bool, error) {
	err := flock(file, int(mode)|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// Wait takes the file's lock and waits in the kernel until it is free, but no longer than the context lives: a stopped
// process may hold the lock for ever. Where it fails, the file is closed; the error is ctx.Err() if the context ended
// first.
func Wait(ctx context.Context, file *os.File, mode Mode) error {
	done := make(chan error, 1)
	go func() { done <- flock(file, int(mode)) }()
	select {
	case err := <-done:
		if err != nil {
			_ = file.Close()
		}
		return err
	case <-ctx.Done():
		go func() { // closing under the waiting call would leave it a foreign descriptor
			<-done
			_ = file.Close()
		}()
		return ctx.Err()
	}
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
	}
}

// NotRegularError says that a path names something other than a regular file.
type NotRegularError struct {
	Path string
	Type fs.FileMode // the type bits of its mode
}

// Symlink reports whether the path names a symbolic link.
func (e *NotRegularError) Symlink() bool { return e.Type&fs.ModeSymlink != 0 }

// Error returns what stands there and what to do.
func (e *NotRegularError) Error() string {
	if e.Symlink() {
		return fmt.Sprintf("%s is a symbolic link, which is not followed: remove it, or link its directory", e.Path)
	}
	return fmt.Sprintf("%s is not a regular file but %s: remove it", e.Path, e.Type)
}

// OpenRegular opens a regular file and nothing else: a symbolic link is not followed, for whoever places one would choose
// which file root writes to, and a FIFO or device is not waited for. Such a path gives a *NotRegularError.
func OpenRegular(path string, flags int, mode fs.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_NOCTTY, mode)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &NotRegularError{Path: path, Type: fs.ModeSymlink}
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotRegularError{Path: path, Type: info.Mode().Type()}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// Same reports whether an open file is still the one of that path.
func Same(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(open, there)
}
