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
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
)

const (
	// maxJournalLine is the longest line that is taken for a purchase, in bytes; ours have about 150.
	maxJournalLine = 64 << 10
	// maxJournal is the longest journal that is read, in bytes: some 500,000 purchases.
	maxJournal = 64 << 20
	// journalPatience is how often, ten times a second, the journal's lock is asked for.
	journalPatience = 100
)

func (h *Host) journalName() string { return h.path(filepath.Join("var", h.o.Binary+".purchases")) }

// Journal reads the purchase journal var/<bin>.purchases, oldest line first (rules BUY-2); empty if nothing was ever
// bought. Lines that cannot be read are named in the log and left out: the last one may be torn by a crash. A journal
// that cannot be read at all is a fault: without it nobody knows what was bought.
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
	info, err := file.Stat()
	if err != nil {
		return nil, h.journalFault("read", err)
	}
	if info.Size() > maxJournal {
		return nil, h.journalFault("read", fmt.Errorf("it has %d bytes, %w of %d", info.Size(), errTooLong, maxJournal))
	}
	stamp := journalStamp{info.Size(), info.ModTime()}
	if h.journal.stamp == stamp { // a sweep reads it for each of its items
		return h.journal.lines, nil
	}
	lines, problems, err := parseJournal(io.LimitReader(file, maxJournal))
	if err != nil {
		return nil, h.journalFault("read", err)
	}
	for _, complaint := range problems {
		h.log.Errorf("%s: %v", file.Name(), complaint)
	}
	h.journal.stamp, h.journal.lines = stamp, lines
	return lines, nil
}

// journalStamp reports whether the journal is the one that was read last.
type journalStamp struct {
	size    int64
	changed time.Time
}

// journalRead is the journal as it was read last.
type journalRead struct {
	stamp journalStamp
	lines []item.JournalEntry
}

// AppendJournal adds a line to the journal by one write and syncs it to disk, the directory too when the file is new. A
// torn line that a crash left at the end is ended first.
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

// appendLine writes under the journal's lock. Where the lock cannot be had it writes all the same: what was bought must
// be recorded, and one short write to a file opened for appending is not torn by another one.
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
		h.log.Errorf("%s: the last line is torn, a crash cut it off; the new line begins behind it", file.Name())
		text = append([]byte{'\n'}, text...)
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}

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

// openJournal opens the file, 0600. A symbolic link or anything but a regular file is refused: purchases must not be
// written where somebody else points to.
func openJournal(name string, flags int) (*os.File, error) {
	file, err := filelock.OpenRegular(name, flags, 0o600)
	var other *filelock.NotRegularError
	switch {
	case errors.As(err, &other) && other.Symlink():
		return nil, fmt.Errorf("it is a symbolic link, %w", errNoFile)
	case errors.As(err, &other):
		return nil, fmt.Errorf("it is no file, %w", errNoFile)
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

// flock takes the lock of the open file and gives up after ten seconds.
func (h *Host) flock(ctx context.Context, file *os.File, mode filelock.Mode) error {
	for try := 1; ; try++ {
		free, err := filelock.Try(file, mode)
		switch {
		case free || err != nil:
			return err
		case try == journalPatience:
			return fmt.Errorf("lock %s: another process holds it", file.Name())
		}
		if err := h.o.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func syncDirectory(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// parseJournal reads the lines. Complaints name lines that are no purchase, by their number.
func parseJournal(text io.Reader) (lines []item.JournalEntry, problems []error, err error) {
	reader := bufio.NewReaderSize(text, maxJournalLine)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		ended := err == nil
		switch bought, wrong := parseEntry(bytes.TrimSpace(line)); {
		case tooLong:
			problems = append(problems, fmt.Errorf("line %d is longer than %d bytes and left out", number, maxJournalLine))
		case len(bytes.TrimSpace(line)) == 0:
		case wrong != nil && !ended:
			problems = append(problems, fmt.Errorf("line %d, the last one, is torn and left out: %w", number, wrong))
		case wrong != nil:
			problems = append(problems, fmt.Errorf("line %d is not a purchase and left out: %w", number, wrong))
		default:
			lines = append(lines, bought)
		}
		if !ended {
			return lines, problems, nil
		}
	}
}

func parseEntry(line []byte) (item.JournalEntry, error) {
	var bought item.JournalEntry
	if err := json.Unmarshal(line, &bought); err != nil {
		return item.JournalEntry{}, err
	}
	if bought.Item <= 0 || bought.ID <= 0 {
		return item.JournalEntry{}, errors.New("it names no item or no id at the seller")
	}
	return bought, nil
}

// journalFault returns the error that names the file and what mends it. No program can: nothing is bought while the journal
// cannot be read.
func (h *Host) journalFault(what string, err error) error {
	name := h.journalName()
	return fault.Errorf(fault.Panel, "purchases", "the purchase journal %s cannot be %s (%w): %s", name, what, withoutPath(err), fileRemedy(name, err)).Retryable()
}
