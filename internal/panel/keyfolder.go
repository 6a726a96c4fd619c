package panel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"pmssl/internal/filelock"
)

const (
	// keyFolder is the folder below var with the key pairs of items whose key is being changed.
	keyFolder = "pmssl-keys"
	// keyFolderMode and keyFileMode let nobody else read.
	keyFolderMode, keyFileMode = 0o700, 0o600
	keySuffix                  = ".json"
)

// errForeign says that what stands in a place belongs to somebody else, who could read or change it.
var errForeign = errors.New("it is not root's alone")

var errReplaced = errors.New("it was replaced while it was opened")

// openKeys opens var/pmssl-keys, and makes it if create says so. The error wraps fs.ErrNotExist if it does not exist.
func (h *Host) openKeys(create bool) (*os.Root, error) {
	data, err := os.OpenRoot(h.path("var")) // which may be a symbolic link: it is the administrator's
	if err != nil {
		return nil, err
	}
	defer data.Close()
	if create {
		err := data.Mkdir(keyFolder, keyFolderMode)
		if err == nil {
			err = syncDirectory(h.path("var"))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	keys, err := openOwn(data)
	if err != nil {
		return nil, err
	}
	if err := keys.Chmod(".", keyFolderMode); err != nil {
		return nil, errors.Join(err, keys.Close())
	}
	return keys, nil
}

// openOwn opens the folder. Links are not followed: whoever can put one there would get the keys.
func openOwn(data *os.Root) (*os.Root, error) {
	found, err := data.Lstat(keyFolder)
	if err != nil {
		return nil, err
	}
	if !found.IsDir() || !own(found) {
		return nil, fmt.Errorf("%w (%s)", errForeign, found.Mode())
	}
	keys, err := data.OpenRoot(keyFolder)
	if err != nil {
		return nil, err
	}
	opened, err := keys.Stat(".")
	if err == nil && os.SameFile(found, opened) {
		return keys, nil
	}
	return nil, errors.Join(errReplaced, err, keys.Close())
}

// own reports whether a file belongs to root, or to the user that the program runs as.
func own(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && (stat.Uid == 0 || int(stat.Uid) == os.Geteuid())
}

// openKeyFile opens a file in the folder for reading. Anything but a regular file that nobody else can read is an error.
func openKeyFile(keys *os.Root, name string) (*os.File, error) {
	found, err := keys.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !found.Mode().IsRegular() {
		return nil, errNotRegular
	}
	if !own(found) || found.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w (%s)", errForeign, found.Mode())
	}
	file, err := keys.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	if err == nil && os.SameFile(found, opened) {
		return file, nil
	}
	return nil, errors.Join(errReplaced, err, file.Close())
}

// writeKeyFile writes a file so that after a crash either the former or the new one is there, whole.
func writeKeyFile(keys *os.Root, name string, content []byte) error {
	if err := removeUnfinished(keys, name); err != nil {
		return err
	}
	if err := filelock.WriteFile(keys, name, keyFileMode, filelock.Content(content), keys.Rename); err != nil {
		return err
	}
	return syncKeys(keys)
}

// removeUnfinished removes what a killed run left of the file.
func removeUnfinished(keys *os.Root, name string) error {
	return filelock.RemoveUnfinished(keys, func(_, unfinished string) bool { return unfinished == name })
}

// syncKeys makes what was created, renamed or removed in the folder last.
func syncKeys(keys *os.Root) error {
	folder, err := keys.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// keyFault returns a fault with the path and what the administrator can do. No part of a file's content is in it.
func (h *Host) keyFault(name, what string, err error) error {
	path := filepath.Join(h.path("var"), keyFolder, name)
	remedy := fileRemedy(path, err)
	if errors.Is(err, errForeign) {
		remedy = "look who made it; then chown root and chmod 600, or 700 for the folder"
	}
	// The names of files in the folder end in errors of os.Root: the path is said once.
	return keyError(path, what, strings.TrimSpace(withoutPath(err).Error()), remedy)
}
