package panel

import (
	"bytes"
	"time"

	"pmssl/internal/item"
)

// shortEntry is an entry of the journal whose texts are parts of its line.
type shortEntry struct {
	at                                  time.Time
	item, id, op, sans                  int64
	kind, account, key, name, termStart []byte
}

// readEntry reads a line of the journal: in the form that AppendJournal writes it by itself, ten times faster than parseEntry, in any other
// form as parseEntry does.
func readEntry(line []byte) (shortEntry, error) {
	if entry, usual := usualEntry(line); usual {
		return entry, nil
	}
	e, err := parseEntry(line)
	return shortEntry{
		at: e.Time, item: e.Item, id: e.ID, op: e.Op, sans: int64(e.SANs),
		kind: []byte(e.Kind), account: []byte(e.Account), key: []byte(e.Key), name: []byte(e.Name), termStart: []byte(e.TermStart),
	}, err
}

// whole returns the entry, which does not change with its line. same has texts that many entries share.
func (e shortEntry) whole(same map[string]string) item.JournalEntry {
	return item.JournalEntry{
		Time: e.at, Item: e.item, ID: e.id, Op: e.op, SANs: int(e.sans),
		Kind: once(same, e.kind), Account: once(same, e.account), Key: string(e.key), Name: string(e.name), TermStart: string(e.termStart),
	}
}

// once returns the first text that was equal to this one.
func once(known map[string]string, text []byte) string {
	first, there := known[string(text)]
	if !there {
		first = string(text)
		known[first] = first
	}
	return first
}

// usualEntry reads a line in the form that encoding/json gives an item.JournalEntry; false for all others, which may be entries too.
func usualEntry(line []byte) (entry shortEntry, usual bool) {
	s := lineScanner{rest: line}
	s.word(`{"time":"`)
	s.failed = entry.at.UnmarshalText(s.text()) != nil || s.failed
	s.word(`,"item":`)
	entry.item = s.number()
	s.word(`,"kind":"`)
	entry.kind = s.text()
	s.word(`,"id":`)
	entry.id = s.number()
	s.word(`,"account":"`)
	entry.account = s.text()
	s.word(`,"op":`)
	entry.op = s.number()
	if s.skip(`,"sans":`) {
		entry.sans = s.number()
	}
	for _, part := range []struct {
		name string
		into *[]byte
	}{{`,"key":"`, &entry.key}, {`,"name":"`, &entry.name}, {`,"term_start":"`, &entry.termStart}} {
		if s.skip(part.name) {
			*part.into = s.text()
		}
	}
	s.word(`}`)
	return entry, !s.failed && len(s.rest) == 0 && entry.item > 0 && entry.id > 0
}

// lineScanner reads a line from its beginning. Once something else is there than was expected, it has failed.
type lineScanner struct {
	rest   []byte
	failed bool
}

// skip reads the word if it comes next, and reports whether it did.
func (s *lineScanner) skip(word string) bool {
	if len(s.rest) < len(word) || string(s.rest[:len(word)]) != word {
		return false
	}
	s.rest = s.rest[len(word):]
	return true
}

func (s *lineScanner) word(word string) { s.failed = !s.skip(word) || s.failed }

// text reads up to the next quotation mark, and that too. The text is printable ASCII without a backslash.
func (s *lineScanner) text() []byte {
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 {
		s.failed = true
		return nil
	}
	text := s.rest[:end]
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' {
			s.failed = true
		}
	}
	s.rest = s.rest[end+1:]
	return text
}

// maxDigits is the length of numbers that fit into int64, whatever their digits are.
const maxDigits = 18

// number reads digits, without zeros at the beginning.
func (s *lineScanner) number() (n int64) {
	digits := 0
	for digits < len(s.rest) && s.rest[digits] >= '0' && s.rest[digits] <= '9' {
		n = n*10 + int64(s.rest[digits]-'0')
		if digits++; digits > maxDigits {
			break
		}
	}
	if digits == 0 || digits > maxDigits || digits > 1 && s.rest[0] == '0' {
		s.failed = true
	}
	s.rest = s.rest[digits:]
	return n
}
