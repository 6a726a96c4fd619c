package filelock

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// unfinished ends the name of a file that is being written.
	unfinished = ".new"
	// randomLetters is the length of rand.Text.
	randomLetters = 26
	// maxEntries is how many files of a folder RemoveUnfinished looks at.
	maxEntries = 100_000
	// maxAttempts is how often a file is created again that another process took for a leftover.
	maxAttempts = 10
)

// WriteFile writes a file of the folder whole or not at all. Write gets a file of another name, `.NAME.<random letters>.new`, which no
// other process writes and which this one keeps locked; then publish gives it the name: folder.Rename replaces a file that is there,
// folder.Link fails with fs.ErrExist. The content is on the disk before that. A killed process leaves the file for RemoveUnfinished.
func WriteFile(folder *os.Root, name string, mode fs.FileMode, write func(io.Writer) error, publish func(from, to string) error) error {
	synced := func(file *os.File) error {
		if err := write(file); err != nil {
			return err
		}
		return file.Sync()
	}
	return writeFile(folder, name, mode, synced, publish)
}

// writeFile is WriteFile without waiting for the disk.
func writeFile(folder *os.Root, name string, mode fs.FileMode, write func(*os.File) error, publish func(from, to string) error) error {
	file, temporary, err := createUnfinished(folder, name, mode)
	if err != nil {
		return err
	}
	if err = write(file); err == nil {
		err = publish(temporary, name)
	}
	// After folder.Rename the name is free. It is removed while the file is locked, so that nobody else removes another one.
	if removed := folder.Remove(temporary); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return errors.Join(err, file.Close())
}

// Content returns a function for WriteFile and ReplaceFile that writes the content.
func Content(content []byte) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	}
}

// ReplaceFile replaces the file at the path whole or not at all, as WriteFile does, and removes first what ended processes left of
// earlier replacements. The new content and its name are on the disk when it returns. It is for folders in which `NAME.new` is no
// person's file.
func ReplaceFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	return replace(path, func(folder *os.Root, name string) error {
		if err := WriteFile(folder, name, mode, write, folder.Rename); err != nil {
			return err
		}
		dir, err := folder.Open(".")
		if err != nil {
			return err
		}
		return errors.Join(dir.Sync(), dir.Close())
	})
}

// ReplaceCache is ReplaceFile for a file whose loss does not matter: it does not wait for the disk. Other processes see the old content
// or the new one, whole; after a crash of the host the file may be empty, and its readers have to accept that.
func ReplaceCache(path string, mode fs.FileMode, write func(io.Writer) error) error {
	return replace(path, func(folder *os.Root, name string) error {
		return writeFile(folder, name, mode, func(file *os.File) error { return write(file) }, folder.Rename)
	})
}

// replace opens the folder of a path, removes what ended processes left of earlier replacements, and calls write with the file's name.
func replace(path string, write func(folder *os.Root, name string) error) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	name := filepath.Base(path)
	if err := RemoveUnfinished(folder, func(_, of string) bool { return of == name }); err != nil {
		return err
	}
	return write(folder, name)
}

// createUnfinished creates a file for a name and locks it. Between the two another process may take it for a leftover and remove it.
func createUnfinished(folder *os.Root, name string, mode fs.FileMode) (*os.File, string, error) {
	for range maxAttempts {
		temporary := "." + name + "." + rand.Text() + unfinished
		file, err := folder.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, "", err
		}
		// A file system without locks is one on which RemoveUnfinished removes nothing.
		if free, err := Try(file, Exclusive); err != nil || free && sameIn(folder, file, temporary) {
			return file, temporary, nil
		}
		_ = file.Close()
	}
	return nil, "", fmt.Errorf("%s: another process removes each file that is created for it", name)
}

// UnfinishedName returns the name that a file is written for (WriteFile), from the name that it has until then; false if it is no such
// name. Earlier versions wrote `.NAME.new` and `NAME.new`, which are such names too.
func UnfinishedName(entry string) (name string, is bool) {
	name, is = strings.CutSuffix(strings.TrimPrefix(entry, "."), unfinished)
	if at := len(name) - randomLetters; at > 0 && name[at-1] == '.' && isRandom(name[at:]) {
		name = name[:at-1]
	}
	return name, is && name != ""
}

// isRandom reports whether the text has only letters of rand.Text (base32).
func isRandom(text string) bool {
	return strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// RemoveUnfinished removes the files of the folder that ended processes left while they wrote a file whose name ours accepts. What a
// running process writes stays. Where people have files too, ours is to refuse entries without a dot in front: `NAME.new` may be theirs.
func RemoveUnfinished(folder *os.Root, ours func(entry, name string) bool) error {
	dir, err := folder.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for _, entry := range entries {
		if name, is := UnfinishedName(entry.Name()); !is || !ours(entry.Name(), name) {
			continue
		}
		if err := removeAbandoned(folder, entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeAbandoned removes a file unless a process has it locked. What is no regular file was not written by WriteFile.
func removeAbandoned(folder *os.Root, name string) error {
	info, err := folder.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return folder.Remove(name)
	}
	file, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	if free, err := Try(file, Exclusive); err != nil || !free || !sameIn(folder, file, name) {
		return nil
	}
	return folder.Remove(name)
}

// sameIn reports whether the name in the folder still means the open file.
func sameIn(folder *os.Root, file *os.File, name string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := folder.Lstat(name)
	return err == nil && os.SameFile(open, there)
}
