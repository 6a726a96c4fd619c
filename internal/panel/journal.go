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
	// maxJournalLine is the limit of a line in bytes; a purchase takes about 280.
	maxJournalLine = 64 << 10
	// maxJournal is the limit of the journal in bytes: more than three million purchases. The index has its places as 32-bit numbers.
	maxJournal = 1 << 30
	// maxDamaged is how many damaged lines are named.
	maxDamaged = 1000
	// journalLockTries is the number of tries, ten each second, to take the journal's lock.
	journalLockTries = 100
)

// journalName returns the path of the purchase journal.
func (h *Host) journalName() string { return h.path(filepath.Join("var", h.o.Binary+".purchases")) }

// EachPurchase calls f with each entry of the account in the purchase journal var/<bin>.purchases, the oldest first (rules BUY-2); an absent
// journal is an empty one. Damaged lines are left out, because a crash may have cut off the last one, and logged once in a process. If the
// file cannot be read, EachPurchase returns a fault, because a purchase in it could be made again. f must not use the journal.
func (h *Host) EachPurchase(ctx context.Context, account string, f func(item.JournalEntry)) error {
	same := map[string]string{}
	return h.eachOfAccount(ctx, account, func(entry shortEntry) { f(entry.whole(same)) })
}

// eachOfAccount calls f with each entry of the account, which is valid during the call.
func (h *Host) eachOfAccount(ctx context.Context, account string, f func(shortEntry)) error {
	return h.readJournal(ctx, func(file *os.File) (journalDamage, error) {
		info, err := journalInfo(file)
		if err != nil {
			return journalDamage{}, err
		}
		return eachEntry(io.NewSectionReader(file, 0, info.Size()), func(entry shortEntry, _ int64) {
			if string(entry.account) == account {
				f(entry)
			}
		})
	})
}

// readJournal opens the journal under its lock and calls do with it; not at all if there is no journal. It logs the damage.
func (h *Host) readJournal(ctx context.Context, do func(file *os.File) (journalDamage, error)) error {
	file, err := openJournal(h.journalName(), os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return h.journalFault("read", err)
	}
	defer file.Close()
	if err := h.flock(ctx, file, filelock.Shared); err != nil {
		h.log.Warningf("the journal is read without its lock: %v", err)
	}
	damage, err := do(file)
	h.logDamage(file.Name(), damage)
	if err != nil {
		return h.journalFault("read", err)
	}
	return nil
}

// journalInfo returns the state of the open journal. A journal that is too long is an error.
func journalInfo(file *os.File) (fs.FileInfo, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxJournal {
		return nil, fmt.Errorf("it has %d bytes, %w of %d", info.Size(), errTooLong, maxJournal)
	}
	return info, nil
}

// logDamage logs what is wrong with lines, and was not logged by this process.
func (h *Host) logDamage(name string, damage journalDamage) {
	known := h.o.Journal
	known.mu.Lock()
	defer known.mu.Unlock()
	for _, one := range damage.all() {
		text := one.Error()
		if known.logged[text] || len(known.logged) > maxDamaged {
			continue
		}
		if known.logged == nil {
			known.logged = map[string]bool{}
		}
		known.logged[text] = true
		h.log.Errorf("%s: %s", name, text)
	}
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

// journalDamage is what is wrong with the lines of a journal.
type journalDamage struct {
	named   []error // for each of the first maxDamaged lines that are no entries, with its number
	unnamed int     // damaged lines beyond them
}

// add notes a line that is not an entry.
func (d *journalDamage) add(format string, args ...any) {
	if len(d.named) == maxDamaged {
		d.unnamed++
		return
	}
	d.named = append(d.named, fmt.Errorf(format, args...))
}

// all returns the errors, with one for all lines that have none of their own.
func (d *journalDamage) all() []error {
	if d.unnamed == 0 {
		return d.named
	}
	return append(d.named[:len(d.named):len(d.named)], fmt.Errorf("%d more lines are no purchases and left out", d.unnamed))
}

// journalLine is one line of a journal.
type journalLine struct {
	number  int   // from 1
	at      int64 // where it begins
	text    []byte
	tooLong bool
	ended   bool // by a line feed: else it is the last one
}

// damage notes what is wrong with the line, which is not an entry.
func (l journalLine) damage(d *journalDamage, wrong error) {
	switch {
	case l.tooLong:
		d.add("line %d is longer than %d bytes and left out", l.number, maxJournalLine)
	case len(l.text) == 0:
	case !l.ended:
		d.add("line %d, the last one, is incomplete and left out: %w", l.number, wrong)
	default:
		d.add("line %d is not a purchase and left out: %w", l.number, wrong)
	}
}

// eachLine calls do for each line, without the space around it. The text is valid during the call. It returns an error only if text cannot
// be read.
func eachLine(text io.Reader, do func(journalLine)) error {
	reader := bufio.NewReaderSize(text, maxJournalLine)
	for l := (journalLine{number: 1}); ; l.number++ {
		line, err := reader.ReadSlice('\n')
		read := int64(len(line))
		l.tooLong = errors.Is(err, bufio.ErrBufferFull)
		if l.tooLong {
			line = nil // the reader uses its place again
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = reader.ReadSlice('\n')
			read += int64(len(more))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		l.text, l.ended = bytes.TrimSpace(line), err == nil
		do(l)
		if !l.ended {
			return nil
		}
		l.at += read
	}
}

// eachEntry calls do for each entry of a journal, with where its line begins.
func eachEntry(text io.Reader, do func(entry shortEntry, at int64)) (damage journalDamage, err error) {
	err = eachLine(text, func(l journalLine) {
		entry, wrong := readEntry(l.text)
		if wrong != nil {
			l.damage(&damage, wrong)
			return
		}
		do(entry, l.at)
	})
	return damage, err
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
