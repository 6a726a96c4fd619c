package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"pmssl/internal/filelock"
)

// What WriteTemplates did with a file.
const (
	Written   = "written"   // it did not exist
	Updated   = "updated"   // it was the text of an earlier version that nobody edited
	Unchanged = "unchanged" // it has this text already
	Kept      = "kept"      // somebody edited it, or it is no regular file
)

// WrittenFile is what WriteTemplates did with one file.
type WrittenFile struct {
	Name, Result string
}

// WriteTemplates writes the built-in templates and the page about their fields into the folder, which it makes if only the folder
// itself is missing. It overwrites no file that was edited and follows no link in the folder, and a file appears with its whole
// text or not at all. Running it again completes what an interruption left, and two runs at once do not meet.
func WriteTemplates(folder string) ([]WrittenFile, error) {
	root, err := openFolder(folder)
	if err != nil {
		return nil, bare(err)
	}
	defer root.Close()
	entries, err := builtin.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	// A draft of the administrator, such as prove.en.txt.new, has no dot in front.
	err = filelock.RemoveUnfinished(root, func(unfinished, name string) bool {
		return strings.HasPrefix(unfinished, ".") && slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == name })
	})
	if err != nil {
		return nil, bare(err)
	}
	var all []WrittenFile
	for _, entry := range entries {
		text, err := builtin.ReadFile(path.Join("templates", entry.Name()))
		if err != nil {
			return all, err
		}
		result, err := writeFile(root, entry.Name(), string(text))
		if errors.Is(err, fs.ErrExist) { // another run has written it meanwhile
			result, err = writeFile(root, entry.Name(), string(text))
		}
		if err != nil {
			return all, fmt.Errorf("%s: %w", filepath.Join(folder, entry.Name()), bare(err))
		}
		all = append(all, WrittenFile{entry.Name(), result})
	}
	return all, nil
}

// openFolder opens the folder, and makes it if it is missing in a folder that exists.
func openFolder(folder string) (*os.Root, error) {
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.OpenRoot(folder)
}

// writeFile writes one file unless it is there, and returns what was done.
func writeFile(root *os.Root, name, text string) (string, error) {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Written, place(root, name, text, root.Link)
	case err != nil:
		return "", err
	case !info.Mode().IsRegular() || info.Size() > maxTemplate:
		return Kept, nil
	}
	present, err := root.ReadFile(name)
	switch {
	case err != nil:
		return "", err
	case string(present) == text:
		return Unchanged, nil
	case !isShipped(shippedSums, name, strings.ReplaceAll(string(present), "\r\n", "\n")):
		return Kept, nil
	}
	return Updated, place(root, name, text, root.Rename)
}

// place writes the text into a file of another name and has publish give it its own: root.Link, which fails if a file has that name
// by now, or root.Rename, which replaces it.
func place(root *os.Root, name, text string, publish func(from, to string) error) error {
	return filelock.WriteFile(root, name, 0o644, filelock.Content([]byte(text)), publish)
}

// bare returns a file system error without its paths.
func bare(err error) error {
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		return one.Err
	case errors.As(err, &two):
		return two.Err
	}
	return err
}
