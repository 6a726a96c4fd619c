package webroot

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pmssl/internal/filelock"
	"pmssl/internal/publish"
)

const (
	// challenges is the folder below var that holds a folder for each host.
	challenges = "pmssl-challenges"
	// folderMode and fileMode let the web server read, whose user is not known here.
	folderMode, fileMode = 0o755, 0o644
	// maxFile is how much of a file is read: more than any challenge has (publish.Record).
	maxFile = 16 << 10
	// maxEntries is how many names of a folder are looked at for leftovers.
	maxEntries = 10_000
	// lockTime is how long another process may keep the folder.
	lockTime = 30 * time.Second
	// Names of files that are being written. A site cannot have such a challenge: its name ends with .txt.
	tempStart, tempEnd = ".pmssl-", ".tmp"
)

// levels are the names of the folders below challenges on the way to a host's files.
func levels(host string) []string { return []string{host, ".well-known", "pki-validation"} }

// folder is the opened folder of a host's files, with the folders above it up to var.
type folder struct {
	root  string // the panel's
	names []string
	opens []*os.Root // var, challenges, and one for each of levels
}

// openFolder opens the folder of a host's files, and makes it if create says so. The error wraps fs.ErrNotExist if it does
// not exist. What was opened before an error is returned with it.
func openFolder(root, host string, create bool) (*folder, error) {
	f, err := openVar(root)
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{challenges}, levels(host)...) {
		if err := f.enter(name, create); err != nil {
			return f, err
		}
	}
	return f, nil
}

// openVar opens the panel's folder var, which may be a symbolic link: it is the administrator's.
func openVar(root string) (*folder, error) {
	opened, err := os.OpenRoot(filepath.Join(root, "var"))
	if err != nil {
		return nil, fmt.Errorf("the panel's folder for data: %w", err)
	}
	return &folder{root: root, opens: []*os.Root{opened}}, nil
}

func (f *folder) close() {
	for _, opened := range f.opens {
		_ = opened.Close()
	}
}

// here returns the deepest folder that is open.
func (f *folder) here() *os.Root { return f.opens[len(f.opens)-1] }

// path returns the path of a file or folder in the deepest folder, for messages.
func (f *folder) path(name string) string {
	return filepath.Join(append(append([]string{f.root, "var"}, f.names...), name)...)
}

// enter opens a folder in the deepest one, and makes it if create says so. os.Root follows links that stay below it; here
// what was opened has to be what stood there and was no link.
func (f *folder) enter(name string, create bool) error {
	above := f.here()
	if create {
		if err := above.Mkdir(name, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", f.path(name), err)
		}
	}
	found, err := above.Lstat(name)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	if !found.IsDir() {
		return fmt.Errorf("%s is not a folder (%s), and links are not followed: remove it", f.path(name), found.Mode())
	}
	opened, err := above.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	if err := f.checkOpened(opened, found, create); err != nil {
		_ = opened.Close()
		return fmt.Errorf("%s %w", f.path(name), err)
	}
	f.names, f.opens = append(f.names, name), append(f.opens, opened)
	return nil
}

// checkOpened refuses a folder that is another one than was found before, or that another user could change. With create it
// gets the mode that the web server needs: the umask may have taken bits, or a run was killed.
func (f *folder) checkOpened(opened *os.Root, found fs.FileInfo, create bool) error {
	info, err := opened.Stat(".")
	switch {
	case err != nil:
		return fmt.Errorf("cannot be looked at: %w", err)
	case !os.SameFile(found, info):
		return errors.New("was replaced while it was opened")
	case !ours(info):
		return fmt.Errorf("belongs to another user, who could put files there: run chown root:root %s", f.path(found.Name()))
	case create && info.Mode().Perm() != folderMode:
		if err := opened.Chmod(".", folderMode); err != nil {
			return fmt.Errorf("cannot be opened for the web server: %w", err)
		}
	}
	return nil
}

// ours reports whether a folder belongs to root or to the user that the program runs as.
func ours(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

// read returns the content of a file. What is no regular file, or too long for a challenge, is an error that wraps
// publish.ErrConflict.
func (f *folder) read(name string) (string, error) {
	found, err := f.here().Lstat(name)
	if err != nil {
		return "", err
	}
	if !found.Mode().IsRegular() {
		return "", fmt.Errorf("%w: %s is not a regular file (%s)", publish.ErrConflict, f.path(name), found.Mode())
	}
	file, err := f.here().OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.path(name), err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !os.SameFile(found, info) {
		err = errors.New("was replaced while it was opened")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.path(name), err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.path(name), err)
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%w: %s has more than %d bytes", publish.ErrConflict, f.path(name), maxFile)
	}
	return string(data), nil
}

// publish makes a file that is there readable for the web server.
func (f *folder) publish(name string) error {
	info, err := f.here().Lstat(name)
	if err == nil && info.Mode().Perm() != fileMode {
		err = f.here().Chmod(name, fileMode)
	}
	return err
}

// write writes a file whole or not at all: first under another name. Its content is on the disk before its name is, so that
// after a loss of power no half of it is taken for a foreign file.
func (f *folder) write(name, value string, random io.Reader) error {
	number := make([]byte, 8)
	if _, err := io.ReadFull(random, number); err != nil {
		return fmt.Errorf("choosing a file's name: %w", err)
	}
	temp := tempStart + hex.EncodeToString(number) + tempEnd
	err := f.writeTemp(temp, value)
	if err == nil {
		err = f.here().Rename(temp, name)
	}
	if err != nil {
		_ = f.here().Remove(temp)
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	return f.sync()
}

func (f *folder) writeTemp(name, value string) error {
	file, err := f.here().OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, value)
	for _, finish := range []func() error{func() error { return file.Chmod(fileMode) }, file.Sync} {
		if err == nil {
			err = finish()
		}
	}
	return errors.Join(err, file.Close())
}

// sync brings the names of the folder to the disk.
func (f *folder) sync() error {
	names, err := f.here().Open(".")
	if err != nil {
		return err
	}
	return errors.Join(names.Sync(), names.Close())
}

func (f *folder) remove(name string) error {
	if err := f.here().Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", f.path(name), err)
	}
	return nil
}

// removeLeftovers removes files that were being written when a run was killed. Nobody writes at the same time: the lock is
// held.
func (f *folder) removeLeftovers() error {
	opened, err := f.here().Open(".")
	if err != nil {
		return err
	}
	names, err := opened.Readdirnames(maxEntries)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempStart) && strings.HasSuffix(name, tempEnd) {
			err = errors.Join(err, f.remove(name))
		}
	}
	return errors.Join(err, opened.Close())
}

// removeEmpty removes the folders that are open from the deepest one up, as far as they are empty. The folder of all hosts
// stays: it carries the lock.
func (f *folder) removeEmpty() {
	for i := len(f.names) - 1; i > 0; i-- {
		if f.opens[i].Remove(f.names[i]) != nil {
			return // not empty
		}
	}
}

// lock keeps other processes of the module from changing files below the folder of all hosts until release is called. The
// kernel releases it when the process ends. With create the folder is made if it is absent.
func lock(ctx context.Context, root string, create bool) (release func(), err error) {
	f, err := openVar(root)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.enter(challenges, create); err != nil {
		return nil, err
	}
	file, err := f.here().Open(".")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path(""), err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	if err := filelock.Wait(ctx, file, filelock.Exclusive); err != nil {
		return nil, fmt.Errorf("%s is locked by another process of the module: %w", f.path(""), err)
	}
	return func() { _ = file.Close() }, nil
}
