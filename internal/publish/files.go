package publish

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
)

// Limits of the files.
const (
	maxConfFiles  = 100
	maxConfFile   = 256 << 10
	maxSecretFile = 4 << 10
)

// ReadFiles reads the configuration files *.conf of a folder, in the order of their names. Without the folder nothing is
// configured. Each file has to be a regular one of root, or of the user that the program runs as, with mode 0600: who can
// change it decides whose names are published. The error is about the first file that is not; the others come with it.
func ReadFiles(folder string) ([]ConfFile, error) {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of the publishers: %w", err)
	}
	if err := guarded(folder, info, 0o022); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("the folder of the publishers: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || filepath.Ext(e.Name()) != ".conf"
	})
	if len(entries) > maxConfFiles {
		return nil, fmt.Errorf("%s holds more than %d files *.conf", folder, maxConfFiles)
	}
	var files []ConfFile
	for _, entry := range entries {
		name := filepath.Join(folder, entry.Name())
		text, failed := readGuarded(name, maxConfFile)
		if failed != nil {
			err = cmp.Or(err, failed)
			continue
		}
		files = append(files, ConfFile{Name: name, Text: text})
	}
	return files, err
}

// ReadSecret reads a file that holds one secret in one line: a key, a password. The same rules as for configuration files
// hold. The content is part of no error.
func ReadSecret(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s is no absolute path", quoted(path))
	}
	text, err := readGuarded(path, maxSecretFile)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(text)
	if secret == "" {
		return "", fmt.Errorf("%s is empty: write the secret into its first line", path)
	}
	if strings.ContainsFunc(secret, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", fmt.Errorf("%s holds more than one line, or characters that do not print: write the secret alone into it", path)
	}
	return secret, nil
}

// readGuarded reads a file that nobody but root and the program's user can read or change.
func readGuarded(path string, limit int64) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) // a FIFO must not hang the command
	if errors.Is(err, syscall.ELOOP) {
		return "", fmt.Errorf("%s is a symbolic link: put the file itself there", path)
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", path)
	}
	if err := guarded(path, info, 0o177); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(text)) > limit {
		return "", fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return string(text), nil
}

// guarded refuses what belongs to another user, or has one of the bits of mode.
func guarded(path string, info fs.FileInfo, bits fs.FileMode) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s does not belong to root: run chown root:root %s", path, path)
	}
	if mode := info.Mode().Perm(); mode&bits != 0 {
		wanted := "600"
		if info.IsDir() {
			wanted = "700"
		}
		return fmt.Errorf("%s has the mode %04o, others could read or change it: run chmod %s %s", path, mode, wanted, path)
	}
	return nil
}
