package crl

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
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
)

const (
	// folderMode and fileMode let nobody else write what the module reads again.
	folderMode, fileMode = 0o700, 0o600
	// indexName is the file with what is known about the lists. indexVersion is its form.
	indexName    = "index"
	indexVersion = 1
	maxIndex     = 4 << 20 // bytes
	// maxLists is how many lists are known at once, maxKept how many bytes of lists are kept. A panel has certificates of a few
	// CAs, and a CA spreads its certificates over some hundred lists at most.
	maxLists = 1000
	maxKept  = 256 << 20
	// maxEntries is how many files of the folder are looked at.
	maxEntries = 10_000

	copySuffix = ".crl"
)

// known is what is known about one list between runs.
type known struct {
	Name    string    `json:"name"` // of its copy, without suffix
	URL     string    `json:"url"`  // for people
	Size    int64     `json:"size"` // of the copy in bytes; 0 if none is kept
	Fetched time.Time `json:"fetched,omitzero"`
	Tried   time.Time `json:"tried,omitzero"`
	// Failing is since when the list cannot be fetched, Why is the reason; zero if it can.
	Failing time.Time `json:"failing,omitzero"`
	Why     string    `json:"why,omitempty"`

	asked bool // in this run
}

// index is the content of the file.
type index struct {
	Version int      `json:"version"`
	Lists   []*known `json:"lists"`
}

// folder is the folder of the copies. Without a root nothing is read and nothing kept.
type folder struct {
	root     *os.Root
	readOnly bool
}

// openFolder opens the folder, and makes it unless readOnly. What another user made is refused.
func openFolder(path string, readOnly bool) (folder, error) {
	above, err := os.OpenRoot(filepath.Dir(path)) // which may be a symbolic link: it is the administrator's
	if err != nil {
		return folder{}, err
	}
	defer above.Close()
	name := filepath.Base(path)
	if !readOnly {
		if err := above.Mkdir(name, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return folder{}, err
		}
	}
	root, err := openOwn(above, name)
	switch {
	case readOnly && errors.Is(err, fs.ErrNotExist):
		return folder{}, nil
	case err != nil:
		return folder{}, fmt.Errorf("%s: %w", path, err)
	}
	if !readOnly {
		if err := root.Chmod(".", folderMode); err != nil {
			_ = root.Close()
			return folder{}, err
		}
	}
	return folder{root, readOnly}, nil
}

// openOwn opens a folder of root or of this process.
func openOwn(above *os.Root, name string) (*os.Root, error) {
	found, err := above.Lstat(name)
	if err != nil {
		return nil, err
	}
	if stat, known := found.Sys().(*syscall.Stat_t); !found.IsDir() || !known || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("it is not a folder of root (%s), and links are not followed: remove it", found.Mode())
	}
	root, err := above.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil && !os.SameFile(found, opened) {
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

// read returns the content of a regular file of at most limit bytes.
func (f folder) read(name string, limit int64) ([]byte, error) {
	if f.root == nil {
		return nil, fs.ErrNotExist
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", name, info.Size(), limit)
	}
	content := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	_, err = content.ReadFrom(io.LimitReader(file, limit))
	return content.Bytes(), err
}

// write replaces a file. A reader sees the old content or the new one.
func (f folder) write(name string, content []byte) error {
	if f.root == nil || f.readOnly {
		return nil
	}
	return filelock.WriteFile(f.root, name, fileMode, filelock.Content(content), f.root.Rename)
}

// remove removes a file if it is there.
func (f folder) remove(name string) error {
	if f.root == nil || f.readOnly {
		return nil
	}
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeOthers removes the files of the module that are not copies of these lists, and what a killed run left.
func (f folder) removeOthers(lists map[string]*known) error {
	if f.root == nil || f.readOnly {
		return nil
	}
	if err := filelock.RemoveUnfinished(f.root, func(_, name string) bool { return name == indexName || isCopy(name) }); err != nil {
		return err
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries)
	if err != nil && err != io.EOF {
		return err
	}
	for _, entry := range entries {
		if !isLeftover(entry.Name(), lists) {
			continue
		}
		if err := f.remove(entry.Name()); err != nil {
			return err
		}
	}
	return nil
}

// isCopy reports whether a file has the name of a copy.
func isCopy(file string) bool {
	name, copied := strings.CutSuffix(file, copySuffix)
	return copied && isName(name)
}

// isLeftover reports whether a file has the name of a copy and is no copy of these lists.
func isLeftover(file string, lists map[string]*known) bool {
	name := strings.TrimSuffix(file, copySuffix)
	return isCopy(file) && (lists[name] == nil || lists[name].Size == 0)
}

// readIndex returns what is known about lists, by the names of their copies. What cannot be read is unknown: those lists are
// fetched again.
func (f folder) readIndex(now time.Time) (map[string]*known, error) {
	lists := map[string]*known{}
	raw, err := f.read(indexName, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return lists, nil
	}
	var read index
	if err == nil {
		err = json.Unmarshal(raw, &read)
	}
	if err == nil && read.Version != indexVersion {
		err = errors.New("it has another form")
	}
	if err != nil {
		return lists, fmt.Errorf("%s cannot be used, all lists are fetched again: %w", indexName, err)
	}
	for _, l := range read.Lists {
		if l == nil || !isName(l.Name) || len(lists) == maxLists {
			continue
		}
		// A time in the future was written before the clock was set back, and counts as none.
		for _, at := range []*time.Time{&l.Fetched, &l.Tried, &l.Failing} {
			if at.After(now) {
				*at = time.Time{}
			}
		}
		l.Size = min(max(l.Size, 0), maxList)
		l.URL, l.Why = line(l.URL), line(l.Why)
		lists[l.Name] = l
	}
	return lists, nil
}

// isName reports whether a text has the form of a list's name: the SHA-256 of what identifies the list, in hex.
func isName(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == 32 && text == hex.EncodeToString(raw)
}
