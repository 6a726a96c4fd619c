package status

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pmssl/internal/cabforum"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rows returns rows in a random order that is the same each time.
func rows(n int) []Row {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([]Row, n)
	for i := range all {
		all[i] = Row{Item: int64(i + 1), Domain: "x", Severity: Severity(random.IntN(3)), Lineage: []int64{1, 2}}
		if random.IntN(4) > 0 {
			all[i].Ends = time.Unix(random.Int64N(1000), 0).UTC()
		}
	}
	return all
}

func TestSorterSortsMoreThanFitsIntoMemory(t *testing.T) {
	folder := t.TempDir()
	for _, n := range []int{0, 1, 99, 100, 101, 1000, 1050} {
		s := &sorter{limit: 100, tempFile: func() (*os.File, error) { return os.CreateTemp(folder, "rows") }}
		for _, r := range rows(n) {
			require.NoError(t, s.add(r))
			require.LessOrEqual(t, len(s.rows), 100)
		}
		for range 2 { // it can be read again
			var got []Row
			require.NoError(t, s.each(func(r *Row) (bool, error) { got = append(got, *r); return true, nil }))
			require.Len(t, got, n)
			seen := map[int64]bool{}
			for i := range got {
				seen[got[i].Item] = true
				assert.Equal(t, []int64{1, 2}, got[i].Lineage)
				if i > 0 {
					require.Negative(t, compareRows(&got[i-1], &got[i]))
				}
			}
			assert.Len(t, seen, n)
		}
		require.NoError(t, s.close())
	}
}

// A row that does not fit into memory comes back from the file as it was.
func TestSorterKeepsEveryFieldOfARowInItsFile(t *testing.T) {
	second := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	full := Row{
		Item: 1 << 60, Module: 2, Domain: "xn--e1afmkfd.example", Product: `"A" & <B>`, State: StateWaiting, Severity: Critical, WaitsFor: WaitsClient,
		Begins: second, Ends: second.AddDate(8000, 0, 0), Serial: "0a", TermStart: cabforum.DateOf(second), PaidUntil: cabforum.DateOf(second.AddDate(1, 0, 0)),
		Lineage: []int64{1, 1 << 62}, Served: "old", Looked: second.Add(time.Second), Place: "пример at 192.0.2.1", Action: "reissue",
		Day: cabforum.DateOf(second.AddDate(0, 1, 0)), Reason: "it is due later", Error: "the last \\ one",
	}
	fields := reflect.ValueOf(full)
	for i := range fields.NumField() {
		require.False(t, fields.Field(i).IsZero(), "the test sets no %s", fields.Type().Field(i).Name)
	}
	for name, row := range map[string]Row{"full": full, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			s := &sorter{limit: 1, tempFile: func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "rows") }}
			require.NoError(t, s.add(row))
			require.Empty(t, s.rows, "the row is in memory")
			var got []Row
			require.NoError(t, s.each(func(r *Row) (bool, error) { got = append(got, *r); return true, nil }))
			assert.Equal(t, []Row{row}, got)
			require.NoError(t, s.close())
		})
	}
}

func TestSorterStopsWhenItIsTold(t *testing.T) {
	s := &sorter{limit: 1000}
	for _, r := range rows(10) {
		require.NoError(t, s.add(r))
	}
	n := 0
	require.NoError(t, s.each(func(*Row) (bool, error) { n++; return n < 3, nil }))
	assert.Equal(t, 3, n)
	planted := errors.New("planted")
	assert.Equal(t, planted, s.each(func(*Row) (bool, error) { return true, planted }))
}

func TestSorterSaysWhyItCannotSort(t *testing.T) {
	s := &sorter{limit: 2, tempFile: func() (*os.File, error) { return os.Open(filepath.Join(t.TempDir(), "absent")) }}
	require.NoError(t, s.add(Row{}))
	assert.ErrorContains(t, s.add(Row{}), "cannot be sorted in a file below var")
	require.NoError(t, s.close())
}
