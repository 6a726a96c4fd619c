package status

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/sorting"
)

// sortedInMemory is how many rows are sorted in memory. More are written to files in sorted parts, which are read together.
const sortedInMemory = 10_000

// mergeBuffer is the buffer of each part while parts are read together, in bytes.
const mergeBuffer = 32 << 10

// sorter sorts rows by urgency, however many there are.
type sorter struct {
	tempFile func() (*os.File, error)
	limit    int // rows in memory
	rows     []Row
	parts    []part
}

// part is a run of sorted rows in the file.
type part struct {
	file       *os.File
	begin, end int64
}

// add takes one more row.
func (s *sorter) add(r Row) error {
	s.rows = append(s.rows, r)
	if len(s.rows) < s.limit {
		return nil
	}
	return s.spill()
}

func (s *sorter) sortRows() {
	sorting.Func(s.rows, func(a, b Row) int { return compareRows(&a, &b) })
}

// spill writes the rows in memory behind the parts that are in the file.
func (s *sorter) spill() error {
	s.sortRows()
	var one part
	if len(s.parts) == 0 {
		file, err := s.tempFile()
		if err != nil {
			return spillFault(err)
		}
		one.file = file
	} else {
		last := s.parts[len(s.parts)-1]
		one.file, one.begin = last.file, last.end
	}
	s.parts = append(s.parts, one) // closed by close, whatever follows
	if _, err := one.file.Seek(one.begin, io.SeekStart); err != nil {
		return spillFault(err)
	}
	buffer := bufio.NewWriterSize(one.file, 256<<10)
	encoder := json.NewEncoder(buffer)
	for i := range s.rows {
		if err := encoder.Encode(spilledRow(&s.rows[i])); err != nil {
			return spillFault(err)
		}
	}
	err := buffer.Flush()
	end, seek := one.file.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, seek); err != nil {
		return spillFault(err)
	}
	s.parts[len(s.parts)-1].end = end
	s.rows = s.rows[:0]
	return nil
}

// spilled is a row as it stands in a file. Its times are Unix seconds, because encoding/json refuses years after 9999.
type spilled struct {
	*Row
	Begins, Ends, Looked int64
}

func spilledRow(r *Row) spilled {
	return spilled{Row: r, Begins: r.Begins.Unix(), Ends: r.Ends.Unix(), Looked: r.Looked.Unix()}
}

// restore puts the times back into the row.
func (s spilled) restore() {
	s.Row.Begins, s.Row.Ends, s.Row.Looked = time.Unix(s.Begins, 0).UTC(), time.Unix(s.Ends, 0).UTC(), time.Unix(s.Looked, 0).UTC()
}

func spillFault(err error) error {
	return fault.Errorf(fault.Missed, "var", "the items do not fit into memory and cannot be sorted in a file below var: %w; free space there", err).Retryable()
}

// each calls the function for the rows in their order, until it returns false or an error. It can be called again.
func (s *sorter) each(visit func(*Row) (bool, error)) error {
	s.sortRows()
	sources := sources{{rows: s.rows}}
	for _, p := range s.parts {
		sources = append(sources, &source{decoder: json.NewDecoder(bufio.NewReaderSize(io.NewSectionReader(p.file, p.begin, p.end-p.begin), mergeBuffer))})
	}
	for _, one := range sources {
		if err := one.next(); err != nil {
			return err
		}
	}
	sources = slices.DeleteFunc(sources, func(one *source) bool { return one.done })
	heap.Init(&sources)
	for len(sources) > 0 {
		first := sources[0]
		if more, err := visit(&first.row); err != nil || !more {
			return err
		}
		if err := first.next(); err != nil {
			return err
		}
		if first.done {
			heap.Pop(&sources)
		} else {
			heap.Fix(&sources, 0)
		}
	}
	return nil
}

// close frees the file.
func (s *sorter) close() error {
	if len(s.parts) == 0 {
		return nil
	}
	return s.parts[0].file.Close()
}

// source returns the rows of one part, or those in memory.
type source struct {
	rows    []Row
	decoder *json.Decoder
	row     Row
	done    bool
}

func (s *source) next() error {
	if s.decoder == nil {
		if s.done = len(s.rows) == 0; !s.done {
			s.row, s.rows = s.rows[0], s.rows[1:]
		}
		return nil
	}
	s.row = Row{}
	read := spilled{Row: &s.row}
	err := s.decoder.Decode(&read)
	if errors.Is(err, io.EOF) {
		s.done = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the sorted items: %w", err)
	}
	read.restore()
	return nil
}

// sources is a heap of sources by their rows.
type sources []*source

// Len implements heap.Interface.
func (s sources) Len() int { return len(s) }

// Less implements heap.Interface.
func (s sources) Less(a, b int) bool { return compareRows(&s[a].row, &s[b].row) < 0 }

// Swap implements heap.Interface.
func (s sources) Swap(a, b int) { s[a], s[b] = s[b], s[a] }

// Push implements heap.Interface.
func (s *sources) Push(one any) { *s = append(*s, one.(*source)) }

// Pop implements heap.Interface.
func (s *sources) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
