package panel

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"pmssl/internal/item"
	"pmssl/internal/sorting"
)

const (
	// placesOfPart is how many places a part of the index has.
	placesOfPart = 8192
	// maxJournalTail is how many bytes before its end show that a journal has only grown.
	maxJournalTail = 64
)

// Journal is the index of the purchase journal as it was read last. The zero value was not read. It is safe for concurrent use.
type Journal struct {
	mu    sync.Mutex
	index journalIndex
}

// journalIndex says where the lines of the journal are: twelve bytes for each purchase, so that a sweep, which asks for the lines of one
// item after the other, reads the file once and keeps little of it.
type journalIndex struct {
	info  fs.FileInfo // of the file; nil before it was read
	end   int64       // the lines before it are ended
	tail  []byte      // the bytes before it
	lines int         // that are ended
	parts []*[placesOfPart]journalPlace
	count int // places
}

// journalPlace says which entry a line has. Item and id are cut to 32 bits: the line itself decides.
type journalPlace struct{ item, id, at uint32 }

// JournalOf returns the entries of the purchase journal about the item or one of the ids, and all about the ids that the item's entries
// name, the oldest first. What Journal does with damaged lines and errors is done here too, but a damaged line is logged once.
func (h *Host) JournalOf(ctx context.Context, it int64, ids ...int64) (found []item.JournalEntry, err error) {
	err = h.readJournal(ctx, func(file *os.File, size int64) error {
		h.o.Journal.mu.Lock()
		defer h.o.Journal.mu.Unlock()
		index := &h.o.Journal.index
		damage, err := index.update(file, size)
		h.logDamage(file.Name(), damage)
		if err != nil {
			return err
		}
		found, damage, err = index.entriesOf(io.NewSectionReader(file, 0, size), it, ids)
		h.logDamage(file.Name(), damage)
		return err
	})
	return found, err
}

// JournalOwners returns the item that the journal's last entry about each id of the account names, by id. It treats damaged lines and errors
// as Journal does.
func (h *Host) JournalOwners(ctx context.Context, account string) (map[int64]int64, error) {
	owners := map[int64]int64{}
	err := h.readJournal(ctx, func(file *os.File, size int64) error {
		var damage journalDamage
		err := eachLine(io.NewSectionReader(file, 0, size), func(l journalLine) {
			entry, wrong := shortEntry(l.text)
			switch {
			case wrong != nil:
				l.damage(&damage, wrong)
			case string(entry.account) == account:
				owners[entry.id] = entry.item
			}
		})
		h.logDamage(file.Name(), damage)
		return err
	})
	return owners, err
}

// update reads what was added to the journal, or all of it if it is not known or was not only added to.
func (x *journalIndex) update(file *os.File, size int64) (damage journalDamage, err error) {
	info, err := file.Stat()
	if err != nil {
		return damage, err
	}
	if x.info != nil && os.SameFile(x.info, info) && x.info.Size() == size && x.info.ModTime().Equal(info.ModTime()) {
		return damage, nil
	}
	if !x.hasGrown(file, info) {
		*x = journalIndex{parts: x.parts[:0]}
	}
	begin, lines := x.end, x.lines
	x.info = nil // until it is read
	x.dropFrom(begin)
	err = eachLine(io.NewSectionReader(file, begin, size-begin), func(l journalLine) {
		l.at, l.number = begin+l.at, lines+l.number
		entry, wrong := shortEntry(l.text)
		if wrong != nil {
			l.damage(&damage, wrong)
		} else {
			x.add(journalPlace{uint32(entry.item), uint32(entry.id), uint32(l.at)})
		}
		if l.ended {
			x.lines = l.number
		} else {
			x.end = l.at
		}
	})
	if err != nil {
		return damage, err
	}
	if x.tail, err = tailBefore(file, x.end); err != nil {
		return damage, err
	}
	x.info = info
	return damage, nil
}

// hasGrown reports whether the file begins with what was read of it.
func (x *journalIndex) hasGrown(file *os.File, info fs.FileInfo) bool {
	if x.info == nil || !os.SameFile(x.info, info) || info.Size() <= x.info.Size() {
		return false
	}
	tail, err := tailBefore(file, x.end)
	return err == nil && bytes.Equal(tail, x.tail)
}

// tailBefore returns the last bytes before a place of the file.
func tailBefore(file io.ReaderAt, end int64) ([]byte, error) {
	tail := make([]byte, min(end, maxJournalTail))
	_, err := file.ReadAt(tail, end-int64(len(tail)))
	if errors.Is(err, io.EOF) && len(tail) == 0 {
		err = nil
	}
	return tail, err
}

// add adds a place behind the others.
func (x *journalIndex) add(p journalPlace) {
	part, within := x.count/placesOfPart, x.count%placesOfPart
	if part == len(x.parts) {
		x.parts = append(x.parts, new([placesOfPart]journalPlace))
	}
	x.parts[part][within] = p
	x.count++
}

// dropFrom drops the place of a line that was not ended when it was read, if there is one: it is read again.
func (x *journalIndex) dropFrom(at int64) {
	if x.count > 0 && int64(x.parts[(x.count-1)/placesOfPart][(x.count-1)%placesOfPart].at) >= at {
		x.count--
	}
}

// numbered is an entry and its number in the index.
type numbered struct {
	number int
	entry  item.JournalEntry
}

// entriesOf returns what JournalOf returns.
func (x *journalIndex) entriesOf(text io.ReaderAt, it int64, ids []int64) (all []item.JournalEntry, damage journalDamage, err error) {
	found, err := x.read(text, &damage, x.find([]int64{it}, false), func(e item.JournalEntry) bool { return e.Item == it })
	if err != nil {
		return nil, damage, err
	}
	ids = slices.Clone(ids)
	for _, one := range found {
		ids = append(ids, one.entry.ID)
	}
	others, err := x.read(text, &damage, x.find(ids, true), func(e item.JournalEntry) bool { return e.Item != it && slices.Contains(ids, e.ID) })
	if err != nil {
		return nil, damage, err
	}
	found = append(found, others...)
	sorting.Func(found, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	for _, one := range found {
		all = append(all, one.entry)
	}
	return all, damage, nil
}

// find returns where the lines are whose item, or whose id, can be one of these.
func (x *journalIndex) find(numbers []int64, byID bool) (at []uint32) {
	if len(numbers) == 0 {
		return nil
	}
	cut := make([]uint32, len(numbers))
	for i, number := range numbers {
		cut[i] = uint32(number)
	}
	for n, part := range x.parts {
		for i := range part[:min(max(0, x.count-n*placesOfPart), placesOfPart)] {
			p := &part[i]
			number := p.item
			if byID {
				number = p.id
			}
			if number == cut[0] || len(cut) > 1 && slices.Contains(cut[1:], number) {
				at = append(at, p.at)
			}
		}
	}
	return at
}

// placed is an entry and where its line begins.
type placed struct {
	at    uint32
	entry item.JournalEntry
}

// read reads the lines at these places, and returns the entries that are meant.
func (x *journalIndex) read(text io.ReaderAt, damage *journalDamage, at []uint32, is func(item.JournalEntry) bool) (found []placed, err error) {
	for _, begin := range at {
		line, err := bufio.NewReader(io.NewSectionReader(text, int64(begin), maxJournalLine)).ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		entry, wrong := parseEntry(bytes.TrimSpace(line))
		switch {
		case wrong != nil: // it was an entry a moment ago: somebody has changed the file
			damage.add("the line at byte %d is not a purchase and left out: %w", begin, wrong)
		case is(entry):
			found = append(found, placed{begin, entry})
		}
	}
	return found, nil
}
