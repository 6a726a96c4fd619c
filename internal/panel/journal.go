package panel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
)

const (
	// maxJournalLine is the limit of a line in bytes; a purchase takes about 150.
	maxJournalLine = 64 << 10
	// maxJournal is the limit of the journal in bytes: about 500,000 purchases.
	maxJournal = 64 << 20
	// maxDamaged is how many damaged lines are named.
	maxDamaged = 1000
	// journalLockTries is the number of tries, ten each second, to take the journal's lock.
	journalLockTries = 100
)

// journalName returns the path of the purchase journal.
func (h *Host) journalName() string { return h.path(filepath.Join("var", h.o.Binary+".purchases")) }

// Journal reads the purchase journal var/<bin>.purchases, oldest entry first (rules BUY-2); an absent journal is an empty one.
// Damaged lines are logged and left out: a crash may have cut off the last one. If the file cannot be read, Journal returns a
// fault, because a purchase in it could be made again.
func (h *Host) Journal(ctx context.Context) ([]item.JournalEntry, error) {
	file, err := openJournal(h.journalName(), os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, h.journalFault("read", err)
	}
	defer file.Close()
	if err := h.flock(ctx, file, filelock.Shared); err != nil {
		h.log.Warningf("the journal is read without its lock: %v", err)
	}
	stamp, err := h.journalStamp(file)
	if err != nil {
		return nil, err
	}
	cache := h.o.Journal
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if cache.stamp == stamp { // unchanged; a sweep reads the journal for each of its items
		return slices.Clip(cache.entries), nil // who appends to them must not write behind them
	}
	content, err := parseJournal(io.NewSectionReader(file, 0, maxJournal))
	if err != nil {
		return nil, h.journalFault("read", err)
	}
	for _, damage := range content.Damaged {
		h.log.Errorf("%s: %v", file.Name(), damage)
	}
	cache.stamp, cache.entries = stamp, content.Entries
	return slices.Clip(content.Entries), nil
}

// journalStamp identifies a state of the journal file: another size or time means that it was changed.
type journalStamp struct {
	size    int64
	changed time.Time
}

// journalStamp returns the state of the open journal. One that is too long is a fault.
func (h *Host) journalStamp(file *os.File) (journalStamp, error) {
	info, err := file.Stat()
	if err == nil && info.Size() > maxJournal {
		err = fmt.Errorf("it has %d bytes, %w of %d", info.Size(), errTooLong, maxJournal)
	}
	if err != nil {
		return journalStamp{}, h.journalFault("read", err)
	}
	return journalStamp{info.Size(), info.ModTime()}, nil
}

// Journal is the purchase journal as it was read last. The zero value was not read. It is safe for concurrent use; nobody changes the
// entries.
type Journal struct {
	mu      sync.Mutex
	stamp   journalStamp
	entries []item.JournalEntry
}

// AppendJournal adds an entry to the journal by one write and syncs it to disk; the directory too if the file is new. It first
// ends a line that a crash cut off.
func (h *Host) AppendJournal(ctx context.Context, line item.JournalEntry) error {
	text, err := json.Marshal(line)
	if err != nil {
		return h.journalFault("written", err)
	}
	name := h.journalName()
	_, err = os.Lstat(name)
	fresh := errors.Is(err, os.ErrNotExist)
	file, err := openJournal(name, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return h.journalFault("written", err)
	}
	err = h.appendLine(ctx, file, text)
	if err = errors.Join(err, file.Close()); err != nil {
		return h.journalFault("written", err)
	}
	if fresh {
		if err := syncDirectory(filepath.Dir(name)); err != nil {
			return h.journalFault("written", err)
		}
	}
	return nil
}

// appendLine writes the line under the journal's lock. If it cannot take the lock, it writes without it: a purchase must be
// recorded, and one short write to a file opened for appending is not mixed with another one.
func (h *Host) appendLine(ctx context.Context, file *os.File, text []byte) error {
	if err := h.flock(context.WithoutCancel(ctx), file, filelock.Exclusive); err != nil {
		h.log.Warningf("the journal is written without its lock: %v", err)
	}
	torn, err := endsTorn(file)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if torn {
		h.log.Errorf("%s: the last line is incomplete, a crash cut it off; the new line begins behind it", file.Name())
		text = append([]byte{'\n'}, text...)
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

// endsTorn reports whether the file ends inside a line.
func endsTorn(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// openJournal opens the file with the mode 0600. It refuses a symbolic link and anything but a regular file: purchases must not be
// written to a place that somebody else chose.
func openJournal(name string, flags int) (*os.File, error) {
	file, err := filelock.OpenRegular(name, flags, 0o600)
	var other *filelock.NotRegularError
	switch {
	case errors.As(err, &other) && other.Symlink():
		return nil, fmt.Errorf("it is a symbolic link, %w", errNotRegular)
	case errors.As(err, &other):
		return nil, fmt.Errorf("it is %w", errNotRegular)
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && flags&os.O_CREATE != 0 && info.Mode().Perm()&^fs.FileMode(0o600) != 0 {
		err = file.Chmod(0o600)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// flock takes the lock of the open file. It returns an error after ten seconds.
func (h *Host) flock(ctx context.Context, file *os.File, mode filelock.Mode) error {
	for try := 1; ; try++ {
		free, err := filelock.Try(file, mode)
		switch {
		case free || err != nil:
			return err
		case try == journalLockTries:
			return fmt.Errorf("lock %s: another process holds it", file.Name())
		}
		if err := h.o.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// syncDirectory syncs a directory, so that a new file in it survives a crash.
func syncDirectory(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// journalContent is the content of a journal.
type journalContent struct {
	Entries []item.JournalEntry
	// Damaged has an error for each of the first maxDamaged lines that are no entries, with its number, and one for all others.
	Damaged []error
	unnamed int // damaged lines beyond maxDamaged
}

// damaged notes a line that is not an entry.
func (c *journalContent) damaged(format string, args ...any) {
	if len(c.Damaged) == maxDamaged {
		c.unnamed++
		return
	}
	c.Damaged = append(c.Damaged, fmt.Errorf(format, args...))
}

// complete returns the content once the last line was read.
func (c journalContent) complete() journalContent {
	if c.unnamed > 0 {
		c.Damaged = append(c.Damaged, fmt.Errorf("%d more lines are no purchases and left out", c.unnamed))
	}
	return c
}

// parseJournal reads the lines of a journal. It returns an error only if text cannot be read. A sweep keeps the entries in memory:
// their number is counted first, so that no space is wasted, and texts that most lines share are kept once.
func parseJournal(text io.ReadSeeker) (journalContent, error) {
	most, err := countEntries(text)
	if err != nil {
		return journalContent{}, err
	}
	reader := bufio.NewReaderSize(text, maxJournalLine)
	content := journalContent{Entries: make([]item.JournalEntry, 0, most)}
	same := map[string]string{}
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return journalContent{}, err
		}
		ended := err == nil
		switch entry, wrong := parseEntry(bytes.TrimSpace(line)); {
		case tooLong:
			content.damaged("line %d is longer than %d bytes and left out", number, maxJournalLine)
		case len(bytes.TrimSpace(line)) == 0:
		case wrong != nil && !ended:
			content.damaged("line %d, the last one, is incomplete and left out: %w", number, wrong)
		case wrong != nil:
			content.damaged("line %d is not a purchase and left out: %w", number, wrong)
		default:
			entry.Kind, entry.Account = once(same, entry.Kind), once(same, entry.Account)
			content.Entries = append(content.Entries, entry)
		}
		if !ended {
			return content.complete(), nil
		}
	}
}

// countEntries counts the lines that are long enough for an entry, and goes back to the first one.
func countEntries(text io.ReadSeeker) (int, error) {
	reader := bufio.NewReaderSize(text, maxJournalLine)
	for n := 0; ; {
		line, err := reader.ReadSlice('\n')
		if len(line) >= len(`{"item":1,"id":2}`) {
			n++
		}
		switch {
		case errors.Is(err, io.EOF):
			_, err = text.Seek(0, io.SeekStart)
			return n, err
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}

// once returns the first text that was equal to this one.
func once(known map[string]string, text string) string {
	if first, there := known[text]; there {
		return first
	}
	known[text] = text
	return text
}

// parseEntry reads one line of the journal.
func parseEntry(line []byte) (item.JournalEntry, error) {
	var entry item.JournalEntry
	if err := json.Unmarshal(line, &entry); err != nil {
		return item.JournalEntry{}, err
	}
	if entry.Item <= 0 || entry.ID <= 0 {
		return item.JournalEntry{}, errors.New("it names no item or no id at the seller")
	}
	return entry, nil
}

// journalFault returns a fault with the file's path and what the administrator can do. Nothing is bought while the journal cannot
// be read.
func (h *Host) journalFault(what string, err error) error {
	name := h.journalName()
	return fault.Errorf(fault.Panel, "purchases", "the purchase journal %s cannot be %s (%w): %s", name, what, withoutPath(err), fileRemedy(name, err)).Retryable()
}
