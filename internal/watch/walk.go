package watch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"pmssl/internal/filelock"
)

// Walk reads what earlier runs remembered line by line, for whoever shows all items and must not hold them in memory.
type Walk struct {
	file  *os.File
	lines *bufio.Reader
	now   time.Time
	next  Seen
	have  bool
}

// Walker offers a Walk. Watcher is one.
type Walker interface {
	// Walk opens the file; a Walk over nothing if it is absent. An error says why it cannot be used.
	Walk(now time.Time) (*Walk, error)
}

var _ Walker = (*Watcher)(nil)

// Walk implements Walker.
func (w *Watcher) Walk(now time.Time) (*Walk, error) {
	file, err := filelock.OpenRegular(w.o.State, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &Walk{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", w.o.State, err)
	}
	walk := &Walk{file: file, lines: bufio.NewReaderSize(io.LimitReader(file, maxState), 64<<10), now: now}
	first, err := readLine(walk.lines)
	var head header
	if err != nil && err != io.EOF || json.Unmarshal(first, &head) != nil || head.Version != stateVersion {
		return nil, errors.Join(fmt.Errorf("%s cannot be used: its first line is not that of such a file", w.o.State), file.Close())
	}
	return walk, nil
}

// Seen returns what is remembered about the item; false if nothing is. The items must be asked for in ascending order, in which the
// file has them; lines that stand out of that order are left out.
func (w *Walk) Seen(it int64) (Seen, bool) {
	for w.lines != nil {
		if w.have && w.next.Item >= it {
			break
		}
		text, err := readLine(w.lines)
		if seen, ok := parseSeen(text); ok && !seen.Looked.After(w.now) && (!w.have || seen.Item > w.next.Item) {
			w.next, w.have = seen, true
		}
		if err != nil {
			w.lines = nil
		}
	}
	return w.next, w.have && w.next.Item == it
}

// Close closes the file.
func (w *Walk) Close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}
