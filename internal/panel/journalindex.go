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

// placesOfPart is how many places a part of the index has.
const placesOfPart = 8192

// Journal is what this process knows of the purchase journal. The zero value was not read. It is safe for concurrent use.
type Journal struct {
	mu    sync.Mutex
	index journalIndex
	// logged has what was logged of damaged lines: it is logged once, however often they are read.
	logged map[string]bool
}

// journalIndex says where the lines of the journal are, so that a sweep, which asks for the lines of one item after the other, reads the file
// once and keeps little of it: twelve bytes for each purchase, or for each that can be asked for.
type journalIndex struct {
	// only has the items that are asked about (Host.ExpectItems): the index has their lines and those about the ids of these; nil if it has
	// all lines.
	only  map[int64]bool
	info  fs.FileInfo // of the file that was read; nil before
	parts []*[placesOfPart]journalPlace
	count int // places
}

// journalPlace says which entry a line has. Item and id are cut to 32 bits: the line itself decides.
type journalPlace struct{ item, id, at uint32 }

// JournalOf returns the entries of the purchase journal about the item or one of the ids, and all about the ids that the item's entries
// name, the oldest first. Damaged lines and errors are treated as by EachPurchase.
func (h *Host) JournalOf(ctx context.Context, it int64, ids ...int64) (found []item.JournalEntry, err error) {
	err = h.readJournal(ctx, func(file *os.File) (damage journalDamage, err error) {
		h.o.Journal.mu.Lock()
		defer h.o.Journal.mu.Unlock()
		index := &h.o.Journal.index
		if index.only != nil && (!index.only[it] || len(ids) > 0) {
			*index = journalIndex{}
		}
		if damage, err = index.update(file); err != nil {
			return damage, err
		}
		found, err = index.entriesOf(file, &damage, it, ids)
		return damage, err
	})
	return found, err
}

// ExpectItems says about which items JournalOf is asked next, without ids: only what it needs of them is kept.
func (h *Host) ExpectItems(items []int64) {
	only := make(map[int64]bool, len(items))
	for _, it := range items {
		only[it] = true
	}
	h.o.Journal.mu.Lock()
	defer h.o.Journal.mu.Unlock()
	h.o.Journal.index = journalIndex{only: only}
}

// JournalOwners returns the item that the account's last entry about each of the ids names, by id. Damaged lines and errors are treated as
// by EachPurchase.
func (h *Host) JournalOwners(ctx context.Context, account string, ids []int64) (map[int64]int64, error) {
	owners, sought := map[int64]int64{}, map[int64]bool{}
	for _, id := range ids {
		sought[id] = true
	}
	if len(sought) == 0 {
		return owners, nil
	}
	err := h.eachOfAccount(ctx, account, func(entry shortEntry) {
		if sought[entry.id] {
			owners[entry.id] = entry.item
		}
	})
	return owners, err
}

// update reads the journal, if it is not as it was read last.
func (x *journalIndex) update(file *os.File) (damage journalDamage, err error) {
	info, err := journalInfo(file)
	if err != nil {
		return damage, err
	}
	if x.info != nil && os.SameFile(x.info, info) && x.info.Size() == info.Size() && x.info.ModTime().Equal(info.ModTime()) {
		return damage, nil
	}
	*x = journalIndex{only: x.only, parts: x.parts}
	text := func() io.Reader { return io.NewSectionReader(file, 0, info.Size()) }
	if x.only == nil {
		damage, err = eachEntry(text(), x.add)
	} else {
		damage, err = x.addExpected(text)
	}
	if err == nil {
		x.info = info
	}
	return damage, err
}

// addExpected adds the lines about the items of only, and those of other items about the same ids, which may stand anywhere.
func (x *journalIndex) addExpected(text func() io.Reader) (journalDamage, error) {
	ids := map[int64]bool{}
	damage, err := eachEntry(text(), func(entry shortEntry, at int64) {
		if x.only[entry.item] {
			ids[entry.id] = true
			x.add(entry, at)
		}
	})
	if err != nil || len(ids) == 0 {
		return damage, err
	}
	_, err = eachEntry(text(), func(entry shortEntry, at int64) {
		if ids[entry.id] && !x.only[entry.item] {
			x.add(entry, at)
		}
	})
	return damage, err
}

// add adds the place of an entry behind the others.
func (x *journalIndex) add(entry shortEntry, at int64) {
	part, within := x.count/placesOfPart, x.count%placesOfPart
	if part == len(x.parts) {
		x.parts = append(x.parts, new([placesOfPart]journalPlace))
	}
	x.parts[part][within] = journalPlace{uint32(entry.item), uint32(entry.id), uint32(at)}
	x.count++
}

// entriesOf returns what JournalOf returns.
func (x *journalIndex) entriesOf(text io.ReaderAt, damage *journalDamage, it int64, ids []int64) (all []item.JournalEntry, err error) {
	found, err := x.read(text, damage, x.find([]int64{it}, false), func(e item.JournalEntry) bool { return e.Item == it })
	if err != nil {
		return nil, err
	}
	ids = slices.Clone(ids)
	for _, one := range found {
		ids = append(ids, one.entry.ID)
	}
	others, err := x.read(text, damage, x.find(ids, true), func(e item.JournalEntry) bool { return e.Item != it && slices.Contains(ids, e.ID) })
	if err != nil {
		return nil, err
	}
	found = append(found, others...)
	sorting.Func(found, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	for _, one := range found {
		all = append(all, one.entry)
	}
	return all, nil
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
	same := map[string]string{}
	for _, begin := range at {
		line, err := bufio.NewReader(io.NewSectionReader(text, int64(begin), maxJournalLine)).ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		short, wrong := readEntry(bytes.TrimSpace(line))
		if wrong != nil { // it was an entry a moment ago: somebody has changed the file
			damage.add("the line at byte %d is not a purchase and left out: %w", begin, wrong)
			continue
		}
		if entry := short.whole(same); is(entry) {
			found = append(found, placed{begin, entry})
		}
	}
	return found, nil
}
