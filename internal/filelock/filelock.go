// Package filelock opens and locks files that several processes of this host share.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Mode is how a file is locked.
type Mode int

// A Shared lock excludes Exclusive ones, an Exclusive lock excludes all others.
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

// Wait takes the file's lock and waits in the kernel until it is free or the context ends: a stopped process may hold the
// lock for ever. If Wait fails, it closes the file; the error is ctx.Err() if the context ended first.
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
		go func() { // closed only then: the waiting call could otherwise lock another file with the same descriptor
			<-done
			_ = file.Close()
		}()
		return ctx.Err()
	}
}

// flock calls flock(2) and repeats it if a signal interrupts it.
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

// Error names the type of the file and says what to do.
func (e *NotRegularError) Error() string {
	if e.Symlink() {
		return fmt.Sprintf("%s is a symbolic link, which is not followed: remove it, or link its directory", e.Path)
	}
	return fmt.Sprintf("%s is not a regular file but %s: remove it", e.Path, e.Type)
}

// OpenRegular opens a regular file. For anything else it returns a *NotRegularError: it does not follow a symbolic link,
// with which an attacker would choose the file that root writes to, and does not wait for a FIFO or device.
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

// ReadRegular returns the content of a regular file (OpenRegular) of at most limit bytes. A longer one is an error.
func ReadRegular(path string, limit int) ([]byte, error) {
	file, err := OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err == nil && len(content) > limit {
		err = fmt.Errorf("it has more than %d bytes", limit)
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}

// Same reports whether the path still names the open file.
func Same(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(open, there)
}
