package panel_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entriesOf returns item and id of the entries that JournalOf finds.
func (w *fixture) entriesOf(it int64, ids ...int64) string {
	w.t.Helper()
	found, err := w.JournalOf(w.t.Context(), it, ids...)
	require.NoError(w.t, err)
	return pairs(found)
}

// purchases returns all entries of the account that the tests buy with.
func (w *fixture) purchases() (all []item.JournalEntry, err error) {
	err = w.EachPurchase(w.t.Context(), "0123456789abcdef", func(entry item.JournalEntry) { all = append(all, entry) })
	return all, err
}

func pairs(entries []item.JournalEntry) string {
	var all []string
	for _, entry := range entries {
		all = append(all, fmt.Sprintf("%d:%d", entry.Item, entry.ID))
	}
	return strings.Join(all, " ")
}

// journal writes a journal with these pairs of item and id.
func (w *fixture) journal(all ...[2]int64) {
	w.t.Helper()
	w.write("var/"+binary+".purchases", lines(w.t, all...))
}

func lines(t testing.TB, all ...[2]int64) string {
	t.Helper()
	var b strings.Builder
	for _, pair := range all {
		text, err := json.Marshal(bought(pair[0], pair[1]))
		require.NoError(t, err)
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestEntriesOfAnItemAndOfItsIDs(t *testing.T) {
	w := newFixture(t)
	assert.Empty(t, w.entriesOf(42), "there is no journal")
	const same = 1 << 32 // equal in the index's 32 bits
	all := [][2]int64{{42, 1001}, {43, 1002}, {44, 1001}, {42, 1003}, {42 + same, 1004}, {45, 1003 + same}, {46, 1005}}
	w.journal(all...)
	for _, row := range []struct {
		it   int64
		ids  []int64
		want string
	}{
		{it: 42, want: "42:1001 44:1001 42:1003"},
		{it: 43, want: "43:1002"},
		{it: 44, want: "42:1001 44:1001"},
		{it: 46, ids: []int64{1002}, want: "43:1002 46:1005"},
		{it: 7, ids: []int64{1001}, want: "42:1001 44:1001"},
		{it: 42 + same, want: "4294967338:1004"},
		{it: 7},
	} {
		assert.Equal(t, row.want, w.entriesOf(row.it, row.ids...), "item %d, ids %v", row.it, row.ids)
	}
	whole, err := w.purchases()
	require.NoError(t, err)
	for it := range int64(50) {
		found, err := w.JournalOf(t.Context(), it, 1002)
		require.NoError(t, err)
		require.Equal(t, item.EntriesOf(whole, it, 1002), found, "item %d", it)
	}
}

func TestTheLastEntryOfAnIDNamesItsOwner(t *testing.T) {
	w := newFixture(t)
	owners, err := w.JournalOwners(t.Context(), "0123456789abcdef", []int64{1001, 1002, 1003})
	require.NoError(t, err)
	assert.Empty(t, owners)
	w.journal([2]int64{42, 1001}, [2]int64{43, 1002}, [2]int64{44, 1001})
	owners, err = w.JournalOwners(t.Context(), "0123456789abcdef", []int64{1001, 1002, 1003})
	require.NoError(t, err)
	assert.Equal(t, map[int64]int64{1001: 44, 1002: 43}, owners)
	owners, err = w.JournalOwners(t.Context(), "0123456789abcdef", []int64{1002})
	require.NoError(t, err)
	assert.Equal(t, map[int64]int64{1002: 43}, owners, "of the ids that are asked for")
	owners, err = w.JournalOwners(t.Context(), "another", []int64{1001})
	require.NoError(t, err)
	assert.Empty(t, owners)
}

// A sweep asks again and again, while others write.
func TestJournalIsReadAgainWhereItHasChanged(t *testing.T) {
	begin := [][2]int64{{42, 1001}, {43, 1002}}
	for name, row := range map[string]struct {
		change func(t *testing.T, w *fixture)
		want   string
	}{
		"a line more": {func(t *testing.T, w *fixture) {
			require.NoError(t, w.AppendJournal(t.Context(), bought(42, 1003)))
		}, "42:1001 42:1003"},
		"a line that is not ended, and then is": {func(t *testing.T, w *fixture) {
			whole := lines(t, begin...) + lines(t, [2]int64{42, 1003})
			w.write("var/"+binary+".purchases", strings.TrimSuffix(whole, "\n"))
			assert.Equal(t, "42:1001 42:1003", w.entriesOf(42))
			w.write("var/"+binary+".purchases", whole+lines(t, [2]int64{42, 1004}))
		}, "42:1001 42:1003 42:1004"},
		"half a line, and then the rest": {func(t *testing.T, w *fixture) {
			whole := lines(t, begin...) + lines(t, [2]int64{42, 1003})
			w.write("var/"+binary+".purchases", whole[:len(whole)-20])
			assert.Equal(t, "42:1001", w.entriesOf(42))
			w.write("var/"+binary+".purchases", whole)
		}, "42:1001 42:1003"},
		"another file": {func(t *testing.T, w *fixture) {
			require.NoError(t, os.Remove(w.journalPath()))
			w.journal([2]int64{42, 1005}, [2]int64{43, 1002}, [2]int64{42, 1006})
		}, "42:1005 42:1006"},
		"another content that is longer": {func(_ *testing.T, w *fixture) {
			w.journal([2]int64{42, 1005}, [2]int64{43, 1007}, [2]int64{42, 1006})
		}, "42:1005 42:1006"},
		"shorter": {func(_ *testing.T, w *fixture) { w.journal([2]int64{42, 1009}) }, "42:1009"},
		"gone": {func(t *testing.T, w *fixture) {
			require.NoError(t, os.Remove(w.journalPath()))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.journal(begin...)
			require.Equal(t, "42:1001", w.entriesOf(42))
			row.change(t, w)
			assert.Equal(t, row.want, w.entriesOf(42))
			assert.Equal(t, row.want, w.entriesOf(42), "the second time too")
		})
	}
}

// Whatever becomes of the file, the index finds what the whole journal has.
func TestTheIndexFindsWhatTheJournalHas(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	entry := func() [2]int64 {
		return [2]int64{1 + random.Int64N(5) + random.Int64N(2)<<32, 1 + random.Int64N(6) + random.Int64N(2)<<32}
	}
	odd := []string{
		"nonsense\n", "\n", "   \n", strings.Repeat("x", 65535) + "\n", strings.Repeat("x", 65536) + "\n", strings.Repeat("y", 140000) + "\n", "\x00\x00",
		`{"item":3,"id":2}` + "\r\n", ` {"id":2,"item":3} `, strings.Repeat(" ", 65518) + `{"item":1,"id":1}` + "\n", strings.Repeat(" ", 65519) + `{"item":1,"id":1}`,
	}
	for range 10 {
		w := newFixture(t)
		var content, pending string
		for step := range 60 {
			switch n := random.IntN(20); {
			case n < 12:
				pending += lines(t, entry())
			case n == 12:
				pending += odd[random.IntN(len(odd))]
			case n == 13:
				content = content[:random.IntN(len(content)+1)]
			case n == 14:
				content = strings.Replace(content, `"item":2`, `"item":3`, 1) // as long as before
			case n == 15:
				content = lines(t, entry()) + content
			}
			cut := random.IntN(len(pending) + 1)
			content, pending = content+pending[:cut], pending[cut:]
			w.write("var/"+binary+".purchases", content)
			at := w.now.Add(time.Duration(step) * time.Second) // a later time, however fast this test is
			require.NoError(t, os.Chtimes(w.journalPath(), at, at))
			whole, _, err := panel.ParseJournal(strings.NewReader(content))
			require.NoError(t, err)
			var own []item.JournalEntry
			owners := map[int64]int64{}
			for _, line := range whole {
				if line.Account == "0123456789abcdef" {
					own, owners[line.ID] = append(own, line), line.Item
				}
			}
			entries, err := w.purchases()
			require.NoError(t, err)
			require.Equal(t, own, entries)
			for it := range int64(7) {
				found, err := w.JournalOf(t.Context(), it, 3)
				require.NoError(t, err)
				require.Equal(t, item.EntriesOf(whole, it, 3), found, "step %d, item %d", step, it)
			}
			expected := []int64{random.Int64N(7), random.Int64N(7), random.Int64N(7)}
			w.ExpectItems(expected)
			for _, it := range append(expected, random.Int64N(7)) { // perhaps one that was not expected
				found, err := w.JournalOf(t.Context(), it)
				require.NoError(t, err)
				require.Equal(t, item.EntriesOf(whole, it), found, "step %d, item %d, expected %v", step, it, expected)
			}
			have, err := w.JournalOwners(t.Context(), "0123456789abcdef", slices.Collect(maps.Keys(owners)))
			require.NoError(t, err)
			require.Equal(t, owners, have)
		}
	}
}

// A sweep works on several items at once, while others buy.
func TestTheIndexIsAskedByManyAtOnce(t *testing.T) {
	w := newFixture(t)
	w.journal([2]int64{42, 1001})
	host := panel.New(panel.Options{Root: w.root, Binary: binary, Sleep: yieldSleep()})
	var all sync.WaitGroup
	for n := range int64(8) {
		all.Go(func() {
			for i := range int64(20) {
				assert.NoError(t, host.AppendJournal(t.Context(), bought(100+n, 2000+20*n+i)))
				found, err := host.JournalOf(t.Context(), 100+n)
				assert.NoError(t, err)
				assert.Len(t, found, int(i)+1, "item %d", 100+n)
			}
		})
	}
	all.Wait()
	assert.Equal(t, "42:1001", w.entriesOf(42))
}

func TestDamagedLinesAreLoggedOnceHoweverOftenTheJournalIsAsked(t *testing.T) {
	w := newFixture(t)
	w.write("var/"+binary+".purchases", lines(t, [2]int64{42, 1001})+"nonsense\n"+strings.Repeat("x", 100<<10)+"\n\n"+lines(t, [2]int64{42, 1002}))
	for range 3 {
		require.Equal(t, "42:1001 42:1002", w.entriesOf(42))
	}
	require.NoError(t, os.WriteFile(w.journalPath(), append(mustRead(t, w.journalPath()), "more nonsense\n"...), 0o600))
	require.Equal(t, "42:1001 42:1002", w.entriesOf(42))
	_, err := w.JournalOwners(t.Context(), "0123456789abcdef", []int64{1001, 1002, 1003})
	require.NoError(t, err)
	_, err = w.purchases()
	require.NoError(t, err)
	for _, words := range []string{"line 2 is not a purchase", "line 3 is longer than", "line 6 is not a purchase"} {
		assert.Equal(t, 1, strings.Count(w.logged(), words), words)
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return content
}

func TestManyEntriesAreFoundInTheirOrder(t *testing.T) {
	w := newFixture(t)
	var all [][2]int64
	var want []string
	for i := range int64(20_000) { // more than two parts of the index
		all = append(all, [2]int64{i % 997, 5000 + i})
		if i%997 == 42 {
			want = append(want, fmt.Sprintf("42:%d", 5000+i))
		}
	}
	w.journal(all[1:]...) // item 0 is none
	assert.Equal(t, strings.Join(want, " "), w.entriesOf(42))
}

func TestJournalOverTheLimitIsAFaultForEachReader(t *testing.T) {
	w := newFixture(t)
	require.NoError(t, os.WriteFile(w.journalPath(), nil, 0o600))
	require.NoError(t, os.Truncate(w.journalPath(), panel.MaxJournal+1))
	_, err := w.JournalOf(t.Context(), 42)
	assert.ErrorContains(t, err, "move its oldest lines to another file")
	_, err = w.JournalOwners(t.Context(), "0123456789abcdef", []int64{1001, 1002, 1003})
	assert.ErrorContains(t, err, "move its oldest lines to another file")
}

// What AppendJournal writes is read in the fast way, and no line is read differently in that way.
func TestWrittenLinesHaveTheUsualForm(t *testing.T) {
	full := bought(42, 1001)
	full.SANs, full.Key, full.Name, full.TermStart = 3, strings.Repeat("0f", 32), "www.example.com", "2026-05-07"
	odd := full
	odd.Name = "<\\\"ü"
	for name, row := range map[string]struct {
		entry item.JournalEntry
		usual bool
	}{
		"of the version before": {bought(42, 1001), true},
		"with all fields":       {full, true},
		"with another text":     {odd, false},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(row.entry)
			require.NoError(t, err)
			entry, usual, err := panel.ReadEntry(text)
			require.NoError(t, err)
			assert.Equal(t, row.usual, usual, "%s", text)
			assert.Equal(t, row.entry, entry)
		})
	}
}

func FuzzJournalLine(f *testing.F) {
	for _, seed := range []string{
		`{"time":"2026-05-07T15:07:16Z","item":42,"kind":"create","id":1001,"account":"0123456789abcdef","op":7}`,
		`{"time":"2026-05-07T15:07:16.5+02:00","item":42,"kind":"create","id":1001,"account":"0123456789abcdef","op":0,"sans":3,"key":"00","name":"example.com","term_start":"2026-05-07"}`,
		`{"time":"2026-05-07T15:07:16Z","item":42,"kind":"create","id":1001,"account":"a","op":7,"item":43}`,
		`{"time":"2026-05-07T15:07:16Z","item":042,"kind":"create","id":1001,"account":"a","op":7}`,
		`{"time":"2026-13-07T15:07:16Z","item":42,"kind":"","id":1001,"account":"","op":-1}`,
		`{"time":"2026-05-07T15:07:16Z","item":42,"kind":"\u0063","id":9223372036854775808,"account":"a","op":7}`, `{"item":1,"id":2}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		entry, usual, err := panel.ReadEntry(line)
		want, wrong := panel.ParseEntry(line)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: usual %v, %v, but %v", line, usual, err, wrong)
		}
		if err != nil {
			return
		}
		if !entry.Time.Equal(want.Time) || entry.Time.Format(time.RFC3339Nano) != want.Time.Format(time.RFC3339Nano) {
			t.Fatalf("%q: usual %v, %v, but %v", line, usual, entry.Time, want.Time)
		}
		if entry.Time = want.Time; entry != want {
			t.Fatalf("%q: usual %v, %+v, but %+v", line, usual, entry, want)
		}
	})
}

// BenchmarkJournal reads a journal of 100,000 purchases: for one item in a new process, for one item after another in a sweep, as the owners
// of all ids, and as a whole.
func BenchmarkJournal(b *testing.B) {
	w := newFixture(b)
	var all [][2]int64
	for i := range int64(100_000) {
		all = append(all, [2]int64{1 + i, 1_000_000 + i})
	}
	w.write("var/"+binary+".purchases", lines(b, all...))
	b.Run("of an item", func(b *testing.B) {
		for b.Loop() {
			_, err := w.host().JournalOf(b.Context(), 42)
			require.NoError(b, err)
		}
	})
	b.Run("of an item in a sweep", func(b *testing.B) {
		for b.Loop() {
			_, err := w.JournalOf(b.Context(), 42)
			require.NoError(b, err)
		}
	})
	b.Run("of an expected item in a sweep", func(b *testing.B) {
		var expected []int64
		for it := int64(42); it < 100_000; it += 500 {
			expected = append(expected, it)
		}
		w.ExpectItems(expected)
		for b.Loop() {
			_, err := w.JournalOf(b.Context(), 42)
			require.NoError(b, err)
		}
	})
	b.Run("owners", func(b *testing.B) {
		for b.Loop() {
			_, err := w.JournalOwners(b.Context(), "0123456789abcdef", []int64{1_000_042})
			require.NoError(b, err)
		}
	})
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, w.EachPurchase(b.Context(), "0123456789abcdef", func(item.JournalEntry) {}))
		}
	})
}
