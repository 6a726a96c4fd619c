package panel

import (
	"bytes"
	"time"
)

// short is what the index of the journal needs of an entry. The account is a part of the line.
type short struct {
	item, id int64
	account  []byte
}

// shortEntry reads a line of the journal: in the form that AppendJournal writes it by itself, ten times faster than parseEntry, in any other
// form as parseEntry does.
func shortEntry(line []byte) (short, error) {
	if entry, usual := usualEntry(line); usual {
		return entry, nil
	}
	entry, err := parseEntry(line)
	return short{entry.Item, entry.ID, []byte(entry.Account)}, err
}

// usualEntry reads a line in the form that encoding/json gives an item.JournalEntry; false for all others, which may be entries too.
func usualEntry(line []byte) (entry short, usual bool) {
	s := lineScanner{rest: line}
	s.word(`{"time":"`)
	var at time.Time
	s.failed = s.failed || at.UnmarshalText(s.text()) != nil
	s.word(`,"item":`)
	entry.item = s.number()
	s.word(`,"kind":"`)
	s.text()
	s.word(`,"id":`)
	entry.id = s.number()
	s.word(`,"account":"`)
	entry.account = s.text()
	s.word(`,"op":`)
	s.number()
	if s.skip(`,"sans":`) {
		s.number()
	}
	for _, name := range []string{`,"key":"`, `,"name":"`, `,"term_start":"`} {
		if s.skip(name) {
			s.text()
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
