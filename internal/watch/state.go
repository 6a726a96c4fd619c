package watch

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"pmssl/internal/filelock"
)

const (
	// maxState is the longest file that is read, in bytes: a line has about 200.
	maxState = 256 << 20
	// maxStateLine is the longest line that is read, in bytes; longer ones are left out. JSON has six bytes for some characters of a
	// URL, and a line has up to four URLs.
	maxStateLine = 16 << 10
	// maxCRL is the longest URL of a CRL that is kept, in bytes.
	maxCRL = 500
	// stateVersion is the form of the file. A file in another one counts as unreadable.
	stateVersion = 1
	// maxReplaced is how many replaced certificates that sites still serve are kept of an item, maxRevoked how many serials that are known
	// to be revoked.
	maxReplaced = 3
	maxRevoked  = 5
)

// Seen is what is remembered about one item between runs.
type Seen struct {
	Item   int64     `json:"item"`
	Looked time.Time `json:"looked,omitzero"` // zero if the sites were not looked at with this certificate in place
	// Serial is that of the certificate in place at the last look, as the item parameter certificate_serial had it.
	Serial string `json:"serial"`
	// Stored is the serial of the stored certificate if that is another one: somebody replaced it by hand.
	Stored string `json:"stored,omitempty"`
	// CRL is the list that the stored certificate would be on.
	CRL     List    `json:"crl,omitzero"`
	Outcome Outcome `json:"outcome,omitempty"` // empty if there was no look, or the stored certificate could not be read
	// InPlace says that at least one site serves the stored certificate, which has not ended, whatever the outcome is.
	InPlace bool `json:"in_place,omitempty"`
	// Replaced are the replaced certificates that sites still serve and that have not ended.
	Replaced []Replaced `json:"replaced,omitempty"`
	// Revoked are the serials of the item's certificates that were known to be revoked when its sites were looked at.
	Revoked []string `json:"revoked,omitempty"`
}

// Replaced is a certificate that was replaced.
type Replaced struct {
	Serial string `json:"serial"`       // lower-case hex
	CRL    List   `json:"crl,omitzero"` // that it would be on
}

// Serves reports whether a site served the certificate at the last look.
func (s Seen) Serves(serial string) bool {
	return s.InPlace && serial == cmp.Or(s.Stored, s.Serial) || slices.ContainsFunc(s.Replaced, func(r Replaced) bool { return r.Serial == serial })
}

// State is the content of the file that keeps looks between runs (rules WATCH-5).
type State struct {
	// Begun is when sites were first watched, in UTC.
	Begun time.Time
	items map[int64]Seen
	lists map[List]List // few CAs have few lists: each is in memory once
	dirty bool
}

// header is the first line of the file.
type header struct {
	Version int       `json:"version"`
	Begun   time.Time `json:"begun"`
}

func newState(begun time.Time) *State {
	return &State{Begun: begun.UTC(), items: map[int64]Seen{}, lists: map[List]List{}}
}

// Seen returns what is remembered about the item.
func (s *State) Seen(it int64) (Seen, bool) {
	seen, known := s.items[it]
	return seen, known
}

// Count returns how many items have the outcome.
func (s *State) Count(o Outcome) int {
	n := 0
	for _, seen := range s.items {
		if seen.Outcome == o {
			n++
		}
	}
	return n
}

// Note remembers a look.
func (s *State) Note(seen Seen) {
	seen.CRL = s.list(seen.CRL)
	seen.Replaced = slices.Clone(seen.Replaced[:min(len(seen.Replaced), maxReplaced)])
	for i := range seen.Replaced {
		seen.Replaced[i].CRL = s.list(seen.Replaced[i].CRL)
	}
	seen.Revoked = seen.Revoked[:min(len(seen.Revoked), maxRevoked)]
	seen.Looked = seen.Looked.UTC().Truncate(time.Second)
	s.items[seen.Item] = seen
	s.dirty = true
}

// list returns the same list in memory that others share; the zero value if it cannot be one.
func (s *State) list(l List) List {
	if len(l.URL) > maxCRL || len(l.Issuer) > maxSerial || l.URL == "" || l.Issuer == "" {
		return List{}
	}
	if one, known := s.lists[l]; known {
		return one
	}
	s.lists[l] = l
	return l
}

// Keep forgets the items that are not watched any more.
func (s *State) Keep(watched func(it int64) bool) {
	for it := range s.items {
		if !watched(it) {
			delete(s.items, it)
			s.dirty = true
		}
	}
}

// Read returns what earlier runs remembered. If the file is absent, or cannot be used, all items are looked at as if for the first
// time; the error then says why it cannot be used, and the State is usable all the same. Lines that cannot be read are left out.
func (w *Watcher) Read(now time.Time) (*State, error) {
	state, err := readState(w.o.State, now)
	if err != nil {
		state = newState(now)
		state.dirty = true
		if errors.Is(err, fs.ErrNotExist) {
			return state, nil
		}
		return state, fmt.Errorf("%s cannot be used, all sites are looked at again: %w", w.o.State, err)
	}
	return state, nil
}

func readState(path string, now time.Time) (*State, error) {
	file, err := filelock.OpenRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil {
		return nil, err
	} else if info.Size() > maxState {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", info.Size(), maxState)
	}
	return parseState(io.LimitReader(file, maxState), now)
}

// parseState reads the lines of a state file. A time in the future was written before the clock was set back, and counts as
// none.
func parseState(from io.Reader, now time.Time) (*State, error) {
	lines := bufio.NewReaderSize(from, maxStateLine)
	first, err := readLine(lines)
	if err != nil && err != io.EOF {
		return nil, err
	}
	var head header
	if json.Unmarshal(first, &head) != nil || head.Version != stateVersion || head.Begun.IsZero() || head.Begun.After(now) {
		return nil, errors.New("its first line is not that of such a file")
	}
	state := newState(head.Begun)
	for err == nil {
		var text []byte
		if text, err = readLine(lines); err != nil && err != io.EOF {
			return nil, err
		}
		if seen, ok := parseSeen(text); ok && !seen.Looked.After(now) {
			state.Note(seen)
		}
	}
	state.dirty = false
	return state, nil
}

// readLine returns the next line without its end; empty if it is longer than the reader's buffer.
func readLine(lines *bufio.Reader) ([]byte, error) {
	text, err := lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimSpace(text), err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = lines.ReadSlice('\n')
	}
	return nil, err
}

func parseSeen(text []byte) (Seen, bool) {
	var seen Seen
	if len(text) == 0 || json.Unmarshal(text, &seen) != nil || seen.Item <= 0 || seen.Looked.IsZero() && seen.Outcome != "" {
		return Seen{}, false
	}
	if seen.Outcome != "" && !seen.Outcome.Known() || slices.ContainsFunc(seen.serials(), func(serial string) bool { return len(serial) > maxSerial+len("…") }) {
		return Seen{}, false
	}
	return seen, true
}

// serials returns all serials that are remembered.
func (s Seen) serials() []string {
	all := append([]string{s.Serial, s.Stored}, s.Revoked...)
	for _, r := range s.Replaced {
		all = append(all, r.Serial)
	}
	return all
}

// Write replaces the file if something was remembered or forgotten since it was read. A reader sees the old file or the new one.
// Only its owner can read it.
func (w *Watcher) Write(state *State) error {
	if !state.dirty {
		return nil
	}
	if err := filelock.ReplaceFile(w.o.State, 0o600, state.encode); err != nil {
		return fmt.Errorf("what was seen at sites cannot be kept: %w", err)
	}
	state.dirty = false
	return nil
}

// encode writes the lines of the file, ordered by item.
func (s *State) encode(to io.Writer) error {
	out := bufio.NewWriterSize(to, 64<<10)
	lines := json.NewEncoder(out)
	if err := lines.Encode(header{stateVersion, s.Begun}); err != nil {
		return err
	}
	for _, it := range slices.Sorted(maps.Keys(s.items)) {
		if err := lines.Encode(s.items[it]); err != nil {
			return err
		}
	}
	return out.Flush()
}
